"""COCO (https://cocodataset.org/#format-data): image classes, boxes and polygons. Pure.

What COCO has no place for stands in members that its readers pass over: `item_annotations` (who said it, comment, what
was looked at and found empty), `attributes.item_annotation` of each annotation, `title` of a category, `media_type` of
an image, `campaign` in `info`. An image class is an annotation without `bbox`, `area` and `segmentation`, with
`attributes.whole_image`. Layout, and what is read from the files of other tools: docs/annotation.md.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.annotation.campaigns.reader import Reader, child
from services.annotation.campaigns.shapes import (
    MAX_COMMENT,
    MAX_ITEMS,
    MAX_LABELS,
    MAX_NAME,
    MAX_PATH,
    MAX_POINTS,
    MAX_TITLE,
    SOURCES,
    CampaignDocument,
    Item,
    ItemAnnotation,
    Kind,
    LabelSchema,
    Mark,
    item_to_json,
)
from services.annotation.exports.bounded import BadAnnotationFile, count_values, json_of, text_of
from services.annotation.exports.contents import MAX_FILE_MARKS, Contents, Draft, Gathering, check

KINDS: Final[tuple[Kind, ...]] = ("image-class", "boxes", "polygons")
_NAMES: Final = {"/label": "/category_id", "/geometry/box": "/bbox", "/geometry/polygon": "/segmentation"}


def write(document: CampaignDocument) -> bytes:
    """Return the campaign as a COCO file, one entry a line; ValueError for a kind that COCO has not."""
    check(document, KINDS)
    image_ids = {item.path: i for i, item in enumerate(document.items, start=1)}
    category_ids = {label.name: i for i, label in enumerate(document.schema.labels, start=1)}
    marks: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for number, annotation in enumerate(document.annotations, start=1):
        image = image_ids[annotation.path]
        said.append(
            {
                "id": number,
                "image_id": image,
                "annotator": annotation.annotator,
                "source": annotation.source,
                "comment": annotation.comment,
            }
        )
        for mark in annotation.marks:
            head = {"id": len(marks) + 1, "image_id": image, "category_id": category_ids[mark.label]}
            marks.append({**head, **_place(mark, number)})
    schema = document.schema
    info = {
        "description": document.title,
        "version": "1",
        "campaign": {
            "id": document.campaign_id,
            "kind": schema.kind,
            "multiple": schema.multiple,
            "comment": schema.comment,
        },
    }
    images = [_image(item, image_ids[item.path]) for item in document.items]
    categories = [
        {
            "id": category_ids[label.name],
            "name": label.name,
            "supercategory": "",
            "title": {"sv": label.title.sv, "en": label.title.en},
        }
        for label in schema.labels
    ]
    lists = {"images": images, "categories": categories, "annotations": marks, "item_annotations": said}
    parts = [f'"info": {_line(info)}', '"licenses": []', *(f'"{name}": {_lines(rows)}' for name, rows in lists.items())]
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _lines(rows: Sequence[Any]) -> str:
    return "[\n" + ",\n".join(_line(row) for row in rows) + "\n]" if rows else "[]"


def _image(item: Item, number: int) -> dict[str, Any]:
    known = item_to_json(item)
    return {"id": number, "file_name": known.pop("path"), **known}


def _place(mark: Mark, number: int) -> dict[str, Any]:
    """Return the members that tell where a mark is; `number`: that of its item annotation."""
    attributes = {"item_annotation": number}
    if mark.box is not None:
        box = [float(side) for side in mark.box]
        return {"bbox": box, "area": box[2] * box[3], "segmentation": [], "iscrowd": 0, "attributes": attributes}
    if mark.polygon is not None:
        ring = [float(number) for point in mark.polygon for number in point]
        xs, ys = ring[0::2], ring[1::2]
        box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
        return {
            "bbox": box,
            "area": area(mark.polygon),
            "segmentation": [ring],
            "iscrowd": 0,
            "attributes": attributes,
        }
    return {"iscrowd": 0, "attributes": {**attributes, "whole_image": True}}


def area(polygon: Sequence[tuple[float, float]]) -> float:
    """Return the area that a ring encloses, by the shoelace formula; square pixels."""
    pairs = zip(polygon, [*polygon[1:], polygon[0]], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def read(content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None) -> list[ItemAnnotation]:
    """Return the annotations of a COCO file in the order written; raise BadAnnotationFile with what is wrong where.

    `items`: those of the campaign, against which paths and sizes are held. A file of another tool gives one annotation
    of source `import` for each image that has at least one mark.
    """
    return list(read_contents(content, schema, items).annotations)


def read_contents(content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None) -> Contents:
    """Return the items and the annotations of a COCO file; raise BadAnnotationFile."""
    if schema.kind not in KINDS:
        raise ValueError(f"COCO carries {', '.join(KINDS)}, not {schema.kind}")
    text = text_of(content)
    count_values(text, ",[{")
    reader = Reader()
    contents = _Reading(reader, schema, items).read(json_of(text))
    if reader.faults:
        raise BadAnnotationFile(reader.faults)
    return contents


class _Reading:
    """One COCO file being read."""

    def __init__(self, reader: Reader, schema: LabelSchema, items: Iterable[Item] | None) -> None:
        self._reader = reader
        self._schema = schema
        self._gathering = Gathering(reader, schema, items, _NAMES)
        self._images: dict[int, str] = {}
        """Path by image id; empty for an image that was refused, so that its marks are not refused once more."""
        self._categories: dict[int, str] = {}
        self._drafts: dict[int, Draft] = {}
        """By the id of the item annotation, or by image id in a file that has none."""
        self._marks: dict[int, list[Mark]] = {}

    def read(self, value: Any) -> Contents:
        needed = ("images", "annotations", "categories")
        file = self._reader.members(value, "", needed, closed=False)
        if file is None:
            return Contents((), ())
        for at, entry, number in self._entries(file["images"], "/images", MAX_ITEMS, ("id", "file_name")):
            self._read_image(entry, number, at)
        for at, entry, number in self._entries(file["categories"], "/categories", MAX_LABELS, ("id", "name")):
            name = self._reader.text(entry["name"], f"{at}/name", MAX_TITLE, at_least=1)
            self._categories[number] = name or ""
        own = "item_annotations" in file
        if own:
            needed = ("id", "image_id", "annotator", "source", "comment")
            for at, entry, number in self._entries(file["item_annotations"], "/item_annotations", MAX_ITEMS, needed):
                self._read_said(entry, number, at)
        needed = ("id", "image_id", "category_id")
        for at, entry, _ in self._entries(file["annotations"], "/annotations", MAX_FILE_MARKS, needed):
            self._read_mark(entry, at, own=own)
        for key, draft in self._drafts.items():
            said = draft.annotation
            draft.annotation = ItemAnnotation(
                said.path, tuple(self._marks[key]), said.comment, said.annotator, said.source
            )
            self._gathering.add(draft)
        return self._gathering.finish()

    def _entries(
        self, value: Any, pointer: str, limit: int, needed: Sequence[str]
    ) -> Iterable[tuple[str, dict[str, Any], int]]:
        """Yield (pointer, entry, id) of a list whose entries have ids of their own."""
        seen: set[int] = set()
        for i, element in enumerate(self._reader.elements(value, pointer, limit) or []):
            if self._reader.full:
                return
            at = child(pointer, i)
            entry = self._reader.members(element, at, needed, closed=False)
            number = None if entry is None else self._reader.integer(entry["id"], f"{at}/id")
            if entry is None or number is None:
                continue
            if number in seen:
                self._reader.fault(f"{at}/id", "id-twice", id=number)
                continue
            seen.add(number)
            yield at, entry, number

    def _read_image(self, entry: dict[str, Any], number: int, at: str) -> None:
        path = self._reader.text(entry["file_name"], f"{at}/file_name", MAX_PATH, at_least=1)
        media_type = self._reader.text(entry.get("media_type", ""), f"{at}/media_type", MAX_TITLE)
        sizes = {
            name: self._reader.integer(entry[name], f"{at}/{name}")
            for name in ("width", "height", "length")
            if entry.get(name) is not None
        }
        self._images[number] = ""
        if path is not None and media_type is not None:
            item = Item(path, media_type, **sizes)
            if self._gathering.add_item(item, at, f"{at}/file_name"):
                self._images[number] = path

    def _image_of(self, entry: dict[str, Any], at: str) -> tuple[int, str] | None:
        """Return the id and the path of the image that an entry is of."""
        number = self._reader.integer(entry["image_id"], f"{at}/image_id")
        if number is None:
            return None
        if number not in self._images:
            self._reader.fault(f"{at}/image_id", "image-unknown", id=number)
            return None
        return (number, self._images[number]) if self._images[number] else None

    def _read_said(self, entry: dict[str, Any], number: int, at: str) -> None:
        image = self._image_of(entry, at)
        annotator = self._reader.text(entry["annotator"], f"{at}/annotator", MAX_NAME)
        source = self._reader.word(entry["source"], f"{at}/source", SOURCES)
        comment = self._reader.text(entry["comment"], f"{at}/comment", MAX_COMMENT)
        if image is not None and annotator is not None and source is not None and comment is not None:
            self._drafts[number] = Draft(ItemAnnotation(image[1], (), comment, annotator, source), at, number)
            self._marks[number] = []

    def _read_mark(self, entry: dict[str, Any], at: str, *, own: bool) -> None:
        image = self._image_of(entry, at)
        category = self._reader.integer(entry["category_id"], f"{at}/category_id")
        if category is not None and category not in self._categories:
            self._reader.fault(f"{at}/category_id", "category-unknown", id=category)
            return
        if image is None or category is None:
            return
        mark = self._shape(entry, self._categories[category], at)
        key = self._said_of(entry, at, image[1]) if own else image[0]
        if mark is None or key is None:
            return
        if key not in self._drafts:
            self._drafts[key] = Draft(ItemAnnotation(image[1], source="import"), at)
            self._marks[key] = []
        self._marks[key].append(mark)
        self._drafts[key].places.append(at)

    def _said_of(self, entry: dict[str, Any], at: str, path: str) -> int | None:
        """Return the id of the item annotation that a mark belongs to."""
        at = f"{at}/attributes"
        attributes = self._reader.members(entry.get("attributes"), at, ("item_annotation",), closed=False)
        if attributes is None:
            return None
        at = f"{at}/item_annotation"
        number = self._reader.integer(attributes["item_annotation"], at)
        if number is not None and (number not in self._drafts or self._drafts[number].annotation.path != path):
            self._reader.fault(at, "item-annotation-unknown", id=number)
            return None
        return number

    def _shape(self, entry: dict[str, Any], label: str, at: str) -> Mark | None:
        """Return a mark with the geometry that the schema wants; the rest of an annotation is not looked at."""
        reader = self._reader
        if self._schema.geometry is None:
            if entry.get("bbox") or entry.get("segmentation"):
                reader.fault(at, "geometry-unexpected", kind=self._schema.kind)
                return None
            return Mark(label)
        if self._schema.geometry == "box":
            sides = reader.elements(entry.get("bbox"), f"{at}/bbox", 4, 4)
            read = [reader.number(side, child(f"{at}/bbox", i)) for i, side in enumerate(sides or [])]
            x, y, w, h = read if sides is not None else (None,) * 4
            return None if x is None or y is None or w is None or h is None else Mark(label, box=(x, y, w, h))
        ring = self._ring(entry, at)
        return None if ring is None else Mark(label, polygon=ring)

    def _ring(self, entry: dict[str, Any], at: str) -> tuple[tuple[float, float], ...] | None:
        reader = self._reader
        rings, at_ring = entry.get("segmentation"), f"{at}/segmentation"
        if isinstance(rings, dict) or entry.get("iscrowd") == 1:
            reader.fault(at_ring, "rle-not-supported")
            return None
        if not isinstance(rings, list) or not rings:
            reader.fault(at_ring, "segmentation-missing")
            return None
        if len(rings) > 1:
            reader.fault(at_ring, "several-rings", count=len(rings))
            return None
        at_ring = f"{at_ring}/0"
        numbers = reader.elements(rings[0], at_ring, 2 * MAX_POINTS, 6)
        if numbers is None:
            return None
        if len(numbers) % 2:
            reader.fault(at_ring, "ring-odd", count=len(numbers))
            return None
        read = [reader.number(number, child(at_ring, i)) for i, number in enumerate(numbers)]
        whole = [number for number in read if number is not None]
        return tuple(zip(whole[0::2], whole[1::2], strict=True)) if len(whole) == len(numbers) else None
