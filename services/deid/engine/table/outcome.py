"""What was done to a table, told by comparing it with its source: counts, findings, places to judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deid.engine.operator import Finding, Place, pattern
from services.deid.engine.table.cells import CellText, Hit, telling
from services.deid.engine.table.csv_text import AROUND, around, place
from services.deid.engine.table.examine import examined
from services.deid.engine.table.hierarchies import as_text, encode
from services.deid.engine.table.sampling import PARTS, SPANS, Tally, part_of, parts, ranks
from services.deid.engine.table.work import Work

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Header:
    """The columns' names after the text plan."""

    names: dict[str, str]
    hits: dict[str, Hit]


def treated_names(work: Work, original: dict[str, str]) -> Header:
    """Put column names through the text plan: they can tell who a table is about as well as its cells."""
    hits = {key: hit for key, name in original.items() if work.text is not None and (hit := work.text.hit(name))}
    return Header({key: hits[key].after if key in hits else name for key, name in work.table.names.items()}, hits)


def report(work: Work, source: "pl.DataFrame", names: dict[str, str], header: Header, tally: Tally) -> None:
    """Add up everything. `source` holds every column by key as it was read, all rows; `names` what they were called.

    A place of the treated sort is one finding of the text operators, or one row that table operators changed; one of
    the untreated sort is a part of a row's cells as far as they were left.
    """
    rows = work.rows()
    shown = _Shown(work, header, rows)
    for key, hit in header.hits.items():
        for span in hit.spans:
            tally.count(span.kind, 1, 1)
        shown.names(tally, key, hit)
    changed, left = _Changed(shown, rows), _Left(shown, rows)
    for key in source.columns:
        before = source[key].gather(rows)
        if key in work.done:
            changed.add(work, tally, key, before)
        elif key in work.table.examined and work.text is not None:
            _found(work.text, tally, shown, key, before, names[key], left)
        else:
            code, distinct, _ = encode(before)
            left.add(key, code, ["" if value is None else as_text(value) for value in distinct])
    changed.offer(tally)
    left.offer(tally)
    if work.suppressed:
        tally.count("rare-row", work.suppressed, work.suppressed)


def _number(key: str) -> int:
    return int(key[1:])


class _Shown:
    """Writes places: a cell among its row's cells as they stand now."""

    def __init__(self, work: Work, header: Header, rows: "NDArray[np.int64]") -> None:
        self._frame = work.table.frame
        self._keys = work.table.keys
        self._header = [header.names[key] for key in self._keys]
        self._rows = rows

    def where(self, row: int, key: str | None = None) -> str:
        """Say where a cell, or a row, stood in the source."""
        return place(int(self._rows[row]) + 1, None if key is None else _number(key))

    def row(self, row: int, key: str) -> str:
        """Return the row as it stands, the cell marked."""
        at = self._keys.index(key)
        near = self._keys[max(0, at - 10) : at + 10]
        return around([self.cell(k, _text(self._frame[k][row])) for k in near], near.index(key))

    def whole(self, row: int) -> str:
        """Return the row as it stands."""
        return " | ".join(self.cell(k, _text(self._frame[k][row])) for k in self._keys)[:AROUND]

    def cell(self, key: str, text: str) -> str:
        """Return a cell with its column's name."""
        name = self._header[self._keys.index(key)]
        return f"{name if len(name) <= 30 else name[:30] + '…'}={text}"

    def names(self, tally: Tally, key: str, hit: Hit) -> None:
        """Offer what was found in a column's name."""
        import numpy as np

        def finding(rank: int) -> Finding:
            span = hit.spans[rank]
            shape = pattern(hit.before[span.start : span.end])
            return Finding(span.kind, span.operator, True, place(0, _number(key)), shape, span.after)

        def treated(rank: int) -> Place:
            found = finding(rank)
            return Place("treated", found.kind, found.place, found.shape, hit.after)

        spans = np.arange(len(hit.spans))
        tally.findings.offer(spans, finding)
        tally.treated.offer(spans, treated)


def _text(value: object) -> str:
    return "" if value is None else as_text(value)


