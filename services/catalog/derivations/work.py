"""The worker that ends derivations whose dataset was withdrawn under them. Their keys are destroyed with the others."""

import asyncio

import structlog

from services.catalog.derivations import repository, service
from services.kit.context import Context

log = structlog.get_logger("factory.derivations")

_POLL_S = 2.0
_BATCH = 20


async def tidy_once(ctx: Context) -> bool:
    """End some derivations that cannot come to anything; False when there are none."""
    async with ctx.unit() as session:
        found = await repository.bereft(session, _BATCH)
        for derivation in found:
            await service.set_abandoned(session, derivation, "dataset-withdrawn", ctx.clock.now())
            log.info("derivation.abandoned", derivation_id=str(derivation.id), why="dataset-withdrawn")
    return bool(found)


async def tidy_derivations(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: look now and then."""
    while not stop.is_set():
        if await tidy_once(ctx):
            continue
        try:
            await asyncio.wait_for(stop.wait(), _POLL_S)
        except TimeoutError:
            continue
