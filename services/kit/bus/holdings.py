"""The partitions that this process holds for a group, and the task that works on each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog

from services.kit.bus.consumer import unless
from services.kit.bus.failures import describe
from services.kit.bus.port import Owned, RunOwned

log = structlog.get_logger("factory.bus")

GRACE_S = 8.0
"""How long the handling of a message may go on after its partition was given up."""
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0

MakeOwned = Callable[[int, asyncio.Event], Owned]


@dataclass
class _Holding:
    lost: asyncio.Event
    task: asyncio.Task[None]


class Holdings:
    """Starts and ends work on partitions of `topic` for `group`."""

    def __init__(self, group: str, topic: str, make_owned: MakeOwned, run: RunOwned) -> None:
        self._group = group
        self._topic = topic
        self._make_owned = make_owned
        self._run = run
        self._held: dict[int, _Holding] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, partition: int) -> bool:
        return partition in self._held

    def partitions(self) -> list[int]:
        """Return what is held, longest first."""
        return list(self._held)

    def begin(self, partition: int) -> None:
        """Work on `partition` from now on."""
        lost = asyncio.Event()
        task = asyncio.create_task(self._work(partition, lost), name=f"{self._group}:{self._topic}:{partition}")
        self._held[partition] = _Holding(lost, task)

    async def end(self, partitions: Iterable[int], release: Callable[[int], Awaitable[None]] | None = None) -> None:
        """Let the work on `partitions` finish what it has in hand, for some seconds; then `release` each."""
        ending = {partition: self._held[partition] for partition in partitions if partition in self._held}
        for holding in ending.values():
            holding.lost.set()
        if ending:
            _, late = await asyncio.wait([holding.task for holding in ending.values()], timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for partition in ending:
            if release is not None:
                await release(partition)
            del self._held[partition]

    async def abandon(self) -> list[int]:
        """Cancel all work where it stands; return the partitions that were held."""
        held = self.partitions()
        for holding in self._held.values():
            holding.lost.set()
            holding.task.cancel()
        await asyncio.gather(*(holding.task for holding in self._held.values()), return_exceptions=True)
        self._held.clear()
        return held

    async def _work(self, partition: int, lost: asyncio.Event) -> None:
        pause = _FIRST_PAUSE_S
        while not lost.is_set():
            try:
                await self._run(self._make_owned(partition, lost))
                pause = _FIRST_PAUSE_S
            except Exception as error:
                log.warning("bus.partition-failed", group=self._group, topic=self._topic, why=describe(error))
            await unless(lost, asyncio.sleep(pause))
            pause = min(pause * 2, _LONGEST_PAUSE_S)
