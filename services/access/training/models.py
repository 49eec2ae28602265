"""Tables of training: attempts and completions. What was asked and answered stays, so that a pass can be explained."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.access.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class CourseAttempt(Base, table=True):
    """One try: the questions drawn, in which order, until when, and what came of it. Answered once."""

    __tablename__: ClassVar[Any] = "course_attempts"
    __table_args__: ClassVar[Any] = (Index("ix_course_attempts_of", "user_id", "course", "started_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    course: str = Field(max_length=100)
    edition: str = Field(max_length=64)
    """Digest of the question bank that was drawn from."""
    drawn: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    """`[{"question": id, "options": [id, …]}, …]` in the order shown."""
    started_at: datetime = utc_column()
    expires_at: datetime = utc_column()
    answers: dict[str, str] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    score: int | None = None
    passed: bool | None = None
    answered_at: datetime | None = utc_column(nullable=True)


class Completion(Base, table=True):
    """A course passed by a user: valid from its day until it must be renewed."""

    __tablename__: ClassVar[Any] = "completions"
    __table_args__: ClassVar[Any] = (Index("ix_completions_of", "user_id", "course"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    course: str = Field(max_length=100)
    attempt_id: UUID = Field(foreign_key="course_attempts.id", unique=True)
    valid_from: datetime = utc_column()
    valid_until: datetime = utc_column(index=True)
    expiry_announced_at: datetime | None = utc_column(nullable=True)
