"""From marks to units: what is counted when annotators are held against each other. Pure.

- **Classes**: a unit is an item; the category is its label, or none. Where an item may have several labels, the
  category is the *set* of them, so that agreement means the same set.
- **Spans**: a unit is a character (code point); the category is the set of labels that lie on it, often none. With the
  text's length all its characters count; without, those up to the last mark.
- **Boxes and polygons**: a unit is an object. The annotators' marks are taken together when they are matched one to one
  with an intersection over union of at least `SAME_OBJECT`, whatever their labels; the category is the label that each
  gave the object, or none. There is no unit for what nobody marked: chance-corrected figures are therefore lower than
  the eye would have it, and mean intersection over union should be read beside them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from services.annotation.campaigns.shapes import LabelSchema, Mark
from services.annotation.review.coefficients import Category, Unit
from services.annotation.review.matching import Pairs, compare, match, prefer

SAME_OBJECT: Final = 0.5
"""Intersection over union from which two marks are of one object (PASCAL VOC; Everingham et al. 2010, §4.2)."""

NOTHING: Final = ""
"""The category of an item or an object that an annotator saw and gave no label. No label is called so."""

Answers = Mapping[str, Sequence[Mark]]
"""What each annotator says of one item."""

Overlap = tuple[float, int]
"""Intersection over union, summed over matched marks; and over how many objects. A mark alone is one, of overlap 0."""


def units_of(schema: LabelSchema, answers: Answers, length: int | None = None) -> list[Unit]:
    """Return the units of one item, with what all its annotators say of each; raise TooDense.

    `length`: code points of a text.
    """
    return Judged(schema, answers, length).units()


class Judged:
    """One item and what is said of it; the places of two annotators are compared once, however often asked for."""

    def __init__(self, schema: LabelSchema, answers: Answers, length: int | None = None) -> None:
        self._schema = schema
        self._answers = answers
        self._length = length
        self._pairs: dict[tuple[str, str], Pairs] = {}

    def units(self, annotators: Iterable[str] | None = None) -> list[Unit]:
        """Return the units of these annotators, or of all; raise TooDense."""
        answers = self._answers if annotators is None else {who: self._answers[who] for who in annotators}
        if self._schema.geometry == "span":
            return _characters(answers, self._length)
        if self._schema.geometry is not None:
            return self._objects(sorted(answers))
        if self._schema.multiple:
            return [Unit({who: frozenset(mark.label for mark in marks) for who, marks in answers.items()})]
        return [Unit({who: marks[0].label if marks else NOTHING for who, marks in answers.items()})]

    def overlap(self, first: str, second: str) -> Overlap:
        """Return how far the marks of two annotators overlap, whatever their labels; raise TooDense."""
        pairs = self._compared(first, second)
        chosen = match(pairs)
        return float(pairs.likeness[chosen].sum()), sum(pairs.shape) - len(chosen)

    def overlap_by_label(self, first: str, second: str) -> dict[str, Overlap]:
        """Return the same of the marks of each label that at least one of the two gave, among themselves."""
        pairs = self._compared(first, second)
        a, b = self._answers[first], self._answers[second]
        counts = Counter(mark.label for mark in (*a, *b))
        labels = [
            a[i].label if a[i].label == b[j].label else None
            for i, j in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
        ]
        found: dict[str, Overlap] = {}
        for label, count in counts.items():
            of_label = pairs.only([k for k, name in enumerate(labels) if name == label])
            chosen = match(of_label)
            found[label] = (float(of_label.likeness[chosen].sum()), count - len(chosen))
        return found

    def _compared(self, first: str, second: str) -> Pairs:
        """Return the overlapping marks of two annotators."""
        if (second, first) in self._pairs:
            return self._pairs[second, first].turned()
        if (first, second) not in self._pairs:
            self._pairs[first, second] = compare(self._answers[first], self._answers[second])
        return self._pairs[first, second]

    def _objects(self, annotators: Sequence[str]) -> list[Unit]:
        """Return the objects that at least one annotator marked.

        The marks of each annotator in turn are matched with the objects found so far, as alike as the mean of the
        object's marks says, and only where each of these is alike enough. For two annotators this is the best matching
        there is; for more, the best is a problem without a quick solution (NP-hard from three on).
        """
        objects: list[dict[str, int]] = []
        for done, who in enumerate(annotators):
            pairs = self._with_objects(who, annotators[:done], objects)
            taken: set[int] = set()
            for k in match(pairs):
                mark, found = int(pairs.first[k]), int(pairs.second[k])
                objects[found][who] = mark
                taken.add(mark)
            objects += [{who: i} for i in range(len(self._answers[who])) if i not in taken]
        return [
            Unit({who: self._answers[who][found[who]].label if who in found else NOTHING for who in annotators})
            for found in objects
        ]

    def _with_objects(self, who: str, done: Iterable[str], objects: Sequence[Mapping[str, int]]) -> Pairs:
        """Return how alike the marks of `who` are to the objects that the annotators `done` have marked."""
        sums: Counter[tuple[int, int]] = Counter()
        counts: Counter[tuple[int, int]] = Counter()
        for other in done:
            object_of = {found[other]: i for i, found in enumerate(objects) if other in found}
            pairs = self._compared(who, other).at_least(SAME_OBJECT)
            pairs = prefer(pairs, self._answers[who], self._answers[other])
            for mark, theirs, likeness in zip(
                pairs.first.tolist(), pairs.second.tolist(), pairs.likeness.tolist(), strict=True
            ):
                sums[mark, object_of[theirs]] += likeness
                counts[mark, object_of[theirs]] += 1
        kept = [key for key, count in counts.items() if count == len(objects[key[1]])]
        return Pairs(
            np.array([mark for mark, _ in kept], dtype=np.intp),
            np.array([found for _, found in kept], dtype=np.intp),
            np.array([sums[key] / counts[key] for key in kept], dtype=np.float64),
            (len(self._answers[who]), len(objects)),
        )


def _characters(answers: Answers, length: int | None) -> list[Unit]:
    """Return runs of characters on which nobody's labels change, each as one unit of that weight."""
    changes: dict[int, list[tuple[str, str, int]]] = {}
    for who, marks in answers.items():
        for mark in marks:
            if mark.span is not None and mark.span[0] < mark.span[1]:
                changes.setdefault(mark.span[0], []).append((who, mark.label, 1))
                changes.setdefault(mark.span[1], []).append((who, mark.label, -1))
    end = max([length or 0, *changes])
    lying: dict[str, Counter[str]] = {who: Counter() for who in answers}
    now: dict[str, Category] = {who: frozenset[str]() for who in answers}
    units: list[Unit] = []
    before = 0
    for at in sorted({*changes, end}):
        if at > before:
            units.append(Unit(dict(now), at - before))
            before = at
        for who, label, step in changes.get(at, ()):
            lying[who][label] += step
        for who in {who for who, _, _ in changes.get(at, ())}:
            now[who] = frozenset(label for label, count in lying[who].items() if count > 0)
    return units


class Tally:
    """Units by what was answered: the millions of characters of a campaign are few different sets of answers."""

    def __init__(self) -> None:
        self._weights: Counter[tuple[tuple[str, Category], ...]] = Counter()

    def add(self, units: Iterable[Unit]) -> None:
        """Take in units."""
        for unit in units:
            self._weights[tuple(sorted(unit.answers.items(), key=lambda answer: answer[0]))] += unit.weight

    def units(self) -> list[Unit]:
        """Return units that stand for all that were taken in, those with equal answers as one."""
        return [Unit(dict(answers), weight) for answers, weight in self._weights.items()]


def among(schema: LabelSchema, units: Sequence[Unit], annotators: Iterable[str]) -> list[Unit]:
    """Return the units with the answers of these annotators only; objects that none of them marked are gone."""
    kept = frozenset(annotators)
    objects = schema.geometry in ("box", "polygon")
    found: list[Unit] = []
    for unit in units:
        answers = {who: answer for who, answer in unit.answers.items() if who in kept}
        if answers and not (objects and all(answer == NOTHING for answer in answers.values())):
            found.append(Unit(answers, unit.weight))
    return found
