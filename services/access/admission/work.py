"""What admission does by itself: ends what rests on withdrawn datasets, and tells when a grant has run out."""

import asyncio

from services.access.admission import events, service
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.inbox import Event, Subscription

# Decisions and leases know the end to the second without this; it is only told on the bus.
_EVERY_S = 1.0


async def announce_ends(ctx: Context, stop: asyncio.Event) -> None:
    """Tell of grants that ran out, until `stop`."""
    while not stop.is_set():
        async with ctx.unit() as session:
            told = await service.announce_ended(session, ctx.clock.now())
        if told:
            continue
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue


async def on_dataset_withdrawn(ctx: Context, session: RuleSession, event: Event) -> None:
    """A withdrawn dataset ends every grant on it, and every request that still waits."""
    dataset_id = events.withdrawn_dataset(event)
    if dataset_id is not None:
        await service.end_for_dataset(session, dataset_id, ctx.clock.now())


subscriptions = [
    Subscription(
        "factory.catalog.v1", "access.admission", on_dataset_withdrawn, types=frozenset({events.DATASET_WITHDRAWN})
    )
]
