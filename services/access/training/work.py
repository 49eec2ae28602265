"""What training does by itself: tells when a completion has run out."""

import asyncio

from services.access.training import service
from services.kit.context import Context

# Decisions know the end to the second without this; it is only told on the bus.
_EVERY_S = 30.0


async def announce_lapsed_completions(ctx: Context, stop: asyncio.Event) -> None:
    """Tell of completions that ran out, until `stop`."""
    while not stop.is_set():
        async with ctx.unit() as session:
            told = await service.announce_lapsed(session, ctx.clock.now())
        if told:
            continue
        try:
            await asyncio.wait_for(stop.wait(), _EVERY_S)
        except TimeoutError:
            continue
