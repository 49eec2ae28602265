"""A table on its way through a recipe: a frame, its columns' names, and which cells operators have written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import polars as pl

ROW = "#"
"""The frame's column of source row numbers, from 1; it is never written."""


@dataclass
class Table:
    """Rows and columns. Columns are known by keys (`c0`, `c1`, …): names may be double, empty, or identifying."""

    frame: "pl.DataFrame"
    names: dict[str, str]
    """By key, in order: the columns that are left, as the source calls them."""
    made: set[str] = field(default_factory=set[str])
    """Keys of columns that table operators wrote: text operators leave them."""
    examined: set[str] = field(default_factory=set[str])
    """Keys of columns that have been through the text operators."""

    @staticmethod
    def of(frame: "pl.DataFrame", names: Sequence[str]) -> "Table":
        """Number the rows and give each column its key."""
        import polars as pl

        keys = [f"c{number}" for number in range(len(names))]
        frame = frame.rename(dict(zip(frame.columns, keys, strict=True)))
        numbers = pl.int_range(1, frame.height + 1, dtype=pl.UInt32, eager=True).alias(ROW)
        return Table(frame.with_columns(numbers), dict(zip(keys, names, strict=True)))

    @property
    def keys(self) -> list[str]:
        """Keys of the columns that are left, in order."""
        return list(self.names)

    def find(self, name: str) -> list[str]:
        """Return the keys of the columns of a name: as it is written, else whatever its case and the space around it.

        Raises Withheld (`column-missing`) when there is none.
        """
        found = [key for key, known in self.names.items() if known == name]
        if not found:
            wanted = name.strip().casefold()
            found = [key for key, known in self.names.items() if known.strip().casefold() == wanted]
        if not found:
            raise Withheld("column-missing")
        return found

    def column(self, key: str) -> "pl.Series":
        """Return a column by its key, under its name."""
        return self.frame[key].alias(self.names[key])

    def write(self, key: str, values: "pl.Series") -> None:
        """Put an operator's values in a column's place."""
        self.frame = self.frame.with_columns(values.alias(key))
        self.made.add(key)

    def drop(self, key: str) -> None:
        """Take a column away."""
        self.frame = self.frame.drop(key)
        del self.names[key]
