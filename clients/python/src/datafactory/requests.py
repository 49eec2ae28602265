"""The way to a grant: requests, questions and answers, agreements, and taking a grant back."""

import datetime
from collections.abc import Sequence

from datafactory.errors import Json
from datafactory.moments import instant
from datafactory.transport import Transport


class Requests:
    """Access requests, agreements and grants."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        project_id: str,
        dataset_id: str,
        actions: Sequence[str],
        purpose: str,
        purpose_text: str,
        until: datetime.datetime,
    ) -> Json:
        """Ask for a grant for a project; it holds while now < until."""
        body = {
            "project_id": project_id,
            "dataset_id": dataset_id,
            "actions": list(actions),
            "purpose": purpose,
            "purpose_text": purpose_text,
            "until": instant(until),
        }
        return self._transport.post("/api/v1/requests", body)

    def all(self) -> list[Json]:
        """Return the requests the caller may see."""
        return list(self._transport.pages("/api/v1/requests"))

    def get(self, request_id: str) -> Json:
        """Return one request with its questions and answers."""
        return self._transport.get(f"/api/v1/requests/{request_id}")

    def ask(self, request_id: str, text: str) -> Json:
        """Ask the applicant something, as a steward."""
        return self._transport.post(f"/api/v1/requests/{request_id}/questions", {"text": text})

    def answer(self, request_id: str, text: str) -> Json:
        """Answer a steward's question."""
        return self._transport.post(f"/api/v1/requests/{request_id}/answers", {"text": text})

    def decide(self, request_id: str, *, approve: bool, reasons: str, until: datetime.datetime | None = None) -> Json:
        """Decide a request, as a steward: `{request, grant_id, agreement_id}`. `until` may shorten what was asked."""
        body = {"approve": approve, "reasons": reasons, "until": instant(until) if until else None}
        return self._transport.post(f"/api/v1/requests/{request_id}/decision", body)

    def agreements(self) -> list[Json]:
        """Return the agreements the caller may see."""
        return list(self._transport.pages("/api/v1/agreements"))

    def agreement(self, agreement_id: str) -> Json:
        """Return an agreement: its text in Swedish and English, and its digest."""
        return self._transport.get(f"/api/v1/agreements/{agreement_id}")

    def sign(self, agreement_id: str, digest: str) -> Json:
        """Accept the agreement whose text has this digest, for the project."""
        return self._transport.post(f"/api/v1/agreements/{agreement_id}/signature", {"accept": True, "digest": digest})

    def grants(self) -> list[Json]:
        """Return the grants the caller may see."""
        return list(self._transport.pages("/api/v1/grants"))

    def grant(self, grant_id: str) -> Json:
        """Return one grant."""
        return self._transport.get(f"/api/v1/grants/{grant_id}")

    def revoke(self, grant_id: str, reason: str) -> Json:
        """Take a grant back: what runs or streams under it stops within seconds."""
        return self._transport.post(f"/api/v1/grants/{grant_id}/revocation", {"reason": reason})
