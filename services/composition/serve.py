"""Runs services: all in one process, or one alone; both the same code, only the addresses differ."""

import secrets
import signal
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import structlog
import uvicorn
from fastapi import FastAPI

from services.composition.defaults import Surroundings, surround
from services.composition.registry import NAMES, load
from services.kit import schema
from services.kit.app import service_app, service_context, service_workers
from services.kit.context import Context
from services.kit.crypto import Sealer
from services.kit.service import Service
from services.kit.settings import Settings
from services.kit.telemetry import configure_logging, configure_tracing

log = structlog.get_logger("factory.serve")

INPROC = "inproc:"
PREFERRED_PORT = 8420
# Below the ports that the kernel gives to outgoing connections, so that the one taken is free the next time.
IDENTITY_PORTS = range(20_000, 30_000)


class InProcess(httpx.AsyncBaseTransport):
    """Reaches a service in this process; the application is looked up at the first call, when all have been made."""

    def __init__(self, apps: Mapping[str, FastAPI], name: str) -> None:
        self._apps = apps
        self._name = name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Hand the request to the application itself (answers between services are small and may be buffered)."""
        app = self._apps.get(self._name)
        if app is None:
            raise httpx.ConnectError(f"{self._name} is not in this process", request=request)
        return await httpx.ASGITransport(app=app, raise_app_exceptions=False).handle_async_request(request)


def client_for(name: str, url: str, apps: Mapping[str, FastAPI]) -> httpx.AsyncClient:
    """Return a client that reaches service `name` at `url` (`inproc:` or http)."""
    if url == INPROC:
        return httpx.AsyncClient(transport=InProcess(apps, name), base_url=f"http://{name}")
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
    return httpx.AsyncClient(base_url=url, limits=limits, timeout=httpx.Timeout(30))


def bind(host: str, port: int, usual: int = PREFERRED_PORT) -> socket.socket:
    """Return a listening socket; port 0 takes the `usual` port if it is free, else any."""
    for candidate in [port] if port else [usual, PREFERRED_PORT, 0]:
        # The protocol is named, or asyncio leaves Nagle's algorithm on (it turns it off for TCP by number only).
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, candidate))
            # Listening at once: two that only bind could both believe that the port is theirs.
            sock.listen(2048)
            return sock
        except OSError:
            sock.close()
            if candidate == port:
                raise SystemExit(f"Port {port} on {host} is taken; set FACTORY_PORT to another.") from None
    raise SystemExit(f"No free port on {host}.")


def _port_of_last_time(data: Path) -> int:
    """Return the port that this state was served on before: bookmarks and scripts go on working."""
    try:
        return int((data / "port").read_text())
    except (FileNotFoundError, ValueError):
        return PREFERRED_PORT


@asynccontextmanager
async def running(
    service: Service, around: Surroundings, apps: dict[str, FastAPI], **more: Any
) -> AsyncGenerator[tuple[Context, FastAPI]]:
    """Migrate, open and run one service with its workers; its application is put into `apps`."""
    settings = around.settings_for(service.settings, service.name, **more)
    await schema.upgrade(service, settings.database_url)
    async with AsyncExitStack() as stack:
        clients: dict[str, httpx.AsyncClient] = {}
        for name in {"access", *service.asks}:
            url = settings.service_urls.get(name, INPROC)
            clients[name] = await stack.enter_async_context(client_for(name, url, apps))
        sealer = Sealer(bytes.fromhex(settings.seal_key.get_secret_value()))
        ctx = await stack.enter_async_context(
            service_context(service, settings, clients, sealer, secret=settings.service_secret.get_secret_value)
        )
        app = service_app(service, ctx)
        apps[service.name] = app
        await stack.enter_async_context(service_workers(service, ctx))
        yield ctx, app


async def serve_app(app: Any, sock: socket.socket) -> None:
    """Serve `app` on `sock` until SIGTERM or SIGINT."""
    # uvicorn raises the signal again once it has stopped; the default handler would end the process there and then,
    # before workers, connections and PostgreSQL are let go in order.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=5,
        timeout_keep_alive=75, h11_max_incomplete_event_size=64 * 1024,
        # Who asks is said by FACTORY_TRUSTED_PROXIES alone; uvicorn would believe anyone on this machine.
        proxy_headers=False,
    )  # fmt: skip
    await uvicorn.Server(config).serve(sockets=[sock])


async def serve_one(name: str) -> None:
    """Run the service `name` alone; the others are where FACTORY_SERVICE_URLS says."""
    base = Settings()
    configure_logging(base)
    configure_tracing(base, name)
    sock = bind(base.host, base.port)
    around = await surround(base)
    apps: dict[str, FastAPI] = {}
    async with AsyncExitStack() as stack:
        stack.callback(_stop_postgres, around)
        if name == "gateway":
            app = await stack.enter_async_context(_gateway(around, apps, f"http://{_address(sock)}"))
        else:
            _, app = await stack.enter_async_context(running(load(name), around, apps))
        log.info("serving", service=name, address=f"http://{_address(sock)}")
        await serve_app(app, sock)
    log.info("stopped", service=name)


async def serve_all() -> None:
    """Run every service, the gateway and (locally) an identity provider in this process."""
    base = Settings()
    configure_logging(base)
    configure_tracing(base, "all")
    sock = bind(base.host, base.port, _port_of_last_time(base.data_dir))
    address = f"http://{_address(sock)}"
    around = await surround(base)
    apps: dict[str, FastAPI] = {}
    async with AsyncExitStack() as stack:
        stack.callback(_stop_postgres, around)
        await _identity(around, stack)
        for name in NAMES:
            await stack.enter_async_context(running(load(name), around, apps))
        gateway = await stack.enter_async_context(_gateway(around, apps, address))
        if around.state is not None:
            address_file = around.state.data / "address"
            address_file.write_text(address + "\n")
            (around.state.data / "port").write_text(f"{sock.getsockname()[1]}\n")
            stack.callback(lambda: address_file.unlink(missing_ok=True))
        log.info("serving", service="all", address=address)
        await serve_app(gateway, sock)
    log.info("stopped", service="all")


async def _identity(around: Surroundings, stack: AsyncExitStack) -> None:
    """Start the local identity provider, unless the settings name another."""
    from services.access.settings import AccessSettings

    if AccessSettings().oidc_issuer:
        return
    if around.base.environment == "production":
        raise SystemExit("Production takes no local identity provider; set FACTORY_OIDC_ISSUER.")
    from gateway.local_identity import run_local_identity

    provider = stack.enter_context(run_local_identity(_identity_port(around)))
    around.issuer, around.client_secret = provider.issuer, provider.client_secret


def _identity_port(around: Surroundings) -> int:
    """Return the port of the local provider: the same for ever, since people are known by its address and their name.

    With another one the operator of yesterday would be somebody new today, and the one-time secret is used. Drawn,
    so that two factories of one machine hardly ever want the same one.
    """
    assert around.state is not None
    chosen = around.state.data / "identity-port"
    if chosen.exists():
        port = int(chosen.read_text())
        if not _is_free(port):
            raise SystemExit(f"Port {port} is taken, at which this factory's people sign in ({chosen}); free it.")
        return port
    drawn = secrets.SystemRandom().sample(IDENTITY_PORTS, 100)
    port = next((candidate for candidate in drawn if _is_free(candidate)), None)
    if port is None:
        raise SystemExit(f"No free port for the local identity provider in {IDENTITY_PORTS}.")
    chosen.write_text(f"{port}\n")
    return port


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@asynccontextmanager
async def _gateway(around: Surroundings, apps: dict[str, FastAPI], address: str) -> AsyncGenerator[Any]:
    from gateway import create_app
    from gateway.settings import GatewaySettings
    from gateway.upstream import open_upstreams

    behind = dict(apps)
    async with running(load("gateway"), around, apps, public_url=address) as (ctx, _):
        settings = ctx.settings
        assert isinstance(settings, GatewaySettings)
        async with open_upstreams(settings, behind) as upstreams:
            yield create_app(ctx, upstreams)


def _stop_postgres(around: Surroundings) -> None:
    if around.postgres is not None:
        around.postgres.stop()


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
