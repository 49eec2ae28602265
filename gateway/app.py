"""Puts the door together."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.middleware.cors import CORSMiddleware

from gateway import health
from gateway.api_reference import endpoints as api_reference
from gateway.door import Door
from gateway.edge.identity import Identify
from gateway.edge.rate import Limiter, RateLimit
from gateway.edge.refusals import Refusals
from gateway.edge.security import SecurityHeaders
from gateway.edge.size import SizeLimit
from gateway.identity.provider import Provider
from gateway.proxy import Proxy
from gateway.sessions.factory_tokens import FactoryTokens
from gateway.settings import GatewaySettings
from gateway.sign_in import endpoints as sign_in
from gateway.texts import TEXTS
from gateway.upstream import Upstream
from gateway.upstream.port import App, Receive, Scope, Send
from services.kit.context import Context
from services.kit.problems import install_handlers
from services.kit.telemetry import Observe
from services.kit.texts import KIT_TEXTS


@asynccontextmanager
async def components(ctx: Context) -> AsyncGenerator[dict[str, Any]]:
    """Open what the gateway alone needs: its way to the identity provider."""
    provider = Provider(cast(GatewaySettings, ctx.settings), ctx.clock)
    try:
        yield {"provider": provider}
    finally:
        await provider.close()


def create_app(ctx: Context, upstreams: Mapping[str, Upstream], *, limiter: Limiter | None = None) -> App:
    """Return the gateway's ASGI application.

    `ctx` is the gateway's own context (its settings, database, sealer, and the components above); `upstreams` maps
    service names to the ways to them (see `gateway.upstream.open_upstreams`) and must hold `access`.
    """
    settings = cast(GatewaySettings, ctx.settings)
    if "access" not in upstreams:
        raise ValueError("The gateway lets nobody in without access: say in FACTORY_SERVICE_URLS where it is.")
    provider = cast(Provider, ctx.components["provider"])
    door = Door(
        ctx=ctx,
        settings=settings,
        upstreams=upstreams,
        provider=provider,
        tokens=FactoryTokens(ctx, upstreams["access"], provider),
    )
    own = own_app(door)
    proxy = Proxy(door)

    async def branch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            await proxy(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await own(cast(Any, scope), cast(Any, receive), cast(Any, send))

    app: App = SizeLimit(branch, settings)
    app = RateLimit(app, settings, Identify(door), limiter)
    app = Refusals(app, own)
    if settings.cors_origins:
        app = cast(
            App,
            CORSMiddleware(
                cast(Any, app),
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["*"],
                allow_credentials=False,
                expose_headers=["ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "Upload-Offset"],
            ),
        )
    app = SecurityHeaders(app, https=door.public_url.startswith("https:"), cross_origin=bool(settings.cors_origins))
    return Observe(app, "gateway")


def own_app(door: Door) -> FastAPI:
    """Return the application of the gateway's own addresses: sign-in, descriptions, health."""
    own = FastAPI(
        title="Data Factory",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    own.state.ctx = door.ctx
    own.state.door = door
    own.state.texts = {**KIT_TEXTS, **TEXTS}
    own.state.idempotency = None
    own.state.api_reference = api_reference.ApiReference()
    install_handlers(own)
    own.include_router(sign_in.router)
    own.include_router(sign_in.callback_router)
    own.include_router(api_reference.router)
    own.include_router(health.router)

    async def front() -> RedirectResponse:
        return RedirectResponse("/docs", 303)

    own.add_api_route("/", front, methods=["GET"], include_in_schema=False, response_model=None)
    return own
