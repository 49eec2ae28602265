"""A pool of connections that serves whoever has waited longest.

SQLAlchemy's own queue lets a newcomer take a connection that was just given back, before the one who waits for it has
run; whoever waits then goes to the end of the line. Under steady load some never get one and are refused after the
pool's timeout, however quickly all others are served.
"""

import asyncio
from collections import deque
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util.concurrency import await_only
from sqlalchemy.util.queue import AsyncAdaptedQueue, Empty


class FairQueue(AsyncAdaptedQueue[Any]):
    """A queue whose items are handed to those who wait, in the order in which they came."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        super().__init__(maxsize, use_lifo)
        self._waiting: deque[asyncio.Future[Any]] = deque()

    def put_nowait(self, item: Any) -> None:
        """Hand `item` to whoever has waited longest; keep it when nobody waits. Full: as the queue."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(item)
                return
        super().put_nowait(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take an item; behind those who wait already. Empty after `timeout` seconds."""
        if not block:
            return self.get_nowait()
        if not self._waiting:
            try:
                return self.get_nowait()
            except Empty:
                pass
        return await_only(self._wait(timeout))

    async def _wait(self, timeout: float | None) -> Any:
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # It was handed over in the very moment in which we gave up: the next one gets it.
                self.put_nowait(waiter.result())
            if isinstance(error, TimeoutError):
                raise Empty from None
            raise


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool for asyncio, with a fair queue."""

    _queue_class = FairQueue  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]
