"""Tables of donation cases, their uploads, and the files that wait in them for acceptance."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.catalog.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class Donation(Base, table=True):
    """A donation case: draft → submitted → accepted or rejected. Ids of dataset and version are reserved at birth."""

    __tablename__: ClassVar[Any] = "donations"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    partner_id: UUID = Field(index=True)
    created_by: UUID
    title: str = Field(max_length=200)
    description: str = Field(sa_type=Text)
    language: str = Field(max_length=35)
    controller: str = Field(max_length=200)
    legal_bases: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    origin: str = Field(sa_type=Text)
    third_party_rights: str = Field(sa_type=Text)
    personal_data: str = Field(max_length=10)
    retention_until: date | None = None
    secrecy_marked: bool = False
    secrecy_provision: str | None = Field(default=None, max_length=200)
    integrity_class: str = Field(max_length=20)
    terms_id: UUID
    terms_snapshot: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    state: str = Field(default="draft", max_length=20)
    checklist: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    dataset_id: UUID = Field(unique=True)
    version_id: UUID = Field(unique=True)
    created_at: datetime = utc_column()
    submitted_at: datetime | None = utc_column(nullable=True)
    submitted_by: UUID | None = None
    decided_at: datetime | None = utc_column(nullable=True)
    decided_by: UUID | None = None
    reasons: str | None = Field(default=None, sa_type=Text)
    revision: int = 1


class Upload(Base, table=True):
    """A file on its way in: open → received → stored or refused.

    `sealed` holds path, digest and media type under the version's key, so that destroying the key erases them too;
    `path_mark` is a keyed hash of the path as file systems compare it (NFC, case folded), unique within a donation.
    """

    __tablename__: ClassVar[Any] = "uploads"
    __table_args__ = (
        Index("uq_uploads_donation_id_path_mark", "donation_id", "path_mark", unique=True),
        # What the ingest workers look for.
        Index("ix_uploads_waiting", "claimed_until", postgresql_where=text("state = 'received'")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    donation_id: UUID = Field(foreign_key="donations.id", index=True)
    created_by: UUID
    path_mark: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    size: int = Field(sa_type=BigInteger)
    unpack: str | None = Field(default=None, max_length=10)
    state: str = Field(default="open", max_length=20)
    reason: str | None = Field(default=None, max_length=60)
    bytes_done: int = Field(default=0, sa_type=BigInteger)
    files: int = 0
    claim: UUID | None = None
    claimed_until: datetime | None = utc_column(nullable=True)
    attempts: int = 0
    created_at: datetime = utc_column()
    received_at: datetime | None = utc_column(nullable=True)
    stored_at: datetime | None = utc_column(nullable=True)
    revision: int = 1


class StagedFile(Base, table=True):
    """A verified, encrypted file of a donation not yet accepted; `sealed` as in Upload. Gone once in the manifest."""

    __tablename__: ClassVar[Any] = "staged_files"
    __table_args__ = (
        Index("ix_staged_files_upload", "upload_id"),
        Index("ix_staged_files_object", "donation_id", "object_name"),
    )

    donation_id: UUID = Field(foreign_key="donations.id", primary_key=True)
    path_mark: bytes = Field(sa_type=LargeBinary, primary_key=True)
    upload_id: UUID = Field(foreign_key="uploads.id")
    sealed: bytes = Field(sa_type=LargeBinary)
    object_name: str = Field(max_length=200)
    size: int = Field(sa_type=BigInteger)