class _Changed:
    """Columns that table operators wrote or dropped."""

    def __init__(self, shown: _Shown, rows: "NDArray[np.int64]") -> None:
        import numpy as np

        self._shown = shown
        self._columns: list[tuple[str, NDArray[np.bool_], NDArray[np.int32], list[str]]] = []
        self._any = np.zeros(len(rows), np.bool_)

    def add(self, work: Work, tally: Tally, key: str, before: "pl.Series") -> None:
        """Count each cell that held something and does not hold it any more."""
        import numpy as np
        import polars as pl

        kind, operator = work.done[key]
        after = work.table.frame[key] if key in work.table.names else None
        code, distinct, _ = encode(before)
        texts = ["" if value is None else as_text(value) for value in distinct]
        held = np.array([bool(text) for text in texts], np.bool_)[code]
        if after is not None and after.dtype == before.dtype:
            held &= before.ne_missing(after).to_numpy()
        elif after is not None:
            held &= pl.Series(texts, dtype=pl.String).gather(code).ne_missing(after.cast(pl.String)).to_numpy()
        at = np.flatnonzero(held)
        tally.count(kind, len(at), len(at))
        self._any |= held
        self._columns.append((kind, held, code, texts))

        def finding(row: int) -> Finding:
            now = "" if after is None else _text(after[row])
            return Finding(kind, operator, True, self._shown.where(row, key), pattern(texts[code[row]]), now)

        tally.findings.offer(at, finding)

    def offer(self, tally: Tally) -> None:
        """Offer the rows in which any cell was changed."""
        import numpy as np

        def treated(row: int) -> Place:
            cells = [(kind, pattern(texts[code[row]])) for kind, held, code, texts in self._columns if held[row]]
            before = " | ".join(shape for _, shape in cells)[:AROUND]
            return Place("treated", cells[0][0], self._shown.where(row), before, self._shown.whole(row))

        tally.treated.offer(np.flatnonzero(self._any), treated)


class _Left:
    """Cells that stand as they were, or in which something else was replaced."""

    def __init__(self, shown: _Shown, rows: "NDArray[np.int64]") -> None:
        import numpy as np

        self._shown = shown
        self._columns: list[tuple[str, NDArray[np.int32], NDArray[np.bool_], list[str]]] = []
        self._lengths = np.zeros(len(rows), np.int64)

    def add(self, key: str, code: "NDArray[np.int32]", texts: list[str], tells: Sequence[bool] | None = None) -> None:
        """Take up a column: each row's distinct value, those values as they stand, and which could tell of a person."""
        import numpy as np

        if not texts:
            return
        told = np.array([telling(text) for text in texts] if tells is None else tells, np.bool_)
        lengths = np.array([len(self._shown.cell(key, text)) + 3 for text in texts], np.int64) * told
        self._lengths += lengths[code]
        self._columns.append((key, code, told, texts))

    def offer(self, tally: Tally) -> None:
        """Offer the parts of every row's cells."""
        import numpy as np

        def untreated(number: int) -> Place:
            row, part = divmod(number, PARTS)
            cells = [
                self._shown.cell(key, texts[code[row]]) for key, code, told, texts in self._columns if told[code[row]]
            ]
            return Place("untreated", "row", self._shown.where(row), "", part_of(cells, part))

        rows = np.flatnonzero(self._lengths)
        tally.untreated.offer(parts(rows, self._lengths[rows]), untreated)


def _found(text: CellText, tally: Tally, shown: _Shown, key: str, before: "pl.Series", name: str, left: _Left) -> None:
    """A column that the text operators went over."""
    import numpy as np

    result = examined(before, text, name)
    code, hits = result.code, result.hits
    counts = np.array([len(hit.spans) if hit else 0 for hit in hits], np.int64)
    for times, hit in zip(np.bincount(code, minlength=len(hits)).tolist(), hits, strict=True):
        for span in hit.spans if hit else ():
            tally.count(span.kind, times, times)
    at = np.flatnonzero(counts[code] > 0)

    def finding(number: int) -> Finding:
        row, rank = divmod(number, SPANS)
        hit = hits[code[row]]
        assert hit is not None
        span = hit.spans[rank]
        shape = pattern(hit.before[span.start : span.end])
        return Finding(span.kind, span.operator, True, shown.where(row, key), shape, span.after)

    def treated(number: int) -> Place:
        found = finding(number)
        return Place("treated", found.kind, found.place, found.shape, shown.row(number // SPANS, key))

    each = np.minimum(counts[code[at]], SPANS)
    numbers = np.repeat(at, each) * SPANS + ranks(each)
    tally.findings.offer(numbers, finding)
    tally.treated.offer(numbers, treated)
    now = [hit.after if hit else told or "" for hit, told in zip(hits, result.texts, strict=True)]
    left.add(key, code, now, [h.remains() if h else telling(told) for h, told in zip(hits, now, strict=True)])
