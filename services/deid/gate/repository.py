"""The only place that queries the tables of reports, judged places and the gate."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import defer
from sqlmodel import col, select

from services.deid.gate.models import GateAsk, GateDecision, ReviewSample, RunReport
from services.deid.runs.models import Run, RunFile
from services.kit.db import RuleSession


async def report(session: RuleSession, run_id: UUID) -> RunReport:
    """Return the stored sums of a finished run; a run finishes together with its report."""
    return (await session.exec(select(RunReport).where(RunReport.run_id == run_id))).one()


async def files_by_number(session: RuleSession, run_id: UUID, numbers: Sequence[int]) -> dict[int, RunFile]:
    """Return these files of a run, by number."""
    if not numbers:
        return {}
    query = select(RunFile).where(RunFile.run_id == run_id, col(RunFile.number).in_(set(numbers)))
    return {row.number: row for row in (await session.exec(query)).all()}


def _without_contents(query: Any) -> Any:
    """Leave out the places and findings of files, which may be large."""
    return query.options(defer(RunFile.sealed_places), defer(RunFile.sealed_findings))  # pyright: ignore[reportArgumentType]


async def report_files_by_number(session: RuleSession, run_id: UUID, numbers: Sequence[int]) -> dict[int, RunFile]:
    """Return these files of a run by number, without their places and findings."""
    if not numbers:
        return {}
    query = select(RunFile).where(RunFile.run_id == run_id, col(RunFile.number).in_(set(numbers)))
    return {row.number: row for row in (await session.exec(_without_contents(query))).all()}


async def report_files(
    session: RuleSession, run_id: UUID, *, state: str | None, after: int | None, limit: int
) -> Sequence[RunFile]:
    """Return files of a run by number without their places and findings, one more than `limit`."""
    query = select(RunFile).where(RunFile.run_id == run_id)
    if state is not None:
        query = query.where(RunFile.state == state)
    if after is not None:
        query = query.where(RunFile.number > after)
    query = query.order_by(col(RunFile.number)).limit(limit + 1)
    return (await session.exec(_without_contents(query))).all()


async def forget_contents(session: RuleSession, dataset_id: UUID) -> None:
    """Remove what reports and queues show of the files of a dataset's runs."""
    runs_of_dataset = select(Run.id).where(Run.dataset_id == dataset_id)
    for table, emptied in ((RunReport, {"sealed_samples": b""}), (ReviewSample, {"sealed": b""})):
        await session.execute(
            update(table)
            .where(col(table.run_id).in_(runs_of_dataset))
            .values(**emptied)
            .execution_options(synchronize_session=False)
        )


async def hold_run(session: RuleSession, run_id: UUID) -> Run | None:
    """Return a run, held so that nobody decides about it now; others may hold it at the same time."""
    query = select(Run).where(Run.id == run_id).with_for_update(read=True)
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


# --- places to judge --------------------------------------------------------------------------------------------------


async def add_samples(session: RuleSession, rows: Sequence[dict[str, Any]]) -> None:
    """Enter a run's queue."""
    if rows:
        await session.execute(insert(ReviewSample), list(rows))


async def queue(session: RuleSession, run_id: UUID) -> list[tuple[int, str | None]]:
    """Return (stratum, judgement) of every place of a run's queue, in its order."""
    query = (
        select(ReviewSample.stratum, ReviewSample.judgement)
        .where(ReviewSample.run_id == run_id)
        .order_by(col(ReviewSample.number))
    )
    return [(stratum, judgement) for stratum, judgement in (await session.exec(query)).all()]


async def samples(
    session: RuleSession, run_id: UUID, *, judged: bool | None, after: int | None, limit: int
) -> Sequence[ReviewSample]:
    """Return places of a run's queue in its order, one more than `limit`; `judged`: only those that are, or are not."""
    query = select(ReviewSample).where(ReviewSample.run_id == run_id)
    if judged is not None:
        given = col(ReviewSample.judgement)
        query = query.where(given.is_not(None) if judged else given.is_(None))
    if after is not None:
        query = query.where(ReviewSample.number > after)
    return (await session.exec(query.order_by(col(ReviewSample.number)).limit(limit + 1))).all()


async def sample(session: RuleSession, run_id: UUID, sample_id: UUID) -> ReviewSample | None:
    """Return a place of a run's queue, locked."""
    query = select(ReviewSample).where(ReviewSample.run_id == run_id, ReviewSample.id == sample_id).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


# --- the gate ---------------------------------------------------------------------------------------------------------


async def ask(session: RuleSession, run_id: UUID) -> GateAsk | None:
    """Return the open question to the catalogue about a run's version."""
    query = select(GateAsk).where(GateAsk.run_id == run_id).execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def decisions(session: RuleSession, run_id: UUID, limit: int) -> Sequence[GateDecision]:
    """Return what the gate said about a run, the latest first."""
    query = select(GateDecision).where(GateDecision.run_id == run_id)
    return (await session.exec(query.order_by(col(GateDecision.number).desc()).limit(limit))).all()


async def next_decision(session: RuleSession, run_id: UUID) -> int:
    """Return the number of a run's next decision; the run's row is locked."""
    query = select(func.max(GateDecision.number)).where(GateDecision.run_id == run_id)
    return ((await session.exec(query)).one_or_none() or 0) + 1
