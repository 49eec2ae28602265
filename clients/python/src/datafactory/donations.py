"""Donations: an intake case from its first draft to acceptance or rejection."""

from collections.abc import Mapping
from typing import Any

from datafactory.errors import Json
from datafactory.transport import Transport


class Donations:
    """What donors and stewards do with donations. Bodies and answers are those of the OpenAPI document."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Create a draft: title, description, language, controller, legal_bases, origin, …, terms_id, partner_id."""
        return self._transport.post("/api/v1/donations", dict(body), key=key)

    def all(self, *, most: int | None = None) -> list[Json]:
        """Return the donations the caller may see."""
        return list(self._transport.pages("/api/v1/donations", most=most))

    def get(self, donation_id: str) -> Json:
        """Return one donation."""
        return self._transport.get(f"/api/v1/donations/{donation_id}")

    def update(self, donation_id: str, changes: Mapping[str, Any], etag: str | None = None) -> Json:
        """Change a draft, under If-Match."""
        return self._transport.patch(f"/api/v1/donations/{donation_id}", dict(changes), etag)

    def submit(self, donation_id: str) -> Json:
        """Hand a draft over to the steward; every upload must be stored by then."""
        return self._transport.post(f"/api/v1/donations/{donation_id}/submission")

    def checklist(self, donation_id: str, items: Mapping[str, tuple[bool, str]]) -> Json:
        """Set the steward's checklist: key to (is it in order, a note)."""
        body = {"items": {key: {"ok": ok, "note": note or None} for key, (ok, note) in items.items()}}
        return self._transport.put(f"/api/v1/donations/{donation_id}/checklist", body)

    def accept(self, donation_id: str, reasons: str) -> Json:
        """Accept: returns `{donation, dataset_id, version_id}`."""
        return self._transport.post(f"/api/v1/donations/{donation_id}/acceptance", {"reasons": reasons})

    def reject(self, donation_id: str, reasons: str) -> Json:
        """Reject with reasons."""
        return self._transport.post(f"/api/v1/donations/{donation_id}/rejection", {"reasons": reasons})

    def receipt(self, donation_id: str) -> Json:
        """Return the receipt: `{donation_id, version_digest, files: [{path, size, sha256}]}`."""
        return self._transport.get(f"/api/v1/donations/{donation_id}/receipt")
