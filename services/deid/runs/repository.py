"""The only place that queries the tables of runs and their files."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.deid.runs.models import Run, RunFile
from services.kit.db import RuleSession

ACTIVE = ("queued", "running")
_PAGE = 1000

# --- runs -------------------------------------------------------------------------------------------------------------


async def run(session: RuleSession, run_id: UUID, *, lock: bool = False) -> Run | None:
    """Return a run, locked for change if asked."""
    query = select(Run).where(Run.id == run_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def add_run(session: RuleSession, values: dict[str, Any]) -> Run | None:
    """Enter a run; None when the version has an active treating run already."""
    statement = insert(Run).values(**values).on_conflict_do_nothing(
        index_elements=["version_id"], index_where=(col(Run.mode) == "treat") & col(Run.state).in_(ACTIVE)
    )  # fmt: skip
    return (await session.execute(statement.returning(Run))).scalar_one_or_none()


async def active_treat_run(session: RuleSession, version_id: UUID) -> UUID | None:
    """Return the run that treats a version right now, if there is one."""
    query = select(Run.id).where(Run.version_id == version_id, Run.mode == "treat", col(Run.state).in_(ACTIVE))
    return (await session.exec(query)).first()


async def runs(
    session: RuleSession,
    *,
    partners: set[UUID],
    donations: set[UUID],
    version_id: UUID | None,
    dataset_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Run]:
    """Return runs over versions of these partners or donations, newest first, one more than `limit`.

    `version_id` may be the version that was read or the one that came of it.
    """
    query = select(Run).where(or_(col(Run.partner_id).in_(partners), col(Run.donation_id).in_(donations)))
    if version_id is not None:
        query = query.where(or_(col(Run.version_id) == version_id, col(Run.result_version_id) == version_id))
    if dataset_id is not None:
        query = query.where(Run.dataset_id == dataset_id)
    if before is not None:
        query = query.where(col(Run.id) < before)
    return (await session.exec(query.order_by(col(Run.id).desc()).limit(limit + 1))).all()


async def active_runs_of_dataset(session: RuleSession, dataset_id: UUID) -> Sequence[Run]:
    """Return the dataset's runs that are not over, locked."""
    query = select(Run).where(Run.dataset_id == dataset_id, col(Run.state).in_(ACTIVE)).order_by(col(Run.id))
    return (await session.exec(query.with_for_update())).all()


