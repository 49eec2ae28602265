"""What was done to a table, told by comparing it with its source: counts, findings, places to judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deid.engine.operator import Finding, Place, pattern
from services.deid.engine.table.cells import CellText, Hit, telling
from services.deid.engine.table.csv_text import around, place
from services.deid.engine.table.examine import examined
from services.deid.engine.table.hierarchies import as_text, encode
from services.deid.engine.table.sampling import SPANS, Tally, ranks
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
    """Add up everything. `source` holds every column by key as it was read, all rows; `names` what they were called."""
    rows = work.rows()
    shown = _Shown(work, header, rows)
    for key, hit in header.hits.items():
        column = _number(key)
        for span in hit.spans:
            tally.count(span.kind, 1, 1)
        shown.names(tally, column, hit)
    for key in source.columns:
        before = source[key].gather(rows)
        if key in work.done:
            kind, operator = work.done[key]
            _changed(work, tally, shown, key, before, kind, operator)
        elif key in work.table.examined and work.text is not None:
            _found(work.text, tally, shown, key, before, names[key])
        else:
            _left(tally, shown, key, before)
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

    def where(self, row: int, key: str) -> str:
        """Say where a cell stood in the source."""
        return place(int(self._rows[row]) + 1, _number(key))

    def row(self, row: int, key: str) -> str:
        """Return the row as it stands, the cell marked; of a dropped column an empty mark."""
        near = self._near(key)
        cells = [f"{self._name(k)}={_text(self._frame[k][row])}" for k in near]
        if key in near:
            return around(cells, near.index(key))
        return around([*cells, ""], len(cells))

    def names(self, tally: Tally, column: int, hit: Hit) -> None:
        """Offer a column's name in which something was found."""
        import numpy as np

        where = place(0, column)
        span = hit.spans[0] if hit.spans else None
        if span is None:
            return
        shape = pattern(hit.before[span.start : span.end])
        tally.findings.offer(
            np.zeros(1, np.int64), lambda _: Finding(span.kind, span.operator, True, where, shape, span.after)
        )
        tally.treated.offer(np.zeros(1, np.int64), lambda _: Place("treated", span.kind, where, shape, hit.after))

    def _near(self, key: str) -> list[str]:
        """Up to twenty columns around one."""
        at = next((i for i, k in enumerate(self._keys) if _number(k) >= _number(key)), len(self._keys))
        return self._keys[max(0, at - 10) : at + 10]

    def _name(self, key: str) -> str:
        name = self._header[self._keys.index(key)]
        return name if len(name) <= 30 else name[:30] + "…"


def _text(value: object) -> str:
    return "" if value is None else as_text(value)


def _changed(work: Work, tally: Tally, shown: _Shown, key: str, before: "pl.Series", kind: str, operator: str) -> None:
    """A column that a table operator wrote or dropped: each cell that held something and does not hold it any more."""
    import numpy as np
    import polars as pl

    after = work.table.frame[key] if key in work.table.names else None
    code, distinct, _ = encode(before)
    texts = ["" if value is None else as_text(value) for value in distinct]
    held = np.array([bool(text) for text in texts], np.bool_)[code]
    if after is not None:
        if after.dtype == before.dtype:
            held &= before.ne_missing(after).to_numpy()
        else:
            held &= pl.Series(texts, dtype=pl.String).gather(code).ne_missing(after.cast(pl.String)).to_numpy()
    at = np.flatnonzero(held)
    tally.count(kind, len(at), len(at))

    def finding(row: int) -> Finding:
        now = "" if after is None else _text(after[row])
        return Finding(kind, operator, True, shown.where(row, key), pattern(texts[code[row]]), now)

    def treated(row: int) -> Place:
        return Place("treated", kind, shown.where(row, key), pattern(texts[code[row]]), shown.row(row, key))

    tally.findings.offer(at, finding)
    tally.treated.offer(at, treated)


def _found(text: CellText, tally: Tally, shown: _Shown, key: str, before: "pl.Series", name: str) -> None:
    """A column that the text operators went over."""
    import numpy as np

    result = examined(before, text, name)
    code, hits = result.code, result.hits
    counts = np.array([len(hit.spans) if hit else 0 for hit in hits], np.int64)
    for times, hit in zip(np.bincount(code, minlength=len(hits)).tolist(), hits, strict=True):
        for span in hit.spans if hit else ():
            tally.count(span.kind, times, times)
    at = np.flatnonzero(counts[code] > 0)

    def spans(row: int) -> Sequence[tuple[str, str, str, str]]:
        hit = hits[code[row]]
        assert hit is not None
        return [(s.kind, s.operator, pattern(hit.before[s.start : s.end]), s.after) for s in hit.spans]

    def finding(number: int) -> Finding:
        row, rank = divmod(number, SPANS)
        kind, operator, shape, after = spans(row)[rank]
        return Finding(kind, operator, True, shown.where(row, key), shape, after)

    def treated(row: int) -> Place:
        kind, _, shape, _ = spans(row)[0]
        return Place("treated", kind, shown.where(row, key), shape, shown.row(row, key))

    each = np.minimum(counts[code[at]], SPANS)
    tally.findings.offer(np.repeat(at, each) * SPANS + ranks(each), finding)
    tally.treated.offer(at, treated)
    left = np.array(
        [hit is None and text is not None and telling(text) for hit, text in zip(hits, result.texts, strict=True)]
    )
    tally.untreated.offer(np.flatnonzero(left[code]) if len(left) else code, lambda row: _untreated(shown, row, key))


def _left(tally: Tally, shown: _Shown, key: str, before: "pl.Series") -> None:
    """A column that nothing looked into."""
    import numpy as np

    code, distinct, _ = encode(before)
    tells = np.array([value is not None and telling(as_text(value)) for value in distinct], np.bool_)
    tally.untreated.offer(np.flatnonzero(tells[code]) if len(tells) else code, lambda row: _untreated(shown, row, key))


def _untreated(shown: _Shown, row: int, key: str) -> Place:
    return Place("untreated", "cell", shown.where(row, key), "", shown.row(row, key))
