"""From JSON to the values of `shapes`, with every fault told where it stands. Pure.

`*_from_json` raise `BadShape`; `read_*` note faults on a `Reader` and go on, for those who read a larger whole.
"""

from typing import Any, Final

from services.annotation.campaigns.reader import BadShape, Reader, child
from services.annotation.campaigns.shapes import (
    KINDS,
    MAX_COMMENT,
    MAX_GUIDELINES,
    MAX_ITEMS,
    MAX_LABELS,
    MAX_MARKS,
    MAX_NAME,
    MAX_PATH,
    MAX_POINTS,
    MAX_TITLE,
    SOURCES,
    CampaignDocument,
    Item,
    ItemAnnotation,
    Label,
    LabelSchema,
    Mark,
    Title,
)


def read_mark(reader: Reader, value: Any, pointer: str) -> Mark | None:
    """Return one mark; what is wrong with its form is noted. Whether it fits a schema is `validate_marks`'s work."""
    members = reader.members(value, pointer, ("label",), ("geometry",))
    if members is None:
        return None
    label = reader.text(members["label"], child(pointer, "label"), MAX_NAME, at_least=1)
    if members.get("geometry") is None:
        return None if label is None else Mark(label)
    at = child(pointer, "geometry")
    geometry = reader.members(members["geometry"], at, (), ("box", "polygon", "span"))
    if geometry is None:
        return None
    if len(geometry) != 1:
        reader.fault(at, "one-geometry")
        return None
    ((name, shape),) = geometry.items()
    mark = Mark(label or "", **{name: _GEOMETRIES[name](reader, shape, child(at, name))})
    return None if label is None or (mark.box, mark.polygon, mark.span) == (None, None, None) else mark


def _numbers(reader: Reader, value: Any, pointer: str, count: int) -> tuple[float, ...] | None:
    numbers = reader.elements(value, pointer, count, count)
    if numbers is None:
        return None
    read = [reader.number(number, child(pointer, i)) for i, number in enumerate(numbers)]
    whole = tuple(number for number in read if number is not None)
    return whole if len(whole) == count else None


def _read_polygon(reader: Reader, value: Any, pointer: str) -> tuple[tuple[float, ...], ...] | None:
    points = reader.elements(value, pointer, MAX_POINTS, 3)
    if points is None:
        return None
    read = [_numbers(reader, point, child(pointer, i), 2) for i, point in enumerate(points)]
    whole = tuple(point for point in read if point is not None)
    return whole if len(whole) == len(points) else None


def _read_span(reader: Reader, value: Any, pointer: str) -> tuple[int, ...] | None:
    ends = reader.elements(value, pointer, 2, 2)
    if ends is None:
        return None
    read = [reader.integer(end, child(pointer, i)) for i, end in enumerate(ends)]
    whole = tuple(end for end in read if end is not None)
    return whole if len(whole) == 2 else None


_GEOMETRIES: Final[dict[str, Any]] = {
    "box": lambda reader, value, pointer: _numbers(reader, value, pointer, 4),
    "polygon": _read_polygon,
    "span": _read_span,
}


def marks_from_json(value: Any, pointer: str = "") -> tuple[Mark, ...]:
    """Return a list of marks; raise BadShape with every fault of form."""
    reader = Reader()
    marks = read_marks(reader, value, pointer)
    reader.settle()
    return marks


def read_marks(reader: Reader, value: Any, pointer: str) -> tuple[Mark, ...]:
    """Return the marks of a list that have the right form."""
    elements = reader.elements(value, pointer, MAX_MARKS) or []
    read = [read_mark(reader, element, child(pointer, i)) for i, element in enumerate(elements)]
    return tuple(mark for mark in read if mark is not None)


def schema_from_json(value: Any, pointer: str = "") -> LabelSchema:
    """Return a label schema; raise BadShape with every fault: unknown kind, no labels, a label twice, …"""
    reader = Reader()
    schema = read_schema(reader, value, pointer)
    reader.settle()
    assert schema is not None
    return schema


