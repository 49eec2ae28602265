"""What treatment itself has written, which no finder takes for content: labels, pseudonyms, coarser forms, masks."""

import re
from collections.abc import Iterable

from services.deid.engine.text.actions import ALPHABET, MASK, PSEUDONYM_LENGTH
from services.deid.engine.text.kinds import LABELS, label_of


class Protected:
    """Recognises treated places in folded text; `kinds` are the custom ones of a recipe."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        labels = "|".join(sorted({*LABELS.values(), *map(label_of, kinds)}, key=len, reverse=True))
        self._hint = re.compile(rf"-[{ALPHABET}]{{{PSEUDONYM_LENGTH}}}")
        self._all = re.compile(
            rf"\[(?:{labels}|BORN (?:[12][0-9])?[0-9]0s|PHONE \+46|IBAN [A-Z]{{2}}|ADDRESS [1-9][0-9])\]"
            rf"|(?:{labels})-[{ALPHABET}]{{{PSEUDONYM_LENGTH}}}"
            rf"|{MASK}+"
        )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where treated places are, in order."""
        if "[" not in text and MASK not in text and not self._hint.search(text):
            return []
        return [match.span() for match in self._all.finditer(text)]


def pieces(start: int, end: int, protected: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield the parts of [start, end) that lie outside protected spans."""
    from bisect import bisect_right

    index = max(bisect_right(protected, (start, start)) - 1, 0)
    while index < len(protected) and protected[index][0] < end:
        low, high = protected[index]
        if high > start:
            if low > start:
                yield start, low
            start = max(start, high)
        index += 1
    if start < end:
        yield start, end
