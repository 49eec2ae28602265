"""Telling a CSV file's delimiter and quotation mark from its first rows.

`csv.Sniffer` guesses from characters' frequencies and takes a letter for a delimiter as readily as a comma. Here each
of four delimiters is tried with the real rules of quoting, and what counts is whether rows come out equally wide, the
header among them (the idea of van den Burg, Nazábal and Sutton: Wrangling messy CSV files by detecting row and type
patterns, 2019).
"""

from collections import Counter
from dataclasses import replace

from services.deid.engine.table.tokens import Dialect, blocks
from services.deid.engine.table.withhold import Withheld

DELIMITERS = ("\t", ";", "|", ",")
"""In the order in which an equal score is decided: commas stand in numbers and prose, the others hardly ever."""
_SAMPLE = 256 * 1024
_ROWS = 2_000
_CONSISTENT = 0.5
"""A delimiter must make at least this share of the rows as wide as the header; otherwise every line is one cell."""


def sniff_dialect(body: bytes) -> Dialect:
    """Return the dialect of a UTF-8 CSV file; one cell a line where no delimiter makes columns of it."""
    sample = _sample(body)
    quote = "'" if b'"' not in sample and _single_quoted(sample) else '"'
    best: tuple[float, int, Dialect] | None = None
    for rank, delimiter in enumerate(DELIMITERS):
        if delimiter.encode() not in sample:
            continue
        for dialect in (Dialect(delimiter, quote), Dialect(delimiter, quote, escape=True)):
            if dialect.escape and b"\\" + quote.encode() not in sample:
                continue
            score = _score(sample, dialect)
            if score > _CONSISTENT and (best is None or score > best[0] + 1e-9):
                best = (score, -rank, dialect)
    if best is not None:
        return best[2]
    alone = Dialect(None, quote)
    try:
        for _ in blocks(sample, alone):
            pass
    except Withheld:
        alone = replace(alone, quote=None)  # prose: its quotation marks are no part of the format
    return alone


def _sample(body: bytes) -> bytes:
    """The first rows, cut at a line end."""
    head = body[:_SAMPLE]
    if len(body) > _SAMPLE:
        end = max(head.rfind(b"\n"), head.rfind(b"\r"))
        if end > 0:
            head = head[: end + 1]
    return head


def _score(sample: bytes, dialect: Dialect) -> float:
    """Share of rows as wide as the header (two cells or more), or 0; blank lines are no rows."""
    widths: list[int] = []
    try:
        for block in blocks(sample, dialect):
            previous = 0
            for end in block.row_ends.tolist():
                width = end - previous
                if width > 1 or block.ends[previous] > block.starts[previous]:
                    widths.append(width)
                previous = end
                if len(widths) >= _ROWS:
                    break
    except Withheld:
        # A quotation mark left open: perhaps only because the sample ends inside a cell. Rows until there count.
        return 0.0 if not widths else 0.9 * _share(widths)
    return _share(widths)


def _share(widths: list[int]) -> float:
    if not widths or widths[0] < 2:
        return 0.0
    return Counter(widths)[widths[0]] / len(widths)


def _single_quoted(sample: bytes) -> bool:
    """Whether apostrophes stand round cells: about as many open one as close one, and there are some."""
    opening = closing = 0
    for border in (b"\n", b"\r", b",", b";", b"\t", b"|"):
        opening += sample.count(border + b"'")
        closing += sample.count(b"'" + border)
    opening += sample.startswith(b"'")
    closing += sample.endswith(b"'")
    return opening > 1 and opening == closing and opening + closing >= 0.8 * (sample.count(b"'") - sample.count(b"''"))
