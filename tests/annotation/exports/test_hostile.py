"""Files that are not what they should be: each fault is told with its place and what would be right, no more."""

import codecs
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.annotation.campaigns import shape_texts
from services.annotation.campaigns.reader import MAX_FAULTS, Fault
from services.annotation.campaigns.shapes import (
    KINDS,
    CampaignDocument,
    Item,
    ItemAnnotation,
    Kind,
    Label,
    LabelSchema,
    Mark,
    Title,
)
from services.annotation.exports import bounded, coco, contents, csv_format, head, jsonl, texts
from services.annotation.exports.bounded import BadAnnotationFile
from services.annotation.exports.formats import FORMATS, Format
from tests.annotation.exports.strategies import documents, examples

TEXTS = {**shape_texts.TEXTS, **texts.TEXTS}
A, B = Item("a.png", "image/png", 100, 50), Item("b.png", "image/png", 100, 50)
T = Item("t.txt", "text/plain", length=10)


def schema(kind: Kind, *, multiple: bool = True) -> LabelSchema:
    return LabelSchema(kind, (Label("cat", Title("katt", "cat")), Label("dog", Title("hund", "dog"))), multiple)


def told(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    """Each fault's place and code; every one has a text in both languages with all of it filled in."""
    for fault in faults:
        for language in ("sv", "en"):
            TEXTS[fault.code][language].format(**fault.params)  # raises when a value is missing
    return [(fault.pointer, fault.code) for fault in faults]


def refusal(form: str, content: bytes, kind: Kind, items: list[Item] | None = None) -> list[tuple[str, str]]:
    with pytest.raises(BadAnnotationFile) as refused:
        FORMATS[form].read(content, schema(kind), items)
    return told(refused.value.faults)


def coco_file(**change: Any) -> dict[str, Any]:
    """A small file of another tool, with some of its members exchanged."""
    return {
        "images": [{"id": 7, "file_name": "a.png", "width": 100, "height": 50}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "iscrowd": 0}],
        **change,
    }


def one(**change: Any) -> dict[str, Any]:
    entry = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "segmentation": [[0, 0, 9, 0, 0, 9]]}
    return coco_file(annotations=[{**entry, **change}])


def test_coco_of_another_tool_is_read() -> None:
    ring = [10.5, 0, 20, 0, 20, 10]
    file = coco_file(
        images=[{"id": 7, "file_name": "a.png", "license": 1}, {"id": 8, "file_name": "b.png", "coco_url": "x"}],
        annotations=[
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 10, 10], "segmentation": [ring], "area": 99.5},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [1, 0, 10, 10], "segmentation": [ring[::-1]]},
        ],
    )
    boxes = coco.read(json.dumps(file).encode(), schema("boxes"), [A, B])
    # An image of which nothing is said was perhaps never looked at: it is not taken for empty.
    assert boxes == [
        ItemAnnotation("a.png", (Mark("cat", box=(0, 0, 10, 10)), Mark("cat", box=(1, 0, 10, 10))), source="import")
    ]
    ((mark, _),) = (said.marks for said in coco.read(json.dumps(file).encode(), schema("polygons"), [A, B]))
    assert mark == Mark("cat", polygon=((10.5, 0), (20, 0), (20, 10)))
    masks = one(segmentation={"counts": "abc", "size": [50, 100]}, iscrowd=1)
    # A campaign of boxes asks for no mask, and reads the box beside it.
    assert coco.read(json.dumps(masks).encode(), schema("boxes"), [A])[0].marks == (Mark("cat", box=(0, 0, 10, 10)),)


