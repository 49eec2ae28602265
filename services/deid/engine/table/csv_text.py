"""A CSV file under text operators alone: cells in which something is found are replaced, every other byte stays."""

from typing import TYPE_CHECKING

from services.deid.engine.operator import Finding, Place, pattern
from services.deid.engine.table.cells import CellText, Hit, telling
from services.deid.engine.table.rows import Widths
from services.deid.engine.table.sampling import PARTS, SPANS, Tally, part_of, parts, ranks
from services.deid.engine.table.tokens import Block, Dialect, blocks, enquote, unquote

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

AROUND = 400
"""Characters of a place's row that a steward is shown at most."""


def treat_cells(body: bytes, dialect: Dialect, text: CellText, tally: Tally) -> bytes:
    """Return the file with every cell (header cells too) put through the text plan. Raises Withheld."""
    pieces: list[bytes] = []
    rows = 0
    widths = Widths(dialect)
    names: list[str] = []
    for block in blocks(body, dialect):
        widths.full(block)
        header = None if names else widths.header_row
        if header is not None:
            first = int(block.row_ends[header]) - widths.width
            names = [unquote(block.cell(first + n).decode(), dialect) for n in range(widths.width)]
        pieces.append(_Treatment(block, dialect, text, names, header, rows).run(tally))
        rows += len(block.row_ends)
    return b"".join(pieces)


