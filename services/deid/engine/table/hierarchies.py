"""Ladders of generalisation: for each quasi-identifier, levels from the value itself up to `*`, coded as integers.

A ladder is computed once, on a column's distinct values; the search then works on integer codes alone. Each level's
partition refines the next's (Samarati 2001: a value generalisation hierarchy), which is what makes k-anonymity
monotone.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from services.deid.engine.operator import Params
from services.deid.engine.table import values as v

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


Label = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^=+\-@\s]")]
"""What a recipe has written in cells. No spreadsheet must take it for a formula."""


class DateHierarchy(Params):
    """Dates: to the month, the year, the decade."""

    kind: Literal["date"] = "date"
    levels: tuple[v.DateUnit, ...] = Field(default=("month", "year", "decade"), min_length=1)

    @model_validator(mode="after")
    def _coarser(self) -> "DateHierarchy":
        order = [v.UNITS.index(unit) for unit in self.levels]
        if order != sorted(set(order)):
            raise ValueError("levels go from fine to coarse, each once")
        return self


class NumberHierarchy(Params):
    """Numbers: bands, each width a multiple of the one before; without widths, five that double, from the data."""

    kind: Literal["number"] = "number"
    widths: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] | None = Field(default=None, max_length=12)

    @model_validator(mode="after")
    def _nested(self) -> "NumberHierarchy":
        for fine, coarse in zip(self.widths or (), (self.widths or ())[1:], strict=False):
            if coarse <= fine or abs(coarse / fine - round(coarse / fine)) > 1e-9:
                raise ValueError("each width is a multiple of the one before")
        return self


class AgeHierarchy(Params):
    """Ages in years: bands of 5, 10 and 20."""

    kind: Literal["age"] = "age"
    widths: tuple[Annotated[int, Field(gt=0)], ...] = (5, 10, 20)

    @model_validator(mode="after")
    def _nested(self) -> "AgeHierarchy":
        for fine, coarse in zip(self.widths, self.widths[1:], strict=False):
            if coarse <= fine or coarse % fine:
                raise ValueError("each width is a multiple of the one before")
        return self


class PostalHierarchy(Params):
    """Postal codes: the first digits."""

    kind: Literal["postal-code"] = "postal-code"
    digits: tuple[Annotated[int, Field(ge=1, le=9)], ...] = Field(default=(3, 2, 1), min_length=1)

    @model_validator(mode="after")
    def _fewer(self) -> "PostalHierarchy":
        if list(self.digits) != sorted(set(self.digits), reverse=True):
            raise ValueError("digits go from many to few")
        return self


class CategoryHierarchy(Params):
    """Categories: given groups level by level, or, without them, ever fewer frequent values kept and the rest
    `other`.
    """

    kind: Literal["category"] = "category"
    levels: tuple[dict[Label, tuple[str, ...]], ...] | None = Field(default=None, max_length=12)
    """Each level names groups and their members: values, or groups of the level before. What none names is `other`."""
    other: Label = "other"

    @model_validator(mode="after")
    def _on_each_other(self) -> "CategoryHierarchy":
        for fine, coarse in zip(self.levels or (), (self.levels or ())[1:], strict=False):
            known = {group.casefold() for group in (*fine, self.other)}
            if any(member.strip().casefold() not in known for members in coarse.values() for member in members):
                raise ValueError("the members of a level are groups of the one before")
        return self


Hierarchy = Annotated[
    DateHierarchy | NumberHierarchy | AgeHierarchy | PostalHierarchy | CategoryHierarchy, Field(discriminator="kind")
]


@dataclass(frozen=True)
class Ladder:
    """One column's levels; level 0 is the value itself, the last is `*` unless the recipe stops before."""

    code: "NDArray[np.int32]"
    """Of each row its distinct value's number."""
    names: list[str]
    """Of each level: `value`, `month`, `10`, `3 digits`, `group 1`, `*`."""
    maps: "list[NDArray[np.int32]]"
    """Of each level: from the distinct value's number to the level's own."""
    labels: list[list[Any]]
    """Of each level: what is written for each of its numbers."""
    loss: "list[NDArray[np.float64]]"
    """Of each level: the normalised certainty penalty (0 = the value itself, 1 = `*`) of each of its numbers."""


_Group = tuple[Hashable, str, float]
"""Where a value is put at a level: the group's key, how it is written, and what it costs."""
_HELD_BACK: _Group = (v.SUPPRESSED, v.SUPPRESSED, 1.0)


@dataclass(frozen=True)
class _Rung:
    """One level above the value itself; without `label` it is the top, where every value is `*`."""

    name: str
    label: Callable[[str], _Group] | None


