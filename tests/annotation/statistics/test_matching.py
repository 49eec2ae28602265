"""Marks are compared as others compare them, and matched as well as any matching is."""

import math
import random
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from services.annotation.campaigns.shapes import LabelSchema, Mark
from services.annotation.review import matching
from services.annotation.review.matching import Pairs, TooDense, compare, match
from services.annotation.review.overlap import settled
from tests.annotation.exports.strategies import examples
from tests.annotation.statistics.marks import LABELS, box, polygon, span


def matrix(first: Sequence[Mark], second: Sequence[Mark]) -> np.ndarray:
    pairs = compare(first, second)
    whole = np.zeros(pairs.shape)
    whole[pairs.first, pairs.second] = pairs.likeness
    return whole


numbers = st.integers(0, 40).map(lambda n: n / 4)
boxes = st.builds(lambda x, y, w, h: box("cat", x, y, w + 0.25, h + 0.25), numbers, numbers, numbers, numbers)


@given(st.lists(boxes, max_size=8), st.lists(boxes, max_size=8))
@examples(100)
def test_boxes_are_alike_as_coco_has_it(first: list[Mark], second: list[Mark]) -> None:
    ours = matrix(first, second)
    if first and second:
        a, b = ([list(mark.box or ()) for mark in marks] for marks in (first, second))
        theirs = coco_mask.iou(a, b, [0] * len(b))  # pyright: ignore[reportArgumentType] lists are what it documents
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    else:
        assert not ours.size


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
@examples(100)
def test_polygons_are_alike_as_their_boxes_are(first: list[Mark], second: list[Mark]) -> None:
    def around(mark: Mark) -> Mark:
        x, y, w, h = mark.box or (0, 0, 0, 0)
        return polygon("cat", (x, y), (x + w, y), (x + w, y + h), (x, y + h))

    outlines = matrix([around(m) for m in first], [around(m) for m in second])
    np.testing.assert_allclose(outlines, matrix(first, second), atol=1e-12)


def test_likeness_by_example() -> None:
    assert matrix([span("a", 0, 10)], [span("a", 5, 15), span("b", 10, 12), span("c", 0, 10)]).tolist() == [
        [1 / 3, 0, 1]
    ]
    triangle, square = polygon("a", (0, 0), (2, 0), (0, 2)), polygon("a", (0, 0), (2, 0), (2, 2), (0, 2))
    assert matrix([triangle], [square])[0, 0] == pytest.approx(0.5)
    # A ring that crosses itself, which no campaign takes, is what it goes around: two triangles of half its square.
    assert matrix([polygon("a", (0, 0), (2, 2), (2, 0), (0, 2))], [square])[0, 0] == pytest.approx(0.5)
    assert matrix([box("a", 1e9, 1e9, 1e-12, 1e-12)], [box("a", 1e9, 1e9, 1e-12, 1e-12)])[0, 0] == 0
    with pytest.raises(ValueError):
        compare([Mark("a")], [Mark("a")])


def best(pairs: Pairs) -> float:
    """The greatest sum of likeness of any matching, by trying them all."""
    whole = np.zeros(pairs.shape)
    whole[pairs.first, pairs.second] = pairs.likeness
    if whole.shape[0] > whole.shape[1]:
        whole = whole.T
    rows, columns = whole.shape
    return max((sum(whole[i, j] for i, j in enumerate(p)) for p in permutations(range(columns), rows)), default=0.0)


@given(st.lists(boxes, max_size=5), st.lists(boxes, max_size=5))
@examples(100)
def test_a_matching_is_the_best_there_is(first: list[Mark], second: list[Mark]) -> None:
    pairs = compare(first, second)
    chosen = match(pairs)
    assert len({int(pairs.first[k]) for k in chosen}) == len({int(pairs.second[k]) for k in chosen}) == len(chosen)
    assert pairs.likeness[chosen].sum() == pytest.approx(best(pairs))


@given(st.lists(boxes, min_size=1, max_size=12), st.lists(boxes, min_size=1, max_size=12))
@examples(100)
def test_matching_with_and_without_a_matrix_is_as_good(first: list[Mark], second: list[Mark]) -> None:
    pairs = compare(first, second)
    if len(pairs.likeness):
        dense, sparse = matching._match_dense(pairs), matching._match_sparse(pairs)
        assert len({int(pairs.second[k]) for k in sparse}) == len(sparse)
        assert pairs.likeness[sparse].sum() == pytest.approx(pairs.likeness[dense].sum())


