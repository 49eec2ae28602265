"""Who asks, as far as the gateway needs to know: for counting, and to turn a session into a bearer token."""

import asyncio
import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import HTTPConnection

from gateway.door import Door
from gateway.sessions import service as sessions
from gateway.sessions.service import LiveSession
from gateway.sign_in.cookies import cookies_of
from services.kit.problems import Problem

Scope = MutableMapping[str, Any]

# An answer about a bearer token is worth keeping for a moment: a page of thumbnails sends the same one many times.
_KEEP_S = 30.0
_KEEP = 10_000


@dataclass(frozen=True)
class Caller:
    """Whoever asks; `key` is what their requests are counted under."""

    key: str


@dataclass(frozen=True)
class CookieCaller(Caller):
    """Someone with a live session."""

    live: LiveSession


def client_address(scope: Scope, trusted: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> str:
    """Return the client's address; what a proxy says in X-Forwarded-For counts only from the right, while trusted."""
    client = scope.get("client")
    address = str(client[0]) if client else "unknown"
    if not trusted:
        return address
    hops = [
        part.strip()
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for part in value.decode("latin-1").split(",")
    ]
    while hops and _within(address, trusted):
        address = hops.pop()
    return address


def _within(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def network_key(address: str) -> str:
    """Return what an address is counted under: one person has a whole /64 of IPv6 to choose from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "address:unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return f"address:{parsed.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((parsed, 64), strict=False).network_address}"
    return f"address:{parsed}"


class Identify:
    """Finds out who asks. A bearer token counts for its subject only if it verifies; else the address counts."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._seen: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    async def __call__(self, scope: Scope, address: str) -> Caller:
        """Return who asks."""
        connection = HTTPConnection(cast(Any, scope))
        header = connection.headers.get("authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            key = await self._subject_key(token.strip()) if scheme.lower() == "bearer" else None
            return Caller(key or network_key(address))
        secret = cookies_of(connection).get(self._door.session_cookie)
        if secret:
            ctx = self._door.ctx
            async with ctx.unit() as session:
                live = await sessions.find(session, ctx.sealer, self._door.settings, secret, ctx.clock.now())
            if live is not None:
                return CookieCaller(f"user:{live.user_id}", live)
        return Caller(network_key(address))

    async def _subject_key(self, token: str) -> str | None:
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        now = asyncio.get_running_loop().time()
        kept = self._seen.get(digest)
        if kept is not None and kept[0] > now:
            return kept[1]
        try:
            async with asyncio.timeout(2):
                subject = await self._door.ctx.verifier.user(token)
        except (Problem, TimeoutError):
            return None
        key = f"user:{subject.id}"
        self._seen[digest] = (now + _KEEP_S, key)
        while len(self._seen) > _KEEP:
            self._seen.popitem(last=False)
        return key


def caller_of(scope: Scope) -> Caller:
    """Return who asks, as found out on the way in."""
    return cast(Caller, scope["factory.caller"])
