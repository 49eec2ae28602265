"""The answer to a repeated request, found before another service is asked for something with effect."""

from fastapi import Request

from services.kit.context import Context
from services.kit.idempotency import Claim


class _NotRemembered(Exception):
    """Undoes the look for a remembered answer."""


async def give_remembered(request: Request, ctx: Context) -> None:
    """Give the answer that is remembered for the request's Idempotency-Key (raises Replay), if there is one.

    Elsewhere that happens when the transaction opens. Where the catalogue is asked first, a repeated request must not
    ask it again once its answer is known.
    """
    claim: Claim | None = request.state.claim
    if claim is None:
        return
    try:
        async with ctx.unit() as session:
            await claim.take(session, ctx.clock.now())
            raise _NotRemembered
    except _NotRemembered:
        return
