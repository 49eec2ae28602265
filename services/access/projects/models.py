"""Tables of projects."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.access.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class Project(Base, table=True):
    """What people of one or more partners do together, and what for. Dates are days in Stockholm, the last included."""

    __tablename__: ClassVar[Any] = "projects"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner_partner_id: UUID = Field(foreign_key="partners.id")
    name: str = Field(max_length=200)
    purpose: str = Field(max_length=60)
    description: str
    collaborative: bool
    starts_on: date
    ends_on: date
    budget_sek: Decimal = Field(sa_column=Column(Numeric(14, 2), nullable=False))
    ethics_number: str | None = Field(default=None, max_length=200)
    ethics_valid_until: date | None = None
    created_at: datetime = utc_column()
    created_by: UUID
    closed_at: datetime | None = utc_column(nullable=True)
    closed_by: UUID | None = None
    revision: int = 1


class ProjectPartner(Base, table=True):
    """A partner that takes part in a project."""

    __tablename__: ClassVar[Any] = "project_partners"

    project_id: UUID = Field(foreign_key="projects.id", primary_key=True)
    partner_id: UUID = Field(foreign_key="partners.id", primary_key=True, index=True)


class ProjectMember(Base, table=True):
    """A user's part in a project; past ones stay on record."""

    __tablename__: ClassVar[Any] = "project_members"
    __table_args__: ClassVar[Any] = (
        Index(
            "uq_project_members_current",
            "project_id",
            "user_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    project_id: UUID = Field(foreign_key="projects.id")
    user_id: UUID = Field(foreign_key="users.id", index=True)
    role: str = Field(max_length=10)
    created_at: datetime = utc_column()
    created_by: UUID
    ended_at: datetime | None = utc_column(nullable=True)
    ended_by: UUID | None = None


class ProjectChange(Base, table=True):
    """One field of a project that was changed: who, when, from what, to what. Never altered."""

    __tablename__: ClassVar[Any] = "project_changes"
    __table_args__: ClassVar[Any] = (Index("ix_project_changes_project_id_id", "project_id", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    project_id: UUID = Field(foreign_key="projects.id")
    at: datetime = utc_column()
    user_id: UUID
    field: str = Field(max_length=40)
    old: Any = Field(sa_column=Column(JSONB, nullable=True))
    new: Any = Field(sa_column=Column(JSONB, nullable=True))
