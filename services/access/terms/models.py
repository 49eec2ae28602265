"""The table of terms. Rows are written once and never changed."""

from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.access.base import Base
from services.access.terms.vocabulary import Normal
from services.kit.db import utc_column
from services.kit.ids import new_id


class Terms(Base, table=True):
    """A partner's policy as it was sent (`odrl`), and what it means (`normal`). `number` counts from 1 per partner."""

    __tablename__: ClassVar[Any] = "terms"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("partner_id", "number"),
        CheckConstraint("number > 0", name="number"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    partner_id: UUID = Field(foreign_key="partners.id")
    number: int
    digest: str = Field(max_length=64)
    """SHA-256 (hex) of the normal form as JSON with sorted keys and no space: equal terms have equal digests."""
    odrl: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    normal: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = utc_column()
    created_by: UUID

    def meaning(self) -> Normal:
        """Return the normal form."""
        return cast(Normal, self.normal)
