"""The files of a run are read, treated and handed in, a batch of small ones or one large one at a time.

More batches are under way than there are processes, so that these never wait for a file to come or to go; how many, and
how large, is bounded, and with it the memory that a run takes, however many files it has.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from services.deid.pool.shapes import Outcome, Task
from services.deid.pool.worker import Worker, WorkerDied, WorkerLate
from services.deid.runs import repository
from services.deid.runs.files import Done, File, withheld
from services.deid.runs.handing_in import STAGED_BYTES, Desk, refuses_file
from services.deid.runs.models import RunFile
from services.deid.runs.progress import Estimate
from services.deid.runs.reading import CannotRead, Reader, tried_often
from services.deid.runs.recording import record
from services.deid.runs.sealing import open_names
from services.deid.runs.service import Work, pool_of, settings_of
from services.deid.sources.catalogue import RANGE_BYTES
from services.kit.context import Context
from services.kit.problems import Problem

log = structlog.get_logger("factory.deid")

BATCH_BYTES = 4 * 1024 * 1024
BATCH_FILES = 64
_HEAVY_BYTES = 64 * 1024 * 1024
"""Of files as large as this, one is treated at a time: each takes many times its size in memory."""
_PAGE = 512
_SLICE_BYTES = 8 * 1024 * 1024
_KEPT_PLACES = 40_000


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
        self._reader = Reader(ctx, work)
        self._desk = Desk(ctx, work)
        self._cursor = 0
        self._page: deque[RunFile] = deque()
        self._later: deque[File] = deque()
        self._turning = asyncio.Lock()
        self._heavy = asyncio.Semaphore(1)
        self._noting = asyncio.Lock()
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
            if batch[0].row.size > BATCH_BYTES:
                await self._large(batch[0])
            else:
                await self._batch(batch)

    async def _next(self) -> list[File]:
        """Return the next large file or batch of small ones; empty when nothing waits any more.

        What was put off comes at the end, one by one.
        """
        async with self._turning:
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
            if not batch and self._later:
                batch.append(self._later.popleft())
            return batch

    async def _turn_page(self) -> None:
        async with self._ctx.unit() as session:
            rows = await repository.files(session, self._work.run_id, after=self._cursor, limit=_PAGE, state="waiting")
        if rows:
            self._cursor = rows[-1].number
        self._page.extend(rows)

    def _put_off(self, files: Sequence[File]) -> None:
        """Treat these once more, after all others."""
        for file in files:
            file.again = True
            self._later.append(file)

    # --- small files ----------------------------------------------------------------------------------------------

    async def _batch(self, files: list[File]) -> None:
        contents, failed = await self._reader.read(files)
        done = [Done(file, withheld("unreadable")) for file in failed if file.again]
        self._put_off([file for file in failed if not file.again])
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
                alone = not self._died_again(left[0])
                if not alone:
                    done.append(Done(left.popleft(), withheld("worker-died")))
            if sum(len(d.outcome.content) for d in done) > STAGED_BYTES:
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

    def _died_again(self, file: File) -> bool:
        """Note that a process died over a file; True when it was the second one."""
        file.deaths += 1
        log.warning("file.worker_died", run_id=str(self._work.run_id), number=file.number, attempt=file.deaths)
        return file.deaths > 1

    # --- large files ----------------------------------------------------------------------------------------------

    async def _large(self, file: File) -> None:
        if file.row.size > self._settings.deid_file_max_bytes:
            await self._hand_in([Done(file, withheld("file-too-large"))])
            return
        async with self._heavy if file.row.size > _HEAVY_BYTES else contextlib.nullcontext():
            while True:
                try:
                    done = await self._treat_large(file)
                    break
                except WorkerLate:
                    done = Done(file, withheld("took-too-long"))
                    break
                except WorkerDied:
                    if self._died_again(file):
                        done = Done(file, withheld("worker-died"))
                        break
                except CannotRead:
                    if not file.again:
                        self._put_off([file])
                        return
                    done = Done(file, withheld("unreadable"))
                    break
        await self._hand_in([done])

    async def _treat_large(self, file: File) -> Done:
        work, names, size = self._work, file.names, file.row.size
        async with self._pool.worker() as worker:
            await self._prepare(worker)
            outcome, made, pieces = await worker.treat_large(
                work.plan, self._task(file), size, self._reader.pieces(file), self._deadline_s(size)
            )
            if made <= RANGE_BYTES:
                return Done(file, replace(outcome, content=b"".join([piece async for piece in pieces])))
            try:
                await work.derivation.put(names.target, outcome.media_type, names.path, pieces)
            except Problem as problem:
                if not refuses_file(problem):
                    if problem.status < 500 or not await tried_often(self._ctx, work, file):
                        raise
                log.warning("file.not_accepted", run_id=str(work.run_id), number=file.number, code=problem.code)
                outcome.withheld = "not-accepted"
                # What it still has to say is of no use, and would be taken for the next answer.
                await worker.end()
            return Done(file, outcome, handed_in=True)

    # --- results --------------------------------------------------------------------------------------------------

    async def _hand_in(self, done: list[Done]) -> None:
        """Hand results in and note that their files are done, with what is known of the time left."""
        later = [] if self._work.inspect else await self._desk.stage(done)
        self._put_off(later)
        waits = {file.number for file in later}
        done = [each for each in done if each.file.number not in waits]
        if not done:
            return
        for each in done:
            self._estimate.done(each.file.row.lane, each.file.row.size, each.outcome.seconds)
            if each.outcome.withheld == "failed":
                error = str(each.outcome.measures.get("error", ""))
                log.warning("file.failed", run_id=str(self._work.run_id), number=each.file.number, error=error)
        elapsed_s = asyncio.get_running_loop().time() - self._started
        noted = [(each.file.row, each.outcome) for each in done]
        # One after another, here rather than at the run's row, where each would keep a connection waiting.
        async with self._noting:
            await record(self._ctx, self._work, noted, self._estimate.seconds_left(elapsed_s))
        self.progressed = True