@pytest.mark.parametrize(
    ("kind", "file", "faults"),
    [
        ("boxes", [], [("", "object-expected")]),
        ("boxes", {"images": []}, [("", "member-missing"), ("", "member-missing")]),
        ("boxes", coco_file(images={}), [("/images", "list-expected"), ("/annotations/0/image_id", "image-unknown")]),
        ("boxes", coco_file(images=[{"id": 7, "file_name": "z.png"}]), [("/images/0/file_name", "item-unknown")]),
        ("boxes", coco_file(images=[{"id": 7, "file_name": 5}]), [("/images/0/file_name", "text-expected")]),
        ("boxes", coco_file(images=[{"id": 7, "file_name": "a.png", "width": 50, "height": 100}]),
         [("/images/0/width", "size-differs"), ("/images/0/height", "size-differs")]),
        ("boxes", coco_file(images=[{"id": 7, "file_name": "a.png"}, {"id": 7, "file_name": "b.png"}]),
         [("/images/1/id", "id-twice")]),
        ("boxes", coco_file(images=[{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "a.png"}]),
         [("/images/1/file_name", "item-twice")]),
        ("boxes", coco_file(categories=[{"id": 3, "name": "cow"}]), [("/annotations/0/category_id", "label-unknown")]),
        ("boxes", one(category_id=4), [("/annotations/0/category_id", "category-unknown")]),
        ("boxes", one(image_id=8), [("/annotations/0/image_id", "image-unknown")]),
        ("boxes", one(image_id="7"), [("/annotations/0/image_id", "number-expected")]),
        ("boxes", one(bbox=None), [("/annotations/0/bbox", "list-expected")]),
        ("boxes", one(bbox=[1, 2, 3]), [("/annotations/0/bbox", "list-length")]),
        ("boxes", one(bbox=[1, 2, "3", True]),
         [("/annotations/0/bbox/2", "number-expected"), ("/annotations/0/bbox/3", "number-expected")]),
        ("boxes", one(bbox=[1, 2, -3, 4]), [("/annotations/0/bbox", "box-empty")]),
        ("boxes", one(bbox=[-10, 2, 30, 4]), [("/annotations/0/bbox", "place-outside")]),
        ("boxes", one(bbox=[95, 2, 10, 4]), [("/annotations/0/bbox", "place-outside")]),
        ("boxes", one(bbox=[1e12, 2, 10, 4]), [("/annotations/0/bbox/0", "number-out-of-range")]),
        ("boxes", one(bbox=[10**30, 2, 10, 4]), [("/annotations/0/bbox/0", "number-out-of-range")]),
        ("boxes", one(bbox=[float("nan"), 2, 10, 4]), [("/annotations/0/bbox/0", "number-not-finite")]),
        ("boxes", one(area=float("inf")), [("/annotations/0/area", "number-not-finite")]),
        ("boxes", coco_file(annotations=[one()["annotations"][0]] * 2), [("/annotations/1/id", "id-twice")]),
        ("polygons", one(segmentation={"counts": [1, 2], "size": [50, 100]}),
         [("/annotations/0/segmentation", "rle-not-supported")]),
        ("polygons", one(iscrowd=1), [("/annotations/0/segmentation", "rle-not-supported")]),
        ("polygons", one(segmentation=[]), [("/annotations/0/segmentation", "segmentation-missing")]),
        ("polygons", one(segmentation=[[0, 0, 9, 0, 0, 9], [20, 20, 30, 20, 30, 30]]),
         [("/annotations/0/segmentation", "several-rings")]),
        ("polygons", one(segmentation=[[0, 0, 9, 0, 0, 9, 1]]), [("/annotations/0/segmentation/0", "ring-odd")]),
        ("polygons", one(segmentation=[[0, 0, 9, 0]]), [("/annotations/0/segmentation/0", "list-length")]),
        ("polygons", one(segmentation=[[0, 0, 9, 0, 0, None]]),
         [("/annotations/0/segmentation/0/5", "number-expected")]),
        ("polygons", one(segmentation=[[0, 0, 5, 5, 9, 9]]), [("/annotations/0/segmentation", "polygon-empty")]),
        ("polygons", one(segmentation=[[0, 0, 500, 0, 0, 9]]), [("/annotations/0/segmentation", "place-outside")]),
        ("image-class", one(), [("/annotations/0", "geometry-unexpected")]),
        ("image-class", coco_file(annotations=[{"id": n, "image_id": 7, "category_id": 3} for n in (1, 2)]),
         [("/annotations/1", "mark-twice")]),
        ("boxes", coco_file(item_annotations=[]), [("/annotations/0/attributes", "object-expected")]),
        ("boxes", {**one(attributes={"item_annotation": 2}), "item_annotations": []},
         [("/annotations/0/attributes/item_annotation", "item-annotation-unknown")]),
        ("boxes", coco_file(annotations=[], item_annotations=[
            {"id": n, "image_id": 7, "annotator": "", "source": source, "comment": ""}
            for n, source in enumerate(["agreed", "review"])]), [("/item_annotations/1", "accepted-twice")]),
        ("boxes", coco_file(annotations=[], item_annotations=[
            {"id": n, "image_id": 7, "annotator": "a", "source": "submission", "comment": ""} for n in (1, 2)]),
         [("/item_annotations/1", "submission-twice")]),
        ("boxes", coco_file(annotations=[], item_annotations=[
            {"id": 1, "image_id": 7, "annotator": "a", "source": "guess", "comment": "\ud800"}]),
         [("/item_annotations/0/source", "word-expected"), ("/item_annotations/0/comment", "text-not-storable")]),
    ],
)  # fmt: skip
def test_coco_that_is_wrong(kind: Kind, file: Any, faults: list[tuple[str, str]]) -> None:
    assert refusal("coco", json.dumps(file).encode(), kind, [A, B]) == faults


