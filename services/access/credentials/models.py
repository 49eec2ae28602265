"""Tables of credentials. What is shown once is kept only as SHA-256: of 256 random bits, so no salt would help."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlmodel import Field

from services.access.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class ApiKey(Base, table=True):
    """A person's key for their scripts; acts as them."""

    __tablename__: ClassVar[Any] = "api_keys"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    name: str = Field(max_length=200)
    prefix: str = Field(max_length=20)
    key_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = utc_column()
    expires_at: datetime = utc_column()
    last_used_at: datetime | None = utc_column(nullable=True)
    revoked_at: datetime | None = utc_column(nullable=True)


class Client(Base, table=True):
    """A partner's system; acts as a service account of that partner. Its id is the OAuth client_id."""

    __tablename__: ClassVar[Any] = "clients"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    partner_id: UUID = Field(foreign_key="partners.id", index=True)
    user_id: UUID = Field(foreign_key="users.id")
    name: str = Field(max_length=200)
    secret_hash: str = Field(max_length=64)
    created_at: datetime = utc_column()
    created_by: UUID
    last_used_at: datetime | None = utc_column(nullable=True)
    revoked_at: datetime | None = utc_column(nullable=True)


class OperatorSecret(Base, table=True):
    """The one row with the hash of the first operator's one-time secret."""

    __tablename__: ClassVar[Any] = "operator_secret"

    id: int = Field(default=1, primary_key=True)
    secret_hash: str = Field(max_length=64)
    created_at: datetime = utc_column()
    redeemed_at: datetime | None = utc_column(nullable=True)
    redeemed_by: UUID | None = None


class OperatorSecretFailure(Base, table=True):
    """A wrong secret that someone sent."""

    __tablename__: ClassVar[Any] = "operator_secret_failures"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID
    at: datetime = utc_column(index=True)
