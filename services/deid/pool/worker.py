"""One worker process as the service sees it: started, asked, and ended when it dies or takes too long."""

import asyncio
import contextlib
import json
import os
import signal
import struct
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from pathlib import Path
from typing import Any

import services
from services.deid.pool.shapes import Outcome, PlanSpec, Task, clean

_LENGTHS = struct.Struct(">IQ")
_ROOT = Path(services.__file__).resolve().parent.parent
_PIECE = 256 * 1024
_MOST_HEADER = 64 * 1024 * 1024
# One thread each: there are as many processes as cores, and sums do not depend on how many threads shared them.
_ENVIRONMENT = {
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "ARROW_IO_THREADS"), "1"
    ),
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LANG": "C.UTF-8",
}


# Where programs and their libraries are; no settings, no secrets, no home.
_TAKEN_OVER = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")


def _environment() -> dict[str, str]:
    return {**_ENVIRONMENT, **{name: os.environ[name] for name in _TAKEN_OVER if name in os.environ}}


class WorkerDied(Exception):
    """The process ended, or said something that is no answer, over what it was asked."""


class WorkerLate(Exception):
    """The process did not answer in time; it has been ended."""


class Worker:
    """A process that treats files, one after another."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._plans: list[str] = []
        self.resident_bytes = 0

    @classmethod
    async def start(cls, module: str, memory_bytes: int) -> "Worker":
        """Start a process that runs `module` and may take `memory_bytes` of memory (0: what there is)."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, str(memory_bytes), str(os.getpid()),
            cwd=_ROOT,
            env=_environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None

    async def end(self) -> None:
        """End the process, and wait until it is gone."""
        if self.alive:
            # Not by `kill()`, which first waits for a process that has died by itself, before asyncio does.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def use(self, plan: PlanSpec, deadline_s: float) -> None:
        """Make a plan known to the process, unless it is. Raises WorkerDied, WorkerLate."""
        if plan.id in self._plans:
            return
        await self._ask({"do": "plan", "plan": plan.id}, json.dumps(plan.document()).encode(), deadline_s)
        # The process keeps four; here one less is believed.
        self._plans = [*self._plans, plan.id][-3:]

    async def names(self, plan: PlanSpec, paths: list[str], deadline_s: float) -> list[tuple[str, dict[str, int]]]:
        """Return the paths for these files' results, and what was found in their names by kind."""
        content = await self._ask({"do": "names", "plan": plan.id}, json.dumps(paths).encode(), deadline_s)
        try:
            named = [(clean(path), {clean(k): int(n) for k, n in found.items()}) for path, found in json.loads(content)]
            if len(named) != len(paths):
                raise ValueError
        except (ValueError, TypeError, AttributeError):
            await self.end()
            raise WorkerDied("what the process says are no names") from None
        return named

    async def suggest(self, content: bytes, path: str, declared: str, deadline_s: float) -> dict[str, Any]:
        """Return what is suggested for a table (see `engine.suggest`)."""
        header = {"do": "suggest", "path": path, "declared": declared}
        return json.loads(await self._ask(header, content, deadline_s))

    async def treat(
        self, plan: PlanSpec, files: Iterable[tuple[Task, bytes]], deadline_s: float
    ) -> AsyncGenerator[Outcome]:
        """Treat files and yield what became of each, in order, each in time. Raises WorkerDied, WorkerLate."""
        given = list(files)

        async def send() -> None:
            for task, content in given:
                await self._send(task.header(plan), len(content), content, deadline_s)

        sending = asyncio.create_task(send())
        try:
            for _ in given:
                header, size = await self._reply(deadline_s)
                content = await self._content(size, deadline_s)
                yield _outcome(header, content)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def treat_large(
        self, plan: PlanSpec, task: Task, size: int, content: AsyncIterable[bytes], deadline_s: float
    ) -> tuple[Outcome, int, AsyncGenerator[bytes]]:
        """Treat one file that comes in pieces; return what became of it, its result's size, and its pieces.

        The caller reads all pieces before asking anything else.
        """
        await self._send(task.header(plan), size, content, deadline_s)
        header, made = await self._reply(deadline_s)
        return _outcome(header, b""), made, self._pieces(made, deadline_s)

    # --- over the pipes -------------------------------------------------------------------------------------------

    async def _ask(self, header: dict[str, Any], content: bytes, deadline_s: float) -> bytes:
        await self._send(header, len(content), content, deadline_s)
        _, size = await self._reply(deadline_s)
        return await self._content(size, deadline_s)

    async def _send(
        self, header: dict[str, Any], size: int, content: bytes | AsyncIterable[bytes], deadline_s: float
    ) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        head = json.dumps(header).encode("ascii")
        try:
            stdin.write(_LENGTHS.pack(len(head), size) + head)
            if isinstance(content, bytes):
                for start in range(0, size, _PIECE):
                    stdin.write(content[start : start + _PIECE])
                    await self._drained(deadline_s)
            else:
                async for piece in content:
                    stdin.write(piece)
                    await self._drained(deadline_s)
            await self._drained(deadline_s)
        except (BrokenPipeError, ConnectionResetError):
            await self.end()
            raise WorkerDied("the process takes nothing more") from None

    async def _drained(self, deadline_s: float) -> None:
        assert self._process.stdin is not None
        # The process reads on between two files: what is late with one of them is noticed at its answer, not here.
        async with self._in_time(2 * deadline_s):
            await self._process.stdin.drain()

    async def _reply(self, deadline_s: float) -> tuple[dict[str, Any], int]:
        head, size = _LENGTHS.unpack(await self._read(_LENGTHS.size, deadline_s))
        try:
            if head > _MOST_HEADER:
                raise ValueError
            header = json.loads(await self._read(head, deadline_s))
            self.resident_bytes = int(header["rss"])
        except (ValueError, KeyError, TypeError, AttributeError):
            await self.end()
            raise WorkerDied("what the process says is no answer") from None
        return header, size

    async def _content(self, size: int, deadline_s: float) -> bytes:
        return await self._read(size, deadline_s) if size else b""

    async def _pieces(self, size: int, deadline_s: float) -> AsyncGenerator[bytes]:
        while size:
            piece = await self._read(min(size, _PIECE), deadline_s)
            size -= len(piece)
            yield piece

    async def _read(self, size: int, deadline_s: float) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            async with self._in_time(deadline_s):
                return await stdout.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            await self.end()
            raise WorkerDied("the process has ended") from None

    @contextlib.asynccontextmanager
    async def _in_time(self, deadline_s: float) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(deadline_s):
                yield
        except TimeoutError:
            await self.end()
            raise WorkerLate from None


def _outcome(header: dict[str, Any], content: bytes) -> Outcome:
    try:
        return Outcome.read(header, content)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise WorkerDied("what the process says is no outcome") from None
