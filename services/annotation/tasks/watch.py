"""The worker that keeps the pool: what ran out returns to it, and what the law no longer permits ends.

Running tasks are asked about every few seconds, all in one question (`services.kit.leases`). Every process that runs
this worker asks for itself: one that hears nothing ends what it has not heard about, as everywhere in the factory.
"""

import asyncio
import contextvars
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from services.annotation.tasks import pool, repository
from services.kit.context import Context
from services.kit.leases import keeper_of

log = structlog.get_logger("factory.tasks")

RUNNING = Gauge("factory_annotation_tasks_running", "Tasks that annotators hold now")
RETURNED = Counter("factory_annotation_tasks_ended_total", "Tasks that ended before they were submitted", ["why"])

# Reasons that keep a counter small; all others count as the law's.
_OWN = frozenset({"deadline", "silence"})


async def watch(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: look at what is claimed every few seconds."""
    watching = Watch(ctx)
    try:
        while not stop.is_set():
            await watching.look()
            try:
                await asyncio.wait_for(stop.wait(), ctx.settings.lease_poll_s)
            except TimeoutError:
                continue
    finally:
        await watching.close()


class Watch:
    """Holds the lease of every claimed task, and ends the task when its lease ends."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._holding: dict[UUID, tuple[UUID, asyncio.Task[None]]] = {}

    async def look(self) -> None:
        """Return what ran out, and see to it that a lease is held for just what is claimed."""
        ctx = self._ctx
        while True:
            async with ctx.unit() as session:
                number = await pool.expire(session, ctx.clock.now())
            if not number:
                break
            RETURNED.labels("deadline").inc(number)
            log.info("tasks.returned", why="deadline", tasks=number)
        async with ctx.unit() as session:
            claimed = await repository.claimed_tasks(session)
        RUNNING.set(len(claimed))
        for task_id, (decision_id, holder) in list(self._holding.items()):
            if claimed.get(task_id) != decision_id or holder.done():
                holder.cancel()
                del self._holding[task_id]
        for task_id, decision_id in claimed.items():
            if task_id not in self._holding:
                holder = asyncio.get_running_loop().create_task(
                    self._hold(task_id, decision_id), name="task-lease", context=contextvars.Context()
                )
                self._holding[task_id] = (decision_id, holder)

    async def close(self) -> None:
        """Let go of all leases; the tasks go on, and the next process watches them."""
        holders = [holder for _decision_id, holder in self._holding.values()]
        for holder in holders:
            holder.cancel()
        await asyncio.gather(*holders, return_exceptions=True)
        self._holding.clear()

    async def _hold(self, task_id: UUID, decision_id: UUID) -> None:
        keeper = keeper_of(self._ctx)
        async with keeper.hold(decision_id, asyncio.get_running_loop().time()) as lease:
            await lease.ended.wait()
        if lease.why == "closing":
            return
        # Whoever works on the row right now comes first; the next look tries again.
        async with self._ctx.unit() as session:
            number = await pool.end_by_law(session, [task_id], lease.why)
        if number:
            RETURNED.labels(lease.why if lease.why in _OWN else "law").inc(number)
            log.info("tasks.returned", why=lease.why, tasks=number, decision_id=str(decision_id))
