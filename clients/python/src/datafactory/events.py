"""The factory's facts as they happen, for operators: one JSON object a line (NDJSON)."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from datafactory.errors import Json
from datafactory.transport import Transport

# Nothing may happen for a long while, so a silent stream is not a broken one.
PATIENT = httpx.Timeout(connect=5.0, read=None, write=30.0, pool=30.0)


class Events:
    """The bus, read through the gateway."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def tail(self, types: Sequence[str] = (), since: str | None = None) -> Iterator[Json]:
        """Yield events as they come; `types` narrows to event types, `since` (an instant) begins earlier than now."""
        params: dict[str, Any] = {"types": ",".join(types) or None, "from": since}
        with self._transport.stream("GET", "/api/v1/events", params=params, timeout=PATIENT) as response:
            for line in response.iter_lines():
                if line.strip():
                    yield json.loads(line)
