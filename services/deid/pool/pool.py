"""Some worker processes, started when there is work and ended when there has been none for a while."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from services.deid.pool.worker import Worker

_WORN = 0.5
"""A process that holds more than this share of its memory between two files is replaced."""


class Pool:
    """At most `size` processes (0: as many as there are cores), each of which may take `memory_bytes` (0: any).

    `module` is what they run.
    """

    def __init__(
        self, size: int, *, memory_bytes: int = 0, idle_s: float = 60.0, module: str = "services.deid.pool.child"
    ) -> None:
        self.size = size or len(os.sched_getaffinity(0))
        self._memory_bytes = memory_bytes
        self._idle_s = idle_s
        self._module = module
        self._room = asyncio.Semaphore(self.size)
        self._idle: list[tuple[Worker, asyncio.TimerHandle]] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._busy: set[Worker] = set()

    @asynccontextmanager
    async def worker(self) -> AsyncGenerator[Worker]:
        """Wait for a process and have it for oneself. After an exception it is ended: who knows what it is doing."""
        async with self._room:
            worker = self._taken() or await Worker.start(self._module, self._memory_bytes)
            self._busy.add(worker)
            try:
                yield worker
            except BaseException:
                self._end(worker)
                raise
            finally:
                self._busy.discard(worker)
            self._put_back(worker)

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run."""
        return [worker.pid for worker in [*self._busy, *(worker for worker, _ in self._idle)] if worker.alive]

    async def close(self) -> None:
        """End every process, and wait until all are gone."""
        for worker, timer in self._idle:
            timer.cancel()
            self._end(worker)
        self._idle.clear()
        for worker in list(self._busy):
            self._end(worker)
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _taken(self) -> Worker | None:
        while self._idle:
            worker, timer = self._idle.pop()
            timer.cancel()
            if worker.alive:
                return worker
            self._end(worker)
        return None

    def _put_back(self, worker: Worker) -> None:
        worn = bool(self._memory_bytes) and worker.resident_bytes > self._memory_bytes * _WORN
        if not worker.alive or worn:
            self._end(worker)
            return
        timer = asyncio.get_running_loop().call_later(self._idle_s, self._end_idle, worker)
        self._idle.append((worker, timer))

    def _end_idle(self, worker: Worker) -> None:
        with contextlib.suppress(StopIteration):
            self._idle.remove(next(entry for entry in self._idle if entry[0] is worker))
            self._end(worker)

    def _end(self, worker: Worker) -> None:
        # In a task of its own: whoever leaves may be cancelled, and the process must be gone all the same.
        task = asyncio.get_running_loop().create_task(worker.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
