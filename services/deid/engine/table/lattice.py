"""The search for a generalisation: which level of each column's ladder, so that little is lost and k holds.

The lattice of levels is searched for the node of least loss (normalised certainty penalty of the rows kept, and 1 for
each row left over; Xu et al. 2006). What a node would lose if it kept every row bounds its loss from below and is
known without looking at the table, so nodes are tried in that order and the search stops when no bound is better than
the best found: an optimum, as OLA (El Emam et al. 2009) and Flash (Kohlmayer et al. 2012) find it. Of big lattices a
path is walked greedily.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from services.deid.engine.table.hierarchies import Ladder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Node = tuple[int, ...]
"""A level for each column."""

EXHAUSTIVE = 3_000
"""Nodes up to which a lattice is searched whole, …"""
_LOOKS = 200_000_000
"""… unless nodes times combinations are more than these: then it would take minutes."""


@dataclass(frozen=True)
class People:
    """The table as the search sees it: distinct combinations of values, with their rows and persons."""

    codes: "list[NDArray[np.int32]]"
    """Of each column, the distinct value's number in each combination."""
    rows: "NDArray[np.int64]"
    """Of each combination, how many rows have it."""
    alone: "NDArray[np.int64]"
    """Of each combination, how many persons have rows in it and in no other."""
    shared_in: "NDArray[np.int64]"
    """Pairs of (combination, person) for persons with rows in several combinations: the combination …"""
    shared_by: "NDArray[np.int64]"
    """… and the person, numbered from 0."""

    def part(self, keep: "NDArray[np.bool_]") -> "People":
        """Return only some combinations."""
        import numpy as np

        number = np.cumsum(keep) - 1
        pairs = keep[self.shared_in]
        return People(
            [codes[keep] for codes in self.codes],
            self.rows[keep],
            self.alone[keep],
            number[self.shared_in[pairs]],
            self.shared_by[pairs],
        )


def people(ladders: Sequence[Ladder], persons: "NDArray[np.int64] | None") -> "tuple[People, NDArray[np.int64]]":
    """Gather rows into combinations: (the combinations, the combination of each row).

    `persons` numbers each row's person; without it every row is a person of its own.
    """
    import numpy as np

    keys = _keys([ladder.code for ladder in ladders], [len(ladder.labels[0]) for ladder in ladders])
    _, first, of_row = np.unique(keys, return_index=True, return_inverse=True)
    count = len(first)
    rows = np.bincount(of_row, minlength=count)
    codes = [ladder.code[first] for ladder in ladders]
    none = np.empty(0, np.int64)
    if persons is None:
        return People(codes, rows, rows, none, none), of_row
    total = int(persons.max()) + 1 if len(persons) else 0
    pairs = np.unique(of_row * total + persons)
    combination, person = pairs // max(total, 1), pairs % max(total, 1)
    single = np.bincount(person, minlength=total)[person] == 1
    alone = np.bincount(combination[single], minlength=count)
    _, shared_by = np.unique(person[~single], return_inverse=True)
    return People(codes, rows, alone, combination[~single], shared_by.astype(np.int64)), of_row


def _keys(codes: "Sequence[NDArray[np.int32]]", sizes: Sequence[int]) -> "NDArray[np.int64]":
    """One number for each combination of codes; made dense between columns where the product would not fit."""
    import numpy as np

    keys = codes[0].astype(np.int64)
    room = max(sizes[0], 1)
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        if room * size >= 2**62:
            distinct, keys = np.unique(keys, return_inverse=True)
            room = len(distinct)
        keys = keys * size + code
        room *= max(size, 1)
    return keys


@dataclass(frozen=True)
class Outcome:
    """What a node does to the combinations."""

    node: Node
    kept: "NDArray[np.bool_]"
    """Which combinations stand in a class of k persons or more."""
    rows_left: int
    """Rows of the others."""
    loss: float
    """Of the kept rows, the sum of their mean penalties."""

    def cost(self, weight: float) -> float:
        """Loss, with `weight` for each row left over."""
        return self.loss + weight * self.rows_left