SPAN = {"start": 0, "end": 3, "label": "cat"}


def test_jsonl_of_another_tool_is_read() -> None:
    lines = [{"path": "t.txt", "spans": [[0, 3, "cat"], SPAN | {"label": "dog"}], "comment": "osäker"}]
    content = b"\xef\xbb\xbf\r\n" + "\r\n".join(json.dumps(line) for line in lines).encode() + b"\r\n\r\n"
    assert jsonl.read(content, schema("text-spans"), [T]) == [
        ItemAnnotation("t.txt", (Mark("cat", span=(0, 3)), Mark("dog", span=(0, 3))), "osäker", source="import")
    ]
    assert jsonl.read(b'{"path": "t.txt", "labels": []}', schema("text-class"), [T]) == [
        ItemAnnotation("t.txt", source="import")
    ]
    assert jsonl.read(b'{"path": "t.txt"}\n', schema("text-class"), [T]) == []
    assert jsonl.read(b"", schema("text-class"), [T]) == []


def line(kind_member: str, *marks: Any, **more: Any) -> bytes:
    return json.dumps({"path": "t.txt", kind_member: list(marks), **more}).encode()


def boxes(*marks: Any) -> bytes:
    return json.dumps({"path": "a.png", "boxes": list(marks)}).encode()


@pytest.mark.parametrize(
    ("kind", "content", "faults"),
    [
        ("text-spans", b"[1]", [("line 1", "object-expected")]),
        ("text-spans", b"\n{", [("line 2", "not-json")]),
        ("text-spans", b'{"path": "t.txt"} {}', [("line 1", "not-json")]),
        ("text-spans", b"{}", [("line 1", "member-missing")]),
        ("text-spans", b'{"path": "t.txt", "text": "x"}', [("line 1", "member-unknown")]),
        ("text-spans", b'{"path": "z.txt"}', [("line 1/path", "item-unknown")]),
        ("text-spans", b'{"path": "t.txt"}\n{"path": "t.txt"}', [("line 2/path", "item-twice")]),
        ("text-spans", b'{"path": "t.txt", "path": "a"}', [("line 1", "member-twice")]),
        ("text-spans", b'{"path": "t.txt", "length": 9}', [("line 1/length", "size-differs")]),
        ("text-spans", b'{"path": "t.txt", "length": -9}', [("line 1/length", "whole-number-expected")]),
        ("text-spans", line("spans", SPAN | {"end": 11}), [("line 1/spans/0", "span-outside")]),
        ("text-spans", line("spans", SPAN | {"end": 0}), [("line 1/spans/0", "span-empty")]),
        ("text-spans", line("spans", SPAN | {"end": 1.5}), [("line 1/spans/0/end", "whole-number-expected")]),
        ("text-spans", line("spans", SPAN | {"start": -1}), [("line 1/spans/0/start", "whole-number-expected")]),
        ("text-spans", line("spans", SPAN | {"label": "cow"}), [("line 1/spans/0/label", "label-unknown")]),
        ("text-spans", line("spans", SPAN | {"text": "cow"}), [("line 1/spans/0", "member-unknown")]),
        ("text-spans", line("spans", SPAN, SPAN), [("line 1/spans/1", "mark-twice")]),
        ("text-spans", line("spans", [0, 3]), [("line 1/spans/0", "list-length")]),
        ("text-spans", line("spans", [0, 3, 4]), [("line 1/spans/0/2", "text-expected")]),
        ("text-spans", line("spans", annotations=[]), [("line 1", "member-unknown")]),
        ("text-spans", line("labels", "cat"), [("line 1/labels", "other-kind")]),
        ("text-spans", line("annotations", {"spans": [], "source": "agreed"}, {"spans": [], "source": "review"}),
         [("line 1/annotations/1", "accepted-twice")]),
        ("text-spans", line("annotations", {"spans": [], "number": 1},
                            {"spans": [], "number": 1, "source": "submission", "annotator": "a"}),
         [("line 1/annotations/1", "number-twice")]),
        ("text-class", line("labels", "cat", "cow", 5), [("line 1/labels/2", "text-expected"),
                                                         ("line 1/labels/1", "label-unknown")]),
        ("boxes", boxes({"box": [0, 0, 1, 1], "label": "cow"}), [("line 1/boxes/0/label", "label-unknown")]),
        ("boxes", boxes({"box": [0, 0, 0, 1], "label": "cat"}), [("line 1/boxes/0/box", "box-empty")]),
        ("boxes", boxes({"box": [0, 0, "1", 1], "label": "cat"}), [("line 1/boxes/0/box/2", "number-expected")]),
        ("boxes", b'{"path": "a.png", "boxes": [{"box": [0, 0, NaN, 1], "label": "cat"}]}',
         [("line 1/boxes/0/box/2", "number-not-finite")]),
        ("boxes", b'{"path": "a.png", "boxes": [{"box": [0, 0, 1e999, 1], "label": "cat"}]}',
         [("line 1/boxes/0/box/2", "number-not-finite")]),
        ("boxes", b'{"path": "a.png", "width": ' + b"9" * 100_000 + b"}", [("line 1/width", "number-not-finite")]),
        ("boxes", b'{"path": "a.png", "width": "100"}', [("line 1/width", "number-expected")]),
    ],
)  # fmt: skip
def test_jsonl_that_is_wrong(kind: Kind, content: bytes, faults: list[tuple[str, str]]) -> None:
    assert refusal("jsonl", content, kind, [A, B, T]) == faults


