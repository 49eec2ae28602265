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


def units_of(schema: LabelSchema, answers: Answers, length: int | None = None) -> list[Unit]:
    """Return the units of one item, with what all its annotators say of each; raise TooDense.

    `length`: code points of a text.
    """
    if schema.geometry == "span":
        return _characters(answers, length)
    if schema.geometry is not None:
        return _objects(answers)
    if schema.multiple:
        return [Unit({who: frozenset(mark.label for mark in marks) for who, marks in answers.items()})]
    return [Unit({who: marks[0].label if marks else NOTHING for who, marks in answers.items()})]


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


def _objects(answers: Answers) -> list[Unit]:
    """Return the objects that at least one annotator marked.

    Annotators are taken in the order of their names: the marks of each are matched with the objects found so far, as
    alike as the mean of the object's marks says and only where each of these is alike enough. For two annotators this
    is the best matching there is; for more, the best is a problem without a quick solution (NP-hard from three on).
    """
    objects: list[dict[str, int]] = []
    done: list[str] = []
    for who in sorted(answers):
        marks = answers[who]
        pairs = _with_objects(answers, objects, done, who)
        taken: set[int] = set()
        for k in match(pairs):
            mark, found = int(pairs.first[k]), int(pairs.second[k])
            objects[found][who] = mark
            taken.add(mark)
        objects += [{who: i} for i in range(len(marks)) if i not in taken]
        done.append(who)
    return [
        Unit({who: answers[who][found[who]].label if who in found else NOTHING for who in answers}) for found in objects
    ]


def _with_objects(answers: Answers, objects: Sequence[Mapping[str, int]], done: Iterable[str], who: str) -> Pairs:
    """Return how alike the marks of `who` are to the objects that the annotators `done` have marked."""
    sums: Counter[tuple[int, int]] = Counter()
    counts: Counter[tuple[int, int]] = Counter()
    for other in done:
        object_of = {found[other]: i for i, found in enumerate(objects) if other in found}
        pairs = compare(answers[who], answers[other]).at_least(SAME_OBJECT)
        pairs = prefer(pairs, answers[who], answers[other])
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
        (len(answers[who]), len(objects)),
    )


def overlap(first: Sequence[Mark], second: Sequence[Mark]) -> tuple[float, int]:
    """Return the sum of intersection over union of matched marks, and how many objects the two marked together.

    A mark without a partner counts as an object of overlap 0. Raises TooDense.
    """
    pairs = compare(first, second)
    chosen = match(pairs)
    return float(pairs.likeness[chosen].sum()), len(first) + len(second) - len(chosen)


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
