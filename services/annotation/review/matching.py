"""How alike places are, and which mark of one annotator is which of another. Pure.

Likeness is the intersection over the union (Jaccard 1912): of areas for boxes and polygons, of characters for spans.
Marks are matched one to one such that the sum of likeness is the greatest there is (the assignment problem, Kuhn 1955).
Only pairs whose bounding boxes meet are looked at, so that thousands of marks of one item cost little; where thousands
lie on top of each other, `TooDense` is raised before time and memory are spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.annotation.campaigns.shapes import Mark

MAX_PAIRS: Final = 250_000
"""Pairs of meeting marks that are compared for two answers on one item: ten thousand marks with 25 neighbours each."""
MAX_WORK: Final = 200_000_000
"""Products of the points of two polygons, over all pairs: bounds the crossings that they can have."""
_DENSE: Final = 10_000
"""Up to so many cells a whole matrix is faster than a sparse one."""
_CELLS: Final = 1_000_000
"""Bounding boxes that are compared at once."""

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class TooDense(Exception):
    """So many marks of one item lie on top of each other that they are not compared."""


@dataclass(frozen=True)
class Pairs:
    """Which marks are alike, and how much: `likeness[k]`, in 0–1 and above 0, of `first[k]` and `second[k]`."""

    first: Indices
    second: Indices
    likeness: Floats
    shape: tuple[int, int]
    """How many marks there are on each side."""

    def at_least(self, least: float) -> "Pairs":
        """Return the pairs that are at least so much alike."""
        return self.only(np.nonzero(self.likeness >= least)[0])

    def only(self, kept: Indices | Sequence[int]) -> "Pairs":
        """Return some of the pairs, by index."""
        kept = np.asarray(kept, dtype=np.intp)
        return Pairs(self.first[kept], self.second[kept], self.likeness[kept], self.shape)

    def turned(self) -> "Pairs":
        """Return the pairs with the two sides exchanged."""
        return Pairs(self.second, self.first, self.likeness, (self.shape[1], self.shape[0]))


def compare(first: Sequence[Mark], second: Sequence[Mark]) -> Pairs:
    """Return every pair of marks with an overlap; raise TooDense. All marks have one geometry."""
    shape = (len(first), len(second))
    if not first or not second:
        return Pairs(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0), shape)
    a, b = _bounds(first), _bounds(second)
    i, j = _meeting(a, b)
    if first[0].polygon is not None:
        likeness = _areas_alike(first, second, i, j)
    else:
        # Boxes, and spans as boxes one high: width and height of what both cover.
        sides = np.minimum(a[i, 2:], b[j, 2:]) - np.maximum(a[i, :2], b[j, :2])
        likeness = _ratio(np.clip(sides, 0, None).prod(axis=1), _area(a)[i], _area(b)[j])
    kept = likeness > 0
    return Pairs(i[kept], j[kept], likeness[kept], shape)


def _bounds(marks: Sequence[Mark]) -> Floats:
    """Return x0, y0, x1, y1 of each mark; shape (marks, 4)."""

    def of(mark: Mark) -> tuple[float, float, float, float]:
        if mark.box is not None:
            x, y, w, h = mark.box
            return (x, y, x + w, y + h)
        if mark.polygon is not None:
            xs, ys = zip(*mark.polygon, strict=True)
            return (min(xs), min(ys), max(xs), max(ys))
        if mark.span is not None:
            return (mark.span[0], 0, mark.span[1], 1)
        raise ValueError("a mark without geometry is of no place")

    return np.array([of(mark) for mark in marks], dtype=np.float64)


def _meeting(a: Floats, b: Floats) -> tuple[Indices, Indices]:
    """Return the indices of the bounding boxes that meet, row by row."""
    rows = max(1, _CELLS // len(b))
    found: list[tuple[Indices, Indices]] = []
    count = 0
    for start in range(0, len(a), rows):
        some = a[start : start + rows, None, :]
        meet = (some[..., 0] < b[:, 2]) & (b[:, 0] < some[..., 2]) & (some[..., 1] < b[:, 3]) & (b[:, 1] < some[..., 3])
        i, j = np.nonzero(meet)
        count += len(i)
        if count > MAX_PAIRS:
            raise TooDense
        found.append((i + start, j))
    return np.concatenate([i for i, _ in found]), np.concatenate([j for _, j in found])


def _area(bounds: Floats) -> Floats:
    return (bounds[:, 2:] - bounds[:, :2]).prod(axis=1)


def _ratio(both: Floats, first: Floats, second: Floats) -> Floats:
    """Return intersection over union. A place too small to have an area in floats is like nothing."""
    union = first + second - both
    return np.clip(np.divide(both, union, out=np.zeros_like(both), where=union > 0), 0, 1)


def _areas_alike(first: Sequence[Mark], second: Sequence[Mark], i: Indices, j: Indices) -> Floats:
    import shapely  # slow to import: where it is used

    points, others = (np.array([len(mark.polygon or ()) for mark in marks]) for marks in (first, second))
    if int((points[i] * others[j]).sum()) > MAX_WORK:
        raise TooDense
    a, b = _polygons(first), _polygons(second)
    return _ratio(shapely.area(shapely.intersection(a[i], b[j])), shapely.area(a)[i], shapely.area(b)[j])


def _polygons(marks: Sequence[Mark]) -> NDArray[Any]:
    """Return areas; of a ring that is not simple, which no campaign takes, what it goes around."""
    import shapely

    rings = np.array([shapely.Polygon(mark.polygon) for mark in marks], dtype=object)
    return shapely.make_valid(rings, method="structure", keep_collapsed=False)


def match(pairs: Pairs) -> list[int]:
    """Return which pairs (indices into them) make the matching one to one with the greatest sum of likeness."""
    count = len(pairs.likeness)
    if count == len(set(pairs.first.tolist())) == len(set(pairs.second.tolist())):
        return list(range(count))  # mostly, nothing has two that it could be
    rows, columns = pairs.shape
    if rows * columns <= _DENSE:
        return _match_dense(pairs)
    return _match_sparse(pairs)


def _match_dense(pairs: Pairs) -> list[int]:
    from scipy.optimize import linear_sum_assignment  # slow to import: where it is used

    matrix = np.zeros(pairs.shape)
    matrix[pairs.first, pairs.second] = pairs.likeness
    where = np.full(pairs.shape, -1)
    where[pairs.first, pairs.second] = np.arange(len(pairs.likeness))
    chosen = where[linear_sum_assignment(matrix, maximize=True)]
    return sorted(int(k) for k in chosen if k >= 0)


def _match_sparse(pairs: Pairs) -> list[int]:
    """The same without a matrix: each row may also stay alone, with a column of its own that nobody else has."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, columns = pairs.shape
    alone = np.arange(rows)
    i, j = np.concatenate([pairs.first, alone]), np.concatenate([pairs.second, columns + alone])
    # SciPy reads a cost of zero as no edge: all costs are above it.
    cost = np.concatenate([4.0 - pairs.likeness, np.full(rows, 4.0)])
    graph = csr_array((cost, (i, j)), shape=(rows, columns + rows))
    chosen = dict(zip(*(side.tolist() for side in min_weight_full_bipartite_matching(graph)), strict=True))
    both = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return [k for k, (row, column) in enumerate(both) if chosen[row] == column]


def prefer(pairs: Pairs, first: Sequence[Mark], second: Sequence[Mark]) -> Pairs:
    """Return the pairs with a grain added where the labels are the same: it decides between equals, no more."""
    same = [first[i].label == second[j].label for i, j in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)]
    return Pairs(pairs.first, pairs.second, pairs.likeness + 1e-6 * np.array(same, dtype=np.float64), pairs.shape)
