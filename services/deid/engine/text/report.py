"""What a report is told of a treated file: counts, findings as patterns, and places for a steward to judge."""

import random
import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from services.deid.engine.operator import Finding, Place, Treated, pattern
from services.deid.engine.text.pipeline import TextResult
from services.deid.engine.text.spans import Span

_AROUND = 80
"""Characters of treated text on either side of a treated place."""
_UNIT = re.compile(r"(?:[^\n.!?]|[.!?](?!\s)){1,200}[.!?]?")
"""An untreated place is a sentence or a line, of at most 200 characters: what can be judged at a glance."""
_WORDS = re.compile(r"[^\W\d_]{2}")


class Report:
    """Counts the findings of a file and draws the places to be judged: a simple random sample of each sort.

    The draw depends on the seed alone, so the same file gives the same sample wherever and whenever it is treated.
    """

    def __init__(self, seed: bytes) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - a sample that can be drawn again, no secret
        self.counts: dict[str, dict[str, int]] = {}
        self._treated: list[tuple[int, Finding, Place]] = []
        self._untreated: list[tuple[int, Place]] = []
        self._totals = {"treated": 0, "untreated": 0}

    def add(self, text: str, result: TextResult, place: Callable[[int, int], str], judged: bool = True) -> None:
        """Take up a text and its result; `place(start, end)` says in words where a part of the text stands.

        What is not `judged` (a JSON key) is no untreated place, which would be no more than one word.
        """
        moved = 0
        extents: list[tuple[int, int]] = []
        for span in result.spans:
            self.count(span.kind)
            start = span.start + moved
            moved += len(span.after) - (span.end - span.start)
            extents.append((start, start + len(span.after)))
            number = self._drawn("treated", len(self._treated))
            if number is not None:
                where, before = place(span.start, span.end), pattern(text[span.start : span.end])
                after = result.text[max(0, start - _AROUND) : extents[-1][1] + _AROUND]
                self._put(
                    self._treated,
                    number,
                    (
                        self._totals["treated"],
                        Finding(span.kind, span.operator, True, where, before, span.after[:200]),
                        Place("treated", span.kind, where, before, after),
                    ),
                )
        if judged:
            self._untouched(result, extents, place)

    def count(self, kind: str) -> None:
        """Count one thing of a kind as found and treated."""
        count = self.counts.setdefault(kind, {"found": 0, "treated": 0})
        count["found"] += 1
        count["treated"] += 1

    def _untouched(self, result: TextResult, extents: list[tuple[int, int]], place: Callable[[int, int], str]) -> None:
        """Draw among the sentences in which nothing was treated."""
        spans = result.spans
        for unit in _UNIT.finditer(result.text):
            start, end = unit.span()
            index = bisect_left(extents, (end, -1))
            if (index and extents[index - 1][1] > start) or not _WORDS.search(result.text, start, end):
                continue
            number = self._drawn("untreated", len(self._untreated))
            if number is not None:
                shift = _shift(spans[index - 1], extents[index - 1]) if index else 0
                where = place(start + shift, end + shift)
                self._put(
                    self._untreated,
                    number,
                    (self._totals["untreated"], Place("untreated", "text", where, "", unit.group().strip())),
                )

    def _drawn(self, sort: str, kept: int) -> int | None:
        """Count one more of a sort, and return at which place of the sample it is kept, or None (algorithm R)."""
        self._totals[sort] += 1
        if kept < Treated.SAMPLE:
            return kept
        number = self._draw.randrange(self._totals[sort])
        return number if number < Treated.SAMPLE else None

    @staticmethod
    def _put(sample: list[Any], number: int, thing: object) -> None:
        if number == len(sample):
            sample.append(thing)
        else:
            sample[number] = thing

    def of(self, content: bytes, media_type: str) -> Treated:
        """Return the treated file with what this report holds."""
        treated = sorted(self._treated, key=lambda kept: kept[0])
        untreated = sorted(self._untreated, key=lambda kept: kept[0])
        return Treated(
            content,
            media_type,
            counts=self.counts,
            findings=[finding for _, finding, _ in treated],
            places=[place for _, _, place in treated] + [place for _, place in untreated],
            totals=dict(self._totals),
        )


def _shift(span: Span, extent: tuple[int, int]) -> int:
    """Return what to add to an offset behind a treated place to get the original's."""
    return span.end - extent[1]


def characters(start: int, end: int) -> str:
    """Say where a part of a text stands."""
    return f"characters {start}–{end}"
