"""Members of a group share the partitions of a topic: one advisory lock a partition, held by one session each.

How many members there are is read from the locks themselves (each shares one), so that a member that dies is gone with
its connection and nothing has to be cleaned up.
"""

import asyncio
import math

from services.kit.bus.holdings import Holdings, MakeOwned
from services.kit.bus.port import RunOwned
from services.kit.bus.postgres_session import Session, lock_key

LOOK_AGAIN_S = 1.0
"""How soon partitions of a member that died are taken over."""


class Membership:
    """This process as a member of `group` for `topic`, for as long as `session` lives."""

    def __init__(
        self, session: Session, group: str, topic: str, partitions: int, make_owned: MakeOwned, run: RunOwned
    ) -> None:
        self._session = session
        self._group = group
        self._topic = topic
        self._partitions = partitions
        self._holdings = Holdings(group, topic, make_owned, run)
        self._member_key = lock_key("member", group, topic)
        self._joined = False

    async def serve(self, stop: asyncio.Event) -> None:
        """Hold a fair share of the partitions until `stop` is set or the session is lost."""
        session, holdings = self._session, self._holdings
        try:
            self._joined = True
            await session.join(self._member_key)
            while not stop.is_set() and not session.lost.is_set():
                share = math.ceil(self._partitions / await session.members(self._member_key))
                surplus = holdings.partitions()[share:]
                if surplus:
                    await holdings.end(surplus, self._release)
                    await session.tell_groups()
                await self._take(share)
                await self._wait(stop)
            await holdings.end(holdings.partitions(), self._release)
        finally:
            # Partitions are left here only after an error or when cancelled: then nothing is waited for.
            for partition in await holdings.abandon():
                await self._release(partition)
            if self._joined and not session.lost.is_set():
                await session.leave(self._member_key)

    def _key(self, partition: int) -> int:
        return lock_key("partition", self._group, self._topic, partition)

    async def _release(self, partition: int) -> None:
        if not self._session.lost.is_set():
            await self._session.unlock(self._key(partition))

    async def _take(self, share: int) -> None:
        for partition in range(self._partitions):
            if len(self._holdings) >= share:
                return
            if partition not in self._holdings and await self._session.try_lock(self._key(partition)):
                self._holdings.begin(partition)

    async def _wait(self, stop: asyncio.Event) -> None:
        events = (stop, self._session.lost, self._session.groups_changed)
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._session.groups_changed.clear()
