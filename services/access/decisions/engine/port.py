"""The port: what an engine is asked, what it may answer, and which answers are believed.

An engine that cannot be believed raises. There is no way from here to a permit but a whole, consistent result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

RULES: tuple[str, ...] = (
    "action",
    "agreement",
    "audit",
    "class",
    "country",
    "course",
    "dataset",
    "grant",
    "isolation",
    "membership",
    "period",
    "purpose",
    "recipient",
    "shape",
    "version",
)
"""The rules of the law, sorted. A permit names them all, or it is none."""

CODES: tuple[str, ...] = (
    "action-not-permitted",
    "agreement-unsigned",
    "audit-absent",
    "audit-lapsed",
    "country-not-permitted",
    "course-not-valid",
    "dataset-withdrawn",
    "grant-absent",
    "grant-expired",
    "grant-revoked",
    "integrity-class-not-met",
    "isolation-too-weak",
    "membership-ended",
    "period-not-open",
    "purpose-not-permitted",
    "recipient-not-permitted",
    "version-not-released",
)
"""The reasons for a refusal, sorted."""

DUTIES: Mapping[str, Mapping[str, type]] = {
    "attribution": {"text": str},
    "delete-after": {"days": int},
    "same-terms": {},
    "results-through-steward": {},
}
"""Obligation kind → its members besides `kind`. `days` count from the end of the grant."""

DecisionInput = Mapping[str, Any]
"""One input as `decisions/input.schema.json` has it: closed, no nulls, ids and numbers only."""


class InvalidDecisionInput(Exception):
    """The input is not what the schema says; no engine was asked. `pointer` (RFC 6901) says where, without values."""

    def __init__(self, pointer: str, rule: str) -> None:
        super().__init__(f"decision input: {pointer or '/'}: {rule}")
        self.pointer = pointer
        self.rule = rule


class EngineUnavailable(Exception):
    """No answer, or none that can be believed. Means no access (503), never a permit and never a recorded denial."""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What the law said. `passed`, `required`, `codes` are sorted; `revision` is the SHA-256 of the law's sources."""

    permit: bool
    passed: tuple[str, ...]
    required: tuple[str, ...]
    codes: tuple[str, ...]
    obligations: tuple[Mapping[str, str | int], ...]
    revision: str


class PolicyEngine(Protocol):
    """An engine that evaluates the law."""

    @property
    def revision(self) -> str:
        """Return the SHA-256 (hex) of the sources of the law that this engine evaluates."""
        ...

    async def evaluate(self, decision_input: DecisionInput) -> PolicyResult:
        """Return what the law says of one input. Does not block the event loop.

        Raises InvalidDecisionInput before any engine is asked, EngineUnavailable on everything else that goes wrong.
        """
        ...

    async def close(self) -> None:
        """Give back threads and connections. An engine that was closed answers no more."""
        ...


def _names(value: object, known: Sequence[str], what: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise EngineUnavailable(f"{what} is not a list")
    names = cast(list[object], value)
    found: list[str] = []
    for name in names:
        if not isinstance(name, str) or name not in known:
            raise EngineUnavailable(f"{what} holds something unknown")
        found.append(name)
    if found != sorted(set(found)):
        raise EngineUnavailable(f"{what} is not a sorted set")
    return tuple(found)


def _obligations(value: object) -> tuple[Mapping[str, str | int], ...]:
    if not isinstance(value, list):
        raise EngineUnavailable("obligations is not a list")
    found: list[Mapping[str, str | int]] = []
    for item in cast(list[object], value):
        if not isinstance(item, dict):
            raise EngineUnavailable("an obligation is not an object")
        duty = cast(dict[str, Any], item)
        kind = duty.get("kind")
        members = DUTIES.get(kind) if isinstance(kind, str) else None
        if members is None or set(duty) != {"kind", *members}:
            raise EngineUnavailable("an obligation is of no known kind")
        for name, of_type in members.items():
            if type(duty[name]) is not of_type:
                raise EngineUnavailable("an obligation has a member of another type")
        found.append(duty)
    return tuple(found)


def believe(value: object, revision: str) -> PolicyResult:
    """Return the result that `value` (an engine's JSON) states, when it is whole and does not contradict itself.

    A permit must have passed every rule there is, with no code against it; a refusal must have left a rule out, name at
    least one code and bind to nothing. Raises EngineUnavailable otherwise, and when the result is undefined (None).
    """
    if not isinstance(value, dict):
        raise EngineUnavailable("the result is undefined or not an object")
    document = cast(dict[str, object], value)
    if set(document) != {"permit", "passed", "required", "codes", "obligations"}:
        raise EngineUnavailable("the result has other members than it should")
    permit = document["permit"]
    if not isinstance(permit, bool):
        raise EngineUnavailable("permit is not a boolean")
    passed = _names(document["passed"], RULES, "passed")
    required = _names(document["required"], RULES, "required")
    codes = _names(document["codes"], CODES, "codes")
    obligations = _obligations(document["obligations"])
    if required != RULES:
        raise EngineUnavailable("the result does not require every rule")
    if permit and (passed != required or codes):
        raise EngineUnavailable("a permit that did not pass every rule")
    if not permit and (passed == required or not codes or obligations):
        raise EngineUnavailable("a refusal without a reason")
    return PolicyResult(permit, passed, required, codes, obligations, revision)
