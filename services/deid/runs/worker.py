"""The workers that carry out runs. Any number of processes share the work; what one drops, another goes on with."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import structlog

from services.deid.recipes import repository as recipes
from services.deid.runs import repository, rules
from services.deid.runs.listing import list_files
from services.deid.runs.service import ClaimLost, Ended, Work, bell_of, settings_of, work_of
from services.deid.runs.treating import Treatment
from services.deid.sources import loans
from services.deid.sources.erasure import erase_one
from services.deid.sources.keys import keys_of
from services.kit.bus.failures import is_passing
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.keys import KeyStoreUnavailable
from services.kit.problems import Problem

log = structlog.get_logger("factory.deid")

FinishedHook = Callable[[RuleSession, Context, Any], Awaitable[None]]
"""`async (session, ctx, run)`: what else happens in the transaction in which a run finishes; its row is locked."""

_IDLE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_TIDY_S = 2.0
# Faults that are not outages repeat themselves: after so many attempts the run has failed.
_ATTEMPTS = 5


async def carry_out(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: carry out runs, a few at a time."""
    async with asyncio.TaskGroup() as group:
        for _ in range(settings_of(ctx).deid_runs_parallel):
            group.create_task(_work(ctx, stop))


async def _work(ctx: Context, stop: asyncio.Event) -> None:
    pause = _IDLE_S
    while not stop.is_set():
        taking = asyncio.create_task(take_one(ctx))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({taking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                # Told to stop: what is under way is let go at once, and another process goes on with it.
                taking.cancel()
            worked = await taking
            pause = _IDLE_S
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if stop.is_set() and not (task and task.cancelling()):
                return
            raise
        except Exception as error:
            # The database is away, most likely.
            log.warning("runs.paused", error=type(error).__name__, again_in_s=pause)
            worked, pause = False, min(pause * 2, 8.0)
        finally:
            for task in (taking, stopped):
                task.cancel()
            await asyncio.gather(taking, stopped, return_exceptions=True)
        if not worked:
            await _rest(ctx, stop, pause)


async def _rest(ctx: Context, stop: asyncio.Event, seconds: float) -> None:
    bell = bell_of(ctx)
    waits = [asyncio.create_task(event.wait()) for event in (stop, bell)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    bell.clear()


async def take_one(ctx: Context) -> bool:
    """Claim a run and work on it until it is over or something is away; False when none waits."""
    work = await _claimed(ctx)
    if work is None:
        return False
    job = Job()
    try:
        await _while_held(ctx, work, _carry_out(ctx, work, job))
        log.info("run.finished", run_id=str(work.run_id))
    except ClaimLost:
        log.info("run.claim_lost", run_id=str(work.run_id))
    except asyncio.CancelledError:
        # Stopped on purpose: the next process need not wait until the claim runs out.
        await asyncio.shield(_release(ctx, work, 0.0, work.attempts))
        raise
    except Exception as error:
        await _interrupted(ctx, work, error, progressed=job.progressed)
    return True


@dataclass
class Job:
    """What is to be known of a run's work when it is interrupted."""

    treatment: Treatment | None = None

    @property
    def progressed(self) -> bool:
        """Whether any file was done."""
        return self.treatment is not None and self.treatment.progressed


async def _carry_out(ctx: Context, work: Work, job: Job) -> None:
    if work.changed:
        raise Ended("operators-changed")
    if not work.listed:
        await list_files(ctx, work)
    job.treatment = await _treatment(ctx, work)
    await job.treatment.run()
    await _finish(ctx, work)


async def _claimed(ctx: Context) -> Work | None:
    now = ctx.clock.now()
    until = now + timedelta(seconds=settings_of(ctx).deid_run_claim_s)
    async with ctx.unit() as session:
        run = await repository.claim_run(session, new_id(), now, until)
        if run is None:
            return None
        recipe = await recipes.recipe(session, run.recipe_id)
        assert recipe is not None
        try:
            secrets = await keys_of(ctx).open(session, run.dataset_id)
        except Problem as problem:
            if problem.status == 410:
                await rules.withdraw(session, run.dataset_id, now)
            # Otherwise the store of keys does not answer: the claim runs out and somebody looks again.
            return None
        rules.start(session, run, now)
        return work_of(ctx, run, recipe, secrets)


async def _treatment(ctx: Context, work: Work) -> Treatment:
    async with ctx.unit() as session:
        waiting = await repository.waiting_by_lane(session, work.run_id)
        files, _ = await repository.listed(session, work.run_id)
    return Treatment(ctx, work, waiting, files)


async def _finish(ctx: Context, work: Work) -> None:
    """Make the version, then say that the run is finished; whoever dies in between, the next asks again and is told."""
    async with ctx.unit() as session:
        if not await repository.set_committing(session, work.run_id, work.claim):
            raise ClaimLost
        run = await repository.run(session, work.run_id)
        assert run is not None
        treated, kept_back = run.files_treated, run.files_withheld
    result: UUID | None = None
    if not work.inspect:
        if not treated:
            raise Ended("nothing-treated")
        counts = {"files_treated": treated, "files_withheld": kept_back}
        result = (await work.derivation.commit({**work.details, **counts})).version_id
    async with ctx.unit() as session:
        run = await repository.run(session, work.run_id, lock=True)
        if run is None or run.claim != work.claim or run.state != "running":
            raise ClaimLost
        rules.finish(session, run, result, ctx.clock.now())
        await session.flush()
        for hook in cast("list[FinishedHook]", ctx.components["run_finished_hooks"]):
            await hook(session, ctx, run)


async def _interrupted(ctx: Context, work: Work, error: Exception, *, progressed: bool) -> None:
    """Decide what an interruption means: wait and go on, begin again, or give up."""
    run_id = str(work.run_id)
    if isinstance(error, Ended):
        await _end(ctx, work, "failed", error.reason)
    elif isinstance(error, Problem) and error.status == 410:
        await _end(ctx, work, "stopped", error.code)
    elif isinstance(error, Problem) and error.status < 500 and error.status not in (401, 408, 429):
        log.error("run.refused", run_id=run_id, code=error.code, status=error.status)
        await _end(ctx, work, "failed", "catalogue-refused")
    elif _is_away(error):
        pause = _pause(work.run_id, progressed)
        log.warning("run.waits", run_id=run_id, error=type(error).__name__, again_in_s=pause)
        await _release(ctx, work, pause, work.attempts)
    elif work.attempts + 1 >= _ATTEMPTS:
        log.exception("run.failed", run_id=run_id)
        await _end(ctx, work, "failed", "internal-error")
    else:
        log.exception("run.again", run_id=run_id, attempt=work.attempts + 1)
        await _release(ctx, work, min(30.0, 2.0**work.attempts), work.attempts + 1)


_pauses: dict[UUID, float] = {}


def _pause(run_id: UUID, progressed: bool) -> float:
    """Return how long to wait before going on: longer each time, as long as nothing is achieved in between."""
    if len(_pauses) > 1000:
        _pauses.clear()
    pause = 1.0 if progressed else min(_LONGEST_PAUSE_S, 2 * _pauses.get(run_id, 0.5))
    _pauses[run_id] = pause
    return pause


def _is_away(error: Exception) -> bool:
    if isinstance(error, Problem):
        return error.status >= 500 or error.status in (401, 408, 429)
    return is_passing(error) or isinstance(error, KeyStoreUnavailable | OSError)


async def _end(ctx: Context, work: Work, state: str, reason: str) -> None:
    now = ctx.clock.now()
    async with ctx.unit() as session:
        run = await repository.run(session, work.run_id, lock=True)
        if run is None or run.claim != work.claim or run.state != "running":
            return
        if reason == "dataset-withdrawn":
            await rules.withdraw(session, run.dataset_id, now)
        else:
            await rules.fail(session, run, reason, now, state=state)
    log.info("run.ended", run_id=str(work.run_id), state=state, reason=reason)


async def _release(ctx: Context, work: Work, pause_s: float, attempts: int) -> None:
    with contextlib.suppress(Exception):
        async with ctx.unit() as session:
            not_before = ctx.clock.now() + timedelta(seconds=pause_s)
            await repository.release_claim(session, work.run_id, work.claim, not_before, attempts)


async def _while_held(ctx: Context, work: Work, working: Coroutine[Any, Any, None]) -> None:
    """Do the work while the claim is held; end it and raise ClaimLost when the claim is lost."""
    doing = asyncio.create_task(working)
    beating = asyncio.create_task(_beat(ctx, work))
    try:
        await asyncio.wait({doing, beating}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done() or doing.cancelled():
            raise ClaimLost
        doing.result()
    finally:
        for task in (doing, beating):
            task.cancel()
        await asyncio.gather(doing, beating, return_exceptions=True)


async def _beat(ctx: Context, work: Work) -> None:
    """Extend the claim; return when it is lost, or could not be extended for as long as it lasts."""
    lease_s = settings_of(ctx).deid_run_claim_s
    loop = asyncio.get_running_loop()
    held_until = loop.time() + lease_s
    while loop.time() < held_until:
        await asyncio.sleep(lease_s / 3)
        try:
            async with ctx.unit() as session:
                until = ctx.clock.now() + timedelta(seconds=lease_s)
                if not await repository.hold_claim(session, work.run_id, work.claim, until):
                    return
            held_until = loop.time() + lease_s
        except Exception as error:
            log.warning("run.claim_unextended", run_id=str(work.run_id), error=type(error).__name__)


async def tidy(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: give back what was opened at the catalogue for nothing, and destroy keys that are to be destroyed."""
    while not stop.is_set():
        try:
            await loans.give_back_due(ctx)
            while await erase_one(ctx):
                continue
        except Exception as error:
            log.warning("tidy.put_off", error=type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), _TIDY_S)
        except TimeoutError:
            continue
