"""Tables of campaigns, of the people in them and of their items. Names of files and marks are never in the clear."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.annotation.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class Campaign(Base, table=True):
    """A campaign: open → closing → closed, or withdrawn with its dataset. Its project's leads lead it.

    `label_schema` is what annotators may say (`shapes.schema_to_json`). `wrapped_key` opens what is sealed in the rows
    of this campaign; it is gone once it is destroyed. `partner_id` and `donation_id` are the donor's, whose stewards
    may look on. The columns `closing_…` are the hold of the worker that closes it; `reason` says why that last failed.
    """

    __tablename__: ClassVar[Any] = "campaigns"
    __table_args__: ClassVar[Any] = (
        Index("ix_campaigns_closing", "closing_until", postgresql_where=text("state = 'closing'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    dataset_id: UUID = Field(index=True)
    version_id: UUID = Field(index=True)
    partner_id: UUID = Field(index=True)
    donation_id: UUID | None = Field(default=None, index=True)
    project_id: UUID = Field(index=True)
    purpose: str = Field(max_length=60)
    title: str = Field(max_length=200)
    label_schema: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    overlap: int
    items: int
    guidelines: str = Field(sa_type=Text)
    guidelines_number: int = 1
    wrapped_key: bytes | None = Field(sa_type=LargeBinary)
    state: str = Field(default="open", max_length=20)
    created_by: UUID
    created_at: datetime = utc_column()
    accept_incomplete: bool = False
    closing_claim: UUID | None = None
    closing_until: datetime | None = utc_column(nullable=True)
    closing_attempts: int = 0
    reason: str | None = Field(default=None, max_length=60)
    closed_by: UUID | None = None
    closed_at: datetime | None = utc_column(nullable=True)
    result_version_id: UUID | None = None
    revision: int = 1


class Guidelines(Base, table=True):
    """One wording of a campaign's guidelines; a task keeps the number of the one it was done by."""

    __tablename__: ClassVar[Any] = "guidelines"

    campaign_id: UUID = Field(foreign_key="campaigns.id", primary_key=True)
    number: int = Field(primary_key=True)
    text: str = Field(sa_type=Text)
    created_by: UUID
    created_at: datetime = utc_column()


class Member(Base, table=True):
    """Somebody who works in a campaign. `number` is what others know them by: `annotator-3`.

    `annotator` and `reviewer` say what the lead gave here and has not taken back; what counts is the live role, which
    access keeps.
    """

    __tablename__: ClassVar[Any] = "members"
    __table_args__: ClassVar[Any] = (UniqueConstraint("campaign_id", "number"),)

    campaign_id: UUID = Field(foreign_key="campaigns.id", primary_key=True)
    user_id: UUID = Field(primary_key=True)
    number: int
    annotator: bool = False
    reviewer: bool = False
    added_by: UUID
    added_at: datetime = utc_column()


class Item(Base, table=True):
    """A file of the campaign's version that is to be annotated: open → (to-review →) accepted.

    `free` people can still take it, `claimed` have it now, `submitted` are done: together the overlap, while it is
    open. `sealed` holds its path, `path_mark` a keyed hash by which it is found. Width and height are pixels of the
    oriented image, `length` code points of the text; `measured`: yes, or unreadable, or null until somebody has looked.
    `sealed_accepted` holds the marks and comment that hold; `accepted_how`: agreement, review or import.
    """

    __tablename__: ClassVar[Any] = "items"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("campaign_id", "path_mark"),
        # What a claim looks for, in the order of the items.
        Index("ix_items_free", "campaign_id", "number", postgresql_where=text("state = 'open' AND free > 0")),
        Index("ix_items_campaign_state", "campaign_id", "state", "number"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    campaign_id: UUID = Field(foreign_key="campaigns.id")
    number: int
    path_mark: bytes = Field(sa_type=LargeBinary)
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    media_type: str = Field(max_length=200)
    size: int = Field(sa_type=BigInteger)
    measured: str | None = Field(default=None, max_length=10)
    width: int | None = None
    height: int | None = None
    length: int | None = None
    state: str = Field(default="open", max_length=20)
    free: int
    claimed: int = 0
    submitted: int = 0
    accepted_how: str | None = Field(default=None, max_length=20)
    sealed_accepted: bytes | None = Field(default=None, sa_type=LargeBinary)
    accepted_by: UUID | None = None
    accepted_at: datetime | None = utc_column(nullable=True)
    revision: int = 1
