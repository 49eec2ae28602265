"""Operators on single columns: drop, generalise, pseudonymise, code at top and bottom, free text."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from services.deid.engine.operator import Params
from services.deid.engine.table import hierarchies as h
from services.deid.engine.table import values as v
from services.deid.engine.table.anonymity import Column, written
from services.deid.engine.table.examine import examined
from services.deid.engine.table.withhold import Withheld
from services.deid.engine.table.work import TableParams, Work

if TYPE_CHECKING:
    import polars as pl

Columns = Annotated[tuple[Column, ...], Field(min_length=1, max_length=1000)]


class Drop(TableParams):
    """Parameters of table.drop."""

    columns: Columns


def drop(work: Work, params: Drop) -> None:
    """Take columns away."""
    for key in work.columns(params.columns, params, nested=True):
        work.done[key] = ("identifier", "table.drop")
        work.table.drop(key)


class ToDate(Params):
    """Dates as coarse as a unit."""

    kind: Literal["date"]
    unit: v.DateUnit


class ToBand(Params):
    """Numbers in bands: `20-29`."""

    kind: Literal["number"]
    width: float = Field(gt=0, allow_inf_nan=False)


class ToPrefix(Params):
    """The first digits of postal codes: `123**`."""

    kind: Literal["postal-code"]
    digits: int = Field(ge=1, le=9)


class ToGroup(Params):
    """Categories by groups; what no group names is `other`."""

    kind: Literal["category"]
    groups: dict[h.Label, tuple[str, ...]] = Field(min_length=1)
    other: h.Label = "other"


class ToFrequent(Params):
    """The most frequent categories; the rest is `other`."""

    kind: Literal["frequent"]
    keep: int = Field(ge=1, le=100_000)
    other: h.Label = "other"


To = Annotated[ToDate | ToBand | ToPrefix | ToGroup | ToFrequent, Field(discriminator="kind")]


class Generalise(TableParams):
    """Parameters of table.generalise."""

    columns: Columns
    to: To


def generalise(work: Work, params: Generalise) -> None:
    """Write every value of the columns as coarse as the recipe says; one that cannot be read becomes `*`."""
    import numpy as np

    for key in work.columns(params.columns, params):
        column = work.table.column(key)
        if isinstance(params.to, ToFrequent):
            after = _frequent(column, params.to)
        else:
            ladder = h.build(column, _hierarchy(params.to), whole=True)
            after = written(column, ladder, np.ones(len(column), np.int8))
        work.table.write(key, after)
        work.done[key] = ("quasi-identifier", "table.generalise")


def _hierarchy(to: ToDate | ToBand | ToPrefix | ToGroup) -> h.Hierarchy:
    match to:
        case ToDate():
            return h.DateHierarchy(levels=(to.unit,))
        case ToBand():
            return h.NumberHierarchy(widths=(to.width,))
        case ToPrefix():
            return h.PostalHierarchy(digits=(to.digits,))
        case ToGroup():
            return h.CategoryHierarchy(levels=(to.groups,), other=to.other)


def _frequent(column: "pl.Series", to: ToFrequent) -> "pl.Series":
    import polars as pl

    code, distinct, rows = h.encode(column)
    texts = [None if value is None else h.as_text(value) for value in distinct]
    named = [index for index, text in enumerate(texts) if text is not None and not v.is_missing(text)]
    kept = set(sorted(named, key=lambda index: (-int(rows[index]), texts[index] or ""))[: to.keep])
    shown = [text if index in kept or index not in set(named) else to.other for index, text in enumerate(texts)]
    return pl.Series(column.name, shown, dtype=pl.String).gather(code)


class Code(TableParams):
    """Parameters of table.code."""

    columns: Columns
    bottom: float | None = Field(default=None, allow_inf_nan=False, description="Lower values are written as this one.")
    top: float | None = Field(default=None, allow_inf_nan=False, description="Higher values are written as this one.")
    share: float | None = Field(
        default=None,
        gt=0,
        lt=0.5,
        description="Instead: the share of values to code at each end, limits from the data.",
    )

    @model_validator(mode="after")
    def _some_limit(self) -> "Code":
        if (self.share is None) == (self.bottom is None and self.top is None):
            raise ValueError("either limits (bottom, top) or a share")
        if self.bottom is not None and self.top is not None and self.bottom >= self.top:
            raise ValueError("bottom is below top")
        return self


def code(work: Work, params: Code) -> None:
    """Write values beyond a limit as the limit. What is no number is emptied: it may be what sets somebody apart."""
    import polars as pl

    for key in work.columns(params.columns, params):
        column = work.table.column(key)
        numbered, distinct, rows = h.encode(column)
        read = [None if value is None else v.parse_number(h.as_text(value)) for value in distinct]
        bottom, top = _limits(params, read, rows.tolist())
        shown = [_coded(value, number, bottom, top) for value, number in zip(distinct, read, strict=True)]
        if column.dtype == pl.String:
            after = pl.Series(column.name, shown, dtype=pl.String)
        else:
            # A number stays a number; a fraction as limit of a column of whole numbers makes it one of fractions.
            numbers = [None if text is None or text == "" else float(text) for text in shown]
            after = pl.Series(column.name, numbers, dtype=pl.Float64)
            if column.dtype.is_integer() and all(n is None or n.is_integer() for n in numbers):
                after = after.cast(column.dtype, strict=False)
        work.table.write(key, after.gather(numbered))
        work.done[key] = ("quasi-identifier", "table.code")


def _limits(params: Code, read: list[float | None], rows: list[int]) -> tuple[float | None, float | None]:
    if params.share is None:
        return params.bottom, params.top
    counted = sorted((number, count) for number, count in zip(read, rows, strict=True) if number is not None)
    allowed = params.share * sum(count for _, count in counted)

    def beyond(ordered: list[tuple[float, int]]) -> float | None:
        """The first value, from an end, with which more than the share would be coded."""
        seen = 0.0
        for number, count in ordered:
            seen += count
            if seen > allowed:
                return number
        return None

    return beyond(counted), beyond(counted[::-1])


def _coded(value: object, number: float | None, bottom: float | None, top: float | None) -> str | None:
    if value is None:
        return None
    text = h.as_text(value)
    if number is None:
        return text if v.is_missing(text) else ""
    if bottom is not None and number < bottom:
        return f"{bottom:.15g}"
    if top is not None and number > top:
        return f"{top:.15g}"
    return text


class FreeText(TableParams):
    """Parameters of table.free-text."""

    columns: Columns
    found: Literal["treat", "clear"] = Field(
        default="treat",
        description="treat: what is found is replaced. clear: a cell in which anything is found is emptied.",
    )


def free_text(work: Work, params: FreeText) -> None:
    """Put columns through the recipe's text operators here and now."""
    if work.text is None:
        raise Withheld("no-text-operators")
    for key in work.columns(params.columns, params, nested=True):
        after = examined(work.table.frame[key], work.text, work.table.names[key]).after(clear=params.found == "clear")
        work.table.frame = work.table.frame.with_columns(after.alias(key))
        work.table.examined.add(key)
