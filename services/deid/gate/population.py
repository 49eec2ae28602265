"""Which places a steward is asked about: drawn at random from all places of a version, the same for the same run.

Every place of a sort, in a family of files, has the same chance, whatever file it is in: places are drawn by their
number among all of them, and only then is the file opened that holds the one drawn. A file keeps a random sample of its
places, not all of them (`Treated.SAMPLE` of each sort at most). A file of which more are drawn than it keeps becomes a
stratum of its own, with all that it keeps, and the draw is repeated among the others; so a few large files beside many
small ones are neither left out nor counted for less than they hold.

Families get equal shares, so that twelve pictures and a letter beside a register of thirty thousand cells are looked
at, too; what is estimated weighs each by what it has. Where one has so many places that what it may hide decides the
estimate, more are drawn of it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from services.deid.gate.estimate import Sort, untreated_places_needed

Key = tuple[Sort, str]
"""A sort of place, and the family of files that it is in (`text`, `image`, `table`)."""

SORTS: tuple[Sort, Sort] = ("treated", "untreated")
FEWEST = 10
"""Places that are drawn at least from all the files that are not set apart, if there are so many."""

T = TypeVar("T")

Load = Callable[[Sort, Sequence[int]], Awaitable[Mapping[int, Sequence[T]]]]
"""`async (sort, numbers)`: the places of a sort that these files keep, by the file's number."""


@dataclass(frozen=True)
class Drawn(Generic[T]):
    """A stratum: what was drawn from `total` places. `file`: of one large file alone; None: of all others."""

    sort: Sort
    family: str
    file: int | None
    total: int
    places: Sequence[T]

    def document(self) -> dict[str, Any]:
        """Return the stratum without its places, as JSON."""
        return {"sort": self.sort, "family": self.family, "file": self.file, "total": self.total}


class Population:
    """The places of a version: how many there are in which file. Holds two integers a file and sort."""

    def __init__(self) -> None:
        self._files: dict[Key, tuple[list[int], list[int]]] = {}

    def add(self, number: int, family: str, totals: Mapping[str, int]) -> None:
        """Count the places of file `number`."""
        for sort in SORTS:
            if (count := totals.get(sort, 0)) > 0:
                numbers, counts = self._files.setdefault((sort, family), ([], []))
                numbers.append(number)
                counts.append(count)

    def totals(self) -> dict[Key, int]:
        """Return how many places there are."""
        return {key: sum(counts) for key, (_, counts) in sorted(self._files.items())}

    def files(self, key: Key) -> dict[int, int]:
        """Return how many places of `key` each file has, by its number."""
        return dict(zip(*self._files[key], strict=True))

    def draw(self, key: Key, size: int, seed: int, apart: Collection[int] = ()) -> list[int]:
        """Draw places without replacement from all files but those `apart`; return the number of the file of each.

        `size` is what would be drawn from all; the files that are left get their share of it. `seed` decides which.
        """
        numbers, counts = np.array(self._files[key])
        every = int(counts.sum())
        others = ~np.isin(numbers, list(apart))
        numbers, counts = numbers[others], counts[others]
        left = int(counts.sum())
        share = min(left, max(min(FEWEST, size), round(size * left / every)))
        rng = np.random.default_rng([seed, SORTS.index(key[0]), *key[1].encode(), len(apart)])
        places = rng.choice(left, share, replace=False) if left else np.array([], dtype=int)
        return [int(number) for number in numbers[np.searchsorted(np.cumsum(counts), places, side="right")]]


async def draw_strata(places: Population, wanted: Mapping[Key, int], seed: int, load: Load[T]) -> list[Drawn[T]]:
    """Draw `wanted` places of each sort and family, opening only the files that hold some of them."""
    strata: list[Drawn[T]] = []
    for key, total in places.totals().items():
        sort, of = key
        files = places.files(key)
        apart: set[int] = set()
        while True:
            taken = Counter(places.draw(key, wanted[key], seed, apart))
            kept = {
                number: shuffled(held, seed, number, sort)
                for number, held in (await load(sort, sorted({*taken, *apart}))).items()
            }
            full = {number for number, count in taken.items() if count > len(kept[number])}
            if not full:
                break
            apart |= full
        if left := total - sum(files[number] for number in apart):
            drawn = [place for number, count in taken.items() for place in kept[number][:count]]
            strata.append(Drawn(sort, of, None, left, shuffled(drawn, seed, 0, sort)))
        strata += [Drawn(sort, of, number, files[number], kept[number]) for number in sorted(apart)]
    return strata


def shuffled(places: Sequence[T], seed: int, number: int, sort: Sort) -> list[T]:
    """Return the places that file `number` keeps of one sort in the order in which they are taken from it."""
    order = np.random.default_rng([seed, number, SORTS.index(sort)]).permutation(len(places))
    return [places[int(index)] for index in order]


def sizes(totals: Mapping[Key, int], *, places: int, most: int, reviewed: int, recall: float) -> dict[Key, int]:
    """Return how many places to draw of each sort in each family.

    Half of `places` (or of `reviewed`, what the terms want judged, if that is more) of either sort, equal shares of it
    in each family; where there are fewer, the others fill up. Beyond that more untreated ones of the families that have
    most of them, up to `most` in all, where so many are needed to show a recall of `recall` (0 to 1).
    """
    treated, untreated = ({key: n for key, n in totals.items() if key[0] == sort} for sort in SORTS)
    every, rest = sum(treated.values()), sum(untreated.values())
    places = max(places, reviewed)
    half = (places + 1) // 2
    drawn = _shared(max(half, places - rest), treated)
    shares = _shared(max(half, places - every), untreated)
    budget = most - sum(drawn.values()) - sum(shares.values())
    for key in sorted(untreated, key=lambda key: -untreated[key]):
        needed = untreated_places_needed(every, untreated[key], recall) if every else 0
        more = max(0, min(needed - shares[key], budget))
        shares[key] += more
        budget -= more
    return drawn | shares


def _shared(size: int, totals: Mapping[Key, int]) -> dict[Key, int]:
    """Return equal shares of `size`, none larger than what there is; what one cannot take the others get."""
    shares: dict[Key, int] = {}
    for left, (key, total) in zip(
        range(len(totals), 0, -1), sorted(totals.items(), key=lambda item: item[1]), strict=True
    ):
        shares[key] = min(total, -(-size // left))
        size -= shares[key]
    return shares


def queue(strata: Sequence[Drawn[T]]) -> list[tuple[int, T]]:
    """Return what was drawn, each with its stratum's index, in the order in which it is to be judged.

    Treated and untreated places take turns, and within either the strata are spread evenly, so that the judgements of
    somebody who stops at any place stand for the whole.
    """
    by_sort: dict[Sort, list[tuple[int, T]]] = {}
    for sort in SORTS:
        spread = [
            ((position + 0.5) / len(stratum.places), index, place)
            for index, stratum in enumerate(strata)
            if stratum.sort == sort
            for position, place in enumerate(stratum.places)
        ]
        by_sort[sort] = [(index, place) for _, index, place in sorted(spread, key=lambda entry: entry[:2])]
    order: list[tuple[int, T]] = []
    for position in range(max((len(places) for places in by_sort.values()), default=0)):
        for sort in SORTS:
            order += by_sort[sort][position : position + 1]
    return order
