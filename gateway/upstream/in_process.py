"""A service in the same process: its application is called as the server would call it, nothing is buffered."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.upstream.exchange import Exchange
from gateway.upstream.port import App, Scope, Upstream


class InProcessUpstream(Upstream):
    """Calls an ASGI application. Whoever makes it runs the application's lifespan."""

    def __init__(self, name: str, app: App) -> None:
        super().__init__(name)
        self._app = app

    async def _carry(self, scope: Scope, exchange: Exchange) -> None:
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]] = exchange.receive
        await self._app(scope, receive, exchange.send)

    async def close(self) -> None:
        """Nothing is held open."""
