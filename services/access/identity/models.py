"""Tables of identity."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from services.access.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class User(Base, table=True):
    """A person (by issuer and subject of their provider) or the service account of a partner's system."""

    __tablename__: ClassVar[Any] = "users"
    __table_args__: ClassVar[Any] = (UniqueConstraint("issuer", "subject"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    issuer: str = Field(max_length=500)
    subject: str = Field(max_length=255)
    display_name: str = Field(max_length=200)
    kind: str = Field(default="person", max_length=20)
    active: bool = True
    created_at: datetime = utc_column()
    revision: int = 1


class Partner(Base, table=True):
    """An organisation that takes part."""

    __tablename__: ClassVar[Any] = "partners"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(max_length=200)
    sector: str = Field(max_length=20)
    country: str = Field(max_length=2)
    suspended_at: datetime | None = utc_column(nullable=True)
    created_at: datetime = utc_column()
    created_by: UUID
    revision: int = 1


class PartnerMembership(Base, table=True):
    """A user's home: one partner at a time; past ones stay on record."""

    __tablename__: ClassVar[Any] = "partner_memberships"
    __table_args__: ClassVar[Any] = (
        Index("uq_partner_memberships_home", "user_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    partner_id: UUID = Field(foreign_key="partners.id", index=True)
    created_at: datetime = utc_column()
    created_by: UUID
    ended_at: datetime | None = utc_column(nullable=True)
    ended_by: UUID | None = None


class RoleAssignment(Base, table=True):
    """A role that a user holds within a scope; past ones stay on record."""

    __tablename__: ClassVar[Any] = "role_assignments"
    __table_args__: ClassVar[Any] = (
        Index(
            "uq_role_assignments_held",
            "user_id",
            "role",
            "scope_kind",
            "scope_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_role_assignments_scope", "scope_kind", "scope_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id")
    role: str = Field(max_length=20)
    scope_kind: str = Field(max_length=20)
    scope_id: UUID | None = None
    created_at: datetime = utc_column()
    created_by: UUID
    revoked_at: datetime | None = utc_column(nullable=True)
    revoked_by: UUID | None = None
