"""Processes on a broker under test, and members of groups that can be stopped or killed."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from services.kit.bus import Bus, Message, Record, make_bus
from services.kit.ids import new_id


@dataclass
class Broker:
    """A broker under test: makes processes on it, and names that nobody else uses."""

    kind: str
    url: str
    opened: list[Bus] = field(default_factory=list[Bus])
    topic: str = field(default_factory=lambda: f"factory.test-{new_id().hex}.v1")
    group: str = field(default_factory=lambda: f"group-{new_id().hex}")

    async def process(self) -> Bus:
        bus = make_bus(self.url)
        await bus.start()
        self.opened.append(bus)
        return bus

    def messages(self, key: str, numbers: Sequence[int]) -> list[Message]:
        return [Message(self.topic, key, str(number).encode(), {"ce_id": f"{key}-{number}"}) for number in numbers]


class Member:
    """A process that consumes for a group; notes what it was given."""

    def __init__(self, broker: Broker, handler: Callable[[Record], Awaitable[None]] | None = None) -> None:
        self.broker = broker
        self.records: list[Record] = []
        self._handler = handler
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.bus: Bus | None = None

    async def start(self, group: str = "", **options: Any) -> "Member":
        self.bus = await self.broker.process()

        async def handle(record: Record) -> None:
            if self._handler is not None:
                await self._handler(record)
            self.records.append(record)

        self._task = asyncio.create_task(
            self.bus.consume(group or self.broker.group, [self.broker.topic], handle, stop=self._stop, **options)
        )
        return self

    async def stop(self) -> None:
        """End as a process does that is told to."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait_for(self._task, 20)

    async def crash(self) -> None:
        """End as a process does that is killed: nothing more is said to the broker."""
        assert self._task is not None and self.bus is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        await self.bus.close()

    @property
    def values(self) -> list[int]:
        return [int(record.value) for record in self.records]

    def by_key(self) -> dict[str, list[int]]:
        result: dict[str, list[int]] = defaultdict(list)
        for record in self.records:
            result[record.key].append(int(record.value))
        return dict(result)


@asynccontextmanager
async def member(
    broker: Broker, handler: Callable[[Record], Awaitable[None]] | None = None, **options: Any
) -> AsyncIterator[Member]:
    one = await Member(broker, handler).start(**options)
    try:
        yield one
    finally:
        await one.stop()


async def first(records: AsyncIterator[Record], count: int, seconds: float = 15) -> list[Record]:
    """Take `count` records from an endless stream."""
    taken: list[Record] = []
    async with asyncio.timeout(seconds):
        async for record in records:
            taken.append(record)
            if len(taken) == count:
                break
    await records.aclose()  # pyright: ignore[reportAttributeAccessIssue]
    return taken
