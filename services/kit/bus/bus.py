"""The bus as services see it: publish facts, handle them in groups, look at them, park what fails, resume it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog

from services.kit.bus.consumer import BATCH, WAIT_S, Lost, PartitionConsumer, attempt, unless
from services.kit.bus.failures import describe
from services.kit.bus.message import (
    MAX_BYTES,
    Handler,
    Message,
    MessageTooLarge,
    ParkedKey,
    Record,
    Start,
    check_name,
    dead_letter_topic,
)
from services.kit.bus.parking import ParkingLot
from services.kit.bus.port import Log, Owned, Reader

log = structlog.get_logger("factory.bus")
ATTEMPTS = 5


class Bus:
    """At-least-once delivery, in order per key, over any `Log`."""

    def __init__(self, broker: Log) -> None:
        self._log = broker

    async def start(self) -> None:
        """Begin; the broker may still be away."""
        await self._log.start()

    async def close(self) -> None:
        """Let go of connections and partitions."""
        await self._log.close()

    async def ready(self) -> None:
        """Raise unless the broker answers."""
        await self._log.ready()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish durably, in order per key.

        Raises `MessageTooLarge` (then nothing was published) and `BusAway` (then publish all of it again: consumers
        know repeated events by their id).
        """
        for message in messages:
            if message.size > MAX_BYTES:
                raise MessageTooLarge(message)
            check_name(message.topic)
        if messages:
            await self._log.append(messages)

    async def consume(
        self,
        group: str,
        topics: Sequence[str],
        handler: Handler,
        *,
        stop: asyncio.Event,
        start: Start = "earliest",
        broadcast: bool = False,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Give every message of `topics` to `handler` until `stop` is set; outages of the broker are waited out.

        The members of `group` share the partitions; a message counts as done when its handler has returned. One that
        fails `attempts` times is parked with everything later of its key, until `redrive`; other keys go on. A handler
        that raises `Later` is tried again for ever. `start` matters to a group that has never been here.

        With `broadcast` every caller gets every message from `start` on: nothing is remembered, and what fails
        repeatedly is skipped.
        """
        check_name(group)
        async with asyncio.TaskGroup() as tasks:
            if broadcast:
                tasks.create_task(self._broadcast(group, topics, handler, stop, start, attempts))
                return

            async def run(owned: Owned) -> None:
                await PartitionConsumer(self._log, owned, group, handler, attempts=attempts, start=start).run()

            for topic in topics:
                tasks.create_task(self._log.own(group, check_name(topic), run, stop))

    async def _broadcast(
        self, group: str, topics: Sequence[str], handler: Handler, stop: asyncio.Event, start: Start, attempts: int
    ) -> None:
        async def follow(reader: Reader) -> None:
            while not stop.is_set():
                for record in await self._patiently(reader, stop):
                    try:
                        error = await attempt(record, handler, attempts, stop)
                    except Lost:
                        return
                    if error is not None:
                        log.error("bus.skipped", group=group, topic=record.topic, why=describe(error))
                    if stop.is_set():
                        return

        while not stop.is_set():
            try:
                # Only opening can fail: what readers and handlers raise is dealt with where it happens.
                async with self._log.watch(topics, start) as readers, asyncio.TaskGroup() as tasks:
                    for reader in readers:
                        tasks.create_task(follow(reader))
            except Exception as error:
                log.warning("bus.broadcast-failed", group=group, why=describe(error))
                await unless(stop, asyncio.sleep(1))

    async def _patiently(self, reader: Reader, stop: asyncio.Event) -> list[Record]:
        try:
            return await unless(stop, reader.read(BATCH, WAIT_S)) or []
        except Exception as error:
            log.warning("bus.read-failed", topic=reader.topic, why=describe(error))
            await unless(stop, asyncio.sleep(1))
            return []

    async def tail(self, topics: Sequence[str], start: Start = "latest") -> AsyncIterator[Record]:
        """Yield the messages of `topics` from `start` on, for ever, as they come (in order within a partition)."""
        queue: asyncio.Queue[Record] = asyncio.Queue(maxsize=BATCH)
        never = asyncio.Event()

        async def pump(reader: Reader) -> None:
            while True:
                for record in await self._patiently(reader, never):
                    await queue.put(record)

        async with self._log.watch(topics, start) as readers:
            tasks = [asyncio.create_task(pump(reader)) for reader in readers]
            try:
                while True:
                    yield await queue.get()
            finally:
                for task in tasks:
                    task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.gather(*tasks, return_exceptions=True)

    async def parked(self, group: str) -> list[ParkedKey]:
        """Return the keys that `group` has parked, over all its topics."""
        return [key for lot in await self._lots(group) for key in lot]

    async def redrive(self, group: str, key: str | None = None) -> int:
        """Ask `group` to take up a parked key again, or all of them; return how many messages wait behind it.

        The group's members do the work, in order, and park the key anew if it fails again.
        """
        asked = 0
        for lot in await self._lots(group):
            for parked in lot:
                if key is None or parked.key == key:
                    await self._log.append([lot.resume(parked.key)], lot.partition)
                    asked += parked.letters
        return asked

    async def _lots(self, group: str) -> list[ParkingLot]:
        suffix = dead_letter_topic(check_name(group), "")
        lots: list[ParkingLot] = []
        for dead in await self._log.topics():
            if not dead.endswith(suffix):
                continue
            topic = dead.removesuffix(suffix)
            async with self._log.watch([dead], "earliest") as readers:
                lots += await asyncio.gather(*(_recall(ParkingLot(group, topic, r.partition), r) for r in readers))
        return lots


async def _recall(lot: ParkingLot, reader: Reader) -> ParkingLot:
    position, end = await asyncio.gather(reader.find("earliest"), reader.find("latest"))
    while position < end:
        for record in await reader.read(BATCH, WAIT_S):
            lot.fold(record)
            position = record.offset + 1
    return lot