class Search:
    """One table's lattice; nodes already looked at are remembered."""

    def __init__(self, ladders: Sequence[Ladder], table: People, k: int) -> None:
        self.ladders = ladders
        self.table = table
        self.k = k
        self._tried: dict[Node, Outcome] = {}
        self._rows = int(table.rows.sum())
        self._codes: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._penalties: dict[tuple[int, int], tuple[NDArray[np.float64], float]] = {}

    @property
    def top(self) -> Node:
        """The coarsest node."""
        return tuple(len(ladder.names) - 1 for ladder in self.ladders)

    def bound(self, node: Node) -> float:
        """What the node would lose if it kept every row: no less is possible."""
        return sum(self._penalty(column, level)[1] for column, level in enumerate(node))

    def best(self, weight: float, most_left: float) -> Outcome | None:
        """Return the cheapest node that leaves at most `most_left` rows over, or None."""
        size = 1
        for ladder in self.ladders:
            size *= len(ladder.names)
        if size <= EXHAUSTIVE and size * len(self.table.rows) <= _LOOKS:
            return self._exhaustive(weight, most_left)
        return self._greedy(weight, most_left)

    def _exhaustive(self, weight: float, most_left: float) -> Outcome | None:
        nodes = list(product(*(range(len(ladder.names)) for ladder in self.ladders)))
        bounds = sorted((self.bound(node), node) for node in nodes)
        best: Outcome | None = None
        failed: list[Node] = []
        for bound, node in bounds:
            if best is not None and bound >= best.cost(weight):
                break
            if any(all(a <= b for a, b in zip(node, bad, strict=True)) for bad in failed):
                continue  # finer than a node that leaves too much: leaves no less
            outcome = self.at(node)
            too_much = outcome.rows_left > most_left
            if too_much or (best is not None and weight * outcome.rows_left >= best.cost(weight)):
                failed.append(node)
            if not too_much and (best is None or outcome.cost(weight) < best.cost(weight)):
                best = outcome
        return best

    def _greedy(self, weight: float, most_left: float) -> Outcome | None:
        """Climb from the finest node by the step that saves most, then step down from the best while that pays."""
        node: Node = tuple(0 for _ in self.ladders)
        best: Outcome | None = None
        current = self.at(node)
        while True:
            if current.rows_left <= most_left and (best is None or current.cost(weight) < best.cost(weight)):
                best = current
            if current.rows_left == 0 or (best is not None and self.bound(node) >= best.cost(weight)):
                break
            steps = [self.at(up) for up in self._up(node)]
            if not steps:
                break
            before = current
            # Rows won for each unit of penalty: what the steepest step is.
            current = max(
                steps,
                key=lambda o: (
                    (before.rows_left - o.rows_left + 0.01)
                    / (self.bound(o.node) - self.bound(before.node) + 1e-6 * self._rows),
                    o.node,
                ),
            )
            node = current.node
        while best is not None:
            held = best
            lower = [o for down in self._down(best.node) if (o := self.at(down)).rows_left <= most_left]
            nearer = min(lower, key=lambda o: (o.cost(weight), o.node), default=None)
            if nearer is None or nearer.cost(weight) >= held.cost(weight):
                break
            best = nearer
        return best

    def _up(self, node: Node) -> Iterator[Node]:
        for column, level in enumerate(node):
            if level + 1 < len(self.ladders[column].names):
                yield (*node[:column], level + 1, *node[column + 1 :])

    def _down(self, node: Node) -> Iterator[Node]:
        for column, level in enumerate(node):
            if level:
                yield (*node[:column], level - 1, *node[column + 1 :])

    def at(self, node: Node) -> Outcome:
        """Look at a node: which combinations it keeps, and at what loss."""
        if node not in self._tried:
            self._tried[node] = self._look(node)
        return self._tried[node]

    def _look(self, node: Node) -> Outcome:
        import numpy as np

        table = self.table
        keys, room = self._class_keys(node)
        persons = np.bincount(keys, weights=table.alone, minlength=room)
        if len(table.shared_in):
            number = int(table.shared_by.max()) + 1
            pairs = np.unique(keys[table.shared_in] * number + table.shared_by)
            persons += np.bincount(pairs // number, minlength=room)
        kept = (persons >= self.k)[keys]
        rows = table.rows * kept
        loss = sum(float(self._penalty(column, level)[0] @ rows) for column, level in enumerate(node) if level)
        return Outcome(node, kept, self._rows - int(rows.sum()), loss)

    def _class_keys(self, node: Node) -> "tuple[NDArray[np.int64], int]":
        """The class of each combination at a node, as numbers below a room that counting can afford."""
        import numpy as np

        keys: NDArray[np.int64] | None = None
        room = 1
        afford = 4 * len(self.table.rows) + 65_536
        for column, level in enumerate(node):
            size = len(self.ladders[column].labels[level])
            if size <= 1:
                continue
            if keys is not None and room * size >= 2**62:
                distinct, keys = np.unique(keys, return_inverse=True)
                room = len(distinct)
            code = self._code(column, level)
            keys = code if keys is None else keys * size + code
            room *= size
        if keys is None:
            return np.zeros(len(self.table.rows), np.int64), 1
        if room > afford:
            distinct, keys = np.unique(keys, return_inverse=True)
            room = len(distinct)
        return keys, room

    def _code(self, column: int, level: int) -> "NDArray[np.int64]":
        import numpy as np

        if (column, level) not in self._codes:
            mapped = self.ladders[column].maps[level].astype(np.int64)
            self._codes[column, level] = mapped[self.table.codes[column]]
        return self._codes[column, level]

    def _penalty(self, column: int, level: int) -> "tuple[NDArray[np.float64], float]":
        """Each combination's penalty in one column (a part of the row's mean), and its sum over all rows."""
        if (column, level) not in self._penalties:
            each = self.ladders[column].loss[level][self._code(column, level)] / len(self.ladders)
            self._penalties[column, level] = each, float(each @ self.table.rows)
        return self._penalties[column, level]
