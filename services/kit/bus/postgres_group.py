"""Members of a group share the partitions of a topic: one advisory lock a partition, held by one session each.

How many members there are is read from the locks themselves (each shares one), so that a member that dies is gone with
its connection and nothing has to be cleaned up.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from services.kit.bus.consumer import unless
from services.kit.bus.failures import describe
from services.kit.bus.port import Owned, RunOwned
from services.kit.bus.postgres_session import Session, lock_key

log = structlog.get_logger("factory.bus")

LOOK_AGAIN_S = 1.0
"""How soon partitions of a member that died are taken over."""
GRACE_S = 8.0
"""How long the handling of a message may go on after its partition was given up."""

MakeOwned = Callable[[int, asyncio.Event], Owned]


@dataclass
class _Holding:
    lost: asyncio.Event
    task: asyncio.Task[None]


class Membership:
    """This process as a member of `group` for `topic`, for as long as `session` lives."""

    def __init__(
        self, session: Session, group: str, topic: str, partitions: int, make_owned: MakeOwned, run: RunOwned
    ) -> None:
        self._session = session
        self._group = group
        self._topic = topic
        self._partitions = partitions
        self._make_owned = make_owned
        self._run = run
        self._held: dict[int, _Holding] = {}
        self._member_key = lock_key("member", group, topic)
        self._joined = False

    def _key(self, partition: int) -> int:
        return lock_key("partition", self._group, self._topic, partition)

    async def serve(self, stop: asyncio.Event) -> None:
        """Hold a fair share of the partitions until `stop` is set or the session is lost."""
        session = self._session
        try:
            self._joined = True
            await session.join(self._member_key)
            while not stop.is_set() and not session.lost.is_set():
                share = math.ceil(self._partitions / await session.members(self._member_key))
                for partition in list(self._held)[share:]:
                    await self._give_up([partition])
                await self._take(share)
                await self._wait(stop)
            await self._give_up(list(self._held))
        finally:
            # Partitions are left here only after an error or when cancelled: then nothing is waited for.
            for holding in self._held.values():
                holding.lost.set()
                holding.task.cancel()
            await asyncio.gather(*(holding.task for holding in self._held.values()), return_exceptions=True)
            for partition in self._held:
                if not session.lost.is_set():
                    await session.unlock(self._key(partition))
            if self._joined and not session.lost.is_set():
                await session.leave(self._member_key)

    async def _wait(self, stop: asyncio.Event) -> None:
        events = (stop, self._session.lost, self._session.groups_changed)
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._session.groups_changed.clear()

    async def _take(self, share: int) -> None:
        for partition in range(self._partitions):
            if len(self._held) >= share:
                return
            if partition not in self._held and await self._session.try_lock(self._key(partition)):
                lost = asyncio.Event()
                task = asyncio.create_task(self._work(partition, lost), name=f"{self._group}:{self._topic}:{partition}")
                self._held[partition] = _Holding(lost, task)

    async def _give_up(self, partitions: list[int]) -> None:
        holdings = [self._held[partition] for partition in partitions]
        for holding in holdings:
            holding.lost.set()
        if holdings:
            _, late = await asyncio.wait([holding.task for holding in holdings], timeout=GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for partition in partitions:
            if not self._session.lost.is_set():
                await self._session.unlock(self._key(partition))
            del self._held[partition]
        if partitions and not self._session.lost.is_set():
            await self._session.tell_groups()

    async def _work(self, partition: int, lost: asyncio.Event) -> None:
        pause = 0.1
        while not lost.is_set():
            try:
                await self._run(self._make_owned(partition, lost))
                pause = 0.1
            except Exception as error:
                log.warning("bus.partition-failed", group=self._group, topic=self._topic, why=describe(error))
            await unless(lost, asyncio.sleep(pause))
            pause = min(pause * 2, 2.0)
