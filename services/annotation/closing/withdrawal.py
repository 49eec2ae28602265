"""When a donor takes data back, what campaigns have of it goes too: rows at once, keys right after."""

import asyncio
from typing import Any
from uuid import UUID

import structlog

from services.annotation.campaigns.keys import keys_of
from services.annotation.closing import repository, service
from services.kit.bus.failures import is_passing
from services.kit.context import Context
from services.kit.inbox import Event, Subscription
from services.kit.keys import KeyStoreUnavailable

log = structlog.get_logger("factory.annotation")

_PAUSE_S = 2.0


async def on_withdrawn(ctx: Context, session: Any, event: Event) -> None:
    """Take the contents of the campaigns over this dataset, or over this version, away."""
    message: Any = event.message
    if event.type == "factory.catalog.dataset.withdrawn.v1":
        found = await repository.campaigns_over(session, dataset_id=UUID(message.dataset_id))
    else:
        found = await repository.campaigns_over(session, version_id=UUID(message.version_id))
    for campaign in found:
        await service.withdraw(session, campaign)
        log.info("campaign.withdrawn", campaign_id=str(campaign.id))


SUBSCRIPTIONS = (
    Subscription(
        topic="factory.catalog.v1",
        group="annotation-withdrawals",
        handler=on_withdrawn,
        types=frozenset({"factory.catalog.dataset.withdrawn.v1", "factory.catalog.key.destroyed.v1"}),
    ),
)


async def erase_one(ctx: Context) -> bool:
    """Destroy the key of one withdrawn campaign; False when none waits."""
    async with ctx.unit() as session:
        waiting = await repository.keys_to_destroy(session, 1)
    if not waiting:
        return False
    # First the key, then the row: after a crash in between, it is destroyed again.
    await keys_of(ctx).destroy(waiting[0])
    async with ctx.unit() as session:
        await repository.forget_key(session, waiting[0])
    log.info("campaign.erased", campaign_id=str(waiting[0]))
    return True


async def erase_keys(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: destroy the keys of withdrawn campaigns."""
    while not stop.is_set():
        try:
            while not stop.is_set() and await erase_one(ctx):
                continue
        except Exception as error:
            if not is_passing(error) and not isinstance(error, KeyStoreUnavailable):
                raise
            log.warning("campaign.erasure_put_off", error=type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), _PAUSE_S)
        except TimeoutError:
            continue