def build(
    column: "pl.Series", hierarchy: "Hierarchy | None", max_level: int | None = None, whole: bool = False
) -> Ladder:
    """Compute a column's ladder. Without a hierarchy it is told from the values (`infer`).

    Levels that tell the column's values apart just as the one below does are left out, unless `whole`.
    """
    import numpy as np

    code, distinct, weights = encode(column)
    texts = [None if value is None else as_text(value) for value in distinct]
    missing = [text is None or v.is_missing(text) for text in texts]
    present = [text for text, none in zip(texts, missing, strict=True) if text is not None and not none]
    wanted = hierarchy or infer(present, column.name)
    steps = _steps(wanted, texts, present, weights)
    if max_level is not None:
        steps = steps[:max_level]
    names, maps = ["value"], [np.arange(len(distinct), dtype=np.int32)]
    labels, losses = [distinct], [np.zeros(len(distinct))]
    for rung in steps:
        mapped, written, loss = _level(rung, texts, missing, distinct)
        if len(written) == len(labels[-1]) and rung.label is not None and not whole:
            continue
        names.append(rung.name)
        maps.append(mapped)
        labels.append(written)
        losses.append(loss)
    return Ladder(code, names, maps, labels, losses)


def encode(column: "pl.Series") -> "tuple[NDArray[np.int32], list[Any], NDArray[np.int64]]":
    """Number a column's distinct values (null is one of them) in sorted order: (number by row, values, rows of
    each).
    """
    import numpy as np
    import polars as pl

    if column.dtype.is_nested():  # these cannot be sorted
        numbers = np.arange(len(column), dtype=np.int32)
        return numbers, column.to_list(), np.ones(len(column), np.int64)
    distinct = column.unique().sort()
    frame = pl.DataFrame({"value": column})
    numbered = pl.DataFrame({"value": distinct, "code": np.arange(len(distinct), dtype=np.int32)})
    code = frame.join(numbered, on="value", how="left", nulls_equal=True, maintain_order="left")["code"].to_numpy()
    return code, distinct.to_list(), np.bincount(code, minlength=len(distinct))


