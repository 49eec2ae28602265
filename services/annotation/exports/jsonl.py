"""JSON Lines (https://jsonlines.org): one item a line, every kind of label. Pure.

A line: `{"path", "media_type", "width", "height", "length", "annotations": [{"number", "annotator", "source",
"comment", "labels" | "boxes" | "polygons" | "spans"}]}`. Files of other tools may say it shorter, with the marks in the
line itself and a span as `[start, end, label]`. Layout: docs/annotation.md.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from services.annotation.campaigns.parse import read_item, read_mark
from services.annotation.campaigns.reader import Reader, child
from services.annotation.campaigns.shapes import (
    KINDS,
    MAX_COMMENT,
    MAX_MARKS,
    MAX_NAME,
    SOURCES,
    CampaignDocument,
    Item,
    ItemAnnotation,
    Kind,
    LabelSchema,
    Mark,
    item_to_json,
    mark_to_json,
)
from services.annotation.exports.bounded import BadAnnotationFile, count_values, json_of, text_of
from services.annotation.exports.contents import Contents, Draft, Gathering, by_item, check

MEMBERS: Final[dict[Kind, str]] = {
    "image-class": "labels",
    "text-class": "labels",
    "boxes": "boxes",
    "polygons": "polygons",
    "text-spans": "spans",
}
"""Where the marks of a kind stand."""

_SIZES: Final = ("media_type", "width", "height", "length")
_SAID: Final = ("number", "annotator", "source", "comment")
# Characters that JSON leaves as they are and that readers of lines may take for the end of one (Unicode §5.8).
_LINE_ENDS: Final = re.compile("[\x85\u2028\u2029]")


def write(document: CampaignDocument) -> bytes:
    """Return the campaign as JSON Lines, items in their order, those without annotation too."""
    check(document, KINDS)
    member = MEMBERS[document.schema.kind]
    return "".join(
        _line({**item_to_json(item), "annotations": [_said(number, said, member) for number, said in annotations]})
        for item, annotations in by_item(document)
    ).encode()


def _line(value: Any) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n"


def _said(number: int, annotation: ItemAnnotation, member: str) -> dict[str, Any]:
    return {
        "number": number,
        "annotator": annotation.annotator,
        "source": annotation.source,
        "comment": annotation.comment,
        member: [_mark(mark) for mark in annotation.marks],
    }


def _mark(mark: Mark) -> Any:
    if mark.span is not None:
        return {"start": mark.span[0], "end": mark.span[1], "label": mark.label}
    geometry = mark_to_json(mark).get("geometry")
    return mark.label if geometry is None else {**geometry, "label": mark.label}


def read(content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None) -> list[ItemAnnotation]:
    """Return the annotations of a JSON Lines file in the order written; raise BadAnnotationFile.

    `items`: those of the campaign, against which paths and sizes are held. Pointers begin with the line: `line 3/path`.
    """
    return list(read_contents(content, schema, items).annotations)


def read_contents(content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None) -> Contents:
    """Return the items and the annotations of a JSON Lines file; raise BadAnnotationFile."""
    text = text_of(content)
    count_values(text, ",[{")
    reader = Reader()
    gathering = Gathering(reader, schema, items, _names(schema))
    for place, line in _lines(text):
        if reader.full:
            break
        try:
            value = json_of(line, place)
        except BadAnnotationFile as bad:
            reader.note(bad.faults)
            continue
        _read_line(reader, gathering, schema, value, place)
    contents = gathering.finish()
    if reader.faults:
        raise BadAnnotationFile(reader.faults)
    return contents


def _names(schema: LabelSchema) -> dict[str, str]:
    if schema.geometry is None:
        return {"/label": "", "/geometry": ""}
    return {
        "/label": "/label",
        f"/geometry/{schema.geometry}": "" if schema.geometry == "span" else f"/{schema.geometry}",
    }


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield (`line 3`, line) for each line that is not blank; only LF ends a line, with or without CR before it."""
    start, number = 0, 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        number += 1
        line = text[start:end].strip(" \t\r")
        if line:
            yield f"line {number}", line
        start = end + 1


