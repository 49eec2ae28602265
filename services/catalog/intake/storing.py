"""Storing files: encrypted under keys that lie in the database first, staged for acceptance once they are durable.

Objects come before the rows that name them, rows before the state that says they are complete; so whatever is cut off
here leaves nothing half-done that anybody sees, and is done again from the start or picked up.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.catalog.datasets import repository as objects
from services.catalog.datasets.service import blobs_of
from services.catalog.datasets.vault import Secrets, blob_name
from services.catalog.intake import repository, uploads
from services.catalog.intake.models import Upload
from services.kit.context import Context
from services.kit.crypto import DataKey, encrypt_many, encrypt_stream
from services.kit.db import RuleSession

SMALL_BYTES = 1024 * 1024
BATCH_BYTES = 16 * 1024 * 1024
BATCH_FILES = 256
PUT_PARALLEL = 8
# An object that others delete while we store it is stored again; more often than this is no coincidence.
_REPEATS = 5


class Refused(Exception):
    """The upload cannot be taken in, whoever tries. `reason` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ClaimLost(Exception):
    """Another worker has the upload now, or its donor took it back."""


@dataclass(frozen=True)
class Piece:
    """A small file in memory."""

    path: str
    sha256: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass
class Job:
    """An upload that this worker has claimed. `done` counts bytes that are verified and stored."""

    upload_id: UUID
    claim: UUID
    size: int
    unpack: str | None
    path: str = field(repr=False)
    sha256: str = field(repr=False)
    media_type: str
    secrets: Secrets
    donation_id: UUID
    done: int = 0
    files: int = 0

    @property
    def uid(self) -> str:
        """The upload's name in the spool."""
        return str(self.upload_id)


async def clear_unneeded(ctx: Context, session: RuleSession, donation_id: UUID, version_id: UUID) -> None:
    """Delete the objects of a donation that none of its files needs.

    Row and blob go while the row is locked: a worker that stores the same content meanwhile waits, finds the row gone,
    and stores the object anew.
    """
    while names := await repository.unneeded_objects(session, donation_id, version_id, 1000):
        dataset_id, gone = names
        await blobs_of(ctx).delete([blob_name(dataset_id, name) for name in gone])
        await objects.forget_objects(session, dataset_id, gone)


async def store_small(ctx: Context, job: Job, pieces: Sequence[Piece]) -> None:
    """Encrypt, store and stage a batch of small files: two transactions and one visit to the store for all of them."""
    named = [(job.secrets.object_name(piece.sha256), piece) for piece in pieces]
    contents = {name: piece.content for name, piece in named}
    sizes = {name: len(content) for name, content in contents.items()}
    for _ in range(_REPEATS):
        keys = await _object_keys(ctx, job, sizes)
        todo = [name for name, (_key, stored) in keys.items() if not stored]
        sealed = await encrypt_many([(keys[n][0].secret, job.secrets.object_aad(n), contents[n]) for n in todo])
        await _put_all(ctx, job.secrets.dataset_id, list(zip(todo, sealed, strict=True)))
        if await _stage(ctx, job, [(p.path, p.sha256, p.media_type, len(p.content), n) for n, p in named], todo):
            return
    raise RuntimeError("objects vanish as fast as they are stored")


async def _put_all(ctx: Context, dataset_id: UUID, sealed: Sequence[tuple[str, bytes]]) -> None:
    # Side by side: a disk makes many small files durable together in the time of a few.
    blobs = [(blob_name(dataset_id, name), content) for name, content in sealed]
    parts = [blobs[start::PUT_PARALLEL] for start in range(PUT_PARALLEL)]
    await asyncio.gather(*(blobs_of(ctx).put_many(part) for part in parts if part))


