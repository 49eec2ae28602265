"""A CSV file as a frame of strings, and back: delimiter, quotation marks and line ends as they were."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deid.engine.table.csv_text import cell_array
from services.deid.engine.table.rows import Widths
from services.deid.engine.table.table import ROW, Table
from services.deid.engine.table.tokens import Block, Dialect, blocks, enquote, unquote
from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

MOST_RAGGED = 0.05
"""Rows with more or fewer cells than the header cannot be trusted column by column: they are left out, up to this
share.
"""
_WRITTEN_ROWS = 65_536


@dataclass
class CsvTable:
    """What was read."""

    table: Table
    dialect: Dialect
    quoted_names: list[bool]
    quoted: dict[str, bool]
    """By key: whether the source put every cell of the column in quotation marks."""
    line_end: str
    ends_with_line: bool
    rows_ragged: int


def read_csv(body: bytes, dialect: Dialect) -> CsvTable:
    """Read a UTF-8 CSV file. Blank lines are no rows. Raises Withheld (`csv-ragged` and what cutting cells raises)."""
    import polars as pl

    widths = Widths(dialect)
    header: list[str] | None = None
    line_end = "\n"
    parts: list[list[pl.Series]] = []
    quoted: list[bool] = []
    rows = ragged = 0
    for block in blocks(body, dialect):
        full = widths.full(block)
        if header is None:
            if widths.header_row is None:
                continue
            first = int(block.row_ends[widths.header_row - 1]) if widths.header_row else 0
            header = [block.cell(first + number).decode() for number in range(widths.width)]
            line_end = _line_end(block, int(block.row_ends[widths.header_row]) - 1)
            quoted = [True] * len(header)
            full[widths.header_row] = False
        ragged += widths.ragged_in_block
        columns, whole = _columns(block, full, len(header), dialect)
        rows += len(columns[0]) if columns else 0
        quoted = [a and b for a, b in zip(quoted, whole, strict=True)]
        parts.append(columns)
    if header is None:
        return CsvTable(Table.of(pl.DataFrame(), []), dialect, [], {}, line_end, False, 0)
    if ragged > MOST_RAGGED * (rows + ragged):
        raise Withheld("csv-ragged")
    columns = [pl.concat([part[number] for part in parts]) for number in range(len(header))]
    frame = pl.DataFrame([column.alias(str(number)) for number, column in enumerate(columns)])
    table = Table.of(frame, [unquote(name, dialect) for name in header])
    return CsvTable(
        table,
        dialect,
        [dialect.quote is not None and name.startswith(dialect.quote) for name in header],
        {key: rows > 0 and all_quoted for key, all_quoted in zip(table.keys, quoted, strict=True)},
        line_end,
        body.endswith((b"\n", b"\r")),
        ragged,
    )


def _line_end(block: Block, last: int) -> str:
    """What ends the row whose last cell is given."""
    behind = block.data[block.ends[last] : block.ends[last] + 2]
    return "\r\n" if behind == b"\r\n" else "\r" if behind[:1] == b"\r" else "\n"


def _columns(
    block: Block, full: "NDArray[np.bool_]", width: int, dialect: Dialect
) -> "tuple[list[pl.Series], list[bool]]":
    """The block's full rows column by column, quotation marks taken off; and which columns had them everywhere."""
    import numpy as np
    import polars as pl

    row_starts = np.concatenate([[0], block.row_ends[:-1]])[full]
    cells = pl.Series(cell_array(block))
    columns: list[pl.Series] = []
    whole: list[bool] = []
    for number in range(width):
        column = cells.gather(row_starts + number)
        quote = dialect.quote
        if quote is None or not (marked := column.str.starts_with(quote)).any():
            columns.append(column)
            whole.append(not len(column))
            continue
        whole.append(bool(marked.all()))
        columns.append(_unquoted(column, marked, dialect, block.regular))
    return columns, whole


def _unquoted(column: "pl.Series", marked: "pl.Series", dialect: Dialect, regular: bool) -> "pl.Series":
    import polars as pl

    quote = dialect.quote or ""
    frame = pl.DataFrame({"raw": column, "marked": marked})
    if regular:
        raw = pl.col("raw")
        inner = raw.str.slice(1, raw.str.len_chars() - 2).str.replace_all(quote * 2, quote, literal=True)
        return frame.select(pl.when("marked").then(inner).otherwise(raw).alias("raw"))["raw"]
    return pl.Series("raw", [unquote(cell, dialect) for cell in column.to_list()], dtype=pl.String)


def write_csv(source: CsvTable, table: Table, names: dict[str, str]) -> bytes:
    """Write the columns that are left, under the names given for their keys."""
    if not table.names:
        return b""
    dialect, delimiter = source.dialect, source.dialect.delimiter or ""
    keys = table.keys
    number = {key: index for index, key in enumerate(source.quoted)}
    header = delimiter.join(enquote(names[key], dialect, source.quoted_names[number[key]]) for key in keys)
    end = source.line_end.encode()
    pieces = [header.encode(), *(piece.encode() for piece in _rows(source, table, delimiter))]
    return end.join(pieces) + (end if source.ends_with_line else b"")


def _rows(source: CsvTable, table: Table, delimiter: str) -> Iterator[str]:
    import polars as pl

    dialect = source.dialect
    alone = len(table.names) == 1
    for start in range(0, table.frame.height, _WRITTEN_ROWS):
        part = table.frame.slice(start, _WRITTEN_ROWS).drop(ROW)
        cells = [_enquoted(part[key], dialect, source.quoted[key], alone) for key in table.keys]
        line = pl.concat_str([cell.alias(str(n)) for n, cell in enumerate(cells)], separator=delimiter)
        yield pl.select(line)["0"].str.join(source.line_end)[0]


def _enquoted(column: "pl.Series", dialect: Dialect, always: bool, alone: bool) -> "pl.Series":
    """A column's values as cells. A lone empty cell is quoted: without marks its row would be a blank line."""
    import polars as pl

    column = column.cast(pl.String).fill_null("")
    quote = dialect.quote
    if quote is None:
        broken = column.str.contains(r"[\r\n" + _escaped(dialect.delimiter) + "]")
        if not broken.any():
            return column
        return pl.Series(column.name, [enquote(cell, dialect) for cell in column.to_list()], dtype=pl.String)
    needs = column.str.contains(r"[\r\n" + _escaped(dialect.delimiter) + _escaped(quote) + "]")
    if alone:
        needs = needs | (column == "")
    if always:
        needs = pl.repeat(True, len(column), eager=True)
    if not needs.any():
        return column
    frame = pl.DataFrame({"cell": column, "needs": needs})
    inner = pl.col("cell")
    if dialect.escape:
        inner = inner.str.replace_all("\\", "\\\\", literal=True)
    inner = inner.str.replace_all(quote, quote * 2, literal=True)
    marked = pl.concat_str([pl.lit(quote), inner, pl.lit(quote)])
    return frame.select(pl.when("needs").then(marked).otherwise(pl.col("cell")).alias("cell"))["cell"]


def _escaped(character: str | None) -> str:
    return "" if character is None else f"\\x{{{ord(character):x}}}"
