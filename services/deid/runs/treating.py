"""The files of a run are read, treated and handed in, a batch of small ones or one large one at a time.

More batches are under way than there are processes, so that these never wait for a file to come or to go; how many, and
how large, is bounded, and with it the memory that a run takes, however many files it has.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from services.deid.pool.shapes import Outcome, Task
from services.deid.pool.worker import Worker, WorkerDied, WorkerLate
from services.deid.runs import repository
from services.deid.runs.models import RunFile
from services.deid.runs.progress import Estimate
from services.deid.runs.recording import record
from services.deid.runs.sealing import Names, open_names
from services.deid.runs.service import Work, pool_of, settings_of
from services.deid.sources.catalogue import RANGE_BYTES, Made
from services.kit.context import Context
from services.kit.problems import Problem

log = structlog.get_logger("factory.deid")

BATCH_BYTES = 4 * 1024 * 1024
BATCH_FILES = 64
_STAGED_BYTES = 16 * 1024 * 1024
_HEAVY_BYTES = 64 * 1024 * 1024
"""Of files as large as this, one is treated at a time: each takes many times its size in memory."""
_PAGE = 512
_SLICE_BYTES = 8 * 1024 * 1024
_KEPT_PLACES = 40_000
_ATTEMPTS = 3
# The catalogue refuses this file, and not the whole derivation.
_REFUSED_FILE = (400, 413, 415, 422)


@dataclass
class File:
    """A file under treatment."""

    row: RunFile
    names: Names

    @property
    def number(self) -> int:
        return self.row.number


@dataclass
class Done:
    """What became of a file."""

    file: File
    outcome: Outcome


def withheld(reason: str) -> Outcome:
    """Return the outcome of a file that was not even looked at."""
    return Outcome("application/octet-stream", withheld=reason)


class Treatment:
    """Treats what waits of a run."""

    def __init__(self, ctx: Context, work: Work, waiting: dict[str, tuple[int, int]], files_total: int) -> None:
        self._ctx = ctx
        self._work = work
        self._pool = pool_of(ctx)
        self._settings = settings_of(ctx)
        self._estimate = Estimate(waiting, self._pool.size)
        self._started = asyncio.get_running_loop().time()
        # Of many files fewer places each are kept: what a run remembers does not grow with them.
        self._keep = max(4, min(40, _KEPT_PLACES // max(1, files_total)))
        self._cursor = 0
        self._page: deque[RunFile] = deque()
        self._reading = asyncio.Lock()
        self._heavy = asyncio.Semaphore(1)
        self.progressed = False

    async def run(self) -> None:
        """Treat everything that waits. Raises what the catalogue or the database says when they cannot go on."""
        tasks = [asyncio.create_task(self._pipeline()) for _ in range(self._pool.size + 2)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pipeline(self) -> None:
        while batch := await self._next():
            if len(batch) == 1 and batch[0].row.size > BATCH_BYTES:
                await self._large(batch[0])
            else:
                await self._batch(batch)

    async def _next(self) -> list[File]:
        """Return the next large file or batch of small ones; empty when nothing waits any more."""
        async with self._reading:
            batch: list[File] = []
            size = 0
            while len(batch) < BATCH_FILES:
                if not self._page:
                    await self._turn_page()
                if not self._page:
                    break
                size += self._page[0].size
                if batch and size > BATCH_BYTES:
                    break
                row = self._page.popleft()
                batch.append(File(row, open_names(self._work.secrets, row)))
            return batch

    async def _turn_page(self) -> None:
        async with self._ctx.unit() as session:
            rows = await repository.files(session, self._work.run_id, after=self._cursor, limit=_PAGE, state="waiting")
        if rows:
            self._cursor = rows[-1].number
        self._page.extend(rows)

    # --- small files ----------------------------------------------------------------------------------------------

    async def _batch(self, files: list[File]) -> None:
        contents, unreadable = await self._read(files)
        done = [Done(file, withheld("unreadable")) for file in unreadable]
        left = deque(file for file in files if file.number in contents)
        alone = False
        while left:
            # After a death, the file it happened over is tried once more, by itself.
            together = [left[0]] if alone else list(left)
            alone = False
            try:
                async for outcome in self._treated(together, contents):
                    done.append(Done(left.popleft(), outcome))
            except WorkerLate:
                done.append(Done(left.popleft(), withheld("took-too-long")))
            except WorkerDied:
                if await self._died(left[0]):
                    done.append(Done(left.popleft(), withheld("worker-died")))
                else:
                    alone = True
            if sum(len(d.outcome.content) for d in done) > _STAGED_BYTES:
                await self._hand_in(done)
                done = []
        await self._hand_in(done)

    async def _treated(self, files: list[File], contents: dict[int, bytes]) -> AsyncGenerator[Outcome]:
        given = [(self._task(file), contents[file.number]) for file in files]
        deadline_s = self._deadline_s(max(file.row.size for file in files))
        async with self._pool.worker() as worker:
            await self._prepare(worker)
            async with aclosing(worker.treat(self._work.plan, given, deadline_s)) as outcomes:
                async for outcome in outcomes:
                    yield outcome

    async def _prepare(self, worker: Worker) -> None:
        try:
            await worker.use(self._work.plan, self._settings.deid_file_deadline_s)
        except (WorkerDied, WorkerLate):
            # No file is to blame for it.
            raise RuntimeError("a worker process does not take the plan") from None

    def _task(self, file: File) -> Task:
        return Task(file.names.path, file.names.declared, keep=self._keep, inspect=self._work.inspect)

    def _deadline_s(self, size: int) -> float:
        return self._settings.deid_file_deadline_s * (1 + size / _SLICE_BYTES)

    async def _died(self, file: File) -> bool:
        """Note that a process died over a file; True when it was the second one."""
        file.row.attempts += 1
        log.warning("file.worker_died", run_id=str(self._work.run_id), number=file.number, attempt=file.row.attempts)
        async with self._ctx.unit() as session:
            await repository.note_attempt(session, self._work.run_id, file.number)
        return file.row.attempts > 1

    async def _read(self, files: list[File]) -> tuple[dict[int, bytes], list[File]]:
        """Return contents by the files' numbers, and the files that cannot be read."""
        try:
            found = await self._work.derivation.read([file.names.path for file in files])
        except Problem as problem:
            if problem.status in (404, 409, 410):
                raise
            if len(files) == 1:
                await self._unreadable(files[0], problem)
                return {}, files
            read: dict[int, bytes] = {}
            unreadable: list[File] = []
            for file in files:
                one, none = await self._read([file])
                read |= one
                unreadable += none
            return read, unreadable
        contents = {file.number: found[file.names.path] for file in files if file.names.path in found}
        return contents, [file for file in files if file.number not in contents]

    async def _unreadable(self, file: File, problem: Problem) -> None:
        """Return when the file is to be withheld: the catalogue answers, only not for this one; raise otherwise."""
        if problem.status >= 500:
            await self._work.derivation.state()
            async with self._ctx.unit() as session:
                await repository.note_attempt(session, self._work.run_id, file.number)
            if file.row.attempts + 1 < _ATTEMPTS:
                raise problem
        log.warning("file.unreadable", run_id=str(self._work.run_id), number=file.number, code=problem.code)

    # --- large files ----------------------------------------------------------------------------------------------

    async def _large(self, file: File) -> None:
        if file.row.size > self._settings.deid_file_max_bytes:
            await self._hand_in([Done(file, withheld("file-too-large"))])
            return
        async with self._heavy if file.row.size > _HEAVY_BYTES else _Nothing():
            outcome, staged = await self._treat_large(file)
        await self._hand_in([Done(file, outcome)], staged=staged)

    async def _treat_large(self, file: File) -> tuple[Outcome, bool]:
        """Return what became of a file, and whether the catalogue has its result already."""
        while True:
            try:
                return await self._treat_large_once(file)
            except WorkerLate:
                return withheld("took-too-long"), True
            except WorkerDied:
                if await self._died(file):
                    return withheld("worker-died"), True

    async def _treat_large_once(self, file: File) -> tuple[Outcome, bool]:
        work, names, size = self._work, file.names, file.row.size
        async with self._pool.worker() as worker:
            await self._prepare(worker)
            content = work.derivation.pieces(names.path, size)
            outcome, made, pieces = await worker.treat_large(
                work.plan, self._task(file), size, content, self._deadline_s(size)
            )
            if made <= RANGE_BYTES:
                return replace(outcome, content=b"".join([piece async for piece in pieces])), False
            try:
                await work.derivation.put(names.target, outcome.media_type, names.path, pieces)
            except Problem as problem:
                if problem.status not in _REFUSED_FILE:
                    raise
                outcome.withheld = "not-accepted"
                # What it still has to say is of no use, and would be taken for the next answer.
                await worker.end()
            return outcome, True

    # --- results --------------------------------------------------------------------------------------------------

    async def _hand_in(self, done: list[Done], *, staged: bool = False) -> None:
        """Stage the results at the catalogue, then note that the files are done: in this order, a crash loses none."""
        if not done:
            return
        if not self._work.inspect and not staged:
            await self._stage([d for d in done if d.outcome.withheld is None])
        for d in done:
            self._estimate.done(d.file.row.lane, d.file.row.size, d.outcome.seconds)
            if d.outcome.withheld == "failed":
                error = str(d.outcome.measures.get("error", ""))
                log.warning("file.failed", run_id=str(self._work.run_id), number=d.file.number, error=error)
        elapsed_s = asyncio.get_running_loop().time() - self._started
        await record(
            self._ctx, self._work, [(d.file.row, d.outcome) for d in done], self._estimate.seconds_left(elapsed_s)
        )
        self.progressed = True

    async def _stage(self, done: list[Done]) -> None:
        group: list[Done] = []
        size = 0
        for d in done:
            if group and size + len(d.outcome.content) > _STAGED_BYTES:
                await self._stage_group(group)
                group, size = [], 0
            group.append(d)
            size += len(d.outcome.content)
        await self._stage_group(group)

    async def _stage_group(self, group: list[Done]) -> None:
        if not group:
            return
        made = [Made(d.file.names.target, d.outcome.media_type, d.file.names.path, d.outcome.content) for d in group]
        try:
            await self._work.derivation.stage(made)
        except Problem as problem:
            if problem.status not in _REFUSED_FILE:
                raise
            if len(group) > 1:
                for d in group:
                    await self._stage_group([d])
                return
            log.warning("file.not_accepted", run_id=str(self._work.run_id), code=problem.code)
            group[0].outcome.withheld = "not-accepted"


class _Nothing:
    """No lock."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...
