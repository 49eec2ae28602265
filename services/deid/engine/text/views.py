"""What is read in a marked-up text, apart from its markup, and the way back: the markup stays, the text is changed.

An identifier may be split by markup (`<b>1985</b>0709-1234`, `**1985**0709-1234`) or written with references
(`&#49;985`). A view is the text as a reader sees it; each of its pieces knows where in the source it stands. What is
found in the view is put where its first piece stands, and the other pieces of it are emptied, so no tag is lost.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from services.deid.engine.text.spans import Span


class Edit(NamedTuple):
    """[start, end) of the source becomes `text`."""

    start: int
    end: int
    text: str


class View:
    """A text made of pieces of a source."""

    def __init__(self, context: str = "") -> None:
        self.context = context
        """What the place says of the text: a JSON key, the name of a form's field."""
        self._texts: list[str] = []
        self._starts: list[int] = []
        self._origins: list[tuple[int, int, bool]] = []
        self._length = 0

    def add(self, text: str, start: int, end: int) -> None:
        """Add what stands in [start, end) of the source; text of another length stands for all of it."""
        if text:
            self._texts.append(text)
            self._starts.append(self._length)
            self._origins.append((start, end, len(text) == end - start))
            self._length += len(text)

    def separate(self, text: str = "\n") -> None:
        """Add text that the source does not have: where a paragraph ends."""
        if self._texts and self._texts[-1] != text:
            self.add(text, -1, -1)

    @property
    def text(self) -> str:
        """The text as a reader sees it."""
        return "".join(self._texts)

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return [start, end) of the source from the first to the last character of a part of the text."""
        touched = [piece for piece in self._pieces(start, end) if piece[0] >= 0]
        return (touched[0][0], touched[-1][1]) if touched else (0, 0)

    def _pieces(self, start: int, end: int) -> Iterable[tuple[int, int]]:
        """Yield the parts of the source that a part of the text is made of; (-1, -1) for text that it lacks."""
        index = bisect_right(self._starts, start) - 1
        while index < len(self._starts) and self._starts[index] < end:
            at, (low, high, alike) = self._starts[index], self._origins[index]
            if alike and low >= 0:
                yield low + max(start - at, 0), low + min(end - at, high - low)
            else:
                yield low, high
            index += 1

    def edits(self, spans: Sequence[Span], write: Callable[[str, int, int], str]) -> list[Edit]:
        """Return what makes the source's text what `spans` say; `write(after, start, end)` escapes a replacement."""
        edits: list[Edit] = []
        for span in spans:
            first = True
            for start, end in self._pieces(span.start, span.end):
                if start < 0 or (edits and start < edits[-1].end):
                    continue  # text that the source lacks, or a reference of several characters that is gone already
                edits.append(Edit(start, end, write(span.after, start, end) if first else ""))
                first = False
        return edits


def edited(source: str, edits: Iterable[Edit]) -> str:
    """Return the source with the edits made; of edits that overlap, the first in order stands."""
    parts: list[str] = []
    done = 0
    for start, end, text in sorted(edits):
        if start >= done:
            parts += (source[done:start], text)
            done = end
    parts.append(source[done:])
    return "".join(parts)
