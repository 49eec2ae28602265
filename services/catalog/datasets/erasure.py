"""Destroying keys, and with them what they open: decided in a transaction, done here, told on the bus."""

import asyncio

import structlog

from services.catalog.datasets import events, repository
from services.catalog.datasets.objects import repository as objects
from services.catalog.datasets.objects.storing import sweep
from services.catalog.datasets.service import manifests_of
from services.catalog.datasets.vault import vault_of
from services.kit.context import Context

log = structlog.get_logger("factory.erasure")

_POLL_S = 1.0
# Objects that are deleted in one transaction: whoever stores the same contents waits for no more than these.
_BATCH = 1000


async def erase_one(ctx: Context) -> bool:
    """Destroy one key that is to be destroyed, and delete what only it opened, a batch a time; False when all is done.

    The key goes first and for ever; what other versions use stays, under their keys. A crash after that repeats the
    rest. Other workers skip the row while it is locked.
    """
    if await sweep(ctx):
        return True
    async with ctx.unit() as session:
        key = await repository.erasure_due(session)
        if key is None:
            return False
        vault = vault_of(ctx)
        await vault.destroy(key.version_id)
        manifests_of(ctx).forget(key.version_id)
        names = await objects.names_of(session, key.version_id, _BATCH)
        if names:
            await objects.drop_uses(session, key.dataset_id, key.version_id, names)
            return True
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
        log.info("key.destroyed", version_id=str(key.version_id), why=key.erasure_reason)
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