class _Treatment:
    """One block: its cells by distinct value and column, and what became of them."""

    def __init__(
        self, block: Block, dialect: Dialect, text: CellText, names: list[str], header: int | None, rows_before: int
    ) -> None:
        self._block = block
        self._dialect = dialect
        self._rows_before = rows_before
        contexts = [*names, ""]
        self._codes, distinct = _by_column(block, len(names), header)
        self._hits: list[Hit | None] = []
        self._written: list[bytes | None] = []
        self._left: list[bool] = []
        self._lengths: list[int] = []
        for raw, column in distinct:
            value = unquote(raw, dialect)
            hit = text.hit(value, contexts[column]) if value else None
            self._hits.append(hit)
            quoted = dialect.quote is not None and raw.startswith(dialect.quote)
            self._written.append(enquote(hit.after, dialect, quoted).encode() if hit else None)
            self._left.append(hit.remains() if hit else telling(value))
            self._lengths.append(len(hit.after if hit else value) + 3)

    def run(self, tally: Tally) -> bytes:
        """Return the block treated, and add to the tally."""
        import numpy as np

        hit = np.array([h is not None for h in self._hits], np.bool_)[self._codes]
        at = np.flatnonzero(hit)
        occurrences = np.bincount(self._codes[at], minlength=len(self._hits)).tolist()
        for times, found in zip(occurrences, self._hits, strict=True):
            for span in found.spans if found else ():
                tally.count(span.kind, times, times)
        counts = [min(len(hit.spans), SPANS) if hit else 0 for hit in self._hits]
        spans = np.array(counts, np.int64)[self._codes[at]]
        found_in = np.repeat(at, spans) * SPANS + ranks(spans)
        tally.findings.offer(found_in, self._finding)
        tally.treated.offer(found_in, self._treated)
        left = np.array(self._left, np.bool_)[self._codes]
        lengths = np.array(self._lengths, np.int64)[self._codes] * left
        ends = self._block.row_ends
        totals = np.add.reduceat(lengths, np.concatenate([[0], ends[:-1]]))
        rows = np.flatnonzero(totals)
        tally.untreated.offer(parts(rows, totals[rows]), self._untreated)
        return self._joined(at) if len(at) else self._block.data

    def _joined(self, at: "NDArray[np.int64]") -> bytes:
        data, parts, position = self._block.data, list[bytes](), 0
        starts, ends, codes = self._block.starts[at].tolist(), self._block.ends[at].tolist(), self._codes[at].tolist()
        for start, end, code in zip(starts, ends, codes, strict=True):
            parts.append(data[position:start])
            parts.append(self._written[code] or b"")
            position = end
        parts.append(data[position:])
        return b"".join(parts)

    def _where(self, index: int) -> tuple[int, int, int]:
        """Row (from 0) and column (from 0) of a cell, and the row's first cell."""
        import numpy as np

        row = int(np.searchsorted(self._block.row_ends, index, side="right"))
        first = int(self._block.row_ends[row - 1]) if row else 0
        return row, index - first, first

    def _place(self, index: int) -> str:
        row, column, _ = self._where(index)
        return place(self._rows_before + row, column)

    def _finding(self, number: int) -> Finding:
        index, rank = divmod(number, SPANS)
        hit = self._hits[self._codes[index]]
        assert hit is not None
        span = hit.spans[rank]
        shape = pattern(hit.before[span.start : span.end])
        return Finding(span.kind, span.operator, True, self._place(index), shape, span.after)

    def _treated(self, number: int) -> Place:
        found = self._finding(number)
        return Place("treated", found.kind, found.place, found.shape, self._around(number // SPANS))

    def _untreated(self, number: int) -> Place:
        row, part = divmod(number, PARTS)
        first = int(self._block.row_ends[row - 1]) if row else 0
        cells = [self._now(c) for c in range(first, int(self._block.row_ends[row])) if self._left[self._codes[c]]]
        return Place("untreated", "row", place(self._rows_before + row), "", part_of(cells, part))

    def _now(self, index: int) -> str:
        hit = self._hits[self._codes[index]]
        return hit.after if hit else unquote(self._block.cell(index).decode(), self._dialect)

    def _around(self, index: int) -> str:
        """The treated cell, in brackets, with its row's treated cells."""
        row, _, first = self._where(index)
        last = int(self._block.row_ends[row])
        near = range(max(first, index - 10), min(last, index + 10))
        return around([self._now(cell) for cell in near], index - near.start)


def place(row: int, column: int | None = None) -> str:
    """Say where a cell or a row stands; row 0 is the header."""
    where = f"row {row}" if row else "header"
    return where if column is None else f"{where}, column {column + 1}"


def around(cells: list[str], index: int) -> str:
    """Return a cell marked among its row's cells, cut to what a steward can read."""
    each = max(AROUND // max(len(cells), 1), 12)
    cut = [cell if len(cell) <= each else cell[:each] + "…" for cell in cells]
    value = cells[index]
    cut[index] = "⟦" + (value if len(value) <= AROUND else value[:AROUND] + "…") + "⟧"
    return " | ".join(cut)


def _by_column(block: Block, width: int, header: int | None) -> "tuple[NDArray[np.int64], list[tuple[str, int]]]":
    """Number a block's distinct cells, column by column: (number of each cell, (cell as it stands, column) by number).

    Cells of the header, and cells beyond its width, belong to no column: theirs is `width`.
    """
    import numpy as np

    encoded = cell_array(block).dictionary_encode()
    code = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    widths = np.diff(block.row_ends, prepend=0)
    column = np.minimum(np.arange(len(code)) - np.repeat(block.row_ends - widths, widths), width)
    if header is not None:
        column[: block.row_ends[header]] = width
    keys, numbers = np.unique(code * (width + 1) + column, return_inverse=True)
    raws = encoded.dictionary.to_pylist()
    return numbers, [(raws[key // (width + 1)], key % (width + 1)) for key in keys.tolist()]


def cell_array(block: Block) -> "pa.LargeStringArray":
    """The block's cells as an Arrow array, quotation marks included."""
    import numpy as np
    import pyarrow as pa

    offsets = np.empty(2 * len(block.starts), np.int64)
    offsets[0::2] = block.starts
    offsets[1::2] = block.ends
    # Cells and what stands between them in turn, over the same bytes: nothing is copied until cells are picked.
    both = pa.Array.from_buffers(
        pa.large_string(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(block.data)]
    )
    return both.take(pa.array(np.arange(0, len(offsets), 2)))
