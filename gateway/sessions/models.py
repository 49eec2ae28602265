"""Table of sessions."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from gateway.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class SessionRow(Base, table=True):
    """Someone who signed in. The secret itself is only in the cookie; the provider's tokens are sealed."""

    __tablename__ = "session"  # pyright: ignore[reportAssignmentType] - SQLModel declares it as a directive

    id: UUID = Field(default_factory=new_id, primary_key=True)
    secret_hash: bytes = Field(unique=True)
    user_id: UUID = Field(index=True)
    sealed: bytes
    created_at: datetime = utc_column()
    last_seen_at: datetime = utc_column()
    expires_at: datetime = utc_column(index=True)
