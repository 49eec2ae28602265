"""Decisions: may this person, for this project and purpose, do this to this version? With codes, cures and a permit."""

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from datafactory.errors import Cure, Denied, Json, as_text, cure_of
from datafactory.transport import Transport


@dataclass(frozen=True)
class Code:
    """One reason for a no: `code` for programs, `message` for people, `cures` towards a yes."""

    code: str
    message: str
    cures: tuple[Cure, ...]


@dataclass(frozen=True)
class Decision:
    """What the law said. `permit_token` is there only when `permit`; it ends at `ends` (monotonic seconds)."""

    id: str
    permit: bool
    codes: tuple[Code, ...]
    obligations: tuple[Json, ...]
    policy_revision: str
    permit_token: str | None
    ends: float
    raw: Json

    @property
    def code_names(self) -> tuple[str, ...]:
        """The codes alone, in the order given."""
        return tuple(code.code for code in self.codes)

    def require(self) -> "Decision":
        """Return this decision, or raise `Denied` if it is a no."""
        if not self.permit:
            raise Denied(self.code_names, self.id, [code.message for code in self.codes])
        return self


LASTS_S = 540.0
"""How long a permit is counted on at most, in seconds: under the ten minutes it may last."""


def seconds_left(expires_at: object) -> float:
    """Return the seconds to an instant as the API writes it; LASTS_S if it is unreadable or further away."""
    try:
        end = datetime.datetime.fromisoformat(str(expires_at))
        return min(LASTS_S, (end - datetime.datetime.now(datetime.UTC)).total_seconds())
    except (ValueError, TypeError):
        return LASTS_S


def decision_of(raw: Json) -> Decision:
    """Return a decision from its JSON."""
    codes = tuple(
        Code(as_text(c.get("code")), as_text(c.get("message")), tuple(cure_of(cure) for cure in c.get("cures") or []))
        for c in cast(list[dict[str, Any]], raw.get("codes") or [])
    )
    return Decision(
        id=str(raw["id"]),
        permit=raw["permit"] is True,
        codes=codes,
        obligations=tuple(raw.get("obligations") or []),
        policy_revision=as_text(raw.get("policy_revision")),
        permit_token=as_text(raw.get("permit_token")) or None,
        ends=time.monotonic() + seconds_left(raw.get("expires_at")),
        raw=raw,
    )


@dataclass(frozen=True)
class Ask:
    """What is asked: the words of `evaluate_decision`. `paths` narrows a permit to some files."""

    version_id: str
    project_id: str
    action: str
    purpose: str
    paths: tuple[str, ...] = ()

    def body(self) -> Json:
        """Return the request body."""
        body: Json = {
            "version_id": self.version_id,
            "project_id": self.project_id,
            "action": self.action,
            "purpose": self.purpose,
        }
        if self.paths:
            body["paths"] = list(self.paths)
        return body


class Decisions:
    """Asking for decisions, and looking at those that were made."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def evaluate(self, ask: Ask) -> Decision:
        """Ask, and record the answer. A no is an answer too: see `Decision.require`."""
        return decision_of(self._transport.post("/api/v1/decisions", ask.body()))

    def evaluate_many(self, asks: Sequence[Ask]) -> list[Decision]:
        """Ask up to 100 questions at once."""
        answer = self._transport.post("/api/v1/decision-batches", {"items": [ask.body() for ask in asks]})
        return [decision_of(item) for item in answer["items"]]

    def all(self, *, most: int | None = None) -> list[Json]:
        """Return the decisions the caller may see, newest first."""
        return list(self._transport.pages("/api/v1/decisions", most=most))

    def get(self, decision_id: str) -> Json:
        """Return one decision as it was recorded."""
        return self._transport.get(f"/api/v1/decisions/{decision_id}")

    def replay(self, decision_id: str) -> Json:
        """Evaluate the recorded input again under the recorded policy: `{id, same, permit, codes, recorded}`."""
        return self._transport.post(f"/api/v1/decisions/{decision_id}/replay")
