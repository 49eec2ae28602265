"""Tables of admission. Nothing is deleted: who asked what, who decided and why stays."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.access.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class AccessRequest(Base, table=True):
    """A project asks to do something with a dataset, for a purpose, until a day."""

    __tablename__: ClassVar[Any] = "access_requests"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("state IN ('submitted', 'approved', 'rejected')", name="state"),
        # One open question at a time about the same thing; enforced here because two may ask at once.
        Index(
            "uq_access_requests_open",
            "project_id",
            "dataset_id",
            unique=True,
            postgresql_where=text("state = 'submitted'"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    project_id: UUID = Field(sa_column=Column(ForeignKey("projects.id"), nullable=False, index=True))
    dataset_id: UUID = Field(index=True)
    dataset_title: str
    donor_id: UUID = Field(index=True)
    """The partner that donated the dataset."""
    donation_id: UUID | None = Field(default=None, index=True)
    """The case that the dataset came from."""
    terms_id: UUID
    requester_id: UUID = Field(index=True)
    actions: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    purpose: str = Field(max_length=60)
    purpose_text: str = Field(sa_column=Column(Text, nullable=False))
    until: datetime = utc_column()
    state: str = Field(default="submitted", max_length=20)
    reasons: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    decided_by: UUID | None = None
    """Who decided; None when the dataset was withdrawn before anyone did."""
    decided_at: datetime | None = utc_column(nullable=True)
    created_at: datetime = utc_column()
    revision: int = 1


class RequestMessage(Base, table=True):
    """A question of a steward or an answer of the project, in order."""

    __tablename__: ClassVar[Any] = "request_messages"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(sa_column=Column(ForeignKey("access_requests.id"), nullable=False, index=True))
    author_id: UUID
    kind: str = Field(max_length=20)
    text: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = utc_column()


class Grant(Base, table=True):
    """Project × dataset × actions × purpose, until an instant. Inert until its agreement is signed."""

    __tablename__: ClassVar[Any] = "access_grants"
    __table_args__: ClassVar[Any] = (
        # What the worker looks for every second: it must not grow with all the grants there ever were.
        Index(
            "ix_access_grants_unannounced",
            "until",
            postgresql_where=text("revoked_at IS NULL AND end_announced_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    request_id: UUID = Field(sa_column=Column(ForeignKey("access_requests.id"), nullable=False, unique=True))
    project_id: UUID = Field(sa_column=Column(ForeignKey("projects.id"), nullable=False, index=True))
    dataset_id: UUID = Field(index=True)
    donor_id: UUID = Field(index=True)
    donation_id: UUID | None = Field(default=None, index=True)
    actions: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    purpose: str = Field(max_length=60)
    starts_at: datetime = utc_column()
    until: datetime = utc_column()
    revoked_at: datetime | None = utc_column(nullable=True)
    revoked_by: UUID | None = None
    revoke_reason: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    end_announced_at: datetime | None = utc_column(nullable=True)
    """When the fact that it ran out was told; the end itself needs no act."""
    created_at: datetime = utc_column()
    revision: int = 1


class Agreement(Base, table=True):
    """The text that a project accepts before its grant holds: immutable, signed by its digest."""

    __tablename__: ClassVar[Any] = "agreements"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    grant_id: UUID = Field(sa_column=Column(ForeignKey("access_grants.id"), nullable=False, unique=True))
    project_id: UUID = Field(sa_column=Column(ForeignKey("projects.id"), nullable=False, index=True))
    donor_id: UUID = Field(index=True)
    donation_id: UUID | None = Field(default=None, index=True)
    text: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """`{"sv": …, "en": …}`."""
    digest: str = Field(max_length=64)
    """SHA-256 (hex) over both languages."""
    signed_by: UUID | None = None
    signed_at: datetime | None = utc_column(nullable=True)
    created_at: datetime = utc_column()
    revision: int = 1