def read_schema(reader: Reader, value: Any, pointer: str) -> LabelSchema | None:
    """Return a label schema, or None with its faults noted."""
    members = reader.members(value, pointer, ("kind", "labels"), ("multiple", "comment"))
    if members is None:
        return None
    kind = reader.word(members["kind"], child(pointer, "kind"), KINDS)
    at = child(pointer, "labels")
    labels: list[Label] = []
    for i, entry in enumerate(reader.elements(members["labels"], at, MAX_LABELS, 1) or []):
        label = _read_label(reader, entry, child(at, i))
        if label is not None:
            labels.append(label)
    seen: set[str] = set()
    for i, label in enumerate(labels):
        if label.name in seen:
            reader.fault(f"{child(at, i)}/name", "label-twice", label=label.name)
        seen.add(label.name)
    multiple = reader.flag(members.get("multiple", False), child(pointer, "multiple"))
    comment = reader.flag(members.get("comment", False), child(pointer, "comment"))
    if kind is None or multiple is None or comment is None:
        return None
    return LabelSchema(kind, tuple(labels), multiple, comment)


def _read_label(reader: Reader, value: Any, pointer: str) -> Label | None:
    members = reader.members(value, pointer, ("name", "title"))
    if members is None:
        return None
    name = reader.text(members["name"], child(pointer, "name"), MAX_NAME, at_least=1)
    if name is not None and (name != name.strip() or not name.isprintable()):
        reader.fault(child(pointer, "name"), "label-name-form")
        return None
    titles = reader.members(members["title"], child(pointer, "title"), ("sv", "en"))
    if titles is None:
        return None
    at = child(pointer, "title")
    sv, en = (reader.text(titles[tongue], child(at, tongue), MAX_TITLE, at_least=1) for tongue in ("sv", "en"))
    return None if name is None or sv is None or en is None else Label(name, Title(sv, en))


def item_from_json(value: Any, pointer: str = "") -> Item:
    """Return an item; raise BadShape."""
    reader = Reader()
    item = read_item(reader, value, pointer)
    reader.settle()
    assert item is not None
    return item


def read_item(reader: Reader, value: Any, pointer: str) -> Item | None:
    """Return an item, or None with its faults noted."""
    members = reader.members(value, pointer, ("path", "media_type"), ("width", "height", "length"))
    if members is None:
        return None
    path = reader.text(members["path"], child(pointer, "path"), MAX_PATH, at_least=1)
    media_type = reader.text(members["media_type"], child(pointer, "media_type"), MAX_TITLE)
    sizes = {
        name: reader.integer(members[name], child(pointer, name))
        for name in ("width", "height", "length")
        if members.get(name) is not None
    }
    return None if path is None or media_type is None else Item(path, media_type, **sizes)


def read_annotation(reader: Reader, value: Any, pointer: str) -> ItemAnnotation | None:
    """Return what is said of an item, or None with its faults noted."""
    members = reader.members(value, pointer, ("path", "marks"), ("comment", "annotator", "source"))
    if members is None:
        return None
    path = reader.text(members["path"], child(pointer, "path"), MAX_PATH, at_least=1)
    marks = read_marks(reader, members["marks"], child(pointer, "marks"))
    comment = reader.text(members.get("comment", ""), child(pointer, "comment"), MAX_COMMENT)
    annotator = reader.text(members.get("annotator", ""), child(pointer, "annotator"), MAX_NAME)
    source = reader.word(members.get("source", "import"), child(pointer, "source"), SOURCES)
    if path is None or comment is None or annotator is None or source is None:
        return None
    return ItemAnnotation(path, marks, comment, annotator, source)


def document_from_json(value: Any) -> CampaignDocument:
    """Return a whole campaign; raise BadShape. `document_from_json(document_to_json(d)) == d`."""
    reader = Reader()
    members = reader.members(value, "", ("campaign_id", "title", "guidelines", "schema", "items", "annotations"))
    if members is None:
        raise BadShape(reader.faults)
    campaign_id = reader.text(members["campaign_id"], "/campaign_id", MAX_NAME)
    title = reader.text(members["title"], "/title", MAX_TITLE)
    guidelines = reader.text(members["guidelines"], "/guidelines", MAX_GUIDELINES)
    schema = read_schema(reader, members["schema"], "/schema")
    items = [
        read_item(reader, item, child("/items", i))
        for i, item in enumerate(reader.elements(members["items"], "/items", MAX_ITEMS) or [])
    ]
    annotations = [
        read_annotation(reader, annotation, child("/annotations", i))
        for i, annotation in enumerate(reader.elements(members["annotations"], "/annotations", MAX_ITEMS) or [])
    ]
    reader.settle()
    assert campaign_id is not None and title is not None and guidelines is not None and schema is not None
    return CampaignDocument(
        campaign_id,
        title,
        guidelines,
        schema,
        tuple(item for item in items if item is not None),
        tuple(annotation for annotation in annotations if annotation is not None),
    )
