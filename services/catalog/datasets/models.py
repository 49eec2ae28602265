"""Tables of datasets and versions. Names of files and digests of contents are never in the clear here."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.catalog.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class Dataset(Base, table=True):
    """A dataset: draft → published → withdrawn. A withdrawn one is a tombstone: who, when, why, and nothing inside."""

    __tablename__: ClassVar[Any] = "datasets"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    title: str = Field(max_length=200)
    description: str = Field(sa_type=Text)
    language: str = Field(max_length=35)
    partner_id: UUID = Field(index=True)
    donation_id: UUID = Field(index=True)
    terms_id: UUID
    terms_snapshot: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    integrity_class: str = Field(max_length=20)
    personal_data: str = Field(max_length=10)
    state: str = Field(default="draft", max_length=20, index=True)
    created_at: datetime = utc_column()
    published_at: datetime | None = utc_column(nullable=True)
    published_by: UUID | None = None
    withdrawn_at: datetime | None = utc_column(nullable=True)
    withdrawn_by: UUID | None = None
    withdrawal_reason: str | None = Field(default=None, sa_type=Text)
    revision: int = 1


class Version(Base, table=True):
    """A version: immutable contents; committed → released → withdrawn or redacted. `bytes` and `files` are totals.

    `media_types` counts files by media type. The manifest is an encrypted object of the version. `gate_run_id` is the
    run whose report was judged when the gate passed.
    """

    __tablename__: ClassVar[Any] = "versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: UUID = Field(primary_key=True)
    dataset_id: UUID = Field(foreign_key="datasets.id", index=True)
    number: int
    state: str = Field(default="committed", max_length=20)
    gate: str = Field(max_length=20)
    personal_data: str = Field(max_length=10)
    digest: str = Field(max_length=64)
    manifest_object: str = Field(max_length=200)
    manifest_key: bytes = Field(sa_type=LargeBinary)
    manifest_bytes: int = Field(sa_type=BigInteger)
    files: int
    bytes: int = Field(sa_type=BigInteger)
    media_types: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    committed_at: datetime = utc_column()
    committed_by: UUID
    released_at: datetime | None = utc_column(nullable=True)
    released_by: UUID | None = None
    release_reasons: str | None = Field(default=None, sa_type=Text)
    gate_run_id: UUID | None = None
    revision: int = 1


class Lineage(Base, table=True):
    """One way in which a version came to be: from a parent (or none), by a donation, recipe, job or campaign.

    `source_id` is the donation, run, job or campaign; `details` what its service says about how it worked.
    """

    __tablename__: ClassVar[Any] = "lineage"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version_id: UUID = Field(foreign_key="versions.id", index=True)
    parent_id: UUID | None = Field(default=None, index=True)
    source_kind: str = Field(max_length=20)
    source_id: UUID
    details: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )


class VersionKey(Base, table=True):
    """The key of a version, wrapped by its key-encryption key; exists from the day the version is planned.

    Erasure is two steps, so that it survives a crash: `erasure_requested_at` is set by the transaction that decides it,
    then a worker destroys the key and sets `erased_at`.
    """

    __tablename__: ClassVar[Any] = "version_keys"

    version_id: UUID = Field(primary_key=True)
    dataset_id: UUID = Field(index=True)
    wrapped: bytes | None = Field(default=None, sa_type=LargeBinary)
    created_at: datetime = utc_column()
    erasure_requested_at: datetime | None = utc_column(nullable=True, index=True)
    erasure_reason: str | None = Field(default=None, max_length=40)
    erased_at: datetime | None = utc_column(nullable=True)


class DatasetSecret(Base, table=True):
    """The secret with which a dataset names its objects, wrapped by a key-encryption key of the dataset's own."""

    __tablename__: ClassVar[Any] = "dataset_secrets"

    dataset_id: UUID = Field(primary_key=True)
    wrapped: bytes | None = Field(default=None, sa_type=LargeBinary)


class StoredObject(Base, table=True):
    """An object of a dataset in the store. There as long as a version uses it; `size` in bytes of plaintext.

    The row comes first, the object after: whoever stores the same content at the same time uses the same data key.
    Whoever adds a use, takes one away or deletes the object holds this row's lock (several: in order of their names).
    An object goes the other way: the row first says that it is not `stored`, then it is deleted, then the row is. So
    wherever that is cut off, nobody takes it for stored.
    """

    __tablename__: ClassVar[Any] = "stored_objects"
    # What the sweeper looks through: objects under way, and those that nothing uses.
    __table_args__ = (Index("ix_stored_objects_not_stored", "dataset_id", "name", postgresql_where=text("NOT stored")),)

    dataset_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True, max_length=200)
    size: int = Field(sa_type=BigInteger)
    stored: bool = False
    created_at: datetime = utc_column()


class ObjectUse(Base, table=True):
    """A version (planned ones too) uses an object: the object's data key, wrapped by the key of that version.

    An object has one data key, however many versions use it; one whose versions are all being erased gets a new one
    before another version may use it.
    """

    __tablename__: ClassVar[Any] = "object_uses"
    __table_args__ = (
        ForeignKeyConstraint(["dataset_id", "name"], ["stored_objects.dataset_id", "stored_objects.name"]),
        Index("ix_object_uses_version", "version_id", "name"),
    )

    dataset_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True, max_length=200)
    version_id: UUID = Field(primary_key=True)
    wrapped_key: bytes = Field(sa_type=LargeBinary)
