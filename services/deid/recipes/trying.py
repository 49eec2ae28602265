"""A recipe is tried on a text or on some files of a version: what it would do, with nothing kept."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast
from uuid import UUID

from services.deid.engine.media import lane_of
from services.deid.pool.pool import Pool
from services.deid.pool.shapes import Outcome, PlanSpec, Task
from services.deid.pool.worker import WorkerDied, WorkerLate
from services.deid.recipes.models import Recipe
from services.deid.sources import loans
from services.deid.sources.catalogue import Derivation
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.problems import FieldError, Problem, invalid
from services.kit.tokens import Subject

MOST_BYTES = 32 * 1024 * 1024
"""Largest file that is tried (the most that the catalogue gives in one answer)."""
_ALTOGETHER_S = 22.0
"""The gateway waits half a minute for an answer."""
_FINDINGS = 20


@dataclass(frozen=True)
class Tried:
    """What a recipe would do to a file."""

    path: str
    target: str
    outcome: Outcome


def trial_pool_of(ctx: Context) -> Pool:
    """Return the process for trials: they need not wait until a file of a run is done."""
    return cast(Pool, ctx.components["trial_pool"])


def _plan(recipe: Recipe) -> PlanSpec:
    # A key of the moment: what comes out cannot be compared with what a run writes.
    steps = [{"operator": step["operator"], "params": step["params"]} for step in recipe.operators]
    return PlanSpec(f"trial:{new_id()}", steps, "trial", secrets.token_bytes(32))


async def try_text(ctx: Context, recipe: Recipe, text: str) -> list[Tried]:
    """Return what the recipe would do to a text."""
    until = asyncio.get_running_loop().time() + _ALTOGETHER_S
    return await _tried(ctx, recipe, [("text.txt", "text/plain", text.encode("utf-8"))], until)


async def try_files(
    ctx: Context, recipe: Recipe, caller: Subject, version_id: UUID, paths: Sequence[str], sample: int
) -> list[Tried]:
    """Return what the recipe would do to files of a version: those named, or `sample` of them drawn at random."""
    until = asyncio.get_running_loop().time() + _ALTOGETHER_S
    loan = new_id()
    await loans.borrow(ctx, loan, version_id, "inspect", caller)
    try:
        derivation = Derivation(ctx, loan)
        named = [(path, "") for path in dict.fromkeys(paths)] or await _drawn(derivation, sample)
        read: list[tuple[str, str, bytes | None]] = []
        for index, (path, declared) in enumerate(named):
            read.append((path, declared, await _content(derivation, path, f"/paths/{index}")))
        return await _tried(ctx, recipe, read, until)
    finally:
        await asyncio.shield(loans.give_back(ctx, loan))


async def one_file(ctx: Context, caller: Subject, version_id: UUID, path: str) -> bytes:
    """Return a file of a version, for its steward; 422 when it is not there or too large to be looked at here."""
    loan = new_id()
    await loans.borrow(ctx, loan, version_id, "inspect", caller)
    try:
        content = await _content(Derivation(ctx, loan), path, "/path")
    finally:
        await asyncio.shield(loans.give_back(ctx, loan))
    if content is None:
        raise invalid("/path", "file-too-large-to-try", limit=MOST_BYTES)
    return content


async def _content(derivation: Derivation, path: str, pointer: str) -> bytes | None:
    """Return a file's bytes, None for one that is too large; 422 when it is not there."""
    try:
        found = await derivation.read([path])
    except Problem as problem:
        if problem.status == 413:
            return None
        if problem.status not in (404, 422):
            raise
        found = {}
    if path not in found:
        raise Problem(422, "invalid-request", errors=[FieldError(pointer, "file-unknown")])
    return found[path]


async def _drawn(derivation: Derivation, sample: int) -> list[tuple[str, str]]:
    """Draw files at random, of each sort of work in turn, so that twelve pictures among many texts are seen, too."""
    draw = secrets.SystemRandom()
    kept: dict[str, list[tuple[str, str]]] = {}
    seen: dict[str, int] = {}
    after: str | None = None
    while True:
        page, after = await derivation.files(after)
        for item in page:
            lane = lane_of(item.path, item.declared)
            seen[lane] = seen.get(lane, 0) + 1
            chosen = kept.setdefault(lane, [])
            if len(chosen) < sample:
                chosen.append((item.path, item.declared))
            elif (place := draw.randrange(seen[lane])) < sample:
                chosen[place] = (item.path, item.declared)
        if after is None:
            break
    for chosen in kept.values():
        draw.shuffle(chosen)
    turns = [chosen[n] for n in range(sample) for _, chosen in sorted(kept.items()) if n < len(chosen)]
    return sorted(turns[:sample])


async def _tried(
    ctx: Context, recipe: Recipe, files: Sequence[tuple[str, str, bytes | None]], until: float
) -> list[Tried]:
    plan = _plan(recipe)
    loop = asyncio.get_running_loop()
    tried: list[Tried] = []
    for path, declared, content in files:
        left = until - loop.time()
        if content is None:
            tried.append(Tried(path, path, _withheld("file-too-large-to-try")))
        elif left <= 0.1:
            tried.append(Tried(path, path, _withheld("took-too-long")))
        else:
            tried.append(await _one(ctx, plan, path, declared, content, left))
    return tried


async def _one(ctx: Context, plan: PlanSpec, path: str, declared: str, content: bytes, left_s: float) -> Tried:
    task = Task(path, declared, keep=_FINDINGS, preview=True, inspect=True)
    try:
        async with asyncio.timeout(left_s), trial_pool_of(ctx).worker() as worker:
            await worker.use(plan, left_s)
            [(target, _)] = await worker.names(plan, [path], left_s)
            outcomes = [outcome async for outcome in worker.treat(plan, [(task, content)], left_s)]
            return Tried(path, target, outcomes[0])
    except (WorkerLate, TimeoutError):
        return Tried(path, path, _withheld("took-too-long"))
    except WorkerDied:
        return Tried(path, path, _withheld("worker-died"))


def _withheld(reason: str) -> Outcome:
    return Outcome("application/octet-stream", withheld=reason)


def findings_of(outcome: Outcome) -> list[dict[str, object]]:
    """Return the findings as JSON."""
    return [asdict(finding) for finding in outcome.findings]