def _read_line(reader: Reader, gathering: Gathering, schema: LabelSchema, value: Any, place: str) -> None:
    member = MEMBERS[schema.kind]
    if not isinstance(value, dict):
        reader.fault(place, "object-expected")
        return
    other = sorted({name for name in MEMBERS.values() if name in value} - {member})
    if other:
        reader.fault(f"{place}/{other[0]}", "other-kind", name=other[0], kind=schema.kind, expected=member)
        return
    short = member in value
    optional = (*_SIZES, member, *_SAID) if short else (*_SIZES, "annotations")
    members = reader.members(value, place, ("path",), optional)
    if members is None:
        return
    item = read_item(reader, {"media_type": "", **{k: v for k, v in members.items() if k in ("path", *_SIZES)}}, place)
    if item is None or not gathering.add_item(item, place, f"{place}/path"):
        return
    if short:
        _read_said(reader, gathering, member, item, {k: members[k] for k in (member, *_SAID) if k in members}, place)
        return
    at = child(place, "annotations")
    for i, entry in enumerate(reader.elements(members.get("annotations", []), at, MAX_MARKS) or []):
        _read_said(reader, gathering, member, item, entry, child(at, i))


def _read_said(reader: Reader, gathering: Gathering, member: str, item: Item, value: Any, at: str) -> None:
    members = reader.members(value, at, (member,), _SAID)
    if members is None:
        return
    annotator = reader.text(members.get("annotator", ""), f"{at}/annotator", MAX_NAME)
    source = reader.word(members.get("source", "import"), f"{at}/source", SOURCES)
    comment = reader.text(members.get("comment", ""), f"{at}/comment", MAX_COMMENT)
    number = None if members.get("number") is None else reader.integer(members["number"], f"{at}/number", at_least=1)
    marks: list[Mark] = []
    places: list[str] = []
    for i, entry in enumerate(reader.elements(members[member], f"{at}/{member}", MAX_MARKS) or []):
        place = child(f"{at}/{member}", i)
        mark = _read_mark(reader, member, entry, place)
        if mark is not None:
            marks.append(mark)
            places.append(place)
    if annotator is not None and source is not None and comment is not None:
        gathering.add(Draft(ItemAnnotation(item.path, tuple(marks), comment, annotator, source), at, number, places))


def _read_mark(reader: Reader, member: str, value: Any, at: str) -> Mark | None:
    if member == "labels":
        label = reader.text(value, at, MAX_NAME, at_least=1)
        return None if label is None else Mark(label)
    if member == "spans" and isinstance(value, list):
        triple = reader.elements(value, at, 3, 3)
        return (
            None
            if triple is None
            else _span(reader, triple[0], triple[1], triple[2], (f"{at}/0", f"{at}/1", f"{at}/2"))
        )
    if member == "spans":
        span = reader.members(value, at, ("start", "end", "label"))
        places = (f"{at}/start", f"{at}/end", f"{at}/label")
        return None if span is None else _span(reader, span["start"], span["end"], span["label"], places)
    name = "box" if member == "boxes" else "polygon"
    members = reader.members(value, at, (name, "label"))
    if members is None:
        return None
    # The shape itself is read as the API reads it; its pointers say `geometry` where the line has the shape at once.
    inner = Reader()
    mark = read_mark(inner, {"label": members["label"], "geometry": {name: members[name]}}, at)
    for fault in inner.faults:
        reader.fault(fault.pointer.replace(f"{at}/geometry", at, 1), fault.code, **fault.params)
    return mark


def _span(reader: Reader, start: Any, end: Any, label: Any, places: tuple[str, str, str]) -> Mark | None:
    first = reader.integer(start, places[0])
    last = reader.integer(end, places[1])
    name = reader.text(label, places[2], MAX_NAME, at_least=1)
    return None if first is None or last is None or name is None else Mark(name, span=(first, last))
