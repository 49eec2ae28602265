"""The law in a remote OPA over HTTP: the production engine."""

import asyncio
import time
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import aiohttp
from opa_client import AsyncOpaClient  # pyright: ignore[reportMissingTypeStubs] - opa-python-client ships none

from services.access.decisions.engine.breaker import Breaker
from services.access.decisions.engine.bundle import read_bundle
from services.access.decisions.engine.inputs import check_input
from services.access.decisions.engine.port import DecisionInput, EngineUnavailable, PolicyResult, believe

PACKAGE = "factory/decision"
RULE = "result"


class _Client(Protocol):
    """What is used of opa-python-client, which has no types."""

    async def __aenter__(self) -> object: ...

    async def close_connection(self) -> None: ...

    async def query_rule(
        self, input_data: dict[str, Any], package_path: str, rule_name: str, query_params: dict[str, str]
    ) -> object: ...


def _told_revisions(answer: dict[str, object]) -> set[str]:
    """Return the revisions of the bundles that OPA says it decided with (`?provenance=true`)."""
    provenance = answer.get("provenance")
    bundles = cast(dict[str, object], provenance).get("bundles") if isinstance(provenance, dict) else None
    if not isinstance(bundles, dict):
        return set()
    entries = cast(dict[str, object], bundles).values()
    return {str(cast(dict[str, object], entry).get("revision")) for entry in entries if isinstance(entry, dict)}


class OpaEngine:
    """Asks `POST /v1/data/factory/decision/result` with a deadline, behind a breaker.

    The OPA must have loaded the bundle of this release (`policies.build --opa-bundle`): it tells its revision with
    every answer, and an answer by another law is not believed.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        revision: str | None = None,
        deadline_s: float = 1.5,
        breaker: Breaker | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("the address of an OPA is http(s)://host:port")
        self._revision = revision or read_bundle().revision
        self._deadline_s = deadline_s
        self._breaker = breaker or Breaker(time.monotonic)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        # One retry, for a kept-alive connection that the other side closed; the deadline holds over both.
        self._client = cast(
            _Client,
            AsyncOpaClient(
                host=host,
                port=parts.port or (443 if parts.scheme == "https" else 8181),
                ssl=parts.scheme == "https",
                token=token,
                retries=1,
                timeout=deadline_s,
            ),
        )
        self._opened = False
        self._closed = False

    @property
    def revision(self) -> str:
        """Return the SHA-256 (hex) of the sources of the law that the OPA must have."""
        return self._revision

    async def evaluate(self, decision_input: DecisionInput) -> PolicyResult:
        """Return what the law says. Raises InvalidDecisionInput, EngineUnavailable."""
        await asyncio.to_thread(check_input, decision_input)
        if self._closed:
            raise EngineUnavailable("the engine is closed")
        if not self._breaker.lets_through():
            raise EngineUnavailable("OPA has failed too often; it is asked again in a moment")
        try:
            result = await self._ask(decision_input)
        except EngineUnavailable:
            self._breaker.failed()
            raise
        except BaseException:
            self._breaker.dropped()
            raise
        self._breaker.succeeded()
        return result

    async def _ask(self, decision_input: DecisionInput) -> PolicyResult:
        try:
            async with asyncio.timeout(self._deadline_s):
                if not self._opened:
                    self._opened = True
                    await self._client.__aenter__()
                answer = await self._client.query_rule(dict(decision_input), PACKAGE, RULE, {"provenance": "true"})
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            raise EngineUnavailable(f"OPA did not answer: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            raise EngineUnavailable("OPA did not answer with an object")
        document = cast(dict[str, object], answer)
        if _told_revisions(document) != {self._revision}:
            raise EngineUnavailable("OPA has another revision of the law")
        return believe(document.get("result"), self._revision)

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        await self._client.close_connection()
