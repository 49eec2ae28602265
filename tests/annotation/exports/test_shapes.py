"""Shapes of a campaign: to JSON and back, and what is wrong with marks is told where it stands."""

from dataclasses import replace
from typing import Any

import pytest

from services.annotation.campaigns.parse import document_from_json, marks_from_json, schema_from_json
from services.annotation.campaigns.reader import BadShape
from services.annotation.campaigns.shape_texts import TEXTS
from services.annotation.campaigns.shapes import (
    CampaignDocument,
    Item,
    ItemAnnotation,
    Kind,
    Label,
    LabelSchema,
    Mark,
    Title,
    document_to_json,
    marks_to_json,
    validate_marks,
)

CAT, DOG = Label("cat", Title("katt", "cat")), Label("dog", Title("hund", "dog"))
IMAGE = Item("a/1.png", "image/png", width=100, height=50)
TEXT = Item("a/1.txt", "text/plain", length=10)


def schema(kind: Kind, *, multiple: bool = True) -> LabelSchema:
    return LabelSchema(kind, (CAT, DOG), multiple, comment=True)


def test_a_document_is_the_same_after_json() -> None:
    document = CampaignDocument(
        "c1",
        "Djur",
        "Rita tätt.",
        schema("boxes"),
        (IMAGE, TEXT),
        (
            ItemAnnotation("a/1.png", (Mark("cat", box=(0.1, 2, 3, 1 / 3)),), "osäker", "annotator-1", "submission"),
            ItemAnnotation("a/1.png", (), "", "", "agreed"),
        ),
    )
    assert document_from_json(document_to_json(document)) == document


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ({}, [("", "list-expected")]),
        ([{"geometry": {}}], [("/0", "member-missing")]),
        ([{"label": "cat", "colour": "red"}], [("/0", "member-unknown")]),
        ([{"label": ""}], [("/0/label", "text-length")]),
        ([{"label": "\ud800"}], [("/0/label", "text-not-storable")]),
        ([{"label": "cat", "geometry": {}}], [("/0/geometry", "one-geometry")]),
        ([{"label": "cat", "geometry": {"box": [1, 2, 3]}}], [("/0/geometry/box", "list-length")]),
        ([{"label": "cat", "geometry": {"box": [1, 2, True, "4"]}}], [("/0/geometry/box/2", "number-expected"),
                                                                     ("/0/geometry/box/3", "number-expected")]),
        ([{"label": "cat", "geometry": {"box": [1, 2, float("nan"), 10**400]}}],
         [("/0/geometry/box/2", "number-out-of-range"), ("/0/geometry/box/3", "number-out-of-range")]),
        ([{"label": "cat", "geometry": {"polygon": [[1, 2], [3, 4]]}}], [("/0/geometry/polygon", "list-length")]),
        ([{"label": "cat", "geometry": {"polygon": [[1, 2], [3, 4], [5]]}}],
         [("/0/geometry/polygon/2", "list-length")]),
        ([{"label": "cat", "geometry": {"span": [0.5, -1]}}],
         [("/0/geometry/span/0", "whole-number-expected"), ("/0/geometry/span/1", "whole-number-expected")]),
    ],
)  # fmt: skip
def test_marks_of_a_wrong_form_are_told_where(value: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(BadShape) as refused:
        marks_from_json(value)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == faults


def test_marks_are_the_same_after_json() -> None:
    marks = (Mark("cat"), Mark("cat", polygon=((0, 0), (1.5, 0), (0, 2))), Mark("dog", span=(3, 4)))
    assert marks_from_json(marks_to_json(marks)) == marks
    assert marks_from_json([{"label": "cat", "geometry": None}]) == (Mark("cat"),)


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        ([], [("", "object-expected")]),
        ({"kind": "circles", "labels": []}, [("/kind", "word-expected"), ("/labels", "list-length")]),
        ({"kind": "boxes", "labels": [{"name": " a", "title": {"sv": "a", "en": "a"}}]},
         [("/labels/0/name", "label-name-form")]),
        ({"kind": "boxes", "labels": [{"name": "a", "title": {"sv": "a"}}]},
         [("/labels/0/title", "member-missing")]),
        ({"kind": "boxes", "labels": [{"name": "a", "title": {"sv": "a", "en": "a"}}] * 2},
         [("/labels/1/name", "label-twice")]),
        ({"kind": "boxes", "labels": [{"name": "a", "title": {"sv": "a", "en": "a"}}], "multiple": 1},
         [("/multiple", "flag-expected")]),
    ],
)  # fmt: skip
def test_a_schema_of_a_wrong_form_is_told_where(value: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(BadShape) as refused:
        schema_from_json(value)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == faults


def triangle(*points: tuple[float, float]) -> Mark:
    return Mark("cat", polygon=points)


@pytest.mark.parametrize(
    ("kind", "marks", "faults"),
    [
        ("image-class", [Mark("cat"), Mark("dog")], []),
        ("image-class", [Mark("cat"), Mark("cow")], [("/1/label", "label-unknown")]),
        ("image-class", [Mark("cat"), Mark("cat")], [("/1", "mark-twice")]),
        ("image-class", [Mark("cat", box=(0, 0, 1, 1))], [("/0/geometry", "geometry-unexpected")]),
        ("boxes", [Mark("cat")], [("/0", "geometry-expected")]),
        ("boxes", [Mark("cat", span=(0, 1))], [("/0", "geometry-expected")]),
        ("boxes", [Mark("cat", box=(0, 0, 100, 50))], []),
        ("boxes", [Mark("cat", box=(0, 0, 100.04, 50))], []),  # what others lose by rounding
        ("boxes", [Mark("cat", box=(0, 0, 100.5, 50))], [("/0/geometry/box", "place-outside")]),
        ("boxes", [Mark("cat", box=(-1, 0, 10, 10))], [("/0/geometry/box", "place-outside")]),
        ("boxes", [Mark("cat", box=(1, 1, 0, 10))], [("/0/geometry/box", "box-empty")]),
        ("boxes", [Mark("cat", box=(1, 1, float("inf"), 1))], [("/0/geometry/box", "number-out-of-range")]),
        ("polygons", [triangle((0, 0), (10, 0), (0, 10))], []),
        ("polygons", [triangle((0, 0), (10, 10), (10, 0), (0, 10))], [("/0/geometry/polygon", "polygon-crosses")]),
        ("polygons", [triangle((0, 0), (9, 0), (9, 9), (4, 0), (0, 9))], [("/0/geometry/polygon", "polygon-crosses")]),
        ("polygons", [triangle((0, 0), (9, 0), (4, 2), (0, 9), (0, 0))], []),  # closed once more: the same ring
        ("polygons", [triangle((0, 0), (10, 10), (20, 20))], [("/0/geometry/polygon", "polygon-empty")]),
        ("polygons", [triangle((0, 0), (0, 0), (0, 0))], [("/0/geometry/polygon", "polygon-empty")]),
        ("polygons", [triangle((0, 0), (10, 60), (0, 10))], [("/0/geometry/polygon/1", "place-outside")]),
        ("text-spans", [Mark("cat", span=(0, 10))], []),
        ("text-spans", [Mark("cat", span=(4, 4))], [("/0/geometry/span", "span-empty")]),
        ("text-spans", [Mark("cat", span=(0, 11))], [("/0/geometry/span/1", "span-outside")]),
        ("text-class", [], []),
    ],
)
def test_marks_are_held_against_schema_and_item(kind: Kind, marks: list[Mark], faults: list[tuple[str, str]]) -> None:
    item = TEXT if kind.startswith("text") else IMAGE
    found = validate_marks(schema(kind), marks, item)
    assert [(fault.pointer, fault.code) for fault in found] == faults
    for fault in found:
        for language in ("sv", "en"):
            assert "{" not in TEXTS[fault.code][language].format(**fault.params)


def test_without_a_known_size_places_are_not_held_against_it() -> None:
    mark = Mark("cat", box=(1e6, 0, 1, 1))
    assert validate_marks(schema("boxes"), [mark]) == []
    assert validate_marks(schema("boxes"), [mark], Item("p", "image/png")) == []
    assert validate_marks(schema("boxes"), [mark], replace(IMAGE, width=None)) == []


def test_one_mark_only_where_the_schema_says_so() -> None:
    once = schema("text-class", multiple=False)
    assert [fault.code for fault in validate_marks(once, [Mark("cat"), Mark("dog")])] == ["one-mark-only"]
    assert validate_marks(once, []) == []
    assert [fault.code for fault in validate_marks(once, [], complete=True)] == ["label-needed"]
    assert validate_marks(schema("text-class"), [], complete=True) == []
    assert validate_marks(schema("boxes", multiple=False), [], complete=True) == []
