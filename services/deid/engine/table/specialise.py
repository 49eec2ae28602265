"""Local recoding from the top down: Mondrian (LeFevre et al. 2006) on ladders (Fung, Wang and Yu 2005).

All rows begin in one class where every column stands at its top. Round by round each class takes the one step down, in
one column, that wins most for what it tells. Rows whose new class would hold fewer than k persons stay behind
together; if those are fewer than k, the smallest new class stays with them. So every class holds k persons at every
moment and no row is ever suppressed, and a few odd rows cost their own precision only, not everybody's. All classes
step in the same pass over arrays.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from services.deid.engine.table.hierarchies import Ladder
from services.deid.engine.table.lattice import People

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def factorise(keys: "NDArray[np.int64]", room: int) -> "tuple[NDArray[np.int64], int]":
    """Number the distinct keys (each below `room`) from 0, in order: (the numbers, how many)."""
    import numpy as np

    if room <= 8 * len(keys) + 65_536:
        there = np.zeros(room, np.bool_)
        there[keys] = True
        numbers = np.cumsum(there) - 1
        return numbers[keys], int(numbers[-1]) + 1 if room else 0
    distinct, numbered = np.unique(keys, return_inverse=True)
    return numbered, len(distinct)


def _rows_log_rows(rows: "NDArray[Any]") -> "NDArray[np.float64]":
    import numpy as np

    return (rows * np.log2(np.maximum(rows, 1.0))).astype(np.float64)


_FREE_BITS = 0.1
"""Added to what a step tells of its rows, so that one which tells next to nothing is not worth everything."""


class Specialisation:
    """The classes of one table on their way down."""

    def __init__(self, ladders: Sequence[Ladder], table: People, k: int) -> None:
        import numpy as np

        self._ladders = ladders
        self._table = table
        self._k = k
        self._maps = [np.stack(ladder.maps) for ladder in ladders]
        self._losses = [
            np.stack([loss[mapped] for loss, mapped in zip(ladder.loss, ladder.maps, strict=True)])
            for ladder in ladders
        ]
        self._sizes = [max((len(labels) for labels in ladder.labels), default=1) for ladder in ladders]
        self.levels = [np.full(len(table.rows), len(ladder.names) - 1, np.int8) for ladder in ladders]
        """Of each column, the level that each combination stands at; -1 where the row cannot be kept."""

    def run(self) -> None:
        """Step down until no class can."""
        import numpy as np

        classes, count = self._top()
        persons = self._persons(np.arange(len(classes)), classes, count)
        at = np.flatnonzero(persons[classes] >= self._k)
        for level in self.levels:
            level[persons[classes] < self._k] = -1
        classes = classes[at]
        while len(at):
            classes, count = factorise(classes, int(classes.max()) + 1)
            at, classes = self._round(at, classes, count)

    def _top(self) -> "tuple[NDArray[np.int64], int]":
        """Classes before the first step: one, unless the recipe lets a column's top say more than `*`."""
        import numpy as np

        classes, count = np.zeros(len(self._table.rows), np.int64), 1
        for column, code in enumerate(self._table.codes):
            size = len(self._ladders[column].labels[-1])
            classes, count = factorise(classes * size + self._maps[column][-1][code], count * size)
        return classes, count

    def _round(
        self, at: "NDArray[np.int64]", classes: "NDArray[np.int64]", count: int
    ) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
        """Let every class take its best step: (the combinations still on their way, their classes, not dense)."""
        import numpy as np

        best = np.zeros(count)
        chosen = np.full(count, -1)
        steps: list[tuple[NDArray[np.int64], NDArray[np.bool_]]] = []
        for column in range(len(self._ladders)):
            child, moves, gain = self._step(column, at, classes, count)
            better = gain > best
            best[better], chosen[better] = gain[better], column
            steps.append((child, moves))
        of_row = chosen[classes]
        moved, room = classes.copy(), count
        for column, (child, moves) in enumerate(steps):
            goes = (of_row == column) & moves
            moved[goes] = room + child[goes]
            room += int(child.max()) + 1
            self.levels[column][at[goes]] -= 1
        going = of_row >= 0
        return at[going], moved[going]

    def _step(
        self, column: int, at: "NDArray[np.int64]", classes: "NDArray[np.int64]", count: int
    ) -> "tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]":
        """One column's step: (each combination's new class, whether it moves there, what each class wins).

        What is won is penalty per bit: a step that tells its rows apart less leaves more for the steps after it (the
        information gain per anonymity loss of Fung et al.).
        """
        import numpy as np

        level = self.levels[column][at]
        can = level > 0
        lower = np.maximum(level - 1, 0)
        code = self._table.codes[column][at]
        size = self._sizes[column]
        child, children = factorise(classes * size + self._maps[column][lower, code], count * size)
        parent = np.zeros(children, np.int64)
        parent[child] = classes
        persons = self._persons(at, child, children)
        moves = self._enough(at, child, parent, persons, count)[child] & can
        losses, rows = self._losses[column], self._table.rows[at]
        # A step that wins nothing is worth taking too: the next one down may win.
        lost = losses[level, code] - losses[lower, code] + 1e-9
        won = np.bincount(classes, weights=lost * rows * moves, minlength=count)
        moving = np.bincount(child, weights=rows * moves, minlength=children)
        staying = np.bincount(classes, weights=rows * ~moves, minlength=count)
        whole = np.bincount(classes, weights=rows, minlength=count)
        parts = np.bincount(parent, weights=_rows_log_rows(moving), minlength=count) + _rows_log_rows(staying)
        bits = (_rows_log_rows(whole) - parts) / whole
        return child, moves, won / (bits + _FREE_BITS)

    def _enough(
        self,
        at: "NDArray[np.int64]",
        child: "NDArray[np.int64]",
        parent: "NDArray[np.int64]",
        persons: "NDArray[np.int64]",
        count: int,
    ) -> "NDArray[np.bool_]":
        """Which new classes may be: k persons in each, and k or none in what stays behind of its parent."""
        import numpy as np

        enough = persons >= self._k
        stays = np.flatnonzero(~enough[child])
        behind = self._persons(at[stays], parent[child[stays]], count)
        few = (behind > 0) & (behind < self._k)
        if few.any():
            candidates = np.flatnonzero(enough & few[parent])
            order = candidates[np.lexsort((candidates, persons[candidates], parent[candidates]))]
            _, first = np.unique(parent[order], return_index=True)
            enough[order[first]] = False
        return enough

    def _persons(self, at: "NDArray[np.int64]", groups: "NDArray[np.int64]", count: int) -> "NDArray[np.int64]":
        """Count the distinct persons of each group of combinations."""
        import numpy as np

        table = self._table
        persons = np.bincount(groups, weights=table.alone[at], minlength=count).astype(np.int64)
        if len(table.shared_in):
            group_of = np.full(len(table.rows), -1, np.int64)
            group_of[at] = groups
            group = group_of[table.shared_in]
            there = group >= 0
            number = int(table.shared_by.max()) + 1
            pairs = np.unique(group[there] * number + table.shared_by[there])
            persons += np.bincount(pairs // number, minlength=count)
        return persons
