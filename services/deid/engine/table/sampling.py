"""Findings and places of a table: a bounded, fair sample, the same each time the same file is treated."""

import hashlib
import heapq
import hmac
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from services.deid.engine.operator import Finding, Keys, Place, Treated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

SPANS = 256
"""Findings of one cell that a sample may choose among."""


def ranks(counts: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Return 0, 1, … within each of the given counts."""
    import numpy as np

    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(int(counts.sum())) - starts


PART = 400
"""Characters of untreated cells that a steward judges at a time."""
PARTS = 1 << 20
"""More parts than a row has."""


def parts(rows: "NDArray[np.int64]", lengths: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Number the parts of rows whose untreated cells have so many characters: row × PARTS + part."""
    import numpy as np

    counts = np.minimum(np.maximum(-(-lengths // PART), 1), PARTS)
    return np.repeat(rows, counts) * PARTS + ranks(counts)


def part_of(cells: Sequence[str], part: int) -> str:
    """Return a part of a row's untreated cells."""
    return " | ".join(cells)[part * PART : (part + 1) * PART]


class Sample(Generic[T]):
    """Keeps `size` of however many are offered, each as likely as any other (a random key each, smallest kept).

    Keys come from a seeded generator: the sample does not depend on how the file is cut in
    blocks.
    """

    def __init__(self, seed: bytes, size: int = Treated.SAMPLE) -> None:
        import numpy as np

        self._random = np.random.Generator(np.random.PCG64(int.from_bytes(seed[:16], "big")))
        self._size = size
        self._kept: list[tuple[float, int, T]] = []  # a heap, largest key first (negated)
        self.offered = 0

    def offer(self, candidates: "NDArray[np.integer]", make: Callable[[int], T]) -> None:
        """Offer candidates by number, in file order; `make` is called for those that are kept for now."""
        import numpy as np

        if not len(candidates):
            return
        keys = self._random.random(len(candidates))
        limit = -self._kept[0][0] if len(self._kept) == self._size else 2.0
        near = np.flatnonzero(keys < limit)
        if len(near) > self._size:
            near = near[np.argsort(keys[near], kind="stable")[: self._size]]
        for index in near.tolist():
            key = float(keys[index])
            if len(self._kept) < self._size:
                heapq.heappush(self._kept, (-key, -(self.offered + index), make(int(candidates[index]))))
            elif key < -self._kept[0][0]:
                heapq.heapreplace(self._kept, (-key, -(self.offered + index), make(int(candidates[index]))))
        self.offered += len(candidates)

    def items(self) -> list[T]:
        """Return what was kept, in file order."""
        return [item for _, _, item in sorted(self._kept, key=lambda kept: -kept[1])]


class Tally:
    """What treatment of one table adds up to."""

    def __init__(self, content: bytes, keys: Keys) -> None:
        # Keyed: what is drawn for review cannot be foreseen by whoever made the file.
        seed = hmac.new(keys.pseudonym, b"sample\0" + hashlib.sha256(content).digest(), hashlib.sha256).digest()
        self.counts: dict[str, dict[str, int]] = {}
        self.findings: Sample[Finding | Callable[[], Finding]] = Sample(seed)
        self.treated: Sample[Place | Callable[[], Place]] = Sample(seed[8:])
        self.untreated: Sample[Place | Callable[[], Place]] = Sample(seed[16:])
        """What was drawn, or how to write it when the table is done."""

    def count(self, kind: str, found: int, treated: int) -> None:
        """Add to a kind's counts."""
        if found or treated:
            counted = self.counts.setdefault(kind, {"found": 0, "treated": 0})
            counted["found"] += found
            counted["treated"] += treated

    def fill(self, result: Treated) -> Treated:
        """Put counts, findings, places and totals into the result."""
        result.counts = {kind: self.counts[kind] for kind in sorted(self.counts)}
        result.findings = [item if isinstance(item, Finding) else item() for item in self.findings.items()]
        drawn = self.treated.items() + self.untreated.items()
        result.places = [item if isinstance(item, Place) else item() for item in drawn]
        result.totals = {"treated": self.treated.offered, "untreated": self.untreated.offered}
        return result
