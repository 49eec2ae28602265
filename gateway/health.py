"""Whether the gateway lives, and whether it can work; what cannot is named."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.door import AtTheDoor, Door
from gateway.sessions import repository as sessions
from gateway.upstream import Upstream

DEADLINE_S = 3.0

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(door: AtTheDoor) -> Response:
    """200 when every part answers; 503 with the names of those that do not."""
    checks: dict[str, Callable[[], Awaitable[None]]] = {
        "database": lambda: _database(door),
        "identity-provider": lambda: _provider(door),
        **{name: (lambda upstream=upstream: _upstream(upstream)) for name, upstream in door.upstreams.items()},
    }
    outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    failing = {name: why for name, why in zip(checks, outcomes, strict=True) if why is not None}
    document = {"status": "failing" if failing else "ready", "service": "gateway", "failing": failing}
    return JSONResponse(document, 503 if failing else 200, headers={"Cache-Control": "no-store"})


@router.get("/metrics")
async def metrics() -> Response:
    """Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _outcome(check: Callable[[], Awaitable[None]]) -> str | None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            await check()
    except Exception as error:
        return getattr(error, "code", type(error).__name__)
    return None


async def _database(door: Door) -> None:
    async with door.ctx.unit() as session:
        await sessions.answers(session)


async def _provider(door: Door) -> None:
    await door.provider.metadata(fresh=True)


class NotReady(Exception):
    """A service answers that it is not ready; `code` names it."""

    def __init__(self) -> None:
        super().__init__("not-ready")
        self.code = "not-ready"


async def _upstream(upstream: Upstream) -> None:
    answer = await upstream.ask("GET", "/readyz")
    if answer.status != 200:
        raise NotReady
