"""One service asks another: with a deadline, its own token beside the user's, retries where it is safe, one trace."""

import asyncio
import random
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any, cast

import httpx
from opentelemetry.propagate import inject

from services.kit.db import transaction_open
from services.kit.problems import Problem, unavailable
from services.kit.tokens import Subject

DEADLINE_S = 5.0

Content = bytes | AsyncIterable[bytes]
_RETRIED = frozenset({502, 503, 504})


class ServiceClient:
    """Asks the other services. `clients` maps a service's name to an httpx client that reaches it."""

    def __init__(self, service: str, clients: Mapping[str, httpx.AsyncClient], secret: Callable[[], str]) -> None:
        self.service = service
        self._clients = clients
        self._secret = secret
        self._token = ""
        self._expires = 0.0
        self._lock = asyncio.Lock()

    async def _service_token(self) -> str:
        loop = asyncio.get_running_loop()
        if loop.time() < self._expires:
            return self._token
        async with self._lock:
            if loop.time() >= self._expires:
                answer = await self._send(
                    "access",
                    "POST",
                    "/internal/v1/service-token",
                    json={"service": self.service, "secret": self._secret()},
                    headers={},
                    deadline_s=DEADLINE_S,
                )
                body = answer.json()
                self._token = body["access_token"]
                self._expires = loop.time() + int(body["expires_in"]) - 30
        return self._token

    async def _send(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Any,
        headers: dict[str, str],
        deadline_s: float,
        content: Content | None = None,
    ) -> httpx.Response:
        client = self._clients.get(service)
        if client is None:
            raise unavailable(service)
        inject(headers)
        try:
            async with asyncio.timeout(deadline_s):
                response = await client.request(method, path, json=json, content=content, headers=headers)
        except (httpx.HTTPError, TimeoutError):
            raise unavailable(service) from None
        if response.status_code >= 400:
            _raise_problem(service, response)
        return response

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        user: Subject | None = None,
        params: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> Any:
        """Ask `service` and return its JSON answer (None for an empty one).

        Raises the other's problem as a `Problem`, and 503 `unavailable` when it does not answer within `deadline_s`.
        Repeats only what may be repeated: GET, or what the caller calls `idempotent`.
        """
        if transaction_open():
            raise RuntimeError(f"asking {service} while a transaction is open")
        if params:
            path = str(httpx.URL(path, params=dict(params)))
        attempts = 3 if (method == "GET" if idempotent is None else idempotent) else 1
        for attempt in range(1, attempts + 1):
            headers = {"Factory-Service": await self._service_token()}
            if user is not None:
                headers["Authorization"] = f"Bearer {user.token}"
            try:
                response = await self._send(service, method, path, json=json, headers=headers, deadline_s=deadline_s)
                return _parsed(service, response)
            except Problem as problem:
                if problem.status == 401 and user is None:
                    self._expires = 0.0
                if attempt == attempts or (problem.status not in _RETRIED and problem.status != 401):
                    raise
                await asyncio.sleep(random.uniform(0.05, 0.15) * attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")

    async def request_bytes(
        self,
        service: str,
        method: str,
        path: str,
        *,
        content: Content | None = None,
        json: Any = None,
        user: Subject | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        deadline_s: float = 60.0,
    ) -> bytes:
        """Ask `service` with a body of bytes (or `json`) and return the answer's bytes; problems as in `request`.

        The answer is held in memory: ask for large files in ranges. A streamed `content` is sent once, never repeated.
        """
        if transaction_open():
            raise RuntimeError(f"asking {service} while a transaction is open")
        repeatable = content is None or isinstance(content, bytes)
        attempts = 3 if repeatable and (method == "GET" if idempotent is None else idempotent) else 1
        for attempt in range(1, attempts + 1):
            sent = {**(headers or {}), "Factory-Service": await self._service_token()}
            if user is not None:
                sent["Authorization"] = f"Bearer {user.token}"
            try:
                response = await self._send(
                    service, method, path, json=json, headers=sent, deadline_s=deadline_s, content=content
                )
                return response.content
            except Problem as problem:
                if problem.status == 401 and user is None:
                    self._expires = 0.0
                if attempt == attempts or (problem.status not in _RETRIED and problem.status != 401):
                    raise
                await asyncio.sleep(random.uniform(0.05, 0.15) * attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable")

    async def get_json(self, service: str, path: str, *, user: Subject | None = None, **params: str) -> Any:
        """GET `path` of `service`."""
        return await self.request(service, "GET", path, user=user, params=params)

    async def post_json(
        self, service: str, path: str, json: Any, *, user: Subject | None = None, idempotent: bool = False
    ) -> Any:
        """POST `json` to `path` of `service`; say `idempotent` when asking twice does no harm (queries)."""
        return await self.request(service, "POST", path, json=json, user=user, idempotent=idempotent)

    async def jwks(self) -> Any:
        """Return the key set of access; needs no token, since it is what tokens are verified with."""
        for attempt in (1, 2, 3):
            try:
                response = await self._send(
                    "access", "GET", "/internal/v1/jwks", json=None, headers={}, deadline_s=DEADLINE_S
                )
                return _parsed("access", response)
            except Problem:
                if attempt == 3:
                    raise
        raise AssertionError("unreachable")


def _parsed(service: str, response: httpx.Response) -> Any:
    """Return the answer's JSON (None for an empty one); what is no JSON is no answer."""
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        raise unavailable(service) from None


def _raise_problem(service: str, response: httpx.Response) -> None:
    try:
        parsed: object = response.json()
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict) or "code" not in parsed or response.status_code >= 500:
        raise unavailable(service)
    document = cast("dict[str, Any]", parsed)
    # The other service has said it in its own words already; members that RFC 9457 knows are kept as they came.
    extra = {k: v for k, v in document.items() if k not in {"type", "title", "status", "code", "cures", "instance"}}
    raise Problem(
        response.status_code,
        str(document["code"]),
        params={"noun": "resource"},
        cures=document.get("cures", ()),
        extra=extra,
    )
