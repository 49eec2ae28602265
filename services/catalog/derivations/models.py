"""Tables of derivations and of the files that wait in them for their commit."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, text
from sqlmodel import Field

from services.catalog.base import Base
from services.kit.db import utc_column


class Derivation(Base, table=True):
    """A version being made from another (or, in mode inspect, only read): open → committing → committed; or abandoned.

    The id is that of the run or campaign that does it. The version is planned: it has a key, and nobody sees it before
    the commit. In `committing` no more files are taken; whoever was cut off there commits again. The row stays: the
    gate asks who opened it.
    """

    __tablename__: ClassVar[Any] = "derivations"
    __table_args__ = (
        # What the worker that tidies up looks through.
        Index("ix_derivations_unfinished", "version_id", postgresql_where=text("state IN ('open', 'committing')")),
    )

    id: UUID = Field(primary_key=True)
    dataset_id: UUID = Field(foreign_key="datasets.id", index=True)
    parent_version_id: UUID = Field(foreign_key="versions.id", index=True)
    version_id: UUID | None = Field(default=None, unique=True)
    source_kind: str = Field(max_length=20)
    mode: str = Field(max_length=10)
    service: str = Field(max_length=20)
    state: str = Field(default="open", max_length=20)
    opened_by: UUID
    opened_at: datetime = utc_column()
    ended_at: datetime | None = utc_column(nullable=True)


class DerivedFile(Base, table=True):
    """A stored file of a version to come; gone once in the manifest.

    `sealed` holds path, digest, media type and source under the new version's key. `path_mark` is a keyed hash of the
    path as file systems compare it, unique within a derivation; `exact_mark` one of the path as it is written.
    """

    __tablename__: ClassVar[Any] = "derived_files"
    __table_args__ = (Index("ix_derived_files_object", "derivation_id", "object_name"),)

    derivation_id: UUID = Field(foreign_key="derivations.id", primary_key=True)
    path_mark: bytes = Field(sa_type=LargeBinary, primary_key=True)
    exact_mark: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    object_name: str = Field(max_length=200)
    size: int = Field(sa_type=BigInteger)
