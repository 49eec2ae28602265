"""Tables of runs and their files. Nothing from a file, not even its name, is in the clear here."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.deid.base import Base
from services.kit.db import utc_column


class Run(Base, table=True):
    """A run of a recipe over a version: queued → running → finished | failed | stopped.

    Mode `treat` writes the next version; `inspect` only looks. The id is the derivation's at the catalogue, too. A
    worker holds the run by `claim` until `claimed_until`; nobody takes it before `not_before`.
    """

    __tablename__: ClassVar[Any] = "runs"
    __table_args__ = (
        # Of two at once on one version, one is refused, whoever asks and however quickly.
        Index(
            "uq_runs_active_treat",
            "version_id",
            unique=True,
            postgresql_where=text("mode = 'treat' AND state IN ('queued', 'running')"),
        ),
        Index("ix_runs_active", "id", postgresql_where=text("state IN ('queued', 'running')")),
    )

    id: UUID = Field(primary_key=True)
    recipe_id: UUID = Field(foreign_key="recipes.id", index=True)
    version_id: UUID = Field(index=True)
    dataset_id: UUID = Field(index=True)
    partner_id: UUID = Field(index=True)
    donation_id: UUID
    integrity_class: str = Field(max_length=20)
    personal_data: str = Field(max_length=10)
    terms: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """The dataset's terms in normal form, as they were when the run was made; `gate_thresholds` among them."""
    mode: str = Field(max_length=10)
    state: str = Field(default="queued", max_length=20)
    reason: str | None = Field(default=None, max_length=60)
    """Why it failed or was stopped, as a stable code."""
    result_version_id: UUID | None = Field(default=None, index=True)
    key_id: UUID
    operators: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    """`[{"name", "version"}]`, in the recipe's order."""
    models: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    """`[{"name", "sha256"}]` of the models and word lists that the operators use."""
    gate: str = Field(default="open", max_length=10)
    """open → passed | refused; refused may be asked again."""

    files_total: int | None = None
    bytes_total: int | None = Field(default=None, sa_type=BigInteger)
    files_done: int = 0
    bytes_done: int = Field(default=0, sa_type=BigInteger)
    files_treated: int = 0
    files_withheld: int = 0
    seconds_left: float | None = None
    progress_at: datetime | None = utc_column(nullable=True)
    """When `seconds_left` was reckoned."""

    claim: UUID | None = None
    claimed_until: datetime | None = utc_column(nullable=True)
    not_before: datetime | None = utc_column(nullable=True)
    attempts: int = 0
    """Attempts that ended in a fault which was no outage."""
    committing: bool = False
    """The catalogue is being asked to make the version: from here on it is too late to stop the run."""

    created_by: UUID
    created_at: datetime = utc_column()
    started_at: datetime | None = utc_column(nullable=True)
    finished_at: datetime | None = utc_column(nullable=True)
    revision: int = 1


class RunFile(Base, table=True):
    """One file of the version that a run reads, in the order of paths: waiting → treated | withheld.

    What could tell something of the file is sealed under the dataset's key (see `runs.sealing`): its path, the name it
    gets, what was found in it as patterns and places. In the clear are numbers, codes and the media type.
    """

    __tablename__: ClassVar[Any] = "run_files"
    __table_args__ = (
        Index("ix_run_files_waiting", "run_id", "number", postgresql_where=text("state = 'waiting'")),
        Index("ix_run_files_withheld", "run_id", "number", postgresql_where=text("state = 'withheld'")),
    )

    run_id: UUID = Field(foreign_key="runs.id", primary_key=True)
    number: int = Field(primary_key=True)
    """From 1, in the order of paths."""
    sealed: bytes = Field(sa_type=LargeBinary)
    """`{"path", "target", "declared"}`: where it lies, where the result goes, the media type that its donor stated."""
    state: str = Field(default="waiting", max_length=10)
    reason: str | None = Field(default=None, max_length=60)
    """Why it is withheld, as a stable code (texts in `services.deid.texts`)."""
    media_type: str | None = Field(default=None, max_length=100)
    """What the contents are (found out by looking, not from the name); None while it waits."""
    size: int = Field(sa_type=BigInteger)
    """Bytes of the file that was read."""
    lane: str = Field(max_length=10)
    """What sort of work it is likely to be (text, table, image, other), by its name: time left is reckoned by lane."""
    attempts: int = 0
    """How often it could not be read or handed in, for whatever reason."""
    counts: dict[str, dict[str, int]] = Field(sa_column=Column(JSONB, nullable=False))
    """By kind {"found": n, "treated": m}. In mode inspect nothing is treated: every m is 0."""
    totals: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    """How many places of each sort (treated, untreated) the file has: what the sealed places are a sample of."""
    measures: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """The numbers among what was measured; everything measured is in `sealed_measures`."""
    sealed_measures: bytes | None = Field(default=None, sa_type=LargeBinary)
    sealed_findings: bytes | None = Field(default=None, sa_type=LargeBinary)
    sealed_places: bytes | None = Field(default=None, sa_type=LargeBinary)
    done_at: datetime | None = utc_column(nullable=True)
