"""k-anonymity by recoding: a whole column at one level, or each class of rows at levels of its own.

Global recoding takes one node of the lattice and suppresses the rows that it leaves in classes below k (Samarati
2001): a column reads evenly, and more is lost. Local recoding lets classes stand at levels of their own
(`specialise`): no row is suppressed as long as there are k persons. Two classes that happen to be written alike only
make a larger one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from services.deid.engine.table.hierarchies import Ladder
from services.deid.engine.table.lattice import People, Search, people
from services.deid.engine.table.specialise import Specialisation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Recoding = Literal["local", "global"]
_SUPPRESSED = 1.01
"""What a suppressed row counts in the search: a little more than one of nothing but `*`, whose other cells stay."""


@dataclass(frozen=True)
class Recoded:
    """Which level each row's values are written at."""

    levels: "list[NDArray[np.int8]]"
    """Of each column, each row's level; -1 for a suppressed row."""
    kept: "NDArray[np.bool_]"
    """Of each row, whether it stays."""
    loss: float
    """Mean penalty over all rows: 0 for an untouched table, 1 for one that says nothing (suppressed rows count 1)."""


def recode(
    ladders: Sequence[Ladder], persons: "NDArray[np.int64] | None", k: int, max_suppressed: float, how: Recoding
) -> Recoded | None:
    """Return a recoding under which every class holds k persons; None when more rows must go than allowed."""
    table, of_row = people(ladders, persons)
    rows = int(table.rows.sum())
    allowed = max_suppressed * rows + 1e-9
    if how == "local":
        steps = Specialisation(ladders, table, k)
        steps.run()
        best = _Levels(ladders, table, steps.levels)
    else:
        outcome = Search(ladders, table, k).best(_SUPPRESSED, allowed)
        best = None if outcome is None else _Levels.at(ladders, table, outcome.node, outcome.kept)
    if best is None or not best.kept_any or best.rows_left > allowed:
        return None
    return Recoded([level[of_row] for level in best.of], best.of[0][of_row] >= 0, best.loss / rows)


class _Levels:
    """Levels of each combination, and what they cost."""

    def __init__(self, ladders: Sequence[Ladder], table: People, of: "list[NDArray[np.int8]]") -> None:
        self._table = table
        self.of = of
        kept = of[0] >= 0
        self.loss = float(table.rows[~kept].sum())
        for ladder, level, code in zip(ladders, of, table.codes, strict=True):
            for number, (mapped, loss) in enumerate(zip(ladder.maps, ladder.loss, strict=True)):
                there = level == number
                self.loss += float(loss[mapped[code[there]]] @ table.rows[there]) / len(ladders)

    @staticmethod
    def at(ladders: Sequence[Ladder], table: People, node: Sequence[int], kept: "NDArray[np.bool_]") -> "_Levels":
        """Write the kept combinations at a node's levels; the others are suppressed."""
        import numpy as np

        return _Levels(ladders, table, [np.where(kept, level, -1).astype(np.int8) for level in node])

    @property
    def rows_left(self) -> int:
        """Rows of suppressed combinations."""
        return int(self._table.rows[self.of[0] < 0].sum())

    @property
    def kept_any(self) -> bool:
        """Whether anything is left of the table."""
        return bool((self.of[0] >= 0).any())


def class_sizes(columns: "Sequence[NDArray[np.integer]]", persons: "NDArray[np.int64] | None") -> "NDArray[np.int64]":
    """Count the persons of each row's class, from the columns' codes as they are written: the count that is
    reported.
    """
    import numpy as np
    import polars as pl

    frame = pl.DataFrame({f"q{number}": codes for number, codes in enumerate(columns)})
    keys = frame.columns
    counted = pl.len() if persons is None else pl.col("person").n_unique()
    if persons is not None:
        frame = frame.with_columns(pl.Series("person", persons))
    return frame.select(counted.over(keys).alias("size").cast(pl.Int64))["size"].to_numpy().astype(np.int64)
