"""The table of recipes."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.deid.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class Recipe(Base, table=True):
    """A recipe: an ordered list of operators with parameters. It never changes; the same name again is the next number.

    `operators` is a list of `{"operator", "version", "params"}` with every parameter filled in; `digest` is the SHA-256
    (hex) of its canonical JSON.
    """

    __tablename__: ClassVar[Any] = "recipes"
    __table_args__ = (UniqueConstraint("name", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(max_length=200)
    number: int
    description: str = Field(sa_type=Text)
    operators: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    digest: str = Field(max_length=64)
    created_by: UUID
    created_at: datetime = utc_column()
