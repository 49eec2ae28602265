"""What is streaming is asked about every few seconds, all of it in one question, and ended on "no" or on silence."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from services.kit.context import Context
from services.kit.problems import BrokenOff, Problem, unavailable

log = structlog.get_logger("factory.leases")

STREAMING = Gauge("factory_downloads_streaming", "Downloads that stream under a lease now")
ENDED = Counter("factory_downloads_ended_total", "Downloads that were ended before their end", ["why"])

# Longest question that is sent in one piece.
MAX_ASKED = 500
MIN_PAUSE_S = 0.1

Ask = Callable[[Sequence[UUID], float], Awaitable[Mapping[UUID, "Answer"]]]
"""Asks which decisions are live, within so many seconds."""


@dataclass(frozen=True)
class Answer:
    """What access says about one decision."""

    live: bool
    codes: tuple[str, ...] = ()


class LeaseEnded(BrokenOff):
    """The lease was taken back, or nobody says that it still holds: the stream ends short."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Lease:
    """One stream's hold on its decision. `ended` is set once, with `why`."""

    decision_id: UUID
    confirmed: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    why: str = ""

    def end(self, why: str) -> None:
        """Take the lease back."""
        if not self.ended.is_set():
            self.why = why
            ENDED.labels(why).inc()
            self.ended.set()

    def check(self) -> None:
        """Raise LeaseEnded when it was taken back."""
        if self.ended.is_set():
            raise LeaseEnded(self.why)


class LeaseKeeper:
    """Asks for all streams of this process every `poll_s` seconds; `silence_s` without an answer ends them."""

    def __init__(self, ask: Ask, *, poll_s: float, silence_s: float) -> None:
        self._ask = ask
        self._poll_s = poll_s
        self._silence_s = silence_s
        self._leases: dict[int, Lease] = {}
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asking: list[tuple[UUID, asyncio.Future[Answer]]] = []
        self._asker: asyncio.Task[None] | None = None

    @property
    def held(self) -> int:
        """How many leases are held."""
        return len(self._leases)

    def poke(self) -> None:
        """Ask now: something has happened that may have ended a lease."""
        self._poked.set()

    async def check(self, decision_id: UUID) -> Answer:
        """Ask about one decision, before the first byte. Raises the other service's problem (503: no answer)."""
        future = asyncio.get_running_loop().create_future()
        self._asking.append((decision_id, future))
        if self._asker is None or self._asker.done():
            self._asker = _apart(self._ask_for_those_at_the_door(), "lease-door")
        return await future

    async def _ask_for_those_at_the_door(self) -> None:
        # While one question is under way, those who come wait for the next, which asks for all of them.
        while self._asking:
            waiting, self._asking = self._asking[:MAX_ASKED], self._asking[MAX_ASKED:]
            try:
                answers = await self._ask(list({decision_id for decision_id, _ in waiting}), 5.0)
            except Exception as error:
                _fail(waiting, error)
                continue
            except asyncio.CancelledError:
                _fail([*waiting, *self._asking], unavailable("leases"))
                raise
            for decision_id, future in waiting:
                if not future.done():
                    future.set_result(answers.get(decision_id, Answer(False)))

    @asynccontextmanager
    async def hold(self, decision_id: UUID, asked_at: float) -> AsyncGenerator[Lease]:
        """Hold a lease whose decision was found live at `asked_at` (the loop's time), until the stream is done."""
        lease = Lease(decision_id, asked_at)
        self._leases[id(lease)] = lease
        if self._task is None or self._task.done():
            self._task = _apart(self._keep(), "lease-keeper")
        STREAMING.inc()
        try:
            yield lease
        finally:
            STREAMING.dec()
            del self._leases[id(lease)]

    async def close(self) -> None:
        """End every stream and stop asking."""
        for lease in self._leases.values():
            lease.end("closing")
        tasks = [task for task in (self._task, self._asker) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        due, asked = loop.time() + self._poll_s, 0.0
        while self._leases:
            silent_at = min(lease.confirmed for lease in self._leases.values()) + self._silence_s
            wait = min(due, silent_at) - loop.time()
            try:
                await asyncio.wait_for(self._poked.wait(), max(0.0, wait))
            except TimeoutError:
                pass
            poked = self._poked.is_set()
            self._poked.clear()
            if poked and loop.time() < asked + MIN_PAUSE_S:
                # Facts come in bursts; one question answers them all.
                await asyncio.sleep(asked + MIN_PAUSE_S - loop.time())
                self._poked.clear()
            now = loop.time()
            if poked or now >= due:
                asked = now
                due = now + self._poll_s
                await self._ask_all(now)
            for lease in list(self._leases.values()):
                if lease.confirmed + self._silence_s <= loop.time():
                    lease.end("silence")
                    # It stays held until its stream has noticed; it must not make this loop spin.
                    lease.confirmed = float("inf")

    async def _ask_all(self, now: float) -> None:
        waiting = [lease for lease in self._leases.values() if not lease.ended.is_set()]
        ids = list({lease.decision_id for lease in waiting})
        if not ids:
            return
        # A question must not outlast the patience of the stream that has waited longest.
        patience = min(lease.confirmed for lease in waiting) + self._silence_s - now
        deadline_s = max(0.05, min(5.0, patience))
        for start in range(0, len(ids), MAX_ASKED):
            asked = set(ids[start : start + MAX_ASKED])
            try:
                answers = await self._ask(list(asked), deadline_s)
            except Problem as problem:
                log.warning("leases.unanswered", code=problem.code, leases=len(asked))
                continue
            for lease in waiting:
                if lease.decision_id not in asked:
                    continue
                # What is not answered for is not live.
                answer = answers.get(lease.decision_id, Answer(False))
                if answer.live:
                    lease.confirmed = now
                else:
                    lease.end(answer.codes[0] if answer.codes else "not-live")


def _fail(waiting: Sequence[tuple[UUID, asyncio.Future[Answer]]], error: Exception) -> None:
    for _decision_id, future in waiting:
        if not future.done():
            future.set_exception(error)


def _apart(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Run `work` in a context of its own: it outlives the request that happens to start it."""
    return asyncio.get_running_loop().create_task(work, name=name, context=contextvars.Context())


def ask_access(ctx: Context) -> Ask:
    """Return the question as access answers it."""

    async def ask(decision_ids: Sequence[UUID], deadline_s: float) -> Mapping[UUID, Answer]:
        body = {"decision_ids": [str(decision_id) for decision_id in decision_ids]}
        document = await ctx.http.request(
            "access", "POST", "/internal/v1/leases", json=body, idempotent=False, deadline_s=deadline_s
        )
        items = cast("dict[str, dict[str, Any]]", document["items"])
        return {
            UUID(decision_id): Answer(item.get("live") is True, tuple(str(c) for c in item.get("codes", ())))
            for decision_id, item in items.items()
        }

    return ask


def keeper_of(ctx: Context) -> LeaseKeeper:
    """Return the process's lease keeper."""
    return cast(LeaseKeeper, ctx.components["leases"])
