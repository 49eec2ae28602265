"""What was done to a table: counts, findings, places to judge. Samples are drawn first and written out at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.deid.engine.operator import Finding, Place, pattern
from services.deid.engine.table.cells import CellText, Hit, telling
from services.deid.engine.table.csv_text import AROUND, around, place
from services.deid.engine.table.examine import Examined, examined
from services.deid.engine.table.hierarchies import as_text
from services.deid.engine.table.sampling import PARTS, SPANS, Tally, part_of, parts, ranks
from services.deid.engine.table.work import Work

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_TELLING = r"\p{L}{2}|(?:\d\D{0,3}){6}"
"""As `cells.telling`, for whole columns."""
_CHUNK = 1 << 18
"""Rows of a column that are looked at together: what is distinct among them is held as Python's strings."""
_SHOWN = 200
"""Characters of what an operator wrote that a finding shows at most."""


class Outcome:
    """Follows one table to its end.

    A place of the treated sort is one finding of the text operators, or one row that table operators changed; one of
    the untreated sort is a part of a row's cells as far as they were left. What is drawn keeps only where it stands:
    the row as it will be written is known when all columns are done.
    """

    def __init__(self, work: Work, source: "pl.DataFrame", names: dict[str, str], tally: Tally) -> None:
        """Begin when no more rows will go. `source` is the table as it was read, all rows; `names` are its columns'."""
        import numpy as np

        self._work = work
        self._source = source
        self._names = names
        self._tally = tally
        self._rows = work.rows()
        self._header = dict(names)
        self._changed: list[_Changed] = []
        self._left: list[tuple[str, NDArray[np.bool_]]] = []
        """Columns that were left, in whole or in part, and in which rows a cell could tell of a person."""
        self._lengths = np.zeros(len(self._rows), np.int64)

    def before(self, key: str) -> "pl.Series":
        """Return a column as it was read, of the rows that are left."""
        return self._source[key].gather(self._rows)

    def name(self, key: str, hit: Hit) -> None:
        """Take up what was found in a column's name."""
        import numpy as np

        self._header[key] = hit.after
        for span in hit.spans:
            self._tally.count(span.kind, 1, 1)

        def finding(rank: int) -> Finding:
            return _finding(hit, rank, place(0, _number(key)))

        def treated(rank: int) -> Place:
            found = finding(rank)
            return Place("treated", found.kind, found.place, found.shape, hit.after)

        self._offer(np.arange(len(hit.spans)), finding, treated)

    def text(self, key: str, text: CellText, write: bool) -> None:
        """Put a column through the text operators, and `write` what comes out of it (else that has been done)."""
        import numpy as np

        before, name = self.before(key), self._names[key]
        after: list[pl.Series] = []
        told: list[NDArray[np.bool_]] = []
        for start in range(0, max(len(before), 1), _CHUNK):
            looked = examined(before.slice(start, _CHUNK), text, name)
            told.append(self._found(key, looked, start, text))
            if write:
                after.append(looked.after())
        if write:
            self._work.table.frame = self._work.table.frame.with_columns(_joined(after).alias(key))
            self._work.table.examined.add(key)
        self._leave(key, np.concatenate(told))

    def _found(self, key: str, looked: Examined, start: int, text: CellText) -> "NDArray[np.bool_]":
        """Count and draw what was found in a part of a column, which begins at row `start`.

        Returns which cells could still tell of a person.
        """
        import numpy as np

        code, hits = looked.code, looked.hits
        times = np.bincount(code, minlength=len(hits)).tolist()
        for count, hit in zip(times, hits, strict=True):
            for span in hit.spans if hit else ():
                self._tally.count(span.kind, count, count)
        counts = np.array([min(len(hit.spans), SPANS) if hit else 0 for hit in hits], np.int64)
        at = np.flatnonzero(counts[code] > 0) if len(hits) else np.empty(0, np.int64)
        each = counts[code[at]]

        def finding(number: int) -> Finding:
            row, rank = divmod(number, SPANS)
            again = examined(self.before(key).slice(row, 1), text, self._names[key]).hits[0]
            assert again is not None
            return _finding(again, rank, self._where(row, key))

        def treated(number: int) -> Place:
            found = finding(number)
            return Place("treated", found.kind, found.place, found.shape, self._around(number // SPANS, key))

        self._offer((np.repeat(at, each) + start) * SPANS + ranks(each), finding, treated)
        tells = [hit.remains() if hit else telling(told or "") for hit, told in zip(hits, looked.texts, strict=True)]
        return np.array(tells, np.bool_)[code]

    def changed(self, key: str) -> None:
        """Take up a column that table operators wrote or dropped: cells that held something and do not hold it now."""
        import numpy as np

        kind, operator = self._work.done[key]
        before = self.before(key)
        after = self._work.table.frame[key] if key in self._work.table.names else None
        held = _held(before)
        if after is not None:
            now = after if after.dtype == before.dtype else _as_texts(after)
            held &= (before if after.dtype == before.dtype else _as_texts(before)).ne_missing(now).to_numpy()
        at = np.flatnonzero(held)
        self._tally.count(kind, len(at), len(at))
        self._changed.append(_Changed(key, kind, held))

        def finding(row: int) -> Finding:
            now = "" if key not in self._work.table.names else _text(self._work.table.frame[key][row])
            return Finding(kind, operator, True, self._where(row, key), pattern(_text(before[row])), now[:_SHOWN])

        self._offer(at, finding, None)

    def left(self, key: str) -> None:
        """Take up a column that nothing looked into: cells that could tell of a person are for a steward to judge."""
        column = _as_texts(self._work.table.frame[key])
        self._leave(key, column.str.contains(_TELLING).fill_null(False).to_numpy())

    def _leave(self, key: str, told: "NDArray[np.bool_]") -> None:
        if told.any():
            column = _as_texts(self._work.table.frame[key])
            lengths = column.str.len_chars().fill_null(0).to_numpy() + len(self._cell(key, "")) + 3
            self._lengths += lengths * told
            self._left.append((key, told))

    def close(self) -> dict[str, str]:
        """Draw the rows, count those that are gone, and return the columns' names as they are to be written."""
        import numpy as np

        if self._changed:
            rows = np.flatnonzero(np.logical_or.reduce([column.held for column in self._changed]))
            self._offer(rows, None, self._row_changed)
        rows = np.flatnonzero(self._lengths)
        self._tally.untreated.offer(parts(rows, self._lengths[rows]), lambda n: lambda: self._row_left(n))
        if self._work.suppressed:
            self._tally.count("rare-row", self._work.suppressed, self._work.suppressed)
        return {key: self._header[key] for key in self._work.table.names}

    def _offer(
        self,
        candidates: "NDArray[np.integer]",
        finding: Callable[[int], Finding] | None,
        treated: Callable[[int], Place] | None,
    ) -> None:
        if finding is not None:
            self._tally.findings.offer(candidates, lambda n: lambda: finding(n))
        if treated is not None:
            self._tally.treated.offer(candidates, lambda n: lambda: treated(n))

    def _row_changed(self, row: int) -> Place:
        changed = [column for column in self._changed if column.held[row]]
        shapes = (pattern(_text(self._source[column.key][int(self._rows[row])])) for column in changed)
        whole = " | ".join(self._cell(k, _text(self._work.table.frame[k][row])) for k in self._work.table.keys)
        return Place("treated", changed[0].kind, self._where(row), " | ".join(shapes)[:AROUND], whole[:AROUND])

    def _row_left(self, number: int) -> Place:
        row, part = divmod(number, PARTS)
        frame = self._work.table.frame
        cells = [self._cell(key, _text(frame[key][row])) for key, told in self._left if told[row]]
        return Place("untreated", "row", self._where(row), "", part_of(cells, part))

    def _around(self, row: int, key: str) -> str:
        """The row as it stands, the cell marked; without the cell where its column was dropped later."""
        keys = self._work.table.keys
        at = keys.index(key)
        near = keys[max(0, at - 10) : at + 10]
        return around([self._cell(k, _text(self._work.table.frame[k][row])) for k in near], near.index(key))

    def _where(self, row: int, key: str | None = None) -> str:
        return place(int(self._rows[row]) + 1, None if key is None else _number(key))

    def _cell(self, key: str, text: str) -> str:
        name = self._header[key]
        return f"{name if len(name) <= 30 else name[:30] + '…'}={text}"


@dataclass(frozen=True)
class _Changed:
    """A column that table operators changed."""

    key: str
    kind: str
    held: "NDArray[np.bool_]"
    """Of each row, whether its cell is another now."""


def _number(key: str) -> int:
    return int(key[1:])


def _text(value: Any) -> str:
    return "" if value is None else as_text(value)


def _finding(hit: Hit, rank: int, where: str) -> Finding:
    span = hit.spans[rank]
    return Finding(
        span.kind, span.operator, True, where, pattern(hit.before[span.start : span.end]), span.after[:_SHOWN]
    )


def _joined(parts_: "list[pl.Series]") -> "pl.Series":
    """Put the parts of a column together: as text where treatment made text of any part."""
    import polars as pl

    if len({part.dtype for part in parts_}) > 1:
        parts_ = [_as_texts(part) for part in parts_]
    return pl.concat(parts_)


def _as_texts(column: "pl.Series") -> "pl.Series":
    """A column as text, value by value as it would be written."""
    import polars as pl

    if column.dtype == pl.String:
        return column
    if column.dtype.is_integer():
        return column.cast(pl.String)
    return pl.Series(column.name, [None if value is None else as_text(value) for value in column], dtype=pl.String)


def _held(column: "pl.Series") -> "NDArray[np.bool_]":
    """Which cells hold anything."""
    import polars as pl

    held = column.is_not_null()
    if column.dtype == pl.String:
        held &= (column != "").fill_null(False)
    return held.to_numpy().copy()
