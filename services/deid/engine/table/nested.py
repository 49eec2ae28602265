"""Columns of lists and structures: every value inside goes through the text plan, and so do the names of fields."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.deid.engine.table.cells import CellText, Hit
from services.deid.engine.table.hierarchies import as_seen
from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import polars as pl


def treat_nested(column: "pl.Series", text: CellText, name: str) -> "tuple[pl.Series, list[list[Hit]]]":
    """Treat a nested column: (the column, what was found in each of its rows).

    What is found in a value that is no text leaves nothing in its place. Raises Withheld (`parquet-column-type`) for
    bytes inside, which nobody can look into.
    """
    import polars as pl

    dtype = _renamed(column.dtype, text)
    hits: list[list[Hit]] = []
    values: list[Any] = []
    for value in column.to_list():
        hits.append([])
        values.append(_treated(value, name, text, hits[-1].append))
    if not any(hits) and dtype == column.dtype:
        return column, hits
    return pl.Series(column.name, values, dtype=dtype, strict=False), hits


def holds_bytes(dtype: "pl.DataType") -> bool:
    """Whether a type is, or has inside, bytes or objects that cannot be looked into."""
    import polars as pl

    if isinstance(dtype, pl.Struct):
        return any(holds_bytes(_instance(field.dtype)) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return holds_bytes(_instance(dtype.inner))
    return dtype in (pl.Binary, pl.Object, pl.Unknown)


def _treated(value: Any, name: str, text: CellText, found: Callable[[Hit], None]) -> Any:
    if isinstance(value, dict):
        return {_field(key, text): _treated(inner, key, text, found) for key, inner in value.items()}
    if isinstance(value, list):
        return [_treated(inner, name, text, found) for inner in value]
    seen = as_seen(value)
    hit = None if seen is None else text.hit(seen, name)
    if hit is None:
        return value
    found(hit)
    return hit.after if isinstance(value, str) else None


def _field(name: str, text: CellText) -> str:
    hit = text.hit(name)
    return name if hit is None else hit.after


def _renamed(dtype: "pl.DataType", text: CellText) -> "pl.DataType":
    """The type with field names treated. Fields must not fall together, which would lose one."""
    import polars as pl

    if isinstance(dtype, pl.Struct):
        fields = [pl.Field(_field(f.name, text), _renamed(_instance(f.dtype), text)) for f in dtype.fields]
        if len({f.name for f in fields}) < len(fields):
            raise Withheld("parquet-column-type")
        return pl.Struct(fields)
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_renamed(_instance(dtype.inner), text))
    if holds_bytes(dtype):
        raise Withheld("parquet-column-type")
    return dtype


def _instance(dtype: Any) -> "pl.DataType":
    return dtype() if isinstance(dtype, type) else dtype
