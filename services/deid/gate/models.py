"""Tables of reports, places to judge, judgements, and what the gate was asked and said.

Nothing from a file is in the clear: what a report or a place shows of files is sealed under the dataset's key.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from services.deid.base import Base
from services.kit.db import utc_column
from services.kit.ids import new_id


class RunReport(Base, table=True):
    """The sums of a finished run (`gate.figures`), the strata of its places, and findings to show."""

    __tablename__: ClassVar[Any] = "run_reports"

    run_id: UUID = Field(foreign_key="runs.id", primary_key=True)
    figures: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    sealed_samples: bytes = Field(sa_type=LargeBinary)
    """A list of `{"kind", "operator", "path", "place", "shape", "after", "treated"}`."""
    created_at: datetime = utc_column()


class ReviewSample(Base, table=True):
    """A place that a steward is asked about, `number` in the run's queue (from 1)."""

    __tablename__: ClassVar[Any] = "review_samples"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    run_id: UUID = Field(foreign_key="runs.id")
    number: int
    stratum: int
    """Index of its stratum in the report's `figures["strata"]`."""
    sealed: bytes = Field(sa_type=LargeBinary)
    """`{"path", "sort", "kind", "place", "before", "after", "picture"}`, the picture in Base64."""
    judgement: str | None = Field(default=None, max_length=10)
    judged_by: UUID | None = None
    judged_at: datetime | None = utc_column(nullable=True)
    revision: int = 1


class ReviewJudgement(Base, table=True):
    """Every judgement ever made of a place: who changed their mind, or another's, stays to be seen."""

    __tablename__: ClassVar[Any] = "review_judgements"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    sample_id: UUID = Field(foreign_key="review_samples.id", index=True)
    judgement: str = Field(max_length=10)
    judged_by: UUID
    judged_at: datetime = utc_column()


class GateAsk(Base, table=True):
    """A passing gate whose version the catalogue has been asked to release, before its answer is known.

    It is written before the question and goes with the decision, so whatever dies in between, the next attempt knows
    that the version may be released already; until then nothing can be judged.
    """

    __tablename__: ClassVar[Any] = "gate_asks"

    run_id: UUID = Field(foreign_key="runs.id", primary_key=True)
    asked_by: UUID
    asked_at: datetime = utc_column()
    reasons: str = Field(sa_type=Text)
    measured: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class GateDecision(Base, table=True):
    """What the gate said, the `number`-th time that it was asked about the run."""

    __tablename__: ClassVar[Any] = "gate_decisions"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    run_id: UUID = Field(foreign_key="runs.id")
    number: int
    decision: str = Field(max_length=10)
    """What the steward asked for: pass or refuse."""
    outcome: str = Field(max_length=10)
    """passed or refused."""
    reasons: str = Field(sa_type=Text)
    refusals: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    """`{"code", "measured", "needed", "params"}` of what was below its threshold."""
    measured: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    thresholds: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    decided_by: UUID
    decided_at: datetime = utc_column()
