"""Which places a steward is asked about: drawn at random from all places of a version, the same for the same run.

Every place of a stratum (a sort of place in one family of files) has the same chance, whatever file it is in: places
are drawn by their number among all places of the stratum, and only then is the file opened that holds the one drawn.
A file keeps a random sample of its places, not all of them (`Treated.SAMPLE` of each sort); when more are drawn of it
than it keeps, drawing in that stratum ends there, for going on elsewhere would favour the small files.

Strata get places in proportion to their size, since what is missed in the largest weighs most; but at least a few each,
so that twelve pictures among twenty thousand texts are looked at, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from services.deid.gate.estimate import Sort, untreated_places_needed

StratumKey = tuple[Sort, str]
"""A sort of place, and the family of files that it is in (`text`, `picture`, `table`)."""

SORTS: tuple[Sort, Sort] = ("treated", "untreated")
FEWEST = 10
"""Places that a stratum gets at least, if it has so many."""

T = TypeVar("T")


@dataclass(frozen=True)
class Pick:
    """The `nth` place (from 0, in the order of `shuffled`) of file `number` in its stratum."""

    number: int
    nth: int


class Population:
    """The places of a version: how many there are in which file. Holds two integers a file and sort."""

    def __init__(self) -> None:
        self._files: dict[StratumKey, tuple[list[int], list[int]]] = {}

    def add(self, number: int, family: str, totals: Mapping[str, int]) -> None:
        """Count the places of file `number`."""
        for sort in SORTS:
            if (count := totals.get(sort, 0)) > 0:
                numbers, counts = self._files.setdefault((sort, family), ([], []))
                numbers.append(number)
                counts.append(count)

    def totals(self) -> dict[StratumKey, int]:
        """Return how many places there are, by stratum."""
        return {key: sum(counts) for key, (_, counts) in sorted(self._files.items())}

    def draw(self, sizes: Mapping[StratumKey, int], seed: int) -> dict[StratumKey, list[Pick]]:
        """Draw places without replacement, in random order, `sizes` of each stratum; `seed` decides which."""
        drawn: dict[StratumKey, list[Pick]] = {}
        for index, (key, total) in enumerate(self.totals().items()):
            numbers, counts = self._files[key]
            size = min(sizes.get(key, 0), total)
            places = np.random.default_rng([seed, index]).choice(total, size, replace=False)
            files = np.searchsorted(np.cumsum(counts), places, side="right")
            taken: dict[int, int] = {}
            picks: list[Pick] = []
            for file in files:
                number = numbers[int(file)]
                picks.append(Pick(number, taken.get(number, 0)))
                taken[number] = picks[-1].nth + 1
            drawn[key] = picks
        return drawn


def shuffled(places: Sequence[T], seed: int, number: int, sort: Sort) -> list[T]:
    """Return the places that file `number` keeps of one sort in the order in which `Pick.nth` counts them."""
    order = np.random.default_rng([seed, number, SORTS.index(sort)]).permutation(len(places))
    return [places[int(index)] for index in order]


def sizes(
    totals: Mapping[StratumKey, int], *, places: int, most: int, reviewed: int, recall: float
) -> dict[StratumKey, int]:
    """Return how many places to draw from each stratum.

    Half of `places` (or of `reviewed`, what the terms want judged, if that is more) of either sort; where one sort has
    fewer, the other fills up. Beyond that more untreated ones, up to `most` in all, where so many are needed to show a
    recall of `recall` (0 to 1). Whoever judges may stop earlier.
    """
    treated, untreated = (sum(n for (sort, _), n in totals.items() if sort == which) for which in SORTS)
    places = max(places, reviewed)
    half = (places + 1) // 2
    of_treated = min(treated, max(half, places - untreated))
    of_untreated = min(untreated, max(half, places - treated))
    wanted = untreated_places_needed(treated, untreated, recall) if treated else 0
    of_untreated = max(of_untreated, min(untreated, wanted, most - of_treated))
    return {
        **_shared(of_treated, {key: n for key, n in totals.items() if key[0] == "treated"}),
        **_shared(of_untreated, {key: n for key, n in totals.items() if key[0] == "untreated"}),
    }


def _shared(size: int, totals: Mapping[StratumKey, int]) -> dict[StratumKey, int]:
    every = sum(totals.values())
    return {key: min(n, max(FEWEST, round(size * n / every))) for key, n in totals.items() if every}


def queue(drawn: Mapping[StratumKey, Sequence[T]]) -> list[tuple[StratumKey, T]]:
    """Return what was drawn in the order in which it is to be judged.

    Treated and untreated places take turns, and within either the strata are spread evenly, so that the judgements of
    somebody who stops at any place stand for the whole.
    """
    by_sort: dict[Sort, list[tuple[StratumKey, T]]] = {}
    for sort in SORTS:
        spread = [
            ((index + 0.5) / len(picks), key, pick)
            for key, picks in sorted(drawn.items(), key=lambda item: item[0])
            if key[0] == sort
            for index, pick in enumerate(picks)
        ]
        by_sort[sort] = [(key, pick) for _, key, pick in sorted(spread, key=lambda entry: entry[:2])]
    order: list[tuple[StratumKey, T]] = []
    for index in range(max((len(entries) for entries in by_sort.values()), default=0)):
        for sort in SORTS:
            order += by_sort[sort][index : index + 1]
    return order
