"""table.pseudonymise: keyed pseudonyms, the same ones that text operators write for the same person."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.deid.engine.operator import REGISTRY, Keys, Step
from services.deid.engine.table import values as v
from services.deid.engine.table.columns import Columns
from services.deid.engine.table.hierarchies import as_text, encode
from services.deid.engine.table.work import TableParams, Work

if TYPE_CHECKING:
    import polars as pl

    from services.deid.engine.text.operators import Find

Kind = Literal["auto", "personal-number", "email", "phone", "name", "id"]
_OPERATORS = {
    "personal-number": "text.personal-number",
    "email": "text.email",
    "phone": "text.phone",
    "name": "text.name",
}
"""Kinds whose normal form the text operators know, in the order in which `auto` asks them."""


_PERSONAL_NUMBER = r"^\s*(?:\d\d)?\d{6}\s?[-+\u2013\u2212]?\s?\d{4}\s*$"
"""A personal number in its usual forms, the whole of a cell."""


class Pseudonymise(TableParams):
    """Parameters of table.pseudonymise."""

    columns: Columns
    kind: Kind = Field(
        default="auto",
        description="What the values are. auto: told value by value; what is none of the kinds is an id.",
    )


def pseudonymise(work: Work, params: Pseudonymise) -> None:
    """Write pseudonyms; empty cells stay empty."""
    import polars as pl

    for key in work.columns(params.columns, params):
        column = work.table.column(key)
        code, distinct, _ = encode(column)
        name = Pseudonyms(work.keys, params.kind)
        shown = [None if value is None else name(as_text(value)) for value in distinct]
        work.table.write(key, pl.Series(column.name, shown, dtype=pl.String).gather(code))
        work.done[key] = ("identifier", "table.pseudonymise")


class Pseudonyms:
    """Pseudonyms of whole values under one key."""

    def __init__(self, keys: Keys, kind: Kind) -> None:
        self._keys = keys
        self._kind = kind
        self._finders = _finders(kind)

    def __call__(self, value: str) -> str:
        """Return a value's pseudonym; what says that there is none stays as it is."""
        from services.deid.engine.text.actions import pseudonym

        if v.is_missing(value):
            return value
        kind, normal = self.normal(value)
        return pseudonym(self._keys, kind, normal)

    def normal(self, value: str) -> tuple[str, str]:
        """Return what kind of thing a value is, and the form that all ways of writing it share.

        Columns of names are often written in one case, `ANNA BERG`; text operators look for capitals, so these are
        tried.
        """
        value = value.strip()
        found = self._found(value)
        if found is None and self._kind in ("auto", "name") and (value.isupper() or value.islower()):
            found = self._found(value.title())
        if found is not None:
            return found
        if self._kind == "name":
            from services.deid.engine.text.names.find import normal_form

            return "name", normal_form(value)
        return ("id" if self._kind == "auto" else self._kind), " ".join(value.casefold().split())

    def _found(self, value: str) -> tuple[str, str] | None:
        """What a text operator takes the whole value for."""
        from services.deid.engine.text.folding import fold
        from services.deid.engine.text.scan import Scan

        scan = Scan(fold(value))
        for find in self._finders:
            for candidate in find(scan):
                if candidate.start == 0 and candidate.end == len(scan.text):
                    return candidate.kind, candidate.normal
        return None


def _finders(kind: Kind) -> "list[Find]":
    """The text operators' own finders: what they take for the normal form of a thing is it here too."""
    from services.deid.engine.text.operators import TextParams, finder_of

    wanted = _OPERATORS.values() if kind == "auto" else [_OPERATORS[kind]] if kind in _OPERATORS else []
    return [finder_of(Step(operator, TextParams())) for name in wanted if (operator := REGISTRY.get(name))]


def numbered(column: "pl.Series") -> "pl.Series":
    """Number a person column's values so that every way of writing one person counts as one; no value is one person."""
    import numpy as np
    import polars as pl

    if column.dtype == pl.String and column.str.contains(_PERSONAL_NUMBER).fill_null(True).all():
        # Nothing but personal numbers: their ten digits are the person, and need no looking at one by one.
        return pl.Series(column.name, encode(column.str.replace_all(r"\D", "").str.tail(10))[0].astype(np.int64))
    code, distinct, _ = encode(column)
    name = Pseudonyms(Keys("", b""), "auto")
    known: dict[object, int] = {}
    numbers = np.empty(len(distinct), np.int64)
    for index, value in enumerate(distinct):
        text = None if value is None else as_text(value)
        form = None if text is None or v.is_missing(text) else name.normal(text)
        numbers[index] = known.setdefault(form, len(known))
    return pl.Series(column.name, numbers).gather(code)
