"""The search vector: a column of the dataset's table that the database computes itself, so that it is never stale."""

from typing import cast

from sqlalchemy import Column, Computed, Index, Table
from sqlalchemy.dialects.postgresql import TSVECTOR

from services.catalog.datasets.models import Dataset

TABLE = cast(Table, Dataset.__table__)  # pyright: ignore[reportAttributeAccessIssue] - SQLModel does not declare it

# Words of both languages in one vector: a dataset is found by either language's forms whatever it is described in.
# 'simple' keeps names and numbers as they are written.
_VECTOR = (
    "setweight(to_tsvector('simple'::regconfig, title), 'A')"
    " || setweight(to_tsvector('swedish'::regconfig, title), 'A')"
    " || setweight(to_tsvector('english'::regconfig, title), 'A')"
    " || setweight(to_tsvector('swedish'::regconfig, description), 'C')"
    " || setweight(to_tsvector('english'::regconfig, description), 'C')"
)

VECTOR: Column[str] = Column("search", TSVECTOR, Computed(_VECTOR, persisted=True), nullable=True)

# Added to the table and not to the class: no row carries it about, and nothing tries to write it.
TABLE.append_column(VECTOR)
Index("ix_dataset_search", VECTOR, postgresql_using="gin")
