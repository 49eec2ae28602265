"""Handles the messages of one owned partition: in order, at least once; what fails repeatedly is parked by key."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog
from prometheus_client import Counter

from services.kit.bus.failures import describe
from services.kit.bus.message import Handler, Later, Message, Record, Start
from services.kit.bus.parking import ParkingLot
from services.kit.bus.port import Log, Owned

T = TypeVar("T")

log = structlog.get_logger("factory.bus")
HANDLED = Counter("factory_bus_messages_total", "Messages that left a group's hands", ["group", "topic", "outcome"])

BATCH = 100
WAIT_S = 0.5
"""How long a read waits for messages; also how soon a redrive is noticed."""
COMMIT_EVERY_S = 1.0
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0


class Lost(Exception):
    """The partition was taken away before the message was done."""


async def unless(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns, or None (with `work` cancelled) as soon as `event` is set."""
    task = asyncio.create_task(work)
    signal = asyncio.create_task(event.wait())
    try:
        await asyncio.wait((task, signal), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, signal):
            each.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(task, signal, return_exceptions=True)


async def attempt(record: Record, handler: Handler, attempts: int, lost: asyncio.Event) -> BaseException | None:
    """Let `handler` try `record` up to `attempts` times, with growing pauses; return the last error, None if it went.

    `Later` does not count: the message waits, and all behind it. Raises `Lost` when the partition is taken away.
    """
    pause = _FIRST_PAUSE_S
    failed = 0
    while True:
        try:
            await handler(record)
            return None
        except Later as error:
            log.warning("bus.later", topic=record.topic, partition=record.partition, why=describe(error))
        except Exception as error:
            failed += 1
            if failed >= attempts:
                return error
            log.warning("bus.failed", topic=record.topic, partition=record.partition, tries=failed, why=describe(error))
        await unless(lost, asyncio.sleep(pause))
        if lost.is_set():
            raise Lost
        pause = min(pause * 2, _LONGEST_PAUSE_S)


class PartitionConsumer:
    """One group's work on one partition."""

    def __init__(self, broker: Log, owned: Owned, group: str, handler: Handler, *, attempts: int, start: Start) -> None:
        self._broker = broker
        self._source = owned.source
        self._dead = owned.dead
        self._lost = owned.lost
        self._group = group
        self._handler = handler
        self._attempts = attempts
        self._start: Start = start
        self._lot = ParkingLot(group, owned.source.topic, owned.source.partition)
        self._dead_at = 0
        self._dead_noted = 0

    async def run(self) -> None:
        """Work until the partition is lost."""
        await self._recall()
        source = self._source
        done = await source.committed()
        if done is None:
            done = await source.find(self._start)
            # Pinned at once: "latest" must not mean something later to the next owner.
            await source.commit(done)
        await source.seek(done)
        loop = asyncio.get_running_loop()
        while not self._lost.is_set():
            await self._obey()
            committed = done
            since = loop.time()
            try:
                for record in await unless(self._lost, source.read(BATCH, WAIT_S)) or ():
                    await self._take(record)
                    done = record.offset + 1
                    if loop.time() - since > COMMIT_EVERY_S:
                        await source.commit(done)
                        committed, since = done, loop.time()
                    if self._lost.is_set():
                        break
            except Lost:
                break
            finally:
                if done > committed:
                    await source.commit(done)

    async def _take(self, record: Record) -> None:
        if record.key in self._lot:
            if not self._lot.knows(record):
                await self._write(self._lot.letter(record))
            self._count(record, "waiting")
            return
        error = await attempt(record, self._handler, self._attempts, self._lost)
        if error is None:
            self._count(record, "handled")
            return
        why = describe(error)
        await self._write(self._lot.letter(record, why, self._attempts))
        self._count(record, "parked")
        log.error("bus.parked", group=self._group, topic=record.topic, key=record.key, offset=record.offset, why=why)

    async def _recall(self) -> None:
        """Learn from the dead letters which keys are parked."""
        self._dead_at = self._dead_noted = await self._dead.committed() or await self._dead.find("earliest")
        end = await self._dead.find("latest")
        await self._dead.seek(self._dead_at)
        while self._dead_at < end and not self._lost.is_set():
            await self._read_dead(WAIT_S)

    async def _read_dead(self, wait_s: float) -> None:
        for record in await unless(self._lost, self._dead.read(BATCH, wait_s)) or ():
            self._lot.fold(record)
            self._dead_at = record.offset + 1

    async def _obey(self) -> None:
        """Take up redrives that were asked for since the last time."""
        await self._read_dead(0)
        for key in self._lot.resuming():
            await self._resume(key)
        if not len(self._lot) and self._dead_at > self._dead_noted:
            # Nothing before this point matters any more: the next owner begins here.
            await self._dead.commit(self._dead_at)
            self._dead_noted = self._dead_at

    async def _resume(self, key: str) -> None:
        while (letter := self._lot.first(key)) is not None and not self._lost.is_set():
            try:
                error = await attempt(letter, self._handler, self._attempts, self._lost)
            except Lost:
                return
            if error is not None:
                await self._write(self._lot.stuck(letter, describe(error), self._attempts))
                self._count(letter, "parked")
                return
            await self._write(self._lot.settled(letter))
            self._count(letter, "redriven")

    async def _write(self, message: Message) -> None:
        await self._broker.append([message], self._source.partition)
        self._lot.fold(message)

    def _count(self, record: Record, outcome: str) -> None:
        HANDLED.labels(self._group, record.topic, outcome).inc()
