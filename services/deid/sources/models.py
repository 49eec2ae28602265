"""Tables of dataset keys, and of what is borrowed of the catalogue and must be given back."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field

from services.deid.base import Base
from services.kit.db import utc_column


class DatasetKey(Base, table=True):
    """The secret behind a dataset's pseudonyms, wrapped by a key-encryption key of its own in the key store.

    All runs over versions of the dataset use it, so the same person is the same pseudonym in all of them. What a run
    remembers of files (names, places, findings) is sealed under it too: when it is destroyed, none of that opens again.
    Erasure is two steps, so that it survives a crash: `erasure_requested_at` is set in the transaction that decides it,
    then a worker destroys the key and sets `erased_at`.
    """

    __tablename__: ClassVar[Any] = "dataset_keys"

    dataset_id: UUID = Field(primary_key=True)
    key_id: UUID = Field(unique=True)
    wrapped: bytes | None = Field(default=None, sa_type=LargeBinary)
    created_at: datetime = utc_column()
    erasure_requested_at: datetime | None = utc_column(nullable=True, index=True)
    erased_at: datetime | None = utc_column(nullable=True)


class Loan(Base, table=True):
    """A derivation of the catalogue that is to be given back (abandoned) from `due_at` on.

    The row comes before the derivation, and goes when a run has taken it over or it has been given back: whatever
    crashes in between, nothing stays open at the catalogue.
    """

    __tablename__: ClassVar[Any] = "loans"

    derivation_id: UUID = Field(primary_key=True)
    due_at: datetime = utc_column(index=True)
