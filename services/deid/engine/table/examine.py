"""A frame's columns under the text plan: distinct values once, whatever the column's type."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deid.engine.table import values as v
from services.deid.engine.table.cells import CellText, Hit, Span
from services.deid.engine.table.hierarchies import as_seen, as_text, encode
from services.deid.engine.table.nested import treat_nested

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Examined:
    """What the plan found in a column."""

    column: "pl.Series"
    code: "NDArray[np.int32]"
    """Of each row its distinct value's number."""
    texts: list[str | None]
    """The distinct values, as text."""
    hits: list[Hit | None]
    nested: "pl.Series | None" = None
    """A column of lists or structures, treated value by value."""

    def after(self, clear: bool = False) -> "pl.Series":
        """Return the column treated; `clear` empties cells in which anything was found. Without hits it is the same.

        A column of another type than text keeps it only when nothing was found: what is written instead is text.
        """
        import polars as pl

        if self.nested is not None:
            found = pl.Series([hit is not None for hit in self.hits], dtype=pl.Boolean)
            return self.nested.clone().set(found, None) if clear and found.any() else self.nested
        if not any(self.hits):
            return self.column
        shown = [
            text if hit is None else "" if clear else hit.after for text, hit in zip(self.texts, self.hits, strict=True)
        ]
        return pl.Series(self.column.name, shown, dtype=pl.String).gather(self.code)


def examined(column: "pl.Series", text: CellText, name: str, only: Callable[[str], bool] | None = None) -> Examined:
    """Put the values of a column called `name` through the plan, or `only` some."""
    code, distinct, _ = encode(column)
    texts = [None if value is None else as_text(value) for value in distinct]
    if column.dtype.is_nested():
        treated, found = treat_nested(column, text, name)
        return Examined(column, code, texts, [_together(hits) for hits in found], treated)
    seen = [as_seen(value) for value in distinct]
    hits = [text.hit(value, name) if value and (only is None or only(value)) else None for value in seen]
    return Examined(column, code, texts, hits)


@dataclass(frozen=True)
class _Moved:
    """A span of one value among the values of a nested cell."""

    start: int
    end: int
    kind: str
    operator: str
    after: str


def _together(hits: Sequence[Hit]) -> Hit | None:
    """What was found in the values of one nested cell, as if they stood under each other."""
    if not hits:
        return None
    spans: list[Span] = []
    shift = 0
    for hit in hits:
        spans += [_Moved(s.start + shift, s.end + shift, s.kind, s.operator, s.after) for s in hit.spans]
        shift += len(hit.before) + 1
    return Hit("\n".join(hit.before for hit in hits), "\n".join(hit.after for hit in hits), tuple(spans))


_DIGITS = 9
"""Numbers of fewer digits than ten are no personal numbers."""


def of_plain_form(value: str) -> bool:
    """Whether a value is nothing but a date, a postal code or a short number: what quasi-identifiers are made of."""
    if sum(c.isdigit() for c in value) > _DIGITS:
        return (span := v.parse_date(value)) is not None and span.months == 0
    return v.parse_number(value) is not None or v.parse_date(value) is not None or v.postal_label(value, 1) is not None


def left_standing(source: "pl.Series") -> Callable[[str], bool]:
    """Return which values of a column, once an operator wrote it, came through from the source and may hold anything.

    What the operator wrote itself is not looked at again (`1970/1979` might be an account), nor what is of plain form;
    but a category that enough people share may still be a name or a number.
    """
    came = {as_text(value) for value in source.unique().to_list() if value is not None}
    return lambda value: value in came and not of_plain_form(value)
