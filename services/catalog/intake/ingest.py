"""The workers that take uploads in. Any number of processes share the work; what one drops, another picks up."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import timedelta
from uuid import UUID

import structlog

from services.catalog.datasets.vault import vault_of
from services.catalog.intake import repository
from services.catalog.intake.service import bell_of, drop_spooled, spool_of
from services.catalog.intake.storing import ClaimLost, Job, Refused
from services.catalog.intake.taking import job_of, refuse, take_in
from services.catalog.settings import CatalogSettings
from services.kit.blobs import BlobStoreUnavailable
from services.kit.bus.failures import is_passing
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.keys import KeyStoreUnavailable
from services.kit.problems import Problem

log = structlog.get_logger("factory.ingest")

_IDLE_S = 1.0
_LONGEST_PAUSE_S = 8.0
_SWEEP_S = 60.0
# Faults that are not outages repeat themselves: after so many attempts the donor is told.
_ATTEMPTS = 5


def settings_of(ctx: Context) -> CatalogSettings:
    """Return the catalogue's settings."""
    assert isinstance(ctx.settings, CatalogSettings)
    return ctx.settings


def poke(ctx: Context) -> None:
    """Let a worker of this process look for work now."""
    bell_of(ctx).set()


async def ingest(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: take uploads in, several at a time, and keep the spool tidy."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_sweep(ctx, stop))
        for _ in range(settings_of(ctx).ingest_parallel):
            group.create_task(_work(ctx, stop))


async def _work(ctx: Context, stop: asyncio.Event) -> None:
    pause = _IDLE_S
    while not stop.is_set():
        try:
            while not stop.is_set() and await take_one(ctx):
                pause = _IDLE_S
            await _rest(ctx, stop, _IDLE_S)
        except Exception as error:
            # The database is away, most likely. What other workers here are doing goes on.
            log.warning("ingest.paused", error=type(error).__name__, again_in_s=pause)
            await _rest(ctx, stop, pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)


async def _rest(ctx: Context, stop: asyncio.Event, seconds: float) -> None:
    bell = bell_of(ctx)
    waits = [asyncio.create_task(event.wait()) for event in (stop, bell)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    bell.clear()


async def take_one(ctx: Context) -> bool:
    """Claim an upload and take it in; False when none waits."""
    claim, now = new_id(), ctx.clock.now()
    lease = timedelta(seconds=settings_of(ctx).ingest_claim_s)
    async with ctx.unit() as session:
        found = await repository.claim_upload(session, claim, now, now + lease)
        if found is None:
            return False
        upload, donation = found
        attempt = upload.attempts
        try:
            job = job_of(upload, donation, await vault_of(ctx).open(session, donation.version_id), claim)
        except Problem:
            # The key is gone, or its store does not answer: the claim runs out and somebody looks again.
            return False
    try:
        async with _held(ctx, job):
            await take_in(ctx, job)
        log.info("upload.stored", upload_id=job.uid, files=job.files, bytes=job.size)
    except Refused as refused:
        await _refuse(ctx, job, refused.reason)
    except ClaimLost:
        log.info("upload.claim_lost", upload_id=job.uid)
    except asyncio.CancelledError:
        # Stopped on purpose: the next worker need not wait until the claim runs out.
        await asyncio.shield(_release(ctx, job, timedelta()))
        raise
    except Exception as error:
        away = is_passing(error) or isinstance(error, BlobStoreUnavailable | KeyStoreUnavailable | OSError)
        if attempt >= _ATTEMPTS and not away:
            log.exception("upload.failed", upload_id=job.uid)
            await _refuse(ctx, job, "ingest-failed")
        else:
            log.warning("upload.again", upload_id=job.uid, error=type(error).__name__, attempt=attempt)
            await _release(ctx, job, timedelta(seconds=min(30, 2**attempt)))
    return True


async def _refuse(ctx: Context, job: Job, reason: str) -> None:
    with contextlib.suppress(ClaimLost):
        await refuse(ctx, job, reason)
        log.info("upload.refused", upload_id=job.uid, reason=reason)


async def _release(ctx: Context, job: Job, pause: timedelta) -> None:
    with contextlib.suppress(Exception):
        async with ctx.unit() as session:
            await repository.hold_claim(session, job.upload_id, job.claim, ctx.clock.now() + pause, job.done)


@contextlib.asynccontextmanager
async def _held(ctx: Context, job: Job) -> AsyncGenerator[None]:
    """Extend the claim while the work goes on, and end the work when the claim is lost."""
    lease_s = settings_of(ctx).ingest_claim_s
    worker = asyncio.current_task()
    lost = False

    async def extend() -> None:
        nonlocal lost
        while True:
            await asyncio.sleep(lease_s / 3)
            with contextlib.suppress(Exception):
                async with ctx.unit() as session:
                    until = ctx.clock.now() + timedelta(seconds=lease_s)
                    if await repository.hold_claim(session, job.upload_id, job.claim, until, job.done):
                        continue
                lost = True
                assert worker is not None
                worker.cancel()
                return

    heart = asyncio.create_task(extend())
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            raise ClaimLost from None
        raise
    finally:
        heart.cancel()
        await asyncio.gather(heart, return_exceptions=True)


async def _sweep(ctx: Context, stop: asyncio.Event) -> None:
    """Now and then: bytes that nobody wants go, and uploads whose last byte came just before a crash go on."""
    while not stop.is_set():
        try:
            await sweep_spool(ctx)
        except Exception as error:
            log.warning("sweep.put_off", error=type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), _SWEEP_S)
        except TimeoutError:
            continue


async def sweep_spool(ctx: Context) -> None:
    """Bring spool and rows together after a crash."""
    spool, now = spool_of(ctx), ctx.clock.now()
    uids = [uid for uid in await spool.list_uids() if _is_id(uid)]
    for start in range(0, len(uids), 500):
        ids = [UUID(uid) for uid in uids[start : start + 500]]
        async with ctx.unit() as session:
            wanted = await repository.live_upload_ids(session, ids)
            waiting = await repository.open_uploads(session, ids)
        for upload_id in set(ids) - wanted:
            await drop_spooled(ctx, upload_id)
        complete = [upload.id for upload in waiting if await spool.size(str(upload.id)) == upload.size]
        if complete:
            async with ctx.unit() as session:
                for upload_id in complete:
                    await repository.set_received(session, upload_id, now)
            poke(ctx)


def _is_id(uid: str) -> bool:
    try:
        UUID(uid)
    except ValueError:
        return False
    return True
