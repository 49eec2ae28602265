"""An application behind an upstream under test, and the least of a gateway in front of it."""

import asyncio
import hashlib
import resource
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from gateway.edge.refusals import Refusals
from gateway.texts import TEXTS
from gateway.upstream import Upstream
from gateway.upstream.port import App, Receive, Scope, Send

MIB = 1024 * 1024
LARGE = 200 * MIB
CHUNK = b"\xa5" * (64 * 1024)

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Origin:
    """The application behind the upstream: routes by path, and what it noticed."""

    noticed: list[str] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    scopes: list[Scope] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.scopes.append(scope)
        handler: Handler = getattr(self, "at_" + scope["path"].strip("/").split("/")[0].replace("-", "_"))
        await handler(scope, receive, send)

    async def at_sink(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body; answer with its size and digest."""
        digest = hashlib.sha256()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.noticed.append("disconnect")
                return
            digest.update(message.get("body", b""))
            self.received += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        await answer(send, 200, f"{self.received} {digest.hexdigest()}".encode())

    async def at_source(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send LARGE bytes with their length, as the services send files."""
        response = StreamingResponse(self._bytes(), headers={"content-length": str(LARGE)})
        try:
            await response(cast(Any, scope), cast(Any, receive), cast(Any, send))
        finally:
            if self.sent < LARGE:
                self.noticed.append("stopped")

    async def _bytes(self) -> AsyncIterator[bytes]:
        for _ in range(LARGE // len(CHUNK)):
            yield CHUNK
            self.sent += len(CHUNK)
            await asyncio.sleep(0)

    async def at_range(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        assert headers[b"range"] == b"bytes=2-4"
        given = [(b"content-range", b"bytes 2-4/10"), (b"content-length", b"3"), (b"etag", b'"v1"')]
        await start(send, 206, given)
        await send({"type": "http.response.body", "body": b"234"})

    async def at_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, 200, [(b"content-length", b"12345"), (b"upload-offset", b"7")])
        await send({"type": "http.response.body", "body": b""})

    async def at_status(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = int(scope["path"].rsplit("/", 1)[1])
        await start(send, status, [(b"etag", b'"v1"'), (b"location", b"/elsewhere")])
        await send({"type": "http.response.body", "body": b""})

    async def at_headers(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = [
            (b"set-cookie", b"a=1; Path=/"),
            (b"set-cookie", b"b=2; Path=/"),
            (b"x-two", b"one"),
            (b"x-two", b"two"),
            (b"x-latin", b"\xe5\xe4\xf6"),
            (b"content-encoding", b"gzip"),
            (b"connection", b"x-hop"),
            (b"x-hop", b"stays here"),
            (b"keep-alive", b"timeout=5"),
        ]
        await start(send, 200, given)
        await send({"type": "http.response.body", "body": b"not gzip at all"})

    async def at_short(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise 100,000 bytes (or none in particular), send fewer, and break off."""
        sized = scope["path"].endswith("sized")
        await start(send, 200, [(b"content-length", b"100000")] if sized else [])
        await send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
        await self.gate.wait()
        raise RuntimeError("broke off")

    async def at_quiet(self, scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, 200, [])
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        await self.gate.wait()
        await send({"type": "http.response.body", "body": b"second\n"})

    async def at_hang(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer nothing; notice whether the client goes away."""
        while (await receive())["type"] != "http.disconnect":
            continue
        self.noticed.append("disconnect")

    async def at_fail(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("before the answer")

    async def at_early(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse without reading the body."""
        await answer(send, 401, b"no")

    async def at_echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await answer(send, 200, scope["method"].encode() + b" " + body)


async def start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def answer(send: Send, status: int, body: bytes) -> None:
    await start(send, status, [(b"content-length", str(len(body)).encode())])
    await send({"type": "http.response.body", "body": body})


def front(upstream: Upstream) -> App:
    """Return what a gateway is at the least: the upstream, and problem documents for its refusals."""
    speaker = FastAPI()
    speaker.state.texts = TEXTS

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await upstream.forward(scope, receive, send, public_url="https://factory.example")

    return Refusals(forward, speaker)


class Memory:
    """Peak of Python's memory while the block runs, above what there was, in bytes."""

    peak = 0

    def __enter__(self) -> "Memory":
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        self._rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return self

    def __exit__(self, *_: object) -> None:
        self.peak = tracemalloc.get_traced_memory()[1] - self._before
        tracemalloc.stop()
        self.rss = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._rss) * 1024