def test_ten_thousand_marks_are_matched() -> None:
    first = [box("cat", 10 * (i % 100), 10 * (i // 100), 12, 12) for i in range(10_000)]
    second = [box("cat", x + 1, y, w, h) for x, y, w, h in (m.box or (0, 0, 0, 0) for m in first)]
    chosen = match(compare(first, second))
    assert len(chosen) == 10_000


def test_what_lies_too_densely_is_not_compared() -> None:
    pile = [box("cat", i / 1000, 0, 50, 50) for i in range(600)]
    with pytest.raises(TooDense):
        compare(pile, pile[::-1])
    star = [(100 + (90 if i % 2 else 95) * math.cos(i / 500 * math.pi),
             100 + (90 if i % 2 else 95) * math.sin(i / 500 * math.pi)) for i in range(1000)]  # fmt: skip
    stars = [polygon("cat", *((x + n / 100, y) for x, y in star)) for n in range(20)]
    assert len(compare(stars[:10], stars[10:]).likeness) == 100
    with pytest.raises(TooDense):
        compare(stars, stars)
    # Nobody can tell whether these agree: somebody looks.
    schema = LabelSchema("boxes", LABELS, multiple=True)
    assert (
        settled(schema, [pile, [box("cat", x, y, w, 49) for x, y, w, _ in (m.box or (0, 0, 0, 0) for m in pile)]])
        is None
    )
    assert settled(schema, [pile, pile[::-1]]) == tuple(pile)


BOXES = LabelSchema("boxes", LABELS, multiple=True)
POLYGONS = LabelSchema("polygons", LABELS, multiple=True)
SPANS = LabelSchema("text-spans", LABELS, multiple=True)
CLASSES = LabelSchema("image-class", LABELS, multiple=True)
A, B = box("cat", 0, 0, 10, 10), box("dog", 50, 50, 10, 10)


@pytest.mark.parametrize(
    ("schema", "answers", "holds"),
    [
        (CLASSES, [], None),
        (CLASSES, [[]], ()),
        (CLASSES, [[Mark("cat"), Mark("dog")]], (Mark("cat"), Mark("dog"))),
        (CLASSES, [[Mark("cat"), Mark("dog")], [Mark("dog"), Mark("cat")]], (Mark("cat"), Mark("dog"))),
        (CLASSES, [[Mark("cat")], [Mark("dog")]], None),
        (CLASSES, [[Mark("cat")], [Mark("cat"), Mark("dog")]], None),
        (CLASSES, [[Mark("cat")], []], None),
        (CLASSES, [[], [], []], ()),
        (SPANS, [[span("cat", 0, 3), span("dog", 4, 5)], [span("dog", 4, 5), span("cat", 0, 3)]],
         (span("cat", 0, 3), span("dog", 4, 5))),
        (SPANS, [[span("cat", 0, 30)], [span("cat", 0, 31)]], None),
        (BOXES, [[A, B], [B, A]], (A, B)),
        (BOXES, [[A, B], [box("dog", 50, 50, 10, 11), A]], (A, box("dog", 50, 50, 10, 10.5))),
        (BOXES, [[A], [box("dog", 0, 0, 10, 10)]], None),
        (BOXES, [[A], [box("cat", 0, 0, 10, 14)]], None),
        (BOXES, [[A], [A, B]], None),
        # The middle one agrees with both, but these do not agree with each other.
        (BOXES, [[box("cat", 0, 0, 10, 10)], [box("cat", 0, 0, 10, 8.9)], [box("cat", 0, 0, 10, 7.9)]], None),
        (BOXES, [[box("cat", 0, 0, 0.1, 0.3)]] * 3, (box("cat", 0, 0, 0.1, 0.3),)),
        (BOXES, [[box("cat", 1e9, 1e9, 1e-12, 1)]] * 2, (box("cat", 1e9, 1e9, 1e-12, 1),)),
        (POLYGONS, [[polygon("cat", (0, 0), (10, 0), (0, 10))], [polygon("cat", (0, 10), (0, 0), (10, 0.1))]],
         (polygon("cat", (0, 0), (10, 0), (0, 10)),)),
        # The one most like the others is kept, as somebody drew it.
        (POLYGONS, [[polygon("cat", (0, 0), (10, 0), (0, 10.6))], [polygon("cat", (0, 0), (10, 0), (0, 10))],
                    [polygon("cat", (0, 0), (10, 0), (0, 9.5))]], (polygon("cat", (0, 0), (10, 0), (0, 10)),)),
    ],
)  # fmt: skip
def test_what_all_say(schema: LabelSchema, answers: list[list[Mark]], holds: tuple[Mark, ...] | None) -> None:
    assert settled(schema, answers) == holds


@given(st.lists(boxes, unique=True, max_size=10), st.randoms(use_true_random=False))
@examples(100)
def test_the_same_boxes_in_any_order_agree(marks: list[Mark], order: random.Random) -> None:
    shuffled = list(marks)
    order.shuffle(shuffled)
    assert settled(BOXES, [marks, shuffled]) == tuple(marks)


@given(st.lists(st.lists(boxes, max_size=4, unique=True), min_size=2, max_size=4), st.floats(0.1, 1))
@examples(200)
def test_what_holds_is_like_everybody_s(answers: list[list[Mark]], iou: float) -> None:
    holds = settled(BOXES, answers, iou=iou)
    if holds is not None:
        assert all(len(answer) == len(holds) for answer in answers)
        for answer in answers:
            assert settled(BOXES, [answer, answers[0]], iou=iou) is not None


def test_as_many_pairs_as_possible_before_the_most_alike() -> None:
    # Greedily the first of one would take the second of the other, and leave a pair that is not alike.
    one = [box("cat", 0, 0, 100, 10), box("cat", 8, 0, 100, 10)]
    two = [box("cat", -8, 0, 100, 10), box("cat", 0.5, 0, 100, 10)]
    assert settled(BOXES, [one, two]) is not None
