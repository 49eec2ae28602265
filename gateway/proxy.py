"""The way of an API request: which service, whose token, then straight through."""

import structlog
from starlette.datastructures import Headers

from gateway.door import Door
from gateway.edge.identity import CookieCaller, caller_of
from gateway.edge.same_site import check_same_site
from gateway.routing import noun_of, service_of
from gateway.sessions.factory_tokens import SessionEnded
from gateway.upstream.port import Receive, Scope, Send
from services.kit.problems import Problem, unauthenticated, unavailable

log = structlog.get_logger("factory.gateway")

# These say who one is, so a session plays no part; a stale cookie must not stand in the way of signing in anew.
_WITHOUT_SESSION = frozenset({"token", "jwks"})


class RouteTemplate:
    """What stands in logs and metrics for a path: ids and file names never do."""

    def __init__(self, path_format: str) -> None:
        self.path_format = path_format


class Proxy:
    """ASGI application of `/api/…`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        noun = noun_of(scope["path"], scope.get("raw_path") or b"")
        service = service_of(noun) if noun else None
        if noun is None or service is None:
            raise Problem(404, "no-such-route")
        scope["route"] = RouteTemplate(f"/api/v1/{noun}/*")
        upstream = self._door.upstreams.get(service)
        if upstream is None:
            raise unavailable(service)
        caller = caller_of(scope)
        extra: list[tuple[bytes, bytes]] = []
        if isinstance(caller, CookieCaller) and noun not in _WITHOUT_SESSION:
            extra.append((b"authorization", await self._bearer(scope, caller)))
        await upstream.forward(
            scope,
            receive,
            send,
            extra_headers=extra,
            public_url=self._door.public_url,
        )

    async def _bearer(self, scope: Scope, caller: CookieCaller) -> bytes:
        check_same_site(scope["method"], Headers(scope=scope), self._door.public_url, caller.live)
        try:
            token = await self._door.tokens.of(caller.live)
        except SessionEnded:
            raise unauthenticated("session-ended") from None
        return b"Bearer " + token.value.encode("ascii")
