"""What every operator of a recipe says of itself, what it takes, and what it gives back.

Three families share one registry. A *text* operator finds spans in a string; all text operators of a recipe look at the
same original text, overlaps are settled by their order, and everything is replaced in one pass (`engine.text`). An
*image* operator takes pixels and gives pixels (`engine.image`); a *table* operator takes and gives a data frame
(`engine.table`). `engine.treat` knows file formats and puts the families to work on a file's bytes.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

Family = Literal["text", "image", "table"]


class Params(BaseModel):
    """Base of every operator's parameters: a closed object, from which the operator's JSON Schema is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Operator:
    """One entry of the registry: everything that `docs/deid.md` and `list_operators` tell of an operator."""

    name: str
    """`text.personal-number`, `image.faces`, `table.k-anonymity`, …"""
    version: str
    """Goes up whenever the operator's results change."""
    family: Family
    summary: str
    """One line in English: what it does."""
    finds: tuple[str, ...]
    """Kinds that it finds, as reports count them."""
    source: str
    """Where the rule comes from: law, standard, register, paper or data, with licence where it is data."""
    misses: str
    """What it is known not to find or not to do."""
    params: type[Params]

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the parameters."""
        return self.params.model_json_schema()


@dataclass(frozen=True)
class Finding:
    """Something found in one place of a file. Never holds what was found in the clear."""

    kind: str
    operator: str
    treated: bool
    place: str
    """Where, in words without content: `characters 120–132`, `row 4, column 3`, `box 10,20,64,64`."""
    shape: str
    """The original as a pattern: digits `9`, letters `a`/`A`, other letters `x`; for pictures the box's size."""
    after: str
    """What stands there now (never personal data), or empty."""


@dataclass
class Treated:
    """What became of a file. Without `content` it is withheld, and `withheld` says why (a stable code)."""

    content: bytes | None
    media_type: str
    counts: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    """By kind: {"found": n, "treated": m}."""
    findings: list[Finding] = field(default_factory=list[Finding])
    """A bounded sample of the findings, evenly spread over the file (at most `SAMPLE`)."""
    places: list["Place"] = field(default_factory=list["Place"])
    """Places that a steward may be asked about, treated and untreated (at most `SAMPLE` of each)."""
    totals: dict[str, int] = field(default_factory=dict[str, int])
    """How many places of each sort there are in the file, by `Place.sort`: what the sample stands for."""
    measures: dict[str, Any] = field(default_factory=dict[str, Any])
    """What a family measures: tables k_min, unique_share, rows_kept_share, utility_loss; pictures faces, strength."""
    withheld: str | None = None

    SAMPLE: ClassVar[int] = 40


@dataclass(frozen=True)
class Place:
    """A place for a steward to judge: what stands there after treatment, with what surrounds it, treated too."""

    sort: Literal["treated", "untreated"]
    kind: str
    """Of a treated place its kind; of an untreated one what was looked at: `text`, `picture`, `cell`."""
    place: str
    before: str
    """The original as a pattern (never in the clear); empty for an untreated place."""
    after: str
    """The treated text with its surroundings; for pictures empty (see `picture`)."""
    picture: bytes = b""
    """For pictures: the treated surroundings as a small JPEG."""


class Registry:
    """The operators there are, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Operator] = {}

    def add(self, operator: Operator) -> Operator:
        """Enter an operator; ValueError when its name is taken."""
        if operator.name in self._by_name:
            raise ValueError(f"two operators are called {operator.name}")
        self._by_name[operator.name] = operator
        return operator

    def get(self, name: str) -> Operator | None:
        """Return an operator by name, or None."""
        return self._by_name.get(name)

    def all(self) -> list[Operator]:
        """Return every operator, by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]


REGISTRY = Registry()


@dataclass(frozen=True)
class Step:
    """An operator of a recipe, with its parameters checked."""

    operator: Operator
    params: Params


@dataclass(frozen=True)
class Keys:
    """Secrets that treatment needs, one a dataset: the same person is the same pseudonym in all its files."""

    key_id: str
    pseudonym: bytes = field(repr=False)
    """32 bytes: the key of the HMAC behind pseudonyms and surrogates."""


def pattern(text: str, limit: int = 60) -> str:
    """Return a text as a pattern that tells form and no content: digits `9`, letters `a`, `A`, `x`, the rest as is."""

    def of(character: str) -> str:
        if character.isdigit():
            return "9"
        if not character.isalpha():
            return character
        return "A" if character.isupper() else "a" if character.islower() else "x"

    shown = "".join(of(c) for c in text[:limit])
    return shown + ("…" if len(text) > limit else "")
