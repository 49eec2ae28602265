"""What all annotators of an item say, or that they do not say the same. Pure.

- Classes: the same labels, in any order.
- Spans: the same labels at the same characters. Where a name ends is what is asked for, so there is no tolerance.
- Boxes and polygons: as many marks, and a matching one to one in which marks of the same thing have the same label and
  an intersection over union of at least `AGREED`, each with each. A box is then the mean of theirs, side by side; of
  polygons, which have no mean, the one most like the others.

Comments are no part of it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.annotation.campaigns.shapes import Box, LabelSchema, Mark
from services.annotation.review.matching import Pairs, TooDense, compare, match

AGREED: Final = 0.8
"""Intersection over union from which two outlines are one. Chosen: well above the 0.5 from which two marks are of one
object at all, and below what nobody draws twice alike; where it is not reached, somebody looks."""


def settled(schema: LabelSchema, answers: Sequence[Sequence[Mark]], *, iou: float = AGREED) -> tuple[Mark, ...] | None:
    """Return the marks that hold when all `answers` agree, in the first one's order; None when they do not.

    One answer agrees with itself; nobody's answer is none. Where marks lie too densely to be compared, it is None.
    """
    if not answers:
        return None
    first, *others = (tuple(answer) for answer in answers)
    if not others:
        return first
    if all(set(other) == set(first) for other in others):
        return first
    if schema.geometry in (None, "span") or any(len(other) != len(first) for other in others):
        return None
    try:
        return _one_of_each(first, others, iou)
    except TooDense:
        return None


def _one_of_each(first: tuple[Mark, ...], others: list[tuple[Mark, ...]], iou: float) -> tuple[Mark, ...] | None:
    """Return one mark for each of `first`, made of it and its like in all the others."""
    aligned = [first]
    for other in others:
        order = _alike(first, other, iou)
        if order is None:
            return None
        aligned.append(tuple(other[i] for i in order))
    # The others were held against the first; now against each other.
    likeness = np.ones((len(aligned), len(aligned), len(first)))
    for a in range(len(aligned)):
        for b in range(a + 1, len(aligned)):
            pairs = compare(aligned[a], aligned[b])
            here = np.zeros(len(first))
            same = pairs.first == pairs.second
            here[pairs.first[same]] = pairs.likeness[same]
            likeness[a, b] = likeness[b, a] = here
    if (likeness < iou).any():
        return None
    merged = tuple(_merged([answer[i] for answer in aligned], likeness[:, :, i].sum(axis=1)) for i in range(len(first)))
    # Marks so close that their means are one were not told apart by the matching either.
    return merged if len(set(merged)) == len(merged) else None


def _alike(first: Sequence[Mark], other: Sequence[Mark], iou: float) -> list[int] | None:
    """Return for each mark of `first` the index of its like in `other`; None when one has none."""
    pairs = compare(first, other).at_least(iou)
    same = np.array(
        [first[i].label == other[j].label for i, j in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)],
        dtype=np.bool_,
    )
    # A whole number more for each pair: as many pairs as possible, and of such matchings the most alike.
    pairs = Pairs(pairs.first[same], pairs.second[same], 1 + pairs.likeness[same], pairs.shape)
    found = {int(pairs.first[k]): int(pairs.second[k]) for k in match(pairs)}
    return [found[i] for i in range(len(first))] if len(found) == len(first) else None


def _merged(marks: Sequence[Mark], likeness: np.ndarray) -> Mark:
    boxes = [mark.box for mark in marks if mark.box is not None]
    if boxes:
        return Mark(marks[0].label, box=_mean(boxes))
    return marks[int(likeness.argmax())]


def _mean(boxes: Sequence[Box]) -> Box:
    # What all say the same is kept to the last bit.
    x, y, w, h = (sides[0] if len(set(sides)) == 1 else sum(sides) / len(sides) for sides in zip(*boxes, strict=True))
    return (x, y, w, h)
