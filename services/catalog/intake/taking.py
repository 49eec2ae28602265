"""Taking an upload in: its digest is verified, then its files are stored, or it is refused and nothing of it stays."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

from services.catalog.datasets.vault import Secrets
from services.catalog.intake import repository
from services.catalog.intake.archives import take_archive
from services.catalog.intake.models import Donation, Upload
from services.catalog.intake.service import drop_spooled, spool_of
from services.catalog.intake.storing import Job, Refused, clear_unneeded, still_ours, store_large
from services.kit.context import Context


def job_of(upload: Upload, donation: Donation, secrets: Secrets, claim: UUID) -> Job:
    """Return the job of a claimed upload."""
    said = secrets.unseal(upload.id, upload.sealed)
    return Job(
        upload_id=upload.id,
        claim=claim,
        size=upload.size,
        unpack=upload.unpack,
        path=said["path"],
        sha256=said["sha256"],
        media_type=said["media_type"],
        secrets=secrets,
        donation_id=donation.id,
    )


async def take_in(ctx: Context, job: Job) -> None:
    """Verify and store the upload of `job`. Raises Refused, ClaimLost, or what the stores raise."""
    async with ctx.unit() as session:
        await still_ours(session, job)
        # What an earlier attempt left behind; its objects are found again by their names.
        await repository.unstage(session, job.upload_id)
    await _verify(ctx, job)
    if job.unpack == "zip":
        await take_archive(ctx, job)
    else:
        await store_large(ctx, job, job.path, job.sha256, job.media_type, job.size, lambda: _spooled(ctx, job))
    async with ctx.unit() as session:
        upload = await still_ours(session, job)
        upload.state, upload.stored_at = "stored", ctx.clock.now()
        upload.files, upload.bytes_done = job.files, job.size
        upload.claim = upload.claimed_until = None
        upload.revision += 1
        session.add(upload)
    await drop_spooled(ctx, job.upload_id)


async def refuse(ctx: Context, job: Job, reason: str) -> None:
    """Refuse the upload: nothing of it stays but the reason."""
    async with ctx.unit() as session:
        upload = await still_ours(session, job)
        await repository.unstage(session, job.upload_id)
        upload.state, upload.reason = "refused", reason[:60]
        upload.files = upload.bytes_done = 0
        upload.claim = upload.claimed_until = None
        upload.revision += 1
        session.add(upload)
        await session.flush()
        await clear_unneeded(session, job.donation_id, job.secrets.version_id)
    await drop_spooled(ctx, job.upload_id)


async def _verify(ctx: Context, job: Job) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in _spooled(ctx, job):
            await asyncio.to_thread(digest.update, chunk)
            size += len(chunk)
    except FileNotFoundError:
        # The spool's disk was lost, or put back from an older day: only the donor can send the bytes again.
        raise Refused("upload-lost") from None
    if size != job.size:
        raise Refused("size-wrong")
    if digest.hexdigest() != job.sha256:
        raise Refused("digest-wrong")


async def _spooled(ctx: Context, job: Job) -> AsyncIterator[bytes]:
    if job.size:
        async for chunk in spool_of(ctx).read_plain(job.uid):
            yield chunk
