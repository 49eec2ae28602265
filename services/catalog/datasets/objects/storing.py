"""Storing contents for a version: encrypted under keys that lie in the database first, named once they are durable.

Objects come before the rows that name them, rows before the state that says they are complete; so whatever is cut off
here leaves nothing half-done that anybody sees, and is done again from the start or picked up.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from services.catalog.datasets.objects import repository
from services.catalog.datasets.service import blobs_of
from services.catalog.datasets.vault import Secrets, blob_name, vault_of
from services.kit.context import Context
from services.kit.crypto import DataKey, encrypt_many, encrypt_stream
from services.kit.db import RuleSession
from services.kit.problems import Problem

log = structlog.get_logger("factory.objects")

PUT_PARALLEL = 8
_SWEPT = 1000
# An object that others delete while we store it is stored again; more often than this is no coincidence.
_REPEATS = 5

Step = Callable[[RuleSession], Awaitable[Any]]


class _Vanished(Exception):
    """Somebody deleted an object while we wanted to use it: what was begun is undone, and begun again."""


async def store_many(
    ctx: Context, secrets: Secrets, contents: Mapping[str, bytes], *, guard: Step, enter: Step
) -> None:
    """Encrypt and store contents by object name: two transactions and one visit to the store for all of them.

    `guard` begins each transaction: it locks what the files belong to, and raises when that takes no more of them (what
    was stored is then taken back). `enter` ends the second: it makes the rows that name the objects.
    """

    async def put(keys: Mapping[str, DataKey]) -> None:
        sealed = await encrypt_many([(key.secret, secrets.object_aad(n), contents[n]) for n, key in keys.items()])
        blobs = [(blob_name(secrets.dataset_id, n), blob) for n, blob in zip(keys, sealed, strict=True)]
        # Side by side: a disk makes many small files durable together in the time of a few.
        parts = [blobs[start::PUT_PARALLEL] for start in range(PUT_PARALLEL)]
        await asyncio.gather(*(blobs_of(ctx).put_many(part) for part in parts if part))

    await _store(ctx, secrets, {name: len(content) for name, content in contents.items()}, put, guard, enter)


async def store_one(
    ctx: Context,
    secrets: Secrets,
    name: str,
    size: int,
    source: Callable[[], AsyncIterator[bytes]],
    *,
    guard: Step,
    enter: Step,
) -> None:
    """Encrypt and store one content of any size, in constant memory; `guard` and `enter` as in `store_many`."""

    async def put(keys: Mapping[str, DataKey]) -> None:
        for key in keys.values():
            sealed = encrypt_stream(key.secret, secrets.object_aad(name), source())
            await blobs_of(ctx).put(blob_name(secrets.dataset_id, name), sealed)

    await _store(ctx, secrets, {name: size}, put, guard, enter)


async def _store(
    ctx: Context,
    secrets: Secrets,
    sizes: Mapping[str, int],
    put: Callable[[Mapping[str, DataKey]], Awaitable[None]],
    guard: Step,
    enter: Step,
) -> None:
    for _ in range(_REPEATS):
        try:
            async with ctx.unit() as session:
                await guard(session)
                keys = await _object_keys(ctx, session, secrets, sizes)
        except _Vanished:
            continue
        todo = {name: key for name, (key, stored) in keys.items() if not stored}
        if todo:
            await put(todo)
        guarded = False
        try:
            async with ctx.unit() as session:
                await guard(session)
                guarded = True
                names = await repository.mark_stored(session, secrets.dataset_id, secrets.version_id, sorted(sizes))
                if names == set(sizes):
                    await enter(session)
                    return
        except Exception:
            if not guarded:
                await take_back(ctx, secrets.dataset_id, list(todo))
            raise
    raise RuntimeError("objects vanish as fast as they are stored")


async def take_back(ctx: Context, dataset_id: UUID, names: Sequence[str]) -> None:
    """Delete what was stored for somebody who no longer takes it, unless others use it."""
    async with ctx.unit() as session:
        orphans = await repository.adopt_orphans(session, dataset_id, names)
        await blobs_of(ctx).delete([blob_name(dataset_id, name) for name in orphans])
        await repository.forget(session, dataset_id, orphans)


async def _object_keys(
    ctx: Context, session: RuleSession, secrets: Secrets, sizes: Mapping[str, int]
) -> dict[str, tuple[DataKey, bool]]:
    """Return each object's data key and whether it is stored, and note that the version uses it.

    An object that other versions use keeps its data key, wrapped anew for this one; one that nobody uses (any more)
    gets a new key.
    """
    stored = await repository.hold(session, secrets.dataset_id, sizes, ctx.clock.now())
    if stored.keys() != sizes.keys():
        raise _Vanished
    uses: dict[str, dict[UUID, bytes]] = {name: {} for name in sizes}
    for name, version_id, held in await repository.live_uses(session, secrets.dataset_id, list(sizes)):
        uses[name][version_id] = held
    opened = await _opened(ctx, session, secrets, uses.values())
    keys, new = await asyncio.to_thread(_keys, secrets, uses, opened)
    forgotten = [name for name in sizes if stored[name] and not uses[name].keys() & opened.keys()]
    if forgotten:
        await repository.renew(session, secrets.dataset_id, forgotten)
    await repository.add_uses(session, secrets.dataset_id, secrets.version_id, new)
    return {name: (key, stored[name] and name not in forgotten) for name, key in keys.items()}


async def _opened(
    ctx: Context, session: RuleSession, secrets: Secrets, uses: Iterable[Mapping[UUID, bytes]]
) -> dict[UUID, Secrets]:
    """Return what opens this version, and those (but for erased ones) that use what it does not use yet."""
    found = {secrets.version_id: secrets}
    for version_id in sorted({v for held in uses if secrets.version_id not in held for v in held}):
        try:
            found[version_id] = await vault_of(ctx).open(session, version_id)
        except Problem as problem:
            if problem.status != 410:
                raise
    return found


def _keys(
    secrets: Secrets, uses: Mapping[str, Mapping[UUID, bytes]], opened: Mapping[UUID, Secrets]
) -> tuple[dict[str, DataKey], dict[str, bytes]]:
    """Return data keys by name, and the wrapped keys of those that this version did not use yet."""
    keys: dict[str, DataKey] = {}
    new: dict[str, bytes] = {}
    for name, held in uses.items():
        if secrets.version_id in held:
            keys[name] = secrets.open_object_key(name, held[secrets.version_id])
            continue
        owner = next((opened[version_id] for version_id in held if version_id in opened), None)
        keys[name] = owner.open_object_key(name, held[owner.version_id]) if owner else DataKey.generate()
        new[name] = secrets.wrap_object_key(name, keys[name])
    return keys, new


async def sweep(ctx: Context) -> bool:
    """Delete some objects that no version uses; False when there are none.

    Row and blob go while the row is locked: whoever stores the same content meanwhile waits, finds the row gone, and
    stores the object anew.
    """
    async with ctx.unit() as session:
        found = await repository.lock_unused(session, _SWEPT)
        if found is None:
            return False
        dataset_id, names = found
        await blobs_of(ctx).delete([blob_name(dataset_id, name) for name in names])
        await repository.forget(session, dataset_id, names)
        log.info("objects.deleted", dataset_id=str(dataset_id), objects=len(names))
    return bool(names)
