"""Tables of sign-ins under way."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from gateway.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class SignInRow(Base, table=True):
    """Someone was sent to the provider and has not come back yet. Taken once, by the `state` of the redirect."""

    __tablename__ = "sign_in"  # pyright: ignore[reportAssignmentType] - SQLModel declares it as a directive

    id: UUID = Field(default_factory=new_id, primary_key=True)
    state_hash: bytes = Field(unique=True)
    browser_hash: bytes
    sealed: bytes
    created_at: datetime = utc_column(index=True)


class CliCodeRow(Base, table=True):
    """A program's sign-in is done; it redeems this once, with the verifier only it knows."""

    __tablename__ = "cli_code"  # pyright: ignore[reportAssignmentType] - SQLModel declares it as a directive

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code_hash: bytes = Field(unique=True)
    challenge: str
    user_id: UUID
    sealed: bytes
    created_at: datetime = utc_column(index=True)
