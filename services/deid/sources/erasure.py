"""Destroying keys of datasets: decided in a transaction, done here."""

import structlog

from services.deid.sources import repository
from services.deid.sources.keys import keys_of
from services.kit.context import Context

log = structlog.get_logger("factory.deid")


async def erase_one(ctx: Context) -> bool:
    """Destroy one key that is to be destroyed; False when there is none. A crash in between repeats it."""
    async with ctx.unit() as session:
        key = await repository.erasure_due(session)
        if key is None:
            return False
        await keys_of(ctx).destroy(key.dataset_id)
        key.wrapped = None
        key.erased_at = ctx.clock.now()
        session.add(key)
        log.info("dataset_key.destroyed", dataset_id=str(key.dataset_id), key_id=str(key.key_id))
    return True
