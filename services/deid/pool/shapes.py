"""What a worker process is asked and answers: frames (`services.kit.frames`), their headers made and read here."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.deid.engine.operator import Finding, Place


@dataclass(frozen=True)
class PlanSpec:
    """A recipe's operators and the keys they use, as a worker process gets them. `id` tells plans apart."""

    id: str
    operators: list[dict[str, Any]]
    key_id: str
    pseudonym: bytes = field(repr=False)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"operators": self.operators, "key_id": self.key_id, "pseudonym": self.pseudonym.hex()}


@dataclass(frozen=True)
class Task:
    """One file to treat. `keep` is how many findings and places of each sort come back; `inspect`: without content."""

    path: str
    declared: str
    keep: int = 40
    inspect: bool = False
    preview: bool = False

    def header(self, plan: PlanSpec) -> dict[str, Any]:
        """Return the request's header."""
        return {"do": "treat", "plan": plan.id, **vars(self)}


@dataclass
class Outcome:
    """What became of a file; `engine.operator.Treated` without its content, which comes in `content` if it is wanted.

    `seconds` is how long the work took; `preview` is shown to people who try a recipe.
    """

    media_type: str
    withheld: str | None = None
    counts: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    findings: list[Finding] = field(default_factory=list[Finding])
    places: list[Place] = field(default_factory=list[Place])
    totals: dict[str, int] = field(default_factory=dict[str, int])
    measures: dict[str, Any] = field(default_factory=dict[str, Any])
    preview: dict[str, str] = field(default_factory=dict[str, str])
    seconds: float = 0.0
    content: bytes = b""

    def header(self) -> dict[str, Any]:
        """Return it as JSON, without the content."""
        return {
            "media_type": self.media_type,
            "withheld": self.withheld,
            "counts": self.counts,
            "findings": [vars(finding) for finding in self.findings],
            "places": [{**vars(p), "picture": base64.b64encode(p.picture).decode()} for p in self.places],
            "totals": self.totals,
            "measures": self.measures,
            "preview": self.preview,
            "seconds": self.seconds,
        }

    @staticmethod
    def read(header: Mapping[str, Any], content: bytes = b"") -> "Outcome":
        """Return what a worker answered; KeyError, TypeError or ValueError when it is not of this form."""
        return Outcome(
            media_type=clean(header["media_type"]),
            withheld=None if header["withheld"] is None else clean(header["withheld"])[:60],
            counts={
                clean(kind): {"found": int(n["found"]), "treated": int(n["treated"])}
                for kind, n in header["counts"].items()
            },
            findings=[_finding(finding) for finding in header["findings"]],
            places=[_place(place) for place in header["places"]],
            totals={clean(sort): int(number) for sort, number in header["totals"].items()},
            measures=dict(header["measures"]),
            preview={clean(k): clean(v) for k, v in header["preview"].items()},
            seconds=float(header["seconds"]),
            content=content,
        )


def clean(value: object) -> str:
    """Return a text that can be encoded: half characters, as JSON may write them, are replaced by `?`."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _finding(raw: Mapping[str, Any]) -> Finding:
    texts = {name: clean(raw[name]) for name in ("kind", "operator", "place", "shape", "after")}
    return Finding(**texts, treated=bool(raw["treated"]))


def _place(raw: Mapping[str, Any]) -> Place:
    texts = {name: clean(raw[name]) for name in ("kind", "place", "before", "after")}
    sort = raw["sort"]
    if sort not in ("treated", "untreated"):
        raise ValueError("no such sort of place")
    return Place(sort, **texts, picture=base64.b64decode(raw["picture"]))
