"""Terms: ODRL policies, immutable and numbered, read in plain words."""

from collections.abc import Mapping
from typing import Any

from datafactory.errors import Json
from datafactory.transport import Transport


class Terms:
    """Terms under which data is donated."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, odrl: Mapping[str, Any]) -> Json:
        """Store an ODRL 2.2 policy (JSON-LD): `{id, number, digest, normal, summary, odrl, partner_id}`."""
        return self._transport.post("/api/v1/terms", dict(odrl))

    def all(self) -> list[Json]:
        """Return the terms the caller may see."""
        return list(self._transport.pages("/api/v1/terms"))

    def get(self, terms_id: str) -> Json:
        """Return one policy with its normal form and its summary in Swedish and English."""
        return self._transport.get(f"/api/v1/terms/{terms_id}")
