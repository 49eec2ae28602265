"""docs/annotation.md shows what the code writes, limits as they are, and no code of a fault that has no text."""

import re
from pathlib import Path

import pytest

from services.annotation import service
from services.annotation.campaigns import shapes
from services.annotation.campaigns.shapes import (
    CampaignDocument,
    Item,
    ItemAnnotation,
    Kind,
    Label,
    LabelSchema,
    Mark,
    Title,
)
from services.annotation.exports import bounded, head
from services.annotation.exports.formats import FORMATS, native
from services.annotation.review.overlap import AGREED
from services.annotation.review.statistics_texts import TEXTS as REASONS
from services.annotation.review.units import SAME_OBJECT

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "annotation.md").read_text(encoding="utf-8")
CAT, DOG = Label("cat", Title("katt", "cat")), Label("dog", Title("hund", "dog"))
PERSON, PLACE = Label("person", Title("person", "person")), Label("place", Title("plats", "place"))
A, B = Item("pets/1.png", "image/png", 640, 480), Item("pets/2.png", "image/png", 640, 480)
TEXT, EMPTY = Item("notes/1.txt", "text/plain", length=31), Item("notes/2.txt", "text/plain", length=12)


def campaign(kind: Kind, labels: tuple[Label, ...], items: tuple[Item, ...], *said: ItemAnnotation) -> CampaignDocument:
    schema = LabelSchema(kind, labels, multiple=True, comment=True)
    return CampaignDocument("019aba52-6b7c-7d1e-8f10-0c8f2a4f5e77", "Pets", "Draw tightly.", schema, items, said)


BOXES = campaign(
    "boxes", (CAT, DOG), (A, B),
    ItemAnnotation(A.path, (Mark("cat", box=(10, 20.5, 100, 80)), Mark("dog", box=(300, 40, 120, 90.25)))),
    ItemAnnotation(B.path, (), "=empty, I think", "reviewer-1", "review"),
)  # fmt: skip
POLYGONS = campaign(
    "polygons", (CAT, DOG), (A,), ItemAnnotation(A.path, (Mark("cat", polygon=((10, 10), (50, 10), (30, 60.5))),))
)
CLASSES = campaign("image-class", (CAT, DOG), (A, B), ItemAnnotation(A.path, (Mark("cat"), Mark("dog"))))
SPANS = campaign(
    "text-spans", (PERSON, PLACE), (TEXT, EMPTY),
    ItemAnnotation(TEXT.path, (Mark("person", span=(0, 11)), Mark("place", span=(18, 27)))),
)  # fmt: skip


@pytest.mark.parametrize(
    ("form", "document"),
    [("coco", BOXES), ("coco", CLASSES), ("jsonl", SPANS), ("csv", BOXES), ("csv", CLASSES), ("csv", POLYGONS)],
)
def test_the_examples_are_what_is_written(form: str, document: CampaignDocument) -> None:
    written = FORMATS[form].write(document).decode().replace("\r\n", "\n")
    if (form, document) == ("coco", CLASSES):  # only what differs is shown
        written = "".join(line + "\n" for line in written.splitlines() if "whole_image" in line)
    assert written in PAGE


def test_one_line_of_each_kind_is_shown() -> None:
    for document in (BOXES, POLYGONS, CLASSES):
        assert FORMATS["jsonl"].write(document).decode().splitlines()[0] in PAGE
    ((ring,),) = (re.findall(r'("segmentation": \[\[.*?\]\])', FORMATS["coco"].write(POLYGONS).decode()),)
    assert ring in PAGE


def test_the_head_is_what_is_written() -> None:
    assert head.write(BOXES).decode().split('"schema"')[0].strip(" {\n") in PAGE
    for name in ("counts", "annotated", "marks"):
        assert f"`{name}`" in PAGE


def test_the_tables_say_what_is_so() -> None:
    for kind in shapes.KINDS:
        carried = [f"{'yes' if kind in FORMATS[form].kinds else '–'}" for form in ("coco", "jsonl", "csv")]
        assert f"| `{kind}` | {' | '.join(carried)} | `{native(kind).file_name}` |" in PAGE
    for number in (
        shapes.MAX_LABELS, shapes.MAX_MARKS, shapes.MAX_POINTS, shapes.MAX_COMMENT, bounded.MAX_VALUES,
    ):  # fmt: skip
        assert f"{number:,}" in PAGE, number
    assert f"at least {SAME_OBJECT}" in PAGE
    assert f"at least {AGREED}" in PAGE
    for reason in REASONS:
        assert f"`{reason}`" in PAGE


def test_codes_that_are_told_exist() -> None:
    told = set(re.findall(r"fault `([a-z-]+)`", PAGE))
    assert {"rle-not-supported", "several-rings"} <= told
    assert told <= set(service.texts)
