"""Files of a run are read from the catalogue: when some cannot be, it is found out whether that is their own fault."""

from collections.abc import AsyncGenerator, Sequence

import structlog

from services.deid.runs import repository
from services.deid.runs.files import MOST_ATTEMPTS, File
from services.deid.runs.sealing import open_names
from services.deid.runs.service import Work
from services.kit.context import Context
from services.kit.problems import Problem

log = structlog.get_logger("factory.deid")

# What is said of the derivation as a whole.
_OF_ALL = (401, 403, 404, 408, 409, 410, 429)


class CannotRead(Exception):
    """A file cannot be read, while others can."""


class Reader:
    """Reads the files of one run."""

    def __init__(self, ctx: Context, work: Work) -> None:
        self._ctx = ctx
        self._work = work

    async def read(self, files: Sequence[File]) -> tuple[dict[int, bytes], list[File]]:
        """Return contents by the files' numbers, and the files that cannot be read although others can.

        Raises the catalogue's Problem when nothing can be read: then it is away, and no file is to blame.
        """
        try:
            return await self._together(files)
        except Problem as problem:
            if problem.status in _OF_ALL:
                raise
            refusal = problem
        contents: dict[int, bytes] = {}
        failed: list[File] = []
        for file in files if len(files) > 1 else ():
            try:
                contents |= (await self._together([file]))[0]
            except Problem as problem:
                if problem.status in _OF_ALL:
                    raise
                failed.append(file)
        failed = [file for file in files if file.number not in contents]
        if failed and not contents and refusal.status >= 500:
            await self._blame(failed[0], refusal)
        for file in failed:
            log.warning("file.unreadable", run_id=str(self._work.run_id), number=file.number, code=refusal.code)
        return contents, failed

    async def pieces(self, file: File) -> AsyncGenerator[bytes]:
        """Yield the contents of a large file. Raises CannotRead when others can be read, the Problem otherwise."""
        try:
            async for piece in self._work.derivation.pieces(file.names.path, file.row.size):
                yield piece
        except Problem as problem:
            if problem.status in _OF_ALL:
                raise
            if problem.status >= 500:
                await self._blame(file, problem)
            raise CannotRead from None

    async def _together(self, files: Sequence[File]) -> tuple[dict[int, bytes], list[File]]:
        found = await self._work.derivation.read([file.names.path for file in files])
        contents = {file.number: found[file.names.path] for file in files if file.names.path in found}
        return contents, [file for file in files if file.number not in contents]

    async def _blame(self, file: File, problem: Problem) -> None:
        """Return when the file is to blame; raise the problem when the catalogue is, as far as can be told.

        A file that was read before is read once more: if it can be, the catalogue is well. Where there is none, time
        tells.
        """
        async with self._ctx.unit() as session:
            witness = await repository.smallest_treated(session, self._work.run_id)
        if witness is None:
            if await tried_often(self._ctx, self._work, file):
                return
            raise problem
        try:
            await self._work.derivation.read([open_names(self._work.secrets, witness).path])
        except Problem:
            raise problem from None


async def tried_often(ctx: Context, work: Work, file: File) -> bool:
    """Note one more attempt over a file; True when there have been so many that it is given up."""
    async with ctx.unit() as session:
        await repository.note_attempt(session, work.run_id, file.number)
    file.row.attempts += 1
    return file.row.attempts >= MOST_ATTEMPTS
