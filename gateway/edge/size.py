"""How large a request may be, as it says itself and as it turns out, and how slowly it may arrive."""

import asyncio
import re

from gateway.settings import GatewaySettings
from gateway.upstream.port import App, Message, Receive, Scope, Send
from services.kit.problems import Problem

AUTH_MAX_BYTES = 64 * 1024
_ANNOTATIONS = re.compile(r"/api/v1/(campaigns/[^/]+/import|tasks/[^/]+/annotation|reviews/[^/]+)\Z")


def limit_of(path: str, settings: GatewaySettings) -> int:
    """Return the largest body, in bytes, that `path` takes."""
    if path.startswith("/api/v1/uploads/"):
        return settings.upload_max_bytes
    if _ANNOTATIONS.match(path):
        return settings.annotation_max_bytes
    if path.startswith("/auth/"):
        return min(AUTH_MAX_BYTES, settings.json_max_bytes)
    return settings.json_max_bytes


class SizeLimit:
    """ASGI middleware: 413 for a body above its route's limit, 408 for one that stops coming."""

    def __init__(self, app: App, settings: GatewaySettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = limit_of(scope["path"], self._settings)
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value) > limit):
                raise self._too_large(limit)
        body = _Body(receive, limit, self._settings.upstream_idle_s)
        started = False

        async def gated_send(message: Message) -> None:
            nonlocal started
            # Once the body is refused, whatever the application makes of a request cut short is not the answer.
            if body.refusal is not None and not started:
                return
            started = True
            await send(message)

        try:
            await self._app(scope, body.receive, gated_send)
        except Exception:
            if body.refusal is None or started:
                raise
        if body.refusal is not None:
            if started:
                raise body.refusal
            raise self._too_large(limit) if body.refusal.status == 413 else body.refusal

    @staticmethod
    def _too_large(limit: int) -> Problem:
        # What follows is not wanted: the connection is of no further use.
        return Problem(413, "body-too-large", params={"limit": limit}, headers={"Connection": "close"})


class _Body:
    def __init__(self, receive: Receive, limit: int, idle_s: float) -> None:
        self._receive = receive
        self._limit = limit
        self._idle_s = idle_s
        self._size = 0
        self._complete = False
        self.refusal: Problem | None = None

    async def receive(self) -> Message:
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._idle_s):
                message = await self._receive()
        except TimeoutError:
            self.refusal = Problem(408, "body-too-slow", headers={"Connection": "close"})
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._size > self._limit:
                self.refusal = Problem(413, "body-too-large", params={"limit": self._limit})
                return {"type": "http.disconnect"}
        return message
