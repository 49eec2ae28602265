"""Logs without personal data, metrics, and traces that cross services."""

import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, cast

import structlog
from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import Counter, Histogram

from services.kit.ids import new_id
from services.kit.settings import Settings

REQUESTS = Counter("factory_http_requests_total", "HTTP requests answered", ["service", "route", "method", "status"])
DURATION = Histogram(
    "factory_http_request_seconds", "Time until the response began", ["service", "route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip

log = structlog.get_logger("factory.http")
_tracer = trace.get_tracer("factory")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def configure_logging(settings: Settings) -> None:
    """Write structured lines to standard error. Callers log ids and codes, never names, addresses or paths of files."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if settings.log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_messages,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(LibraryLines())
    logging.getLogger("uvicorn.access").disabled = True
    # uvicorn and asyncio log whole exceptions, whose messages may quote what people sent; ours are logged above them.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def _without_messages(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the places it went through: its message may quote data."""
    info = event.pop("exc_info", None)
    if info:
        event["where"] = _where(info if isinstance(info, BaseException) else sys.exc_info()[1])
    return event


def _where(error: BaseException | None) -> list[str]:
    """Return the types of an exception and its causes, and the places that each went through."""
    places: list[str] = []
    while error is not None:
        frames: list[str] = []
        step = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            own = "/site-packages/" not in code.co_filename
            # Our own frames, and the last of a library's: where it was entered and where it failed.
            if own or step.tb_next is None:
                folder, _, file = code.co_filename.rpartition("/")
                frames.append(f"{folder.rpartition('/')[2]}/{file}:{step.tb_lineno}:{code.co_name}")
            step = step.tb_next
        places += [type(error).__name__, *frames[-8:]]
        error = error.__cause__ or error.__context__
    return places[:24]


class LibraryLines(logging.Formatter):
    """Writes what libraries log as lines like ours: the message's template and the exception's type quote nobody."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "logger": record.name,
            "event": (str(record.msg).splitlines() or [""])[0][:200],
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["where"] = _where(record.exc_info[1])
        return json.dumps(line)


_provider_set = False


def configure_tracing(settings: Settings, service: str) -> None:
    """Send spans to the OTLP collector of the settings, if there is one."""
    global _provider_set
    if _provider_set or not settings.otlp_endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"factory-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)
    _provider_set = True


class Observe:
    """ASGI middleware: request id, one span, one log line with the route's template, counts and durations."""

    def __init__(self, app: App, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            if name in (b"traceparent", b"tracestate", b"x-request-id"):
                headers[name.decode("latin-1")] = value.decode("latin-1")
        given = headers.get("x-request-id", "")
        request_id = given if 8 <= len(given) <= 64 and given.replace("-", "").isalnum() else str(new_id())
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def observed_send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = cast(int, message["status"])
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        with _tracer.start_as_current_span(
            f"{self.service} {scope['method']}", context=extract(headers), kind=trace.SpanKind.SERVER
        ) as span:
            try:
                await self.app(scope, receive, observed_send)
            finally:
                route = _route_of(scope)
                seconds = time.perf_counter() - started
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.response.status_code", status)
                REQUESTS.labels(self.service, route, scope["method"], str(status)).inc()
                DURATION.labels(self.service, route, scope["method"]).observe(seconds)
                if route not in ("/healthz", "/readyz", "/metrics"):
                    log.info(
                        "request", service=self.service, method=scope["method"], route=route, status=status,
                        ms=round(seconds * 1000, 1), request_id=request_id,
                    )  # fmt: skip


def _route_of(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path_format", getattr(route, "path", "unmatched")))
