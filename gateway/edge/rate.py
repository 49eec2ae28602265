"""How often one person or address may ask: token buckets, told as RateLimit headers.

Headers: draft-ietf-httpapi-ratelimit-headers-10 (`RateLimit-Policy`, `RateLimit`).
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.edge.identity import Caller, Identify, client_address, network_key
from gateway.edge.same_site import SAFE
from gateway.settings import GatewaySettings
from gateway.upstream.port import App, Message, Receive, Scope, Send
from services.kit.problems import Problem

WINDOW_S = 60
Kind = Literal["reads", "writes", "sign-ins"]

# Beyond this many callers the ones longest unheard of are forgotten; their buckets have mostly filled up again.
_CALLERS = 50_000
_NEVER_COUNTED = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass
class Bucket:
    """Tokens left, as of `at` (monotonic seconds)."""

    tokens: float
    at: float


@dataclass(frozen=True)
class Verdict:
    """What a request used up: whether it may pass, how many remain, seconds until all are back, seconds to wait."""

    passes: bool
    remaining: int
    full_in_s: int
    retry_in_s: int


class Limiter:
    """Buckets of `quota` tokens that fill up within a minute. Kept per process: n gateways allow n times as much."""

    def __init__(self, quotas: dict[Kind, int], now: Callable[[], float] = time.monotonic) -> None:
        self.quotas = quotas
        self._now = now
        self._buckets: OrderedDict[tuple[Kind, str], Bucket] = OrderedDict()

    def take(self, kind: Kind, key: str) -> Verdict:
        """Take one token for a request of `kind` by `key`."""
        quota = self.quotas[kind]
        per_second = quota / WINDOW_S
        now = self._now()
        bucket = self._buckets.get((kind, key))
        if bucket is None:
            bucket = self._buckets[(kind, key)] = Bucket(float(quota), now)
            while len(self._buckets) > _CALLERS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end((kind, key))
            bucket.tokens = min(float(quota), bucket.tokens + (now - bucket.at) * per_second)
            bucket.at = now
        passes = bucket.tokens >= 1
        if passes:
            bucket.tokens -= 1
        return Verdict(
            passes,
            int(bucket.tokens),
            math.ceil((quota - bucket.tokens) / per_second),
            max(1, math.ceil((1 - bucket.tokens) / per_second)),
        )


def kind_of(method: str, path: str) -> Kind | None:
    """Return what a request counts as; None if it does not count (preflights and probes)."""
    if method == "OPTIONS" or path in _NEVER_COUNTED:
        return None
    signing_in = path in ("/auth/login", "/auth/callback", "/auth/cli/token", "/api/v1/token")
    if signing_in or path.startswith("/api/v1/operator-secret/"):
        return "sign-ins"
    return "reads" if method in SAFE else "writes"


class RateLimit:
    """ASGI middleware: finds out who asks, counts, and refuses with 429 what is too much."""

    def __init__(self, app: App, settings: GatewaySettings, identify: Identify, limiter: Limiter | None = None) -> None:
        self._app = app
        self._identify = identify
        self._trusted = [ipaddress.ip_network(network) for network in settings.trusted_proxies]
        self._limiter = limiter or Limiter(
            {"reads": settings.rate_reads, "writes": settings.rate_writes, "sign-ins": settings.rate_sign_ins}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = client_address(scope, self._trusted)
        kind = kind_of(scope["method"], scope["path"])
        scope = {**scope, "client": (address, (scope.get("client") or ("", 0))[1])} if self._trusted else scope
        if kind is None:
            scope["factory.caller"] = Caller(network_key(address))
            await self._app(scope, receive, send)
            return
        # Sign-ins count for the address alone: whoever tries has no name yet, or one they are only trying.
        caller = await self._identify(scope, address)
        scope["factory.caller"] = caller
        verdict = self._limiter.take(kind, network_key(address) if kind == "sign-ins" else caller.key)
        told = self._headers(kind, verdict)
        if not verdict.passes:
            headers = {name.decode(): value.decode() for name, value in told}
            raise Problem(
                429,
                "rate-limited",
                params={"seconds": verdict.retry_in_s},
                headers={**headers, "Retry-After": str(verdict.retry_in_s)},
            )

        async def telling_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *told]}
            await send(message)

        await self._app(scope, receive, telling_send)

    def _headers(self, kind: Kind, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        policy = f'"{kind}";q={self._limiter.quotas[kind]};w={WINDOW_S}'
        left = f'"{kind}";r={verdict.remaining};t={verdict.full_in_s}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]
