"""The files of a version, listed once: each gets a number, and the name that its result will have."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from services.deid.engine.media import lane_of
from services.deid.engine.names import Taken
from services.deid.pool.worker import WorkerDied, WorkerLate
from services.deid.runs import repository
from services.deid.runs.sealing import Names, open_names, seal_names
from services.deid.runs.service import ClaimLost, Work, pool_of
from services.deid.sources.catalogue import Listed
from services.kit.context import Context

_PAGE = 2000
_NAMES_S = 60.0

Named = tuple[str, dict[str, int]]


async def list_files(ctx: Context, work: Work) -> None:
    """Enter the version's files in the order of their paths, going on where a process before us stopped.

    Names are given in that order and compared with all that were given before, so they depend on nothing else.
    """
    taken, after, number = await _listed_already(ctx, work)
    while True:
        page, following = await work.derivation.files(after, _PAGE)
        named = await _names(ctx, work, [item.path for item in page])
        rows = []
        for item, (target, found) in zip(page, named, strict=True):
            number += 1
            rows.append(_row(work, number, item, taken.take(target), found))
        async with ctx.unit() as session:
            if not await repository.confirm_claim(session, work.run_id, work.claim):
                raise ClaimLost
            await repository.add_files(session, rows)
            if following is None:
                files, size = await repository.listed(session, work.run_id)
                await repository.set_totals(session, work.run_id, work.claim, files, size)
        if following is None:
            return
        after = following


async def _listed_already(ctx: Context, work: Work) -> tuple[Taken, str | None, int]:
    taken, after, number = Taken(), None, 0
    while True:
        async with ctx.unit() as session:
            rows = await repository.files(session, work.run_id, after=number, limit=_PAGE)
        for row in rows:
            names = open_names(work.secrets, row)
            taken.add(names.target)
            after, number = names.path, row.number
        if len(rows) < _PAGE:
            return taken, after, number


def _row(work: Work, number: int, item: Listed, target: str, found: dict[str, int]) -> dict[str, object]:
    # Who only looks gives no new names; what was found in a name is found and not treated.
    target = item.path if work.inspect else target
    return {
        "run_id": work.run_id,
        "number": number,
        "sealed": seal_names(work.secrets, work.run_id, number, Names(item.path, target, item.declared)),
        "state": "waiting",
        "size": item.size,
        "lane": lane_of(item.path, item.declared),
        "attempts": 0,
        "counts": {kind: {"found": n, "treated": 0 if work.inspect else n} for kind, n in found.items()},
        "totals": {},
        "measures": {},
    }


async def _names(ctx: Context, work: Work, paths: Sequence[str]) -> list[Named]:
    """Return the names for the results, and what was found in the old ones by kind."""
    if not paths:
        return []
    try:
        return await _asked(ctx, work, paths)
    except (WorkerDied, WorkerLate):
        # Over which of them, is found out one by one; it gets a name that says nothing.
        named: list[Named] = []
        for path in paths:
            try:
                named += await _asked(ctx, work, [path])
            except (WorkerDied, WorkerLate):
                suffix = PurePosixPath(path).suffix
                named.append((f"file{suffix if suffix.isascii() and len(suffix) <= 9 else ''}", {}))
        return named


async def _asked(ctx: Context, work: Work, paths: Sequence[str]) -> list[Named]:
    async with pool_of(ctx).worker() as worker:
        await worker.use(work.plan, _NAMES_S)
        return await worker.names(work.plan, list(paths), _NAMES_S)
