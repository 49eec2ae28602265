"""The gateway on a real port, before a stand-in for access and the real local identity provider."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest

from gateway import create_app, gateway
from gateway.edge.rate import Limiter
from gateway.local_identity import LocalIdentity, run_local_identity
from gateway.settings import GatewaySettings
from gateway.upstream import InProcessUpstream, Upstream
from services.kit.context import Context
from services.kit.crypto.sealer import Sealer
from services.kit.db import Database
from services.kit.tokens import TokenVerifier
from tests.gateway.fake_access import FakeAccess
from tests.gateway.serving import listening_socket, serving
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres


@pytest.fixture(scope="session")
def database_url(postgres: TestPostgres) -> str:
    """A database with the gateway's tables, one for all tests: sessions do not see each other."""
    return asyncio.run(postgres.of(gateway))


@pytest.fixture(scope="session")
def identity() -> Iterator[LocalIdentity]:
    """The local identity provider, in a thread."""
    with run_local_identity() as running:
        yield running


class WallClock(ManualClock):
    """Starts at the real time (the provider's tokens say when they end), and can be moved."""

    def __init__(self) -> None:
        from services.kit.clock import SystemClock

        super().__init__(SystemClock().now())


@dataclass
class Site:
    """A running gateway and what stands around it."""

    url: str
    access: FakeAccess
    clock: WallClock
    ctx: Context
    settings: GatewaySettings
    identity: LocalIdentity

    def browser(self, **kwargs: Any) -> httpx.AsyncClient:
        """Return a client with a cookie jar of its own, at the public address."""
        return httpx.AsyncClient(base_url=self.url, timeout=20, **kwargs)


StartSite = Callable[..., Any]


@pytest.fixture
async def start_site(database_url: str, identity: LocalIdentity) -> AsyncIterator[StartSite]:
    """Return a function that starts a gateway; keyword arguments are settings, `upstreams` and `limiter`."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            upstreams: Callable[[FakeAccess], dict[str, Upstream]] | None = None,
            limiter: Limiter | None = None,
            public_url: str | None = None,
            **changes: Any,
        ) -> Site:
            clock = WallClock()
            access = FakeAccess(clock)
            listener: socket.socket = listening_socket()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            values: dict[str, Any] = {
                "public_url": public_url or url,
                "oidc_issuer": identity.issuer,
                "oidc_client_secret": identity.client_secret,
                "database_url": database_url,
                **changes,
            }
            settings = GatewaySettings(**values)
            database = Database(database_url, pool=2, overflow=2)
            stack.push_async_callback(database.dispose)

            async def jwks() -> dict[str, Any]:
                return {"keys": [access.key.as_dict(private=False)]}

            nothing = cast(Any, None)
            ctx = Context(
                service="gateway",
                settings=settings,
                clock=clock,
                db=database,
                bus=nothing,
                http=nothing,
                verifier=TokenVerifier(jwks, clock),
                sealer=Sealer(os.urandom(32)),
                subjects=nothing,
            )
            assert gateway.components is not None
            ctx.components.update(await stack.enter_async_context(gateway.components(ctx)))
            ways = (
                upstreams(access) if upstreams else {"access": cast(Upstream, InProcessUpstream("access", access.app))}
            )
            for way in ways.values():
                stack.push_async_callback(way.close)
            app = create_app(ctx, ways, limiter=limiter)
            await stack.enter_async_context(serving(app, listener))
            return Site(url, access, clock, ctx, settings, identity)

        yield start


@pytest.fixture
async def site(start_site: StartSite) -> Site:
    """A gateway with everything as it is by default."""
    return cast(Site, await start_site())


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the site, not signed in."""
    async with site.browser() as client:
        yield client
