"""Telling a CSV file's delimiter and quotation mark from its first rows.

`csv.Sniffer` guesses from characters' frequencies and takes a letter for a delimiter as readily as a comma. Here each
of four delimiters is tried with the real rules of quoting, and what counts is whether rows come out equally wide, the
header among them (the idea of van den Burg, Nazábal and Sutton: Wrangling messy CSV files by detecting row and type
patterns, 2019).
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from services.deid.engine.table.tokens import Dialect, whole_rows
from services.deid.engine.table.withhold import Withheld

DELIMITERS = ("\t", ";", "|", ",")
"""In the order in which an equal score is decided: commas stand in numbers and prose, the others hardly ever."""
_SAMPLE = 256 * 1024
_ROWS = 2_000
_CONSISTENT = 0.5
"""A delimiter makes columns when more than this share of the rows is as wide as the header, …"""
_BEGINNING = 3
"""… or the first rows are: a delimiter that changes later is a reason to withhold, not to take it for none."""


_HINT = re.compile(rb"(?i)sep=([\t;|,])\r?\n")
"""What Excel writes and reads as a file's first line."""


def opened(body: bytes) -> tuple[bytes, bytes, Dialect]:
    """Split a UTF-8 CSV file: (a first line that only names the delimiter, or nothing; the table; its dialect)."""
    hint = _HINT.match(body)
    if hint is None:
        return b"", body, sniff_dialect(body)
    body = body[hint.end() :]
    told = sniff_dialect(body)
    return hint[0], body, replace(told, delimiter=hint[1].decode())


def sniff_dialect(body: bytes) -> Dialect:
    """Return the dialect of a UTF-8 CSV file; one cell a line where no delimiter makes columns of it.

    Raises `Withheld("csv-delimiter-changes")` when the header is written in another dialect than the rows.
    """
    sample = _sample(body)
    if not sample:
        return Dialect(None)
    quote = "'" if b'"' not in sample and _single_quoted(sample) else '"'
    widths = {dialect: _widths(sample, dialect) for dialect in _candidates(sample, quote)}
    shares = {dialect: _share(of_rows) for dialect, of_rows in widths.items() if _makes_columns(of_rows)}
    if shares:
        return max(shares, key=lambda dialect: shares[dialect])  # of equals the first
    if _header_differs(list(widths.values())):
        raise Withheld("csv-delimiter-changes")
    alone = Dialect(None, quote)
    whole = whole_rows(sample, alone)
    # Prose: its quotation marks are no part of the format.
    return alone if whole is not None and len(whole.data) == len(sample) else Dialect(None, None)


def _candidates(sample: bytes, quote: str) -> Iterator[Dialect]:
    escapes = b"\\" + quote.encode() in sample
    for delimiter in DELIMITERS:
        if delimiter.encode() in sample:
            yield Dialect(delimiter, quote)
            if escapes:
                yield Dialect(delimiter, quote, escape=True)


def _sample(body: bytes) -> bytes:
    """The first rows, cut at a line end."""
    head = body[:_SAMPLE]
    if len(body) > _SAMPLE:
        end = max(head.rfind(b"\n"), head.rfind(b"\r"))
        if end > 0:
            head = head[: end + 1]
    return head


def _widths(sample: bytes, dialect: Dialect) -> list[int]:
    """Cells of each row that is not blank, of the first rows."""
    widths: list[int] = []
    block = whole_rows(sample, dialect)
    if block is None:
        return widths
    previous = 0
    for end in block.row_ends[:_ROWS].tolist():
        if end - previous > 1 or block.ends[previous] > block.starts[previous]:
            widths.append(end - previous)
        previous = end
    return widths


def _share(widths: list[int]) -> float:
    """Share of rows as wide as the header."""
    return widths.count(widths[0]) / len(widths)


def _makes_columns(widths: list[int]) -> bool:
    if not widths or widths[0] < 2:
        return False
    return _share(widths) > _CONSISTENT or widths[:_BEGINNING] == [widths[0]] * _BEGINNING


def _header_differs(all_widths: list[list[int]]) -> bool:
    """Whether one delimiter makes of the header as many cells as another makes of most rows."""
    headers = {widths[0] for widths in all_widths if widths and widths[0] > 1}
    return any(widths[1:].count(width) > _CONSISTENT * len(widths[1:]) for widths in all_widths for width in headers)


def _single_quoted(sample: bytes) -> bool:
    """Whether apostrophes stand round cells: about as many open one as close one, and there are some."""
    opening = closing = 0
    for border in (b"\n", b"\r", b",", b";", b"\t", b"|"):
        opening += sample.count(border + b"'")
        closing += sample.count(b"'" + border)
    opening += sample.startswith(b"'")
    closing += sample.endswith(b"'")
    return opening > 1 and opening == closing and opening + closing >= 0.8 * (sample.count(b"'") - sample.count(b"''"))
