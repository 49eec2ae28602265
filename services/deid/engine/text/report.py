"""What a report is told of a treated file: counts, findings as patterns, and places for a steward to judge."""

import hashlib
import re

_AROUND = 80
"""Characters of treated text on either side of a treated place."""
_UNIT = 200
"""An untreated place is one line or sentence, of at most so many characters."""
_SENTENCE = re.compile(r"[^\n.!?]*(?:[.!?]+(?=\s|$)|\n|$)|[^\n]")


class Sample:
    """A simple random sample of a stream, the same for the same content: the smallest keyed hashes are kept."""

    def __init__(self, seed: bytes, size: int) -> None:
        self._seed, self._size = seed, size
        self._kept: list[tuple[int, int, object]] = []
        self.total = 0

    def wants(self) -> int | None:
        """Count one more and return its rank if it belongs to the sample so far, else None."""
        self.total += 1
        mixed = hashlib.blake2b(self.total.to_bytes(8, "big"), digest_size=8, key=self._seed[:32]).digest()
        rank = int.from_bytes(mixed, "big")
        return rank if len(self._kept) < self._size or rank < self._kept[-1][0] else None

    def keep(self, rank: int, thing: object) -> None:
        """Keep a thing that was wanted."""
        self._kept.append((rank, self.total, thing))
        self._kept.sort(key=lambda kept: kept[:2])
        del self._kept[self._size :]

    def things(self) -> list[object]:
        """Return the sample in the order of the stream."""
        return [thing for _, _, thing in sorted(self._kept, key=lambda kept: kept[1])]
