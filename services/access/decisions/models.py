"""The log of decisions: every one, with its whole input, for ever. Ids and numbers only, no names."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.access.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class Decision(Base, table=True):
    """What was asked, what the law was told, what it said, and which law it was."""

    __tablename__: ClassVar[Any] = "decisions"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    subject_id: UUID = Field(index=True)
    project_id: UUID = Field(index=True)
    dataset_id: UUID = Field(index=True)
    version_id: UUID
    donor_id: UUID = Field(index=True)
    donation_id: UUID | None = Field(default=None, index=True)
    """The case that the dataset came from, whose stewards may look."""
    action: str = Field(max_length=20)
    purpose: str = Field(max_length=60)
    path_digests: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    """SHA-256 of each path asked for; empty: the whole version."""
    input: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    permit: bool
    codes: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    obligations: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    policy_revision: str = Field(max_length=64)
    created_at: datetime = utc_column()
