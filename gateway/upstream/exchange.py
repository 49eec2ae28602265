"""One request and its answer on their way through: what has begun, what is complete, whether the client is there."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

from gateway.upstream.headers import response_headers

Message = MutableMapping[str, Any]


_DROPPED_AT_MOST = 16
CLIENT_CLOSED_REQUEST = 499


class ClientGone(OSError):
    """The client closed its connection (an OSError, as ASGI 2.4 has `send` raise)."""


class ShortAnswer(Exception):
    """The service sent fewer or more bytes than its Content-Length says, or bytes where none may be."""


class Exchange:
    """Stands between the client's side (`scope`, `receive`, `send` of the server) and the service's."""

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        self._outer_receive = receive
        self._outer_send = send
        self._method: str = scope["method"]
        self.started = False
        self.complete = False
        self.gone = asyncio.Event()
        self.has_body = declares_body(scope["headers"])
        self.expects_continue = any(name == b"expect" for name, _ in scope["headers"])
        self.body_read = False
        self._pending: Message | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._expected: int | None = None
        self._sent = 0
        self._bodiless = False
        self._dropped = 0

    async def __aenter__(self) -> Self:
        if not self.has_body:
            # There is nothing to read but the news that the client went away: listen for it from the start.
            self._pending = {"type": "http.request", "body": b"", "more_body": False}
            self._watch()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if error is None and self.gone.is_set() and not self.started:
            # Nobody gets this; logs and metrics should not take it for our failure.
            await self._outer_send({"type": "http.response.start", "status": CLIENT_CLOSED_REQUEST, "headers": []})
            await self._outer_send({"type": "http.response.body", "body": b""})

    def _watch(self) -> None:
        self.body_read = True
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while True:
            message = await self._outer_receive()
            if message["type"] == "http.disconnect":
                if not self.complete:
                    self.gone.set()
                return

    async def receive(self) -> Message:
        """Return the next part of the request's body; after the last, wait until the client goes away."""
        if self._pending is not None:
            message, self._pending = self._pending, None
            return message
        if not self.body_read and not self.gone.is_set():
            message = await self._outer_receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
            elif not message.get("more_body", False):
                self._watch()
            return message
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass one part of the answer on; returns when the client's side has taken it.

        When the client is gone the rest is dropped, as servers do: what listens for that (`receive`) stops by itself,
        and a handler in the middle of a change finishes it. An application that goes on streaming is stopped.
        """
        if self.gone.is_set():
            self._dropped += 1
            if self._dropped > _DROPPED_AT_MOST:
                raise ClientGone("the client closed the connection")
            await asyncio.sleep(0)
            return
        if message["type"] == "http.response.start":
            headers = response_headers(message.get("headers", ()))
            self._begin(int(message["status"]), headers)
            await self._outer_send({**message, "headers": headers})
            return
        if message["type"] != "http.response.body":
            return
        body: bytes = message.get("body", b"")
        self._sent += 0 if self._method == "HEAD" else len(body)
        last = not message.get("more_body", False)
        allowed = 0 if self._bodiless else self._expected
        if allowed is not None and (self._sent > allowed or (last and not self._may_stop(allowed))):
            raise ShortAnswer(f"{self._sent} bytes of {allowed}")
        await self._outer_send({**message, "body": b"" if self._method == "HEAD" else body})
        if last:
            self.complete = True
        else:
            # A server takes parts for a client that is gone without waiting: the news of it must get its turn, or an
            # application that never waits by itself would hold the whole process.
            await asyncio.sleep(0)

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        self._bodiless = status in (204, 304)
        for name, value in headers:
            if name == b"content-length" and value.isdigit():
                self._expected = int(value)

    def _may_stop(self, allowed: int) -> bool:
        return self._method == "HEAD" or self._sent == allowed


def declares_body(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a request says that a body follows (RFC 9112 §6.3)."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0"):
            return True
    return False
