"""A folded text with what several finders ask of it, found once: where digits stand."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple, Protocol

from services.deid.engine.text.folding import Folded
from services.deid.engine.text.spans import Candidate

_CLUSTER = re.compile(r"[0-9][0-9\s.()/+\-]*")
_RUN = re.compile(r"[0-9]+")


class Cluster(NamedTuple):
    """A stretch of digits and what stands between the digits of one number; ends with a digit."""

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
    def clusters(self) -> list[Cluster]:
        """The stretches of digits, in order."""
        clusters: list[Cluster] = []
        for match in _CLUSTER.finditer(self.text):
            start, end = match.span()
            runs = [run.span() for run in _RUN.finditer(self.text, start, end)]
            clusters.append(Cluster(start, runs[-1][1], runs, sum(b - a for a, b in runs)))
        return clusters


class Finder(Protocol):
    """Finds one operator's kinds in a text. Linear in the text's length, whatever the text."""

    def __call__(self, scan: Scan) -> Iterator[Candidate]: ...