async def claim_run(session: RuleSession, claim: UUID, now: datetime, until: datetime) -> Run | None:
    """Take the oldest run that nobody holds, and hold it until `until`; None when none waits."""
    query = (
        select(Run)
        .where(
            col(Run.state).in_(ACTIVE),
            or_(col(Run.claimed_until).is_(None), col(Run.claimed_until) <= now),
            or_(col(Run.not_before).is_(None), col(Run.not_before) <= now),
        )
        .order_by(col(Run.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = (await session.exec(query)).first()
    if found is not None:
        # Nobody knows how long it will take until the new holder has learned it.
        found.claim, found.claimed_until, found.seconds_left = claim, until, None
        session.add(found)
        await session.flush()
    return found


async def hold_claim(session: RuleSession, run_id: UUID, claim: UUID, until: datetime) -> bool:
    """Extend a claim; False when it is lost (the run was stopped, or another process has it)."""
    return await _held(session, run_id, claim, {"claimed_until": until})


async def release_claim(session: RuleSession, run_id: UUID, claim: UUID, not_before: datetime, attempts: int) -> bool:
    """Let a run go, to be taken again from `not_before` on; False when the claim is lost."""
    values = {"claim": None, "claimed_until": None, "not_before": not_before, "attempts": attempts}
    values |= {"seconds_left": None}
    return await _held(session, run_id, claim, values)


async def confirm_claim(session: RuleSession, run_id: UUID, claim: UUID) -> bool:
    """Lock the run's row for the rest of the transaction; False when the claim is lost."""
    query = select(Run.id).where(Run.id == run_id, Run.claim == claim, Run.state == "running").with_for_update()
    return (await session.exec(query)).first() is not None


async def set_totals(session: RuleSession, run_id: UUID, claim: UUID, files: int, size: int) -> bool:
    """Note that all files are listed; False when the claim is lost."""
    return await _held(session, run_id, claim, {"files_total": files, "bytes_total": size})


async def set_committing(session: RuleSession, run_id: UUID, claim: UUID) -> bool:
    """Note that the catalogue is about to be asked for the version; False when the claim is lost."""
    return await _held(session, run_id, claim, {"committing": True})


async def add_progress(
    session: RuleSession,
    run_id: UUID,
    claim: UUID,
    *,
    treated: int,
    withheld: int,
    size: int,
    seconds_left: float | None,
    now: datetime,
) -> bool:
    """Note that so many files (of `size` bytes together) are done; False when the claim is lost."""
    values = {
        "files_done": Run.files_done + treated + withheld,
        "bytes_done": Run.bytes_done + size,
        "files_treated": Run.files_treated + treated,
        "files_withheld": Run.files_withheld + withheld,
        "seconds_left": seconds_left,
        "progress_at": now,
    }
    return await _held(session, run_id, claim, values)


async def _held(session: RuleSession, run_id: UUID, claim: UUID, values: dict[str, Any]) -> bool:
    done = await session.execute(
        update(Run)
        .where(col(Run.id) == run_id, col(Run.claim) == claim, col(Run.state) == "running")
        .values(**values)
        .returning(col(Run.id))
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


# --- files ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileFacts:
    """What a report adds up: the open columns of a file."""

    number: int
    state: str
    reason: str | None
    media_type: str | None
    size: int
    counts: dict[str, dict[str, int]]
    totals: dict[str, int]
    measures: dict[str, Any]


async def add_files(session: RuleSession, rows: Sequence[dict[str, Any]]) -> None:
    """Enter files of a run."""
    if rows:
        await session.execute(insert(RunFile), list(rows))


async def files(
    session: RuleSession, run_id: UUID, *, after: int = 0, limit: int, state: str | None = None
) -> Sequence[RunFile]:
    """Return files of a run by number, from the one after `after` on, at most `limit`."""
    query = select(RunFile).where(RunFile.run_id == run_id, RunFile.number > after)
    if state is not None:
        query = query.where(RunFile.state == state)
    return (await session.exec(query.order_by(col(RunFile.number)).limit(limit))).all()


async def file(session: RuleSession, run_id: UUID, number: int) -> RunFile | None:
    """Return one file of a run."""
    return (await session.exec(select(RunFile).where(RunFile.run_id == run_id, RunFile.number == number))).one_or_none()


async def file_facts(session: RuleSession, run_id: UUID) -> AsyncIterator[FileFacts]:
    """Yield the open columns of all files of a run, by number, a page at a time."""
    after = 0
    while True:
        query = (
            select(
                RunFile.number, RunFile.state, RunFile.reason, RunFile.media_type,
                RunFile.size, RunFile.counts, RunFile.totals, RunFile.measures,
            )  # pyright: ignore[reportCallIssue, reportArgumentType] - SQLModel types up to four columns
            .where(RunFile.run_id == run_id, RunFile.number > after)
            .order_by(col(RunFile.number))
            .limit(_PAGE)
        )  # fmt: skip
        rows = (await session.execute(query)).all()
        for row in rows:
            yield FileFacts(*row)
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


async def listed(session: RuleSession, run_id: UUID) -> tuple[int, int]:
    """Return how many files are listed, and their bytes."""
    query = select(func.count(), func.coalesce(func.sum(RunFile.size), 0)).where(RunFile.run_id == run_id)
    number, size = (await session.execute(query)).one()
    return int(number), int(size)


async def finish_files(session: RuleSession, run_id: UUID, rows: Sequence[dict[str, Any]]) -> bool:
    """Write what became of files that wait: rows of `number` and all columns that change, the same in each.

    False, with nothing written, unless all of them wait. The run's row is locked, so nobody changes them meanwhile.
    """
    numbers = [row["number"] for row in rows]
    waiting = select(func.count()).where(
        RunFile.run_id == run_id, col(RunFile.number).in_(numbers), RunFile.state == "waiting"
    )
    if (await session.execute(waiting)).scalar_one() != len(numbers):
        return False
    table = RunFile.metadata.tables["run_files"]
    changed = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in rows[0] if name != "number"}
    statement = update(table).where(table.c.run_id == run_id, table.c.number == bindparam("at")).values(**changed)
    # One round trip for all of them.
    given = [{"at": row["number"], **{f"new_{name}": row[name] for name in changed}} for row in rows]
    await (await session.connection()).execute(statement, given)
    return True


async def note_attempt(session: RuleSession, run_id: UUID, number: int) -> None:
    """Note one more attempt over this file."""
    await session.execute(
        update(RunFile)
        .where(col(RunFile.run_id) == run_id, col(RunFile.number) == number)
        .values(attempts=RunFile.attempts + 1)
        .execution_options(synchronize_session=False)
    )


async def withheld_by_reason(session: RuleSession, run_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return by run and reason how many files are withheld."""
    query = (
        select(RunFile.run_id, RunFile.reason, func.count())
        .where(col(RunFile.run_id).in_(run_ids), RunFile.state == "withheld")
        .group_by(col(RunFile.run_id), col(RunFile.reason))
        .order_by(func.count().desc(), col(RunFile.reason))
    )
    found: dict[UUID, dict[str, int]] = {}
    for run_id, reason, number in (await session.execute(query)).all():
        found.setdefault(run_id, {})[str(reason)] = int(number)
    return found


async def smallest_treated(session: RuleSession, run_id: UUID) -> RunFile | None:
    """Return the smallest file that is treated."""
    query = select(RunFile).where(RunFile.run_id == run_id, RunFile.state == "treated")
    return (await session.exec(query.order_by(col(RunFile.size), col(RunFile.number)).limit(1))).first()


async def waiting_by_lane(session: RuleSession, run_id: UUID) -> dict[str, tuple[int, int]]:
    """Return by lane how many files wait, and their bytes."""
    query = (
        select(RunFile.lane, func.count(), func.coalesce(func.sum(RunFile.size), 0))
        .where(RunFile.run_id == run_id, RunFile.state == "waiting")
        .group_by(RunFile.lane)
    )
    return {lane: (int(number), int(size)) for lane, number, size in (await session.execute(query)).all()}


async def forget_contents(session: RuleSession, dataset_id: UUID) -> None:
    """Remove what is sealed of the files of a dataset's runs; numbers and codes stay."""
    runs_of_dataset = select(Run.id).where(Run.dataset_id == dataset_id)
    await session.execute(
        update(RunFile)
        .where(col(RunFile.run_id).in_(runs_of_dataset))
        .values(sealed=b"", sealed_measures=None, sealed_findings=None, sealed_places=None)
        .execution_options(synchronize_session=False)
    )
