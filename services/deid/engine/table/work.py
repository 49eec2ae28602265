"""What table operators share while a recipe goes over one table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import Field

from services.deid.engine.operator import Keys, Params
from services.deid.engine.table.cells import CellText
from services.deid.engine.table.nested import holds_bytes
from services.deid.engine.table.table import ROW, Table
from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

IfMissing = Literal["withhold", "skip"]


class TableParams(Params):
    """What every table operator takes."""

    if_missing: IfMissing = Field(
        default="withhold",
        description="A table without a column that is named here is withheld, or (skip) that column is passed over.",
    )


class Promise(Protocol):
    """Something an operator has promised of the table, counted again when all operators are done."""

    def hold(self, work: "Work") -> None:
        """Enter what was counted in the measures. Raises Withheld when the table to be written does not keep it."""
        ...


@dataclass
class Work:
    """One table under one recipe."""

    table: Table
    keys: Keys
    text: CellText | None
    persons: "dict[str, NDArray[np.int64]]" = field(default_factory=dict)
    """By name of a person column: each source row's person, numbered before any operator touched the column."""
    done: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """By column: the kind and the operator that its changed cells are counted under; dropped columns too."""
    promises: list[Promise] = field(default_factory=list[Promise])
    measures: dict[str, Any] = field(default_factory=dict[str, Any])
    suppressed: int = 0
    """Rows that operators took away."""

    def columns(self, names: Sequence[str], params: TableParams, nested: bool = False) -> list[str]:
        """Return the keys of the named columns, each once.

        Raises Withheld: `column-missing` unless told to skip, `parquet-column-type` for lists, structures and bytes,
        unless the operator can do with `nested` ones.
        """
        found: list[str] = []
        for name in names:
            try:
                found += self.table.find(name)
            except Withheld:
                if params.if_missing == "withhold":
                    raise
        keys = list(dict.fromkeys(found))
        dtypes = [self.table.frame.schema[key] for key in keys]
        if not nested and any(dtype.is_nested() or holds_bytes(dtype) for dtype in dtypes):
            raise Withheld("parquet-column-type")
        return keys

    def rows(self) -> "NDArray[np.int64]":
        """Return the source row (from 0) of each row that is left."""
        import numpy as np

        return self.table.frame[ROW].to_numpy().astype(np.int64) - 1
