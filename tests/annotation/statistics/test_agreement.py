"""Agreement of a campaign: what is counted for each kind of label, and what is said when there is nothing to count."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.annotation.campaigns.shapes import Kind, LabelSchema, Mark
from services.annotation.review.coefficients import Figure, Unit
from services.annotation.review.statistics import agreement
from services.annotation.review.statistics_texts import TEXTS
from services.annotation.review.units import units_of
from tests.annotation.exports.strategies import documents, examples
from tests.annotation.statistics.marks import LABELS, box, polygon, span

CAT, DOG = Mark("cat"), Mark("dog")


def schema(kind: Kind, *, multiple: bool = True) -> LabelSchema:
    return LabelSchema(kind, LABELS, multiple)


CLASS = schema("text-class", multiple=False)


def test_classes_by_example() -> None:
    """Krippendorff 2011, example B, as a campaign: two people, twelve items."""
    ben, gerry = "a a b b d c c c e d d a".split(), "b a b b b c c c e d d d".split()
    abc = LabelSchema("image-class", tuple(type(LABELS[0])(n, LABELS[0].title) for n in "abcde"))
    told = agreement(abc, [{"ben": [Mark(b)], "gerry": [Mark(g)]} for b, g in zip(ben, gerry, strict=True)])
    assert told.krippendorff_alpha.value == pytest.approx(0.692, abs=5e-4)
    assert told.percent == Figure(75.0, 12)
    assert (told.annotators, told.items, told.overlapping, told.left_out) == (2, 12, 12, 0)
    assert [pair.annotators for pair in told.per_pair] == [("ben", "gerry")]
    assert told.cohen_kappa.value == told.per_pair[0].cohen_kappa.value
    assert told.mean_iou == Figure(None, 0, "not-for-kind")
    by_label = {label.label: label for label in told.per_label}
    assert (by_label["c"].marks, by_label["c"].percent.value, by_label["c"].krippendorff_alpha.value) == (6, 100, 1)
    assert by_label["b"].percent.value == pytest.approx(100 * 4 / 6)


def test_no_label_is_an_answer() -> None:
    assert units_of(CLASS, {"a": [CAT], "b": []}) == [Unit({"a": "cat", "b": ""})]
    assert units_of(schema("text-class"), {"a": [CAT, DOG], "b": []}) == [
        Unit({"a": frozenset({"cat", "dog"}), "b": frozenset()})
    ]


def test_with_several_labels_the_same_set_is_agreement() -> None:
    told = agreement(
        schema("image-class"), [{"a": [CAT, DOG], "b": [DOG, CAT]}, {"a": [CAT], "b": [CAT, DOG]}, {"a": [], "b": []}]
    )
    assert told.percent.value == pytest.approx(200 / 3)
    cat, dog = told.per_label
    assert (cat.krippendorff_alpha.value, cat.percent.value) == (1, 100)
    assert dog.percent.value == pytest.approx(200 / 3)


def test_spans_are_counted_by_character() -> None:
    answers = {"a": [span("cat", 0, 4), span("dog", 2, 6)], "b": [span("cat", 0, 4)]}
    nothing, cat, dog = frozenset(), frozenset({"cat"}), frozenset({"dog"})
    assert units_of(schema("text-spans"), answers, 10) == [
        Unit({"a": cat, "b": cat}, 2),
        Unit({"a": cat | dog, "b": cat}, 2),
        Unit({"a": dog, "b": nothing}, 2),
        Unit({"a": nothing, "b": nothing}, 4),
    ]
    # Without the text's length: up to the last mark.
    assert sum(unit.weight for unit in units_of(schema("text-spans"), answers)) == 6
    assert units_of(schema("text-spans"), {"a": [], "b": []}) == []
    told = agreement(schema("text-spans"), [answers], lengths=[10])
    assert told.percent == Figure(60.0, 10)
    assert told.mean_iou == Figure(0.5, 2)  # one span alike, one without a partner
    cat_told, dog_told = told.per_label
    assert (cat_told.mean_iou.value, cat_told.percent.value) == (1, 100)
    assert (dog_told.mean_iou.value, dog_told.percent.value) == (0, 0)


def test_boxes_are_counted_by_object() -> None:
    answers = {
        "a": [box("cat", 0, 0, 10, 10), box("dog", 50, 0, 10, 10)],
        "b": [box("dog", 50, 0, 10, 9), box("dog", 0, 0, 10, 8), box("cat", 200, 0, 9, 9)],
        "c": [box("cat", 1, 0, 10, 10)],
    }
    assert units_of(schema("boxes"), answers) == [
        Unit({"a": "cat", "b": "dog", "c": "cat"}),
        Unit({"a": "dog", "b": "dog", "c": ""}),
        Unit({"a": "", "b": "cat", "c": ""}),
    ]
    # Less alike than half: two objects.
    far = {"a": [box("cat", 0, 0, 10, 10)], "b": [box("cat", 4, 0, 10, 10)]}
    assert units_of(schema("boxes"), far) == [Unit({"a": "cat", "b": ""}), Unit({"a": "", "b": "cat"})]
    told = agreement(schema("boxes"), [{"a": answers["a"], "b": answers["b"]}])
    assert told.mean_iou.value == pytest.approx((0.8 + 0.9) / 3)
    assert told.percent.value == pytest.approx(100 / 3)


def test_a_mark_is_of_an_object_when_it_is_like_each_of_its_marks() -> None:
    # c is like b, and b like a; but c is not like a.
    answers = {who: [box("cat", x, 0, 10, 10)] for who, x in (("a", 0), ("b", 3), ("c", 6))}
    assert units_of(schema("boxes"), answers) == [
        Unit({"a": "cat", "b": "cat", "c": ""}),
        Unit({"a": "", "b": "", "c": "cat"}),
    ]


def test_between_equal_boxes_the_same_label_is_matched() -> None:
    answers = {
        "a": [box("cat", 0, 0, 10, 10), box("dog", 0, 0, 10, 10)],
        "b": [box("dog", 0, 0, 10, 10), box("cat", 0, 0, 10, 10)],
    }
    assert units_of(schema("boxes"), answers) == [Unit({"a": "cat", "b": "cat"}), Unit({"a": "dog", "b": "dog"})]


def test_polygons_are_counted_by_object() -> None:
    triangle, square = [(0, 0), (2, 0), (0, 2)], [(0, 0), (2, 0), (2, 2), (0, 2)]
    told = agreement(schema("polygons"), [{"a": [polygon("cat", *triangle)], "b": [polygon("dog", *square)]}])
    assert told.mean_iou.value == pytest.approx(0.5)
    assert told.percent.value == 0
    assert told.cohen_kappa.value == 0
    assert [label.mean_iou.value for label in told.per_label] == [0, 0]


def test_an_annotator_is_held_against_the_rest_and_against_what_holds() -> None:
    ratings = [
        {"a": [CAT], "b": [CAT], "c": [DOG]},
        {"a": [DOG], "b": [DOG], "c": [CAT]},
        {"a": [CAT], "b": [CAT], "c": [CAT]},
        {"a": [DOG], "b": [DOG], "c": [CAT]},
    ]
    told = agreement(CLASS, ratings, accepted=[[CAT], [DOG], [CAT], None])
    a, b, c = told.per_annotator
    assert (a.annotator, a.items, a.marks) == ("a", 4, 4)
    assert (a.percent.value, c.percent.value) == (62.5, 25)
    kappas = [one.cohen_kappa.value or 0 for one in (a, b, c)]
    assert kappas[0] == kappas[1] > kappas[2]
    # Without c the others agree on everything.
    assert c.alpha_without.value == 1
    assert told.krippendorff_alpha.value is not None and a.alpha_without.value is not None
    assert a.alpha_without.value < told.krippendorff_alpha.value < 1
    assert a.accepted_percent == Figure(100.0, 3)
    assert c.accepted_percent.value == pytest.approx(100 / 3)
    assert a.accepted_kappa.value == 1
    # What holds is no annotator.
    assert [pair.annotators for pair in told.per_pair] == [("a", "b"), ("a", "c"), ("b", "c")]
    boxes = agreement(
        schema("boxes"), [{"a": [box("cat", 0, 0, 10, 10)]}], accepted=[[box("cat", 0, 0, 10, 8)]]
    ).per_annotator[0]
    assert boxes.accepted_mean_iou.value == pytest.approx(0.8)
    assert boxes.mean_iou.reason == "one-annotator"


def reasons(told: Any) -> set[str]:
    """Every reason in a document."""
    if isinstance(told, dict):
        inner = set().union(*(reasons(value) for value in told.values()))
        return inner | ({told["reason"]} if told.get("reason") else set())
    return set().union(*(reasons(value) for value in told)) if isinstance(told, list) else set()


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([], "one-annotator"),
        ([{}], "one-annotator"),
        ([{"a": [CAT]}, {"a": [DOG]}], "one-annotator"),
        ([{"a": [CAT]}, {"b": [DOG]}], "no-overlap"),
        ([{"a": [CAT], "b": [CAT]}], "one-category"),
    ],
)
def test_where_there_is_nothing_to_tell_it_says_why(ratings: list[dict[str, list[Mark]]], reason: str) -> None:
    told = agreement(CLASS, ratings)
    assert (told.krippendorff_alpha.value, told.krippendorff_alpha.reason) == (None, reason)
    assert (told.cohen_kappa.value, told.cohen_kappa.reason) == (None, reason)
    assert (told.fleiss_kappa.value, told.fleiss_kappa.reason) == (None, reason)
    assert told.percent.value == (100 if reason == "one-category" else None)
    assert reasons(told.to_json()) <= set(TEXTS)


def test_boxes_where_nobody_marks_anything() -> None:
    told = agreement(schema("boxes"), [{"a": [], "b": []}])
    assert told.overlapping == 1
    assert told.mean_iou == Figure(None, 0, "no-marks")
    assert told.percent == Figure(None, 0, "no-overlap")
    assert reasons(told.to_json()) <= set(TEXTS)


def test_an_item_too_dense_is_left_out_and_counted() -> None:
    pile = [box("cat", i / 1000, 0, 50, 50) for i in range(600)]
    few = {"a": [box("cat", 0, 0, 5, 5)], "b": [box("cat", 0, 0, 5, 5)]}
    told = agreement(schema("boxes"), [{"a": pile, "b": pile}, few])
    assert (told.items, told.left_out, told.mean_iou.value) == (2, 1, 1)
    assert agreement(schema("boxes"), [{"a": pile, "b": pile}]).mean_iou.reason == "too-dense"


@given(documents())
@examples(80)
def test_any_campaign_has_figures_or_reasons(document: Any) -> None:
    ratings: dict[str, dict[str, Sequence[Mark]]] = {item.path: {} for item in document.items}
    accepted: dict[str, Sequence[Mark]] = {}
    for said in document.annotations:
        if said.source == "submission":
            ratings[said.path][said.annotator] = said.marks
        else:
            accepted[said.path] = said.marks
    told = agreement(
        document.schema,
        list(ratings.values()),
        lengths=[item.length for item in document.items],
        accepted=[accepted.get(path) for path in ratings],
    )
    json.dumps(told.to_json(), allow_nan=False)
    assert reasons(told.to_json()) <= set(TEXTS)
    for figure in (told.cohen_kappa, told.fleiss_kappa, told.krippendorff_alpha):
        assert (figure.value is None) == (figure.reason is not None)
        assert figure.value is None or -1 - 1e-9 <= figure.value <= 1 + 1e-9
    assert told.mean_iou.value is None or 0 <= told.mean_iou.value <= 1 + 1e-9


ratings_of = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from([[], [CAT], [DOG]]), max_size=3), max_size=15
)


@given(ratings_of, st.randoms(use_true_random=False))
@examples(100)
def test_neither_order_nor_names_matter(ratings: list[Mapping[str, list[Mark]]], order: Any) -> None:
    told = agreement(CLASS, ratings)
    turned = [{"cab"["abc".index(who)]: marks for who, marks in answers.items()} for answers in ratings]
    order.shuffle(turned)
    again = agreement(CLASS, turned)
    for name in ("percent", "cohen_kappa", "fleiss_kappa", "krippendorff_alpha"):
        one, other = getattr(told, name), getattr(again, name)
        assert (one.value is None) == (other.value is None)
        assert one.value is None or math.isclose(one.value, other.value, abs_tol=1e-9)


@pytest.mark.parametrize("kind", ["boxes", "polygons", "text-spans", "image-class"])
def test_everybody_alike_is_full_agreement(kind: Kind) -> None:
    marks: dict[str, list[list[Mark]]] = {
        "boxes": [[box("cat", 0, 0, 9, 9), box("dog", 20, 0, 9, 9)]],
        "polygons": [[polygon("cat", (0, 0), (9, 0), (0, 9)), polygon("dog", (20, 0), (29, 0), (20, 9))]],
        "text-spans": [[span("cat", 0, 4), span("dog", 6, 9)]],
        "image-class": [[CAT], [DOG]],
    }
    told = agreement(schema(kind), [{who: answer for who in "abcd"} for answer in marks[kind]])
    assert told.percent.value == 100
    for figure in (told.cohen_kappa, told.fleiss_kappa, told.krippendorff_alpha):
        assert figure.value == pytest.approx(1)
    assert told.mean_iou.value == (None if kind == "image-class" else pytest.approx(1))
