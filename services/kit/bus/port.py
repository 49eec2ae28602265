"""What a broker must offer; `Bus` builds everything else on it. Implementations: `PostgresLog`, `KafkaLog`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from services.kit.bus.message import Message, Record, Start


class Reader(Protocol):
    """Reads one partition in order."""

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    async def seek(self, offset: int) -> None:
        """Let the next `read` begin at `offset`."""
        ...

    async def find(self, start: Start) -> int:
        """Return the offset that `start` stands for."""
        ...

    async def read(self, limit: int, wait_s: float) -> list[Record]:
        """Return up to `limit` records in order; none if none came within `wait_s` seconds."""
        ...


class GroupReader(Reader, Protocol):
    """Reads one partition for a consumer group, which remembers how far it has come."""

    async def committed(self) -> int | None:
        """Return the offset at which the group goes on; None if it has never been here."""
        ...

    async def commit(self, offset: int) -> None:
        """Remember that everything before `offset` is done."""
        ...


@dataclass(frozen=True)
class Owned:
    """A partition that this member of a group owns, with its dead letters, until `lost` is set."""

    source: GroupReader
    dead: GroupReader
    lost: asyncio.Event


RunOwned = Callable[[Owned], Awaitable[None]]


class Log(Protocol):
    """Topics of partitions, appended to and read by offset; groups whose members share the partitions out."""

    async def start(self) -> None:
        """Begin; does not need the broker yet."""
        ...

    async def close(self) -> None:
        """Let go of everything; other members take over at once."""
        ...

    async def ready(self) -> None:
        """Raise unless the broker answers."""
        ...

    async def partitions(self, topic: str) -> int:
        """Return how many partitions `topic` has; create it if it does not exist."""
        ...

    def partition_of(self, key: str, partitions: int) -> int:
        """Return the partition of `key`."""
        ...

    async def topics(self) -> list[str]:
        """Return the names of all topics."""
        ...

    async def append(self, messages: Sequence[Message], partition: int | None = None) -> None:
        """Append durably, in order per key, to `partition` or to that of each key.

        A repetition inside (after a lost connection) appends nothing twice. Raises `BusAway`.
        """
        ...

    async def own(self, group: str, topic: str, run: RunOwned, stop: asyncio.Event) -> None:
        """Share the partitions of `topic` with the group's other members until `stop`; call `run` for each owned one.

        Each partition has one owner in a group. When one is taken away, `Owned.lost` is set and `run` has some seconds
        to return before it is cancelled. A `run` that fails is called again after a pause.
        """
        ...

    def watch(self, topics: Sequence[str], start: Start) -> AbstractAsyncContextManager[Sequence[Reader]]:
        """Readers of all partitions of `topics`, positioned at `start`, outside any group."""
        ...