async def store_large(
    ctx: Context,
    job: Job,
    path: str,
    sha256: str,
    media_type: str,
    size: int,
    source: Callable[[], AsyncIterator[bytes]],
) -> None:
    """Encrypt, store and stage one file of any size, of verified digest, in constant memory."""
    name = job.secrets.object_name(sha256)
    for _ in range(_REPEATS):
        key, stored = (await _object_keys(ctx, job, {name: size}))[name]
        if not stored:
            sealed = encrypt_stream(key.secret, job.secrets.object_aad(name), _counted(job, source()))
            await blobs_of(ctx).put(blob_name(job.secrets.dataset_id, name), sealed)
        if await _stage(ctx, job, [(path, sha256, media_type, size, name)], [] if stored else [name]):
            return
    raise RuntimeError("an object vanishes as fast as it is stored")


async def _counted(job: Job, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    before = job.done
    done = 0
    async for chunk in source:
        done += len(chunk)
        job.done = min(job.size, before + done)
        yield chunk


async def _object_keys(ctx: Context, job: Job, sizes: dict[str, int]) -> dict[str, tuple[DataKey, bool]]:
    """Return each object's data key and whether it is stored; objects that nobody has stored yet get new keys."""
    now, secrets = ctx.clock.now(), job.secrets

    def new_rows() -> list[dict[str, Any]]:
        return [
            {
                "dataset_id": secrets.dataset_id,
                "name": name,
                "version_id": secrets.version_id,
                "wrapped_key": secrets.wrap_object_key(name, DataKey.generate()),
                "size": size,
                "stored": False,
                "created_at": now,
            }
            for name, size in sizes.items()
        ]

    rows = await asyncio.to_thread(new_rows)
    async with ctx.unit() as session:
        await still_ours(session, job)
        known = await objects.claim_objects(session, secrets.dataset_id, rows)

    def opened() -> dict[str, tuple[DataKey, bool]]:
        return {
            name: (secrets.open_object_key(name, wrapped), stored)
            for name, (_version, wrapped, stored) in known.items()
        }

    return await asyncio.to_thread(opened)


async def _stage(
    ctx: Context, job: Job, files: Sequence[tuple[str, str, str, int, str]], stored: Sequence[str]
) -> bool:
    """Stage files whose objects are in the store, given as (path, sha256, media type, size, object name).

    `stored` names those that were stored just now. False when an object was deleted meanwhile: store it again. Raises
    Refused when a path is taken, ClaimLost when the upload is no longer ours: then what was stored is taken back.
    """
    try:
        return await _stage_ours(ctx, job, files)
    except ClaimLost:
        async with ctx.unit() as session:
            orphans = await objects.adopt_orphans(session, job.secrets.dataset_id, job.secrets.version_id, stored)
            await blobs_of(ctx).delete([blob_name(job.secrets.dataset_id, name) for name in orphans])
            await objects.forget_objects(session, job.secrets.dataset_id, orphans)
        raise


async def _stage_ours(ctx: Context, job: Job, files: Sequence[tuple[str, str, str, int, str]]) -> bool:
    secrets = job.secrets

    def rows() -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for path, sha256, media_type, size, name in files:
            mark = uploads.mark_of(secrets, path)
            said = {"path": path, "sha256": sha256, "media_type": media_type}
            made.append(
                {
                    "donation_id": job.donation_id,
                    "path_mark": mark,
                    "upload_id": job.upload_id,
                    "sealed": secrets.seal(mark, said),
                    "object_name": name,
                    "size": size,
                }
            )
        # In one order everywhere: workers of one donation wait for each other, never in a circle.
        return sorted(made, key=lambda row: row["path_mark"])

    staged = await asyncio.to_thread(rows)
    names = {name for *_rest, name in files}
    async with ctx.unit() as session:
        await still_ours(session, job)
        if await objects.mark_stored(session, secrets.dataset_id, sorted(names)) != names:
            return False
        marks = [row["path_mark"] for row in staged]
        if job.unpack and await repository.marks_taken(session, job.donation_id, marks, job.upload_id):
            raise Refused("path-taken")
        if await repository.stage_files(session, staged) != len(staged):
            raise Refused("path-taken")
    job.files += len(files)
    return True


async def still_ours(session: RuleSession, job: Job) -> Upload:
    upload = await repository.claimed(session, job.upload_id, job.claim)
    if upload is None:
        raise ClaimLost
    return upload
