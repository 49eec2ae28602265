"""Makes a service's ASGI application and everything that runs beside it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import structlog
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from services.kit.bus import make_bus
from services.kit.clock import Clock, SystemClock
from services.kit.context import Context, SealerPort
from services.kit.db import Database
from services.kit.http import ServiceClient
from services.kit.idempotency import forget_old
from services.kit.inbox import run_subscription
from services.kit.outbox import Relay
from services.kit.problems import install_handlers
from services.kit.service import Service, Worker
from services.kit.settings import Settings
from services.kit.subjects import RemoteSubjects
from services.kit.telemetry import Observe
from services.kit.texts import KIT_TEXTS
from services.kit.tokens import TokenVerifier

log = structlog.get_logger("factory.service")


@asynccontextmanager
async def service_context(
    service: Service,
    settings: Settings,
    clients: Mapping[str, httpx.AsyncClient],
    sealer: SealerPort,
    *,
    secret: Callable[[], str],
    clock: Clock | None = None,
) -> AsyncGenerator[Context]:
    """Open what `service` needs (database, bus, its own components), and close it at the end."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        db = Database(
            settings.database_url.replace("{service}", service.name),
            pool=settings.database_pool,
            overflow=settings.database_overflow,
            clock=clock,
        )
        stack.push_async_callback(db.dispose)
        bus = make_bus(settings.bus_url)
        await bus.start()
        stack.push_async_callback(bus.close)
        http = ServiceClient(service.name, clients, secret)
        ctx = Context(
            service=service.name,
            settings=settings,
            clock=clock,
            db=db,
            bus=bus,
            http=http,
            verifier=TokenVerifier(http.jwks, clock),
            sealer=sealer,
            subjects=RemoteSubjects(http),
        )
        if service.components is not None:
            ctx.components.update(await stack.enter_async_context(service.components(ctx)))
            # access knows its subjects itself and need not ask over HTTP
            ctx.subjects = ctx.components.get("subjects", ctx.subjects)
        yield ctx


def service_app(service: Service, ctx: Context) -> FastAPI:
    """Return the application of `service`: its public routes under /api/v1, internal ones under /internal/v1."""
    app = FastAPI(
        title=service.title,
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.ctx = ctx
    app.state.texts = {**KIT_TEXTS, **service.texts}
    app.state.idempotency = service.metadata.tables.get("idempotency")
    install_handlers(app)
    for router in service.routers:
        app.include_router(router, prefix="/api/v1")
    for router in service.internal:
        app.include_router(router, prefix="/internal/v1", include_in_schema=False)
    _operations(app, service, ctx)
    app.add_middleware(Observe, service=service.name)
    return app


def _operations(app: FastAPI, service: Service, ctx: Context) -> None:
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    async def readyz() -> JSONResponse:
        failures: dict[str, str] = {}

        async def database() -> None:
            async with ctx.db.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))

        checks: dict[str, Callable[[], Awaitable[None]]] = {"database": database, "bus": ctx.bus.ready}
        for name, check in service.ready.items():
            checks[name] = lambda check=check: check(ctx)
        for name, check in checks.items():
            try:
                async with asyncio.timeout(3):
                    await check()
            except Exception as error:
                failures[name] = type(error).__name__
        status = {"status": "failing" if failures else "ready", "service": service.name, "failing": failures}
        return JSONResponse(status, status_code=503 if failures else 200)

    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False, response_model=None)


async def _keep_running(name: str, worker: Worker, ctx: Context, stop: asyncio.Event) -> None:
    pause = 0.2
    while not stop.is_set():
        try:
            await worker(ctx, stop)
            return
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("worker.failed", service=ctx.service, worker=name, again_in_s=pause)
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            pause = min(pause * 2, 15)


async def _forget(ctx: Context, stop: asyncio.Event, service: Service) -> None:
    table = service.metadata.tables.get("idempotency")
    while table is not None and not stop.is_set():
        async with ctx.unit() as session:
            await forget_old(session, table, ctx.clock.now())
        try:
            await asyncio.wait_for(stop.wait(), 600)
        except TimeoutError:
            continue


@asynccontextmanager
async def service_workers(service: Service, ctx: Context) -> AsyncGenerator[None]:
    """Run the relay, the subscriptions and the workers of `service` until the end, then let them finish."""
    stop = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    def start(name: str, worker: Worker) -> None:
        tasks.append(asyncio.create_task(_keep_running(name, worker, ctx, stop), name=f"{service.name}:{name}"))

    async def relay(ctx: Context, stop: asyncio.Event) -> None:
        await Relay(ctx.db.engine, ctx.bus, service.metadata, service.name, ctx.clock).run(stop)

    if "outbox" in service.metadata.tables:
        start("relay", relay)
    for subscription in service.subscriptions:

        async def consume(ctx: Context, stop: asyncio.Event, subscription: object = subscription) -> None:
            await run_subscription(ctx, subscription, service.metadata, stop)  # pyright: ignore[reportArgumentType]

        start(f"consume:{subscription.group}", consume)
    for worker in service.workers:
        start(getattr(worker, "__name__", "worker"), worker)
    start("forget", lambda ctx, stop: _forget(ctx, stop, service))
    try:
        yield
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=8)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
