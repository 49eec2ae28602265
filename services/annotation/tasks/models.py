"""The table of tasks. What annotators say is never in the clear."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from services.annotation.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class Task(Base, table=True):
    """One person's work on one item: claimed → submitted, returned (by them), or ended (`why`: deadline, or the law).

    A person has at most one task an item; one that ended may be claimed again by them, draft and all, while the item
    has room. It is held until `until`. Without `decision_id` the law has not answered yet. `number` is the item's.
    `sealed` holds the draft or the submission, `sealed_permit` what opens the file while the task is claimed.
    """

    __tablename__: ClassVar[Any] = "tasks"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("item_id", "user_id"),
        # Where an annotator is, and what they hold or have lost.
        Index("ix_tasks_person", "campaign_id", "user_id", "number"),
        Index("ix_tasks_unfinished", "campaign_id", "user_id", postgresql_where=text("state IN ('claimed', 'ended')")),
        # What the watch looks for.
        Index("ix_tasks_claimed", "until", postgresql_where=text("state = 'claimed'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    campaign_id: UUID = Field(foreign_key="campaigns.id")
    item_id: UUID = Field(foreign_key="items.id")
    user_id: UUID = Field(index=True)
    number: int
    state: str = Field(default="claimed", max_length=20)
    why: str | None = Field(default=None, max_length=60)
    decision_id: UUID | None = None
    sealed_permit: bytes | None = Field(default=None, sa_type=LargeBinary)
    claimed_at: datetime = utc_column()
    until: datetime = utc_column()
    saved: bool = False
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    guidelines_number: int
    submitted_at: datetime | None = utc_column(nullable=True)
    revision: int = 1
