"""Storing the files of an upload, and staging them for acceptance once they are durable."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.catalog.datasets.objects import repository as objects
from services.catalog.datasets.objects.storing import store_many, store_one
from services.catalog.datasets.vault import Secrets
from services.catalog.intake import repository, uploads
from services.catalog.intake.models import Upload
from services.kit.context import Context
from services.kit.db import RuleSession

SMALL_BYTES = 1024 * 1024
BATCH_BYTES = 16 * 1024 * 1024
BATCH_FILES = 256


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


async def clear_unneeded(session: RuleSession, donation_id: UUID, version_id: UUID) -> None:
    """Let go of the objects of a donation that none of its files needs."""
    while names := await repository.unneeded_objects(session, donation_id, version_id, 1000):
        dataset_id, gone = names
        await objects.drop_uses(session, dataset_id, version_id, gone)


async def store_small(ctx: Context, job: Job, pieces: Sequence[Piece]) -> None:
    """Encrypt, store and stage a batch of small files. Raises Refused when a path is taken, ClaimLost."""
    named = [(job.secrets.object_name(piece.sha256), piece) for piece in pieces]
    contents = {name: piece.content for name, piece in named}
    rows = await _rows(job, [(p.path, p.sha256, p.media_type, len(p.content), name) for name, p in named])
    await store_many(ctx, job.secrets, contents, guard=_ours(job), enter=lambda session: _enter(session, job, rows))
    job.files += len(pieces)


async def store_large(
    ctx: Context,
    job: Job,
    path: str,
    sha256: str,
    media_type: str,
    size: int,
    source: Callable[[], AsyncIterator[bytes]],
) -> None:
    """Encrypt, store and stage one file of any size, of verified digest. Raises as `store_small`."""
    name = job.secrets.object_name(sha256)
    rows = await _rows(job, [(path, sha256, media_type, size, name)])
    before = job.done

    def counted() -> AsyncIterator[bytes]:
        return _counted(job, before, source())

    await store_one(
        ctx, job.secrets, name, size, counted, guard=_ours(job), enter=lambda session: _enter(session, job, rows)
    )
    job.files += 1


async def _counted(job: Job, before: int, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    done = 0
    async for chunk in source:
        done += len(chunk)
        job.done = min(job.size, before + done)
        yield chunk


async def _rows(job: Job, files: Sequence[tuple[str, str, str, int, str]]) -> list[dict[str, Any]]:
    """Return the rows that stage files, given as (path, sha256, media type, size, object name)."""

    def made() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for path, sha256, media_type, size, name in files:
            mark = uploads.mark_of(job.secrets, path)
            said = {"path": path, "sha256": sha256, "media_type": media_type}
            rows.append(
                {
                    "donation_id": job.donation_id,
                    "path_mark": mark,
                    "upload_id": job.upload_id,
                    "sealed": job.secrets.seal(mark, said),
                    "object_name": name,
                    "size": size,
                }
            )
        # In one order everywhere: workers of one donation wait for each other, never in a circle.
        return sorted(rows, key=lambda row: row["path_mark"])

    return await asyncio.to_thread(made)


async def _enter(session: RuleSession, job: Job, rows: Sequence[dict[str, Any]]) -> None:
    marks = [row["path_mark"] for row in rows]
    if job.unpack and await repository.marks_taken(session, job.donation_id, marks, job.upload_id):
        raise Refused("path-taken")
    if await repository.stage_files(session, rows) != len(rows):
        raise Refused("path-taken")


def _ours(job: Job) -> Callable[[RuleSession], Awaitable[Upload]]:
    return lambda session: still_ours(session, job)


async def still_ours(session: RuleSession, job: Job) -> Upload:
    """Return the upload, locked; ClaimLost when it is no longer this worker's."""
    upload = await repository.claimed(session, job.upload_id, job.claim)
    if upload is None:
        raise ClaimLost
    return upload