def test_csv_of_a_spreadsheet_is_read() -> None:
    content = "\ufeffPATH".lower().encode() + b";label;x;y;box_width;box_height\na.png;cat;0;0;10;10,5\n"
    assert refusal("csv", content, "boxes", [A]) == [("line 2/box_height", "csv-number")]
    content = content.replace(b"10,5", b"10.5") + b"a.png;dog;1;1;1;1\r\n\r\nb.png;;;;;\r"
    assert csv_format.read(content, schema("boxes"), [A, B]) == [
        ItemAnnotation("a.png", (Mark("cat", box=(0, 0, 10, 10.5)), Mark("dog", box=(1, 1, 1, 1))), source="import")
    ]
    tabs = b"label\tpath\ncat\ta.png\ndog\tb.png\ncat\tb.png"
    assert csv_format.read(tabs, schema("image-class"), [A, B]) == [
        ItemAnnotation("a.png", (Mark("cat"),), source="import"),
        ItemAnnotation("b.png", (Mark("dog"), Mark("cat")), source="import"),
    ]


@pytest.mark.parametrize(
    ("kind", "content", "faults"),
    [
        ("image-class", "", [("line 1", "csv-empty")]),
        ("image-class", "\n\n", [("line 1", "csv-empty")]),
        ("image-class", "path,name\na.png,cat", [("line 1", "csv-column-unknown"), ("line 1", "csv-column-missing")]),
        ("image-class", "path,label,label\n", [("line 1", "csv-column-twice")]),
        ("image-class", "path|label\na.png|cat",
         [("line 1", "csv-column-unknown"), ("line 1", "csv-column-missing"), ("line 1", "csv-column-missing")]),
        ("image-class", "path,label\na.png\na.png,cat,dog", [("line 2", "csv-width"), ("line 3", "csv-width")]),
        ("image-class", "path,label\na.png,cow", [("line 2/label", "label-unknown")]),
        ("image-class", "path,label\nz.png,cat", [("line 2/path", "item-unknown")]),
        ("image-class", "path,label\na.png,cat\na.png,cat", [("line 3", "mark-twice")]),
        ("image-class", 'path,label\n"a.png,cat', [("line 2", "csv-quote")]),
        ("image-class", 'path,label\n\na.png,"cat"x', [("line 3", "csv-quote")]),
        ("image-class", 'path,label\n"a\nb",cat\na"b,cat', [("line 2/path", "item-unknown"), ("line 4", "csv-quote")]),
        ("image-class", "path,label,comment\na.png,cat,x\na.png,dog,y", [("line 3/comment", "csv-comment-differs")]),
        ("image-class", "path,label,width\na.png,cat,100\na.png,dog,", [("line 3/path", "csv-item-differs")]),
        ("image-class", "path,label,width\na.png,cat,50", [("line 2/width", "size-differs")]),
        ("image-class", "path,label,source\na.png,cat,agreed\na.png,dog,review", [("line 3", "accepted-twice")]),
        ("image-class", "path,label,source\na.png,cat,me", [("line 2/source", "word-expected")]),
        ("image-class", "path,label,number\na.png,cat,1\nb.png,cat,1", [("line 3", "number-twice")]),
        ("image-class", "path,label,number\na.png,cat,one", [("line 2/number", "csv-number")]),
        ("image-class", "path,label\na.png,\0", [("line 2/label", "text-not-storable")]),
        ("boxes", "path,label,x,y\na.png,cat,0,0", [("line 1", "csv-column-missing")] * 2),
        ("boxes", "path,label,x,y,box_width,box_height\na.png,cat,0,0,,nan",
         [("line 2/box_width", "csv-cell-empty"), ("line 2/box_height", "csv-number")]),
        ("boxes", "path,label,x,y,box_width,box_height\na.png,cat,0,0,1e999,1_0",
         [("line 2/box_width", "number-out-of-range"), ("line 2/box_height", "csv-number")]),
        ("boxes", "path,label,x,y,box_width,box_height\na.png,cat,0,0,5,-5", [("line 2/x", "box-empty")]),
        ("boxes", "path,label,x,y,box_width,box_height\na.png,,0,0,5,5", [("line 2/label", "text-length")]),
        ("text-spans", "path,label,start,end\nt.txt,cat,0,11", [("line 2/start", "span-outside")]),
        ("text-spans", "path,label,start,end\nt.txt,cat,0,1.5", [("line 2/end", "whole-number-expected")]),
        ("text-spans", f"path,label,start,end\nt.txt,cat,0,{'9' * 5000}", [("line 2/end", "csv-number")]),
        ("polygons", "path,label,polygon\na.png,cat,\"POLYGON ((0 0, 1 0, 0 1))\"",
         [("line 2/polygon", "csv-ring-open")]),
        ("polygons", "path,label,polygon\na.png,cat,\"POLYGON ((0 0, 1 0, 0 0))\"",
         [("line 2/polygon", "list-length")]),
        ("polygons", "path,label,polygon\na.png,cat,\"POLYGON ((0 0, 1 0, 0 1, 0 0), (0 0, 1 0, 0 1, 0 0))\"",
         [("line 2/polygon", "several-rings")]),
        ("polygons", "path,label,polygon\na.png,cat,\"POLYGON ((0 0, 1 0 5, x 1, 0 0))\"",
         [("line 2/polygon/1", "csv-wkt"), ("line 2/polygon/2", "csv-number")]),
        ("polygons", "path,label,polygon\na.png,cat,1 2 3", [("line 2/polygon", "csv-wkt")]),
        ("polygons", "path,label,polygon\na.png,cat,", [("line 2/polygon", "csv-wkt")]),
    ],
)  # fmt: skip
def test_csv_that_is_wrong(kind: Kind, content: str, faults: list[tuple[str, str]]) -> None:
    assert sorted(refusal("csv", content.encode(), kind, [A, B, T])) == sorted(faults)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_bounds_hold_before_memory_is_spent(form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = form.kinds[0]
    assert refusal(form.name, "åäö".encode("utf-16"), kind) == [("", "file-not-utf8")]
    assert refusal(form.name, b"\n\n\xff", kind) == [("line 3", "file-not-utf8")]
    assert refusal(form.name, b"," * (bounded.MAX_VALUES + 1), kind) == [("", "file-too-many-values")]
    monkeypatch.setattr(bounded, "MAX_BYTES", 100)
    assert refusal(form.name, b" " * 101, kind) == [("", "file-too-large")]


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("coco", json.dumps(coco_file(annotations=[{"id": n, "image_id": 7, "category_id": 3} for n in range(11)]))),
        (
            "jsonl",
            '{"path": "a.png", "labels": ["cat", "dog"]}\n{"path": "b.png", "labels": [' + '"cat", ' * 8 + '"cat"]}',
        ),
        ("csv", "path,label\n" + "a.png,cat\n" * 11),
    ],
)
def test_marks_of_a_file_are_counted(form: str, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (coco, csv_format, contents):
        monkeypatch.setattr(module, "MAX_FILE_MARKS", 10)
    codes = {code for _, code in refusal(form, content.encode(), "image-class", [A, B])}
    assert codes & {"file-too-many-marks", "list-length"}


@pytest.mark.parametrize("depth", [20, 999, 100_000])
@pytest.mark.parametrize("form", ["coco", "jsonl"])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_depth_is_bounded(form: str, opening: bytes, depth: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    ((_, code),) = refusal(form, opening * depth + b"1" + closing * depth, "boxes")
    assert code == "too-deep"


def test_a_file_that_is_all_wrong_is_told_of_its_first_hundred_faults() -> None:
    content = b"path,label\n" + b"z.png,cow\n" * 1000 + b"".join(b"y%d.png,cow\n" % n for n in range(1000))
    assert len(refusal("csv", content, "image-class", [A])) == MAX_FAULTS
    assert len(refusal("jsonl", b"{}\n" * 5000, "boxes", [A])) == MAX_FAULTS
    file = coco_file(annotations=[{"id": n} for n in range(5000)])
    assert len(refusal("coco", json.dumps(file).encode(), "boxes", [A])) == MAX_FAULTS


def test_no_other_text_has_taken_the_place_of_a_fault_s() -> None:
    from services.annotation import service

    assert {code: service.texts[code] for code in TEXTS} == TEXTS


def test_names_from_a_file_are_told_short_and_printable() -> None:
    content = json.dumps({"path": "a\x1b[31m" + "b" * 1000, "boxes": []}).encode()
    with pytest.raises(BadAnnotationFile) as refused:
        jsonl.read(content, schema("boxes"), [A])
    shown = str(refused.value.faults[0].params["path"])
    assert len(shown) <= 101
    assert shown.isprintable()


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
@given(st.data())
@examples(80)
def test_a_damaged_file_is_read_or_refused(form: Format, data: st.DataObject) -> None:
    document = data.draw(documents(form.kinds))
    content = bytearray(form.write(document))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        gone = data.draw(st.integers(0, 20))
        piece = data.draw(
            st.binary(max_size=8)
            | st.sampled_from([b"null", b"-1", b"[", b"{", b'"', b",", b"\n", b"1e999", b"NaN", b"true", b"0"])
        )
        content[at : at + gone] = piece
    known = data.draw(st.sampled_from([None, document.items]))
    try:
        form.read(bytes(content), document.schema, known)
    except BadAnnotationFile as bad:
        assert 0 < len(told(bad.faults)) <= MAX_FAULTS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["path", "id", "bbox", "images", "annotations", "categories", "spans", "label", "box", "number"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("form", ["coco", "jsonl"])
@given(JSON, st.sampled_from(KINDS))
@examples(100)
def test_any_json_is_read_or_refused(form: str, value: Any, kind: Kind) -> None:
    if kind not in FORMATS[form].kinds:
        return
    try:
        FORMATS[form].read(json.dumps(value).encode(), schema(kind), [A])
    except BadAnnotationFile as bad:
        assert told(bad.faults)
    try:
        head.read(json.dumps(value).encode())
    except BadAnnotationFile as bad:
        assert told(bad.faults)


@given(st.binary(max_size=200) | st.text(alphabet=',;"\n\r=ab\t', max_size=200).map(str.encode), st.sampled_from(KINDS))
@examples(100)
def test_any_bytes_as_csv_are_read_or_refused(content: bytes, kind: Kind) -> None:
    try:
        csv_format.read(codecs.BOM_UTF8 + content, schema(kind))
    except BadAnnotationFile as bad:
        assert told(bad.faults)


def document(*annotations: ItemAnnotation, kind: Kind = "boxes", items: tuple[Item, ...] = (A,)) -> CampaignDocument:
    return CampaignDocument("c", "t", "g", schema(kind), items, annotations)


@pytest.mark.parametrize(
    "wrong",
    [
        document(kind="text-spans"),
        document(items=(A, A)),
        document(ItemAnnotation("b.png")),
        document(ItemAnnotation("a.png"), ItemAnnotation("a.png", source="review")),
        document(ItemAnnotation("a.png", (Mark("cow", box=(0, 0, 1, 1)),))),
        document(ItemAnnotation("a.png", (Mark("cat"),))),
        document(ItemAnnotation("a.png", (Mark("cat", box=(0, 0, float("nan"), 1)),))),
    ],
)
def test_what_no_file_can_carry_is_not_written(wrong: CampaignDocument) -> None:
    with pytest.raises(ValueError):
        coco.write(wrong)
    with pytest.raises(ValueError):
        coco.read(b"{}", schema("text-class"))