def as_text(value: Any) -> str:
    """Write a value of a typed column as a CSV file would."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def as_seen(value: Any) -> str | None:
    """Write a value as the text operators are to see it; None for what can hold nothing that they find.

    A fraction is no number of a person or a phone, a truth value says nothing.
    """
    if value is None or isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return None
    return as_text(value)


def infer(present: Sequence[str], name: str = "") -> "Hierarchy":
    """Tell which hierarchy fits the distinct values: dates, postal codes, numbers (ages), else categories."""
    sample = present[:: max(1, len(present) // 2000)]
    if not sample:
        return CategoryHierarchy()
    need = 0.95 * len(sample)
    dated = [v.parse_date(s) for s in sample]
    if sum(d is not None and d.months == 0 for d in dated) >= need and not all(s.strip().isdigit() for s in sample):
        return DateHierarchy()
    digits = [s.replace(" ", "") for s in sample]
    if sum(d.isdigit() and len(d) == 5 and d[0] != "0" for d in digits) >= need and (
        any(" " in s.strip() for s in sample) or any(part in name.casefold() for part in ("post", "zip"))
    ):
        return PostalHierarchy()
    if sum(v.parse_number(s) is not None for s in sample) >= need and len(present) > 2:
        numbers = [n for s in sample if (n := v.parse_number(s)) is not None]
        ages = all(float(n).is_integer() and 0 <= n <= 125 for n in numbers)
        return AgeHierarchy() if ages and max(numbers) >= 20 else NumberHierarchy()
    return CategoryHierarchy()


def _steps(
    hierarchy: "Hierarchy", texts: Sequence[str | None], present: Sequence[str], weights: "NDArray[np.int64]"
) -> list[_Rung]:
    top = _Rung(v.SUPPRESSED, None)
    match hierarchy:
        case DateHierarchy():
            return [*_date_steps(hierarchy, present), top]
        case AgeHierarchy():
            return [*_number_steps(hierarchy.widths, present), top]
        case NumberHierarchy():
            return [*_number_steps(hierarchy.widths, present), top]
        case PostalHierarchy():
            return [*_postal_steps(hierarchy, present), top]
        case CategoryHierarchy(levels=None):
            return [*_frequency_steps(hierarchy.other, texts, weights), top]
        case _:
            return [*_group_steps(hierarchy, present), top]


def _date_steps(hierarchy: DateHierarchy, present: Sequence[str]) -> list[_Rung]:
    american = v.month_first(present)
    read = {text: v.parse_date(text, american) for text in present}
    days = [span.first.toordinal() for span in read.values() if span]
    extent = max(days) - min(days) + 1 if days else 0

    def at(unit: v.DateUnit) -> Callable[[str], _Group]:
        share = v.date_share(unit, extent)

        def label(text: str) -> _Group:
            span = read[text]
            if span is None:
                return _HELD_BACK
            written = v.date_label(span, unit, text)
            return written, written, share

        return label

    return [_Rung(unit, at(unit)) for unit in hierarchy.levels]


def _number_steps(widths: Sequence[float] | None, present: Sequence[str]) -> list[_Rung]:
    read = {text: v.parse_number(text) for text in present}
    numbers = [number for number in read.values() if number is not None]
    extent = max(numbers) - min(numbers) if numbers else 0.0
    whole = all(float(number).is_integer() for number in numbers)

    def at(width: float) -> Callable[[str], _Group]:
        share = min(1.0, width / extent) if extent else 0.0

        def label(text: str) -> _Group:
            number = read[text]
            if number is None:
                return _HELD_BACK
            low = v.band(number, width)
            return low, v.band_label(low, width, whole), share

        return label

    return [_Rung(f"{width:g}", at(width)) for width in (widths or _widths(extent, whole))]


def _widths(extent: float, whole: bool) -> list[float]:
    """Five widths that double, the first a round number near a fiftieth of the extent."""
    import math

    if not extent:
        return []
    power = 10.0 ** math.floor(math.log10(extent / 50))
    first = next(m * power for m in (1, 2, 5, 10) if m * power >= extent / 50 * 0.999)
    if whole:
        first = max(2.0, round(first))
    return [first * 2**i for i in range(6) if first * 2**i < extent] or [first]


def _postal_steps(hierarchy: PostalHierarchy, present: Sequence[str]) -> list[_Rung]:
    # The penalty of a prefix: the share of the column's codes that begin with it.
    def at(digits: int) -> Callable[[str], _Group]:
        written = {text: v.postal_label(text, digits) for text in present}
        sizes: dict[str | None, int] = {}
        for prefix in written.values():
            sizes[prefix] = sizes.get(prefix, 0) + 1
        total = max(1, len(present) - 1)

        def label(text: str) -> _Group:
            prefix = written[text]
            return _HELD_BACK if prefix is None else (prefix, prefix, (sizes[prefix] - 1) / total)

        return label

    return [_Rung(f"{digits} digits", at(digits)) for digits in hierarchy.digits]


_KEPT_SHARES = (0.005, 0.02, 0.08, 0.25)
"""Without given groups, categories with at least this share of the rows are kept at levels 1, 2, 3, 4."""


def _frequency_steps(other: str, texts: Sequence[str | None], weights: "NDArray[np.int64]") -> list[_Rung]:
    rows = int(weights.sum())
    share = {text: int(w) / rows for text, w in zip(texts, weights.tolist(), strict=True) if text is not None}

    def at(least: float) -> Callable[[str], _Group]:
        rare = sum(s < least for s in share.values())
        cost = (rare - 1) / max(1, len(share) - 1)

        def label(text: str) -> _Group:
            return (text, text, 0.0) if share[text] >= least else ((other,), other, cost)

        return label

    return [_Rung(f"at least {least:.1%}", at(least)) for least in _KEPT_SHARES]


def _group_steps(hierarchy: CategoryHierarchy, present: Sequence[str]) -> list[_Rung]:
    current = {text: text.strip() for text in present}
    steps: list[_Rung] = []
    for number, groups in enumerate(hierarchy.levels or (), 1):
        group_of = {member.strip().casefold(): group for group, members in groups.items() for member in members}
        for group in groups:
            group_of.setdefault(group.casefold(), group)
        current = {text: group_of.get(held.casefold(), hierarchy.other) for text, held in current.items()}
        steps.append(_Rung(f"group {number}", _grouped(current)))
    return steps


def _grouped(group: dict[str, str]) -> Callable[[str], _Group]:
    sizes: dict[str, int] = {}
    for name in group.values():
        sizes[name] = sizes.get(name, 0) + 1
    total = max(1, len(group) - 1)

    def label(text: str) -> _Group:
        return group[text], group[text], (sizes[group[text]] - 1) / total

    return label


def _level(
    rung: _Rung, texts: Sequence[str | None], missing: Sequence[bool], originals: list[Any]
) -> "tuple[NDArray[np.int32], list[Any], NDArray[np.float64]]":
    """Put every distinct value into its group; a missing value is a group of its own below `*`."""
    import numpy as np

    numbers: dict[Hashable, int] = {}
    written: list[Any] = []
    loss: list[float] = []
    mapped = np.empty(len(texts), np.int32)
    for index, (text, none) in enumerate(zip(texts, missing, strict=True)):
        if rung.label is None:
            group = _HELD_BACK
        elif none or text is None:
            group = (("missing", text), originals[index], 0.0)
        else:
            group = rung.label(text)
        key, shown, cost = group
        number = numbers.setdefault(key, len(written))
        if number == len(written):
            written.append(shown)
            loss.append(cost)
        mapped[index] = number
    return mapped, written, np.array(loss)
