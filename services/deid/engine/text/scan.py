"""A folded text with what several finders ask of it, made once: its shape, and where long stretches of digits stand."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, Protocol

from services.deid.engine.text.folding import Folded
from services.deid.engine.text.spans import Candidate

_SHAPES = bytes(
    ord("9") if 0x30 <= byte <= 0x39 else ord(chr(byte).lower()) if chr(byte).lower() <= "\xff" else byte
    for byte in range(256)
)
LETTER = rb"a-z\xdf-\xf6\xf8-\xff"
"""Letters of a text's shape, for a set of a bytes pattern."""
_CLUSTER = re.compile(rb"9(?:[\s.()/+\-]{0,12}9){4,}")
_RUN = re.compile(rb"9+")


class Cluster(NamedTuple):
    """A stretch of five digits or more, with what stands between the digits of one number."""

    start: int
    end: int
    runs: list[tuple[int, int]]
    """Where its unbroken digits begin and end."""
    digits: int
    """How many digits there are."""


class Scan:
    """A folded text to find in. Nothing is computed before a finder asks for it."""

    def __init__(self, folded: Folded) -> None:
        self.folded = folded
        self.text = folded.text

    @cached_property
    def shape(self) -> bytes:
        """The text in Latin-1, one byte a character: digits are `9`, letters small, what Latin-1 lacks is `?`.

        Identifiers hold digits, and a pattern that begins with one known byte is searched for many times faster than
        one that begins with a set: most of a text is never looked at in more than one comparison.
        """
        return self.text.encode("latin-1", "replace").translate(_SHAPES)

    @cached_property
    def clusters(self) -> list[Cluster]:
        """The stretches of digits, in order."""
        shape = self.shape
        clusters: list[Cluster] = []
        for match in _CLUSTER.finditer(shape):
            start, end = match.span()
            count = match.group().count(b"9")
            if count == end - start:
                clusters.append(Cluster(start, end, [(start, end)], count))
            else:
                clusters.append(Cluster(start, end, [run.span() for run in _RUN.finditer(shape, start, end)], count))
        return clusters


class Finder(Protocol):
    """Finds one operator's kinds in a text. Linear in the text's length, whatever the text."""

    def __call__(self, scan: Scan) -> Iterator[Candidate]: ...
