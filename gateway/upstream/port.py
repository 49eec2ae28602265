"""What the gateway asks of a way to reach a service, and what it promises its client whatever way that is."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.upstream.exchange import ClientGone, Exchange
from gateway.upstream.headers import request_headers
from services.kit.problems import Problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger("factory.gateway")

RETRY_AFTER_S = "2"


class BrokenAnswer(Exception):
    """An answer broke off after it had begun: the client's connection must end short, never as if all had come."""


def upstream_problem(status: int, code: str, what: str) -> Problem:
    """Return the refusal for a service that does not answer as it should."""
    return Problem(status, code, params={"what": what}, headers={"Retry-After": RETRY_AFTER_S})


@dataclass(frozen=True)
class Answer:
    """A whole answer, for the gateway's own questions."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Upstream(ABC):
    """A way to one service. Subclasses carry bytes; what holds for all of them is decided here.

    Request and response bodies stream both ways in constant memory, each side as fast as the slower one takes it.
    Hop-by-hop headers stop here, in both directions; so do the client's cookies, its `Forwarded` and `X-Forwarded-*`,
    and any service token from outside. The client going away ends the upstream's work.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    async def forward(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        extra_headers: list[tuple[bytes, bytes]] | None = None,
        public_url: str = "",
    ) -> None:
        """Carry one HTTP request to the service and its answer back.

        Raises a Problem (502, 503, 504 with Retry-After) when nothing has been sent to the client yet, and
        `BrokenAnswer` when the answer broke off after it had begun; whoever serves the client then drops the
        connection. Returns quietly when the client went away.
        """
        inner = self._inner_scope(scope, extra_headers or [], public_url)
        async with Exchange(scope, receive, send) as exchange:
            try:
                await self._carry(inner, exchange)
            except ClientGone:
                return
            except Problem:
                if not exchange.started:
                    raise
                raise BrokenAnswer(self.name) from None
            except Exception as error:
                if exchange.complete or exchange.gone.is_set():
                    return
                log.warning("upstream.failed", upstream=self.name, error=type(error).__name__)
                if exchange.started:
                    raise BrokenAnswer(self.name) from error
                raise upstream_problem(502, "upstream-failed", self.name) from error
            finally:
                if "route" in inner:
                    scope["route"] = inner["route"]
            if exchange.complete or exchange.gone.is_set():
                return
            if exchange.started:
                raise BrokenAnswer(self.name)
            raise upstream_problem(502, "upstream-failed", self.name)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: list[tuple[bytes, bytes]] | None = None,
        body: bytes = b"",
        at_most: int = 32 * 1024**2,
    ) -> Answer:
        """Ask the service something on the gateway's own behalf and return the whole answer.

        Raises as `forward` does, and 502 when the answer is longer than `at_most` bytes.
        """
        sent = False
        status = 0
        answer_headers: list[tuple[bytes, bytes]] = []
        chunks: list[bytes] = []
        size = 0

        async def receive() -> Message:
            nonlocal sent
            if sent:
                # The gateway itself does not go away; a task that waits for that is cancelled with the exchange.
                await _never()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                answer_headers.extend(message.get("headers", ()))
                return
            size += len(message.get("body", b""))
            if size > at_most:
                raise upstream_problem(502, "upstream-failed", self.name)
            chunks.append(message.get("body", b""))

        given = [*(headers or []), (b"content-length", str(len(body)).encode())] if body else list(headers or [])
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("ascii"),
            "query_string": b"",
            "headers": given,
            "client": ("127.0.0.1", 0),
            "server": ("gateway", 80),
        }
        try:
            await self.forward(scope, receive, send)
        except BrokenAnswer as error:
            raise upstream_problem(502, "upstream-failed", self.name) from error
        return Answer(status, answer_headers, b"".join(chunks))

    def _inner_scope(self, scope: Scope, extra: list[tuple[bytes, bytes]], public_url: str) -> Scope:
        return {
            "type": "http",
            "asgi": scope.get("asgi", {"version": "3.0", "spec_version": "2.3"}),
            "http_version": scope.get("http_version", "1.1"),
            "method": scope["method"],
            "scheme": "https" if public_url.startswith("https:") else "http",
            "path": scope["path"],
            "raw_path": scope.get("raw_path") or scope["path"].encode("ascii"),
            "query_string": scope.get("query_string", b""),
            "root_path": "",
            "headers": request_headers(scope, extra, public_url),
            "client": scope.get("client"),
            "server": scope.get("server"),
            "state": {},
            "extensions": {},
        }

    @abstractmethod
    async def _carry(self, scope: Scope, exchange: Exchange) -> None:
        """Carry the request of `scope` with `exchange.receive` and `exchange.send`."""

    @abstractmethod
    async def close(self) -> None:
        """Give back what the upstream holds open."""


async def _never() -> None:
    await asyncio.Event().wait()
