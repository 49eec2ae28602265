"""What finders give, what a plan gives, and how overlapping findings are settled."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class Candidate(NamedTuple):
    """Something that a finder found, with offsets into the folded text."""

    start: int
    end: int
    kind: str
    normal: str
    """The same for every way of writing the same thing: what pseudonyms and surrogates are made from."""
    weak: bool = False
    """Another finder's reading goes first, whatever the recipe's order (a ten-digit phone that may be a birth date)."""


class Span(NamedTuple):
    """A treated place: [start, end) of the ORIGINAL text, and what stands there now."""

    start: int
    end: int
    kind: str
    operator: str
    after: str


class Claim(NamedTuple):
    """A candidate that takes part in settling overlaps, with offsets into the original text."""

    start: int
    end: int
    order: int
    """Place of its operator in the recipe; lower goes first."""
    candidate: Candidate
    written: str
    """What the candidate itself covers; start and end may come to reach over what losers covered."""


def settle(claims: Iterable[Claim]) -> list[Claim]:
    """Return claims that do not overlap, by offset: the recipe's order decides, then length, then place.

    A loser's characters that no winner covers are given to the winner beside them, so nothing that anyone found is left
    standing in part.
    """
    ordered = sorted(claims)
    if all(map(_apart, ordered, ordered[1:])):
        return ordered
    settled: list[Claim] = []
    together: list[Claim] = []
    reach = -1
    for claim in ordered:
        if claim.start >= reach and together:
            settled += together if len(together) == 1 else _settle_together(together)
            together = []
        together.append(claim)
        if claim.end > reach:
            reach = claim.end
    return settled + (together if len(together) <= 1 else _settle_together(together))


def _apart(before: Claim, after: Claim) -> bool:
    return before.end <= after.start


def _settle_together(claims: list[Claim]) -> list[Claim]:
    """Settle claims of which each overlaps another."""
    ranked = sorted(claims, key=lambda c: (c.candidate.weak, c.order, c.start - c.end, c.start))
    starts: list[int] = []
    won: list[Claim] = []
    for claim in ranked:
        low = bisect_right(starts, claim.start) - 1
        if low < 0 or won[low].end <= claim.start:
            low += 1
        high = bisect_left(starts, claim.end)
        if low >= high:
            starts.insert(low, claim.start)
            won.insert(low, claim)
            continue
        if claim.start < starts[low]:
            starts[low] = claim.start
            won[low] = won[low]._replace(start=claim.start)
        for index in range(low, high):
            reach = min(claim.end, starts[index + 1]) if index + 1 < high else claim.end
            if reach > won[index].end:
                won[index] = won[index]._replace(end=reach)
    return won
