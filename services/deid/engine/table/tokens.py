"""Where the cells of a CSV file lie: offsets into its bytes, so that what does not change can stay byte for byte.

RFC 4180 with its usual neighbours: `\\n`, `\\r\\n` or `\\r` end a row, a quotation mark opens a cell only at its
start, a doubled one inside is one. Well-formed blocks are cut with array operations (a running XOR over quotation
marks tells inside from outside, as in Langdale and Lemire's structural indexes); a block that breaks the rules is read
by a scanner.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from services.deid.engine.table.withhold import Withheld

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 4 * 1024**2
LF, CR = 10, 13


@dataclass(frozen=True)
class Dialect:
    """How a file separates its cells."""

    delimiter: str | None
    """One ASCII character; None: every line is one cell."""
    quote: str | None = '"'
    escape: bool = False
    """Whether a backslash inside quotation marks takes the meaning from what follows it."""


@dataclass(frozen=True)
class Block:
    """Whole rows in a row."""

    data: bytes
    starts: "NDArray[np.int64]"
    """Of each cell, in order, quotation marks included."""
    ends: "NDArray[np.int64]"
    row_ends: "NDArray[np.int64]"
    """For each row the number of cells up to its end: widths are the differences."""
    regular: bool
    """Whether every quotation mark stands where RFC 4180 lets it."""

    def cell(self, index: int) -> bytes:
        """Return a cell as it stands, quotation marks included."""
        return self.data[self.starts[index] : self.ends[index]]


def blocks(body: bytes, dialect: Dialect, size: int = BLOCK) -> Iterator[Block]:
    """Cut a file into blocks of whole rows of about `size` bytes. Raises Withheld (`csv-quote-open`)."""
    position = 0
    while position < len(body):
        length = size
        while True:
            piece = body[position : position + length]
            final = position + length >= len(body)
            block = _vector(piece, dialect, final) or _scan(piece, dialect, final)
            if block is not None:
                break
            if final:
                raise Withheld("csv-quote-open")
            length *= 4  # a row longer than the block
        yield block
        position += len(block.data)


def whole_rows(body: bytes, dialect: Dialect) -> Block | None:
    """Cut a sample into rows: all of it, or, where a quotation mark is left open, what comes before. None: no row."""
    return _vector(body, dialect, True) or _scan(body, dialect, True) or _scan(body, dialect, False)


def head(body: bytes, dialect: Dialect, size: int) -> bytes:
    """Return a file's first rows: whole ones, of about so many bytes."""
    return body if len(body) <= size else next(blocks(body, dialect, size)).data


def _vector(data: bytes, dialect: Dialect, final: bool) -> Block | None:
    """Cut with array operations; None where that cannot be trusted or no row is whole."""
    import numpy as np

    if dialect.escape and b"\\" in data:
        return None
    raw = np.frombuffer(data, np.uint8)
    line = raw == LF
    if b"\r" in data:
        alone = raw == CR
        alone[:-1] &= ~line[1:]
        if not final and data[-1] == CR:
            alone[-1] = False  # its line feed may be the next block's first byte
        line |= alone
    structural = line if dialect.delimiter is None else line | (raw == ord(dialect.delimiter))
    if dialect.quote is not None and dialect.quote.encode() in data:
        quotes = raw == ord(dialect.quote)
        inside = np.logical_xor.accumulate(quotes)
        if not _well_formed(raw, quotes, dialect):
            return None
        if final and inside[-1]:
            return None
        structural &= ~inside
        line &= ~inside
    at = np.flatnonzero(structural)
    if not final:
        whole = np.flatnonzero(line[at])
        if not len(whole):
            return None
        at = at[: whole[-1] + 1]
        data = data[: at[-1] + 1]
    elif not len(at) or at[-1] != len(raw) - 1 or not line[at[-1]]:
        at = np.append(at, len(raw))  # the last row has no line end
    return _block(data, at, raw, line)


def _block(data: bytes, at: "NDArray[np.int64]", raw: "NDArray[np.uint8]", line: "NDArray[np.bool_]") -> Block:
    import numpy as np

    starts = np.empty(len(at), np.int64)
    starts[0] = 0
    starts[1:] = at[:-1] + 1
    ends = at.astype(np.int64)
    inner = at[at < len(raw)]
    closing = np.ones(len(at), np.bool_)
    closing[: len(inner)] = line[inner]
    # `\r\n` is one line end: the cell stops before both.
    before = np.maximum(inner - 1, 0)
    pair = (raw[inner] == LF) & (raw[before] == CR) & (inner > starts[: len(inner)])
    ends[: len(inner)] -= pair
    return Block(data, starts, ends, np.flatnonzero(closing) + 1, True)


