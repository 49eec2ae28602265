"""The one door: sign-in, sessions, routing, limits, and one description of the whole API."""

import asyncio
from pathlib import Path

from gateway.app import components, create_app
from gateway.base import metadata
from gateway.sessions import models as _session_tables  # noqa: F401 - registers its tables
from gateway.sessions import service as sessions
from gateway.settings import GatewaySettings
from gateway.sign_in import models as _sign_in_tables  # noqa: F401 - registers its tables
from gateway.sign_in import service as sign_ins
from gateway.texts import TEXTS
from services.kit.context import Context
from services.kit.service import Service

__all__ = ["create_app", "gateway"]

SWEEP_S = 300.0


async def forget_the_past(ctx: Context, stop: asyncio.Event) -> None:
    """Worker: delete sessions that ended and sign-ins that nobody came back to."""
    settings = ctx.settings
    assert isinstance(settings, GatewaySettings)
    while not stop.is_set():
        now = ctx.clock.now()
        async with ctx.unit() as session:
            await sessions.forget_ended(session, settings, now)
            await sign_ins.forget_abandoned(session, now)
        try:
            await asyncio.wait_for(stop.wait(), SWEEP_S)
        except TimeoutError:
            continue


gateway = Service(
    name="gateway",
    title="Data Factory gateway",
    settings=GatewaySettings,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    texts=TEXTS,
    components=components,
    workers=(forget_the_past,),
    asks=("access",),
)
