"""How wide a CSV file's rows are, and what it means when they are not equally wide."""

from typing import TYPE_CHECKING

from services.deid.engine.table.dialect import DELIMITERS
from services.deid.engine.table.tokens import Block, Dialect, blocks
from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_COLUMNS = 10_000
_LOOKED_AT = 200
"""Odd rows of a block in which another delimiter is looked for."""


class Widths:
    """Watches the rows of a file, block by block."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._others = [Dialect(d, dialect.quote, dialect.escape) for d in DELIMITERS if d != dialect.delimiter]
        self.width = 0
        """Cells of the header, the first row that is not blank; 0 before it has been seen."""
        self.header_row: int | None = None
        """Its number in the block in which it was found, None in blocks before."""
        self.ragged_in_block = 0
        """Rows of the last block, not blank, that are wider or narrower than the header."""

    def full(self, block: Block) -> "NDArray[np.bool_]":
        """Return which rows are as wide as the header (blank ones are not).

        Raises Withheld: `table-too-wide`, or `csv-delimiter-changes` when an odd row is as wide under another
        delimiter.
        """
        import numpy as np

        widths = np.diff(block.row_ends, prepend=0)
        if widths.max(initial=0) > MAX_COLUMNS:
            raise Withheld("table-too-wide")
        first = block.row_ends - widths
        blank = (widths == 1) & (block.starts[first] == block.ends[first])
        if not self.width:
            rows = np.flatnonzero(~blank)
            if not len(rows):
                return ~blank
            self.header_row = int(rows[0])
            self.width = int(widths[rows[0]])
        odd = np.flatnonzero(~blank & (widths != self.width))
        self.ragged_in_block = len(odd)
        if self.width > 1:
            for row in odd[:_LOOKED_AT].tolist():
                self._look(block, int(first[row]), int(block.row_ends[row]) - 1)
        return ~blank & (widths == self.width)

    def _look(self, block: Block, first: int, last: int) -> None:
        line = block.data[block.starts[first] : block.ends[last]]
        for other in self._others:
            if other.delimiter is None or line.count(other.delimiter.encode()) < self.width - 1:
                continue
            try:
                cut = next(blocks(line, other), None)
            except Withheld:
                continue
            if cut is not None and int(cut.row_ends[0]) == self.width:
                raise Withheld("csv-delimiter-changes")
