"""Who sees a run, and how its life goes: queued → running → finished, failed or stopped."""

from datetime import datetime, timedelta
from uuid import UUID

from services.deid.runs import events, repository
from services.deid.runs.models import Run
from services.deid.sources import repository as sources
from services.kit.db import RuleSession
from services.kit.problems import conflict, forbidden, not_found
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject

ACTIVE = repository.ACTIVE
_PATIENCE_S = 30.0
"""Seconds beyond what was reckoned, after which it is no longer told."""


def is_steward(caller: Subject, run: Run) -> bool:
    """Whether the caller is a steward of the dataset: of its donor or of its donation."""
    return caller.has("steward", "partner", run.partner_id) or caller.has("steward", "donation", run.donation_id)


def is_insider(caller: Subject, run: Run) -> bool:
    """Whether the caller belongs to the donating partner or is its steward."""
    return caller.partner_id == run.partner_id or is_steward(caller, run)


async def run_for(session: RuleSession, caller: Subject, run_id: UUID, *, lock: bool = False) -> Run:
    """Return a run that the caller may see, or 404."""
    run = await repository.run(session, run_id, lock=lock)
    if run is None or not is_insider(caller, run):
        raise not_found("run")
    return run


def require_steward(caller: Subject, run: Run) -> None:
    """403 for those who see the run and are not its dataset's steward."""
    if not is_steward(caller, run):
        raise forbidden("role-required", role="steward")


def actions(caller: Subject, run: Run) -> list[AllowedAction]:
    """Return what the caller may do to the run now, and why not."""
    steward = is_steward(caller, run)

    def action(name: str, right: str | None, state: str | None) -> AllowedAction:
        reason = right or state
        return AllowedAction(action=name, allowed=reason is None, reason=reason)

    role = None if steward else "role-required"
    late = "run-committing" if run.committing else None
    finished = None if run.state == "finished" else f"run-{run.state}"
    second = role or ("second-steward-required" if caller.id == run.created_by else None)
    open_gate = finished or (None if run.gate != "passed" else "gate-passed")
    return [
        action("stop", role, f"run-{run.state}" if run.state not in ACTIVE else late),
        action("read_report", None, finished),
        action("judge", role, open_gate),
        action("decide_gate", second, open_gate),
    ]


def start(session: RuleSession, run: Run, now: datetime) -> None:
    """The first process takes the run up. The row is locked."""
    if run.state == "queued":
        run.state = "running"
        run.started_at = now
        run.revision += 1
        events.run_started(session, run)
    session.add(run)


def finish(session: RuleSession, run: Run, result_version_id: UUID | None, now: datetime) -> None:
    """All files are treated or withheld, and the next version exists. The row is locked."""
    _end(run, "finished", None, now)
    run.result_version_id = result_version_id
    session.add(run)
    events.run_finished(session, run)


async def fail(session: RuleSession, run: Run, reason: str, now: datetime, *, state: str = "failed") -> None:
    """The run ends without a version; what it has staged at the catalogue is to be forgotten. The row is locked."""
    _end(run, state, reason, now)
    session.add(run)
    await sources.borrow(session, run.id, now)
    events.run_failed(session, run)


async def stop(session: RuleSession, run: Run, reason: str, now: datetime) -> None:
    """End a run on purpose; 409 when it is over already. The row is locked."""
    if run.state not in ACTIVE:
        raise conflict("run-over", state=run.state)
    if run.committing and reason != "dataset-withdrawn":
        raise conflict("run-committing")
    await fail(session, run, reason, now, state="stopped")


async def withdraw(session: RuleSession, dataset_id: UUID, now: datetime) -> None:
    """The dataset is withdrawn: its runs stop, and what they remember of files can no longer be read."""
    for run in await repository.active_runs_of_dataset(session, dataset_id):
        await stop(session, run, "dataset-withdrawn", now)
    await sources.request_erasure(session, dataset_id, now)
    await repository.forget_contents(session, dataset_id)


def _end(run: Run, state: str, reason: str | None, now: datetime) -> None:
    run.state = state
    run.reason = reason
    run.finished_at = now
    run.claim = None
    run.claimed_until = None
    run.seconds_left = None
    run.revision += 1


def seconds_left(run: Run, now: datetime) -> int | None:
    """Return how long the run will still take, as far as is known: what was reckoned, less the time since.

    None while it waits, and when it should long be over: then what was reckoned was wrong.
    """
    if run.state != "running" or run.seconds_left is None or run.progress_at is None:
        return None
    left = run.seconds_left - (now - run.progress_at) / timedelta(seconds=1)
    return max(1, round(left)) if left > -_PATIENCE_S else None
