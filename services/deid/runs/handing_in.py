"""Results are handed in to the catalogue, then noted here: in this order, a crash in between loses none."""

from collections.abc import Sequence

import structlog

from services.deid.runs.files import Done, File
from services.deid.runs.reading import tried_often
from services.deid.runs.service import Work
from services.deid.sources.catalogue import Made
from services.kit.context import Context
from services.kit.problems import Problem

log = structlog.get_logger("factory.deid")

STAGED_BYTES = 16 * 1024 * 1024
"""Bytes of results that travel together."""


def refuses_file(problem: Problem) -> bool:
    """Whether the catalogue refuses this one file (its name, mostly), and not the whole derivation."""
    return problem.status in (400, 413, 415, 422) or problem.code == "path-taken"


class Desk:
    """Hands in the results of one run."""

    def __init__(self, ctx: Context, work: Work) -> None:
        self._ctx = ctx
        self._work = work

    async def stage(self, done: Sequence[Done]) -> list[File]:
        """Hand in what is treated; return the files to be treated once more, later.

        What the catalogue refuses is withheld from now on. Raises its Problem when it takes nothing at all.
        """
        group: list[Done] = []
        size = 0
        later: list[File] = []
        for each in done:
            if each.handed_in or each.outcome.withheld is not None:
                continue
            if group and size + len(each.outcome.content) > STAGED_BYTES:
                later += await self._group(group)
                group, size = [], 0
            group.append(each)
            size += len(each.outcome.content)
        return later + await self._group(group) if group else later

    async def _group(self, group: list[Done]) -> list[File]:
        try:
            await self._together(group)
            return []
        except Problem as problem:
            if not refuses_file(problem) and problem.status < 500:
                raise
            refusal = problem
        if len(group) == 1:
            await self._give_up(group[0], refusal)
            return []
        failed: list[Done] = []
        proven = False
        for each in group:
            try:
                await self._together([each])
                # After a failure: so it is not that the catalogue was away for a moment.
                proven = proven or bool(failed)
            except Problem as problem:
                if refuses_file(problem):
                    self._withhold(each, problem)
                elif problem.status >= 500:
                    failed.append(each)
                    refusal = problem
                else:
                    raise
        if failed and not proven:
            raise refusal
        for each in failed:
            if each.file.again:
                self._withhold(each, refusal)
        return [each.file for each in failed if not each.file.again]

    async def _give_up(self, done: Done, problem: Problem) -> None:
        """Withhold a single file that is refused; raise as long as the catalogue itself may be what is in trouble."""
        blamed = refuses_file(problem) or done.file.again
        if not blamed and not await tried_often(self._ctx, self._work, done.file):
            raise problem
        self._withhold(done, problem)

    def _withhold(self, done: Done, problem: Problem) -> None:
        log.warning("file.not_accepted", run_id=str(self._work.run_id), number=done.file.number, code=problem.code)
        done.outcome.withheld = "not-accepted"

    async def _together(self, group: Sequence[Done]) -> None:
        await self._work.derivation.stage(
            Made(d.file.names.target, d.outcome.media_type, d.file.names.path, d.outcome.content) for d in group
        )
