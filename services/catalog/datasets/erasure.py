"""Destroying keys, and with them what they open: decided in a transaction, done here, told on the bus."""

import asyncio

import structlog

from services.catalog.datasets import events, repository
from services.catalog.datasets.service import blobs_of, manifests_of
from services.catalog.datasets.vault import blob_name, vault_of
from services.kit.context import Context

log = structlog.get_logger("factory.erasure")

_POLL_S = 1.0


async def erase_one(ctx: Context) -> bool:
    """Destroy one key that is to be destroyed, and delete what only it opened; False when there is none.

    The key goes first and for ever; a crash after that repeats the rest. Other workers skip the row while it is locked.
    """
    async with ctx.unit() as session:
        key = await repository.erasure_due(session)
        if key is None:
            return False
        vault, blobs = vault_of(ctx), blobs_of(ctx)
        await vault.destroy(key.version_id)
        manifests_of(ctx).forget(key.version_id)
        names = [row.name for row in await repository.objects_of_version(session, key.version_id)]
        for start in range(0, len(names), 500):
            await blobs.delete([blob_name(key.dataset_id, name) for name in names[start : start + 500]])
        await repository.forget_objects(session, key.dataset_id, names)
        now = ctx.clock.now()
        key.wrapped = None
        key.erased_at = now
        session.add(key)
        await session.flush()
        if not await repository.keys_left(session, key.dataset_id):
            await vault.destroy_secret(key.dataset_id)
            secret = await repository.secret_of(session, key.dataset_id)
            if secret is not None:
                secret.wrapped = None
                session.add(secret)
        events.key_destroyed(session, key, now)
        log.info("key.destroyed", version_id=str(key.version_id), objects=len(names), why=key.erasure_reason)
    return True


async def erase_keys(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: destroy the keys that are to be destroyed, soon after it was decided."""
    while not stop.is_set():
        if await erase_one(ctx):
            continue
        try:
            await asyncio.wait_for(stop.wait(), _POLL_S)
        except TimeoutError:
            continue