def _well_formed(raw: "NDArray[np.uint8]", quotes: "NDArray[np.bool_]", dialect: Dialect) -> bool:
    """Whether quotation marks stand only where RFC 4180 lets them: opening after, closing before a border."""
    import numpy as np

    border = np.zeros(256, np.bool_)
    border[[LF, CR, ord(dialect.quote or '"')]] = True
    if dialect.delimiter is not None:
        border[ord(dialect.delimiter)] = True
    at = np.flatnonzero(quotes)
    opening, closing = at[0::2], at[1::2]
    after = closing[closing < len(raw) - 1] + 1
    return bool(border[raw[opening[opening > 0] - 1]].all() and border[raw[after]].all())


@lru_cache
def _cell_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """One cell with what ends it. Possessive, so that no input makes it try twice."""
    delimiter = re.escape(dialect.delimiter.encode()) if dialect.delimiter else b""
    plain = rb"[^\r\n" + delimiter + rb"]*+"
    cell = plain
    if dialect.quote is not None:
        q = re.escape(dialect.quote.encode())
        inner = (
            rb"(?:[^\\" + q + rb"]|\\.|" + q + q + rb")*+"
            if dialect.escape
            else rb"(?:[^" + q + rb"]|" + q + q + rb")*+"
        )
        # A cell that opens a quotation mark and never closes it must not be read as a plain one.
        cell = rb"(?:" + q + inner + q + plain + rb"|(?!" + q + rb")" + plain + rb")"
    end = rb"(" + (delimiter + rb"|" if delimiter else b"") + rb"\r\n|\n|\r|\Z)"
    return re.compile(rb"(" + cell + rb")" + end, re.DOTALL)


def _scan(data: bytes, dialect: Dialect, final: bool) -> Block | None:
    """Cut cell by cell; None when no row is whole, or, at the file's end, when a quotation mark is never closed."""
    import numpy as np

    if not final and data.endswith(b"\r"):
        data = data[:-1]  # its line feed may be the next block's first byte
    match = _cell_pattern(dialect).match
    separator = dialect.delimiter.encode() if dialect.delimiter else None
    starts, ends, row_ends = [], [], []
    position, used, whole = 0, 0, 0
    while position < len(data):
        found = match(data, position)
        if found is None:
            if final:
                return None
            break
        end = found[2]
        if not end and not final:
            break
        starts.append(position)
        ends.append(found.end(1))
        position = found.end()
        if end != separator:
            row_ends.append(len(starts))
            used, whole = position, len(starts)
        elif position == len(data) and final:  # a delimiter at the very end: one more empty cell
            starts.append(position)
            ends.append(position)
            row_ends.append(len(starts))
            used, whole = position, len(starts)
    if not row_ends:
        return None
    cells = np.array(starts[:whole], np.int64), np.array(ends[:whole], np.int64)
    return Block(data[:used], *cells, np.array(row_ends, np.int64), False)


def unquote(cell: str, dialect: Dialect) -> str:
    """Return what a cell says: quotation marks around it taken off, doubled ones made one."""
    quote = dialect.quote
    if quote is None or not cell.startswith(quote):
        return cell
    found = _cell_pattern(dialect).match(cell.encode())
    if found is None:
        return cell
    inner, _, rest = _parted(cell, quote, dialect.escape)
    if dialect.escape:
        inner = re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)
    return inner.replace(quote * 2, quote) + rest


def _parted(cell: str, quote: str, escape: bool) -> tuple[str, str, str]:
    """Split a quoted cell into what is inside, its closing mark, and what stands after it."""
    position = 1
    while True:
        end = cell.find(quote, position)
        if end < 0:
            return cell[1:], "", ""
        if escape and (end - len(cell[:end].rstrip("\\"))) % 2:
            position = end + 1
        elif cell.startswith(quote, end + 1):
            position = end + 2
        else:
            return cell[1:end], quote, cell[end + 1 :]


def enquote(value: str, dialect: Dialect, always: bool = False) -> str:
    """Return a value as a cell, in quotation marks where it needs them or `always`."""
    quote = dialect.quote
    if quote is None:
        # Nothing can be quoted in such a file: what would break its rows becomes a space.
        broken = {"\r", "\n", *(dialect.delimiter or "")}
        return "".join(" " if c in broken else c for c in value)
    needs = always or any(c in value for c in ("\r", "\n", quote, *(dialect.delimiter or "")))
    if not needs:
        return value
    if dialect.escape:
        value = value.replace("\\", "\\\\")
    return quote + value.replace(quote, quote * 2) + quote
