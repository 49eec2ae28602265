"""What a campaign is made of, as plain values: schema, items, marks, annotations; as JSON, and checked. Pure.

Coordinates are pixels of the *oriented* image (EXIF orientation applied), origin in the upper left corner, x to the
right, y downwards; fractions are kept as they are. Spans are Unicode code points of the item's text, from 0, the end
left out. Coordinates are floats everywhere, offsets are integers: `10` and `10.0` are one coordinate. `parse` reads
what is written here back, exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.annotation.campaigns.reader import MAX_NUMBER, Fault, child, shown

Kind = Literal["image-class", "boxes", "polygons", "text-spans", "text-class"]
Source = Literal["submission", "agreed", "review", "import"]
"""What one annotator said; what all said; what a reviewer settled; what was brought from elsewhere."""

KINDS: Final[tuple[Kind, ...]] = ("image-class", "boxes", "polygons", "text-spans", "text-class")
SOURCES: Final[tuple[Source, ...]] = ("submission", "agreed", "review", "import")
ACCEPTED: Final[tuple[Source, ...]] = ("agreed", "review", "import")
"""Sources of an accepted answer: an item has at most one of these, and one submission an annotator."""

MAX_LABELS: Final = 2000
MAX_MARKS: Final = 10_000
"""Marks of one annotation."""
MAX_POINTS: Final = 1000
"""Points of one polygon."""
MAX_NAME: Final = 100
MAX_TITLE: Final = 200
MAX_GUIDELINES: Final = 20_000
MAX_COMMENT: Final = 4000
MAX_PATH: Final = 4096
MAX_ITEMS: Final = 200_000
"""Items of one campaign, and annotations of one file."""
SLACK: Final = 0.05
"""Pixels by which a place may stand outside its image: other tools round what they write to a hundredth or two."""

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Title:
    """A label's title as people read it."""

    sv: str
    en: str


@dataclass(frozen=True, slots=True)
class Label:
    """One label: its name in files, its title on screens."""

    name: str
    title: Title


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """What an annotator may say of one item."""

    kind: Kind
    labels: tuple[Label, ...]
    multiple: bool = False
    """Whether an item may carry more than one mark, whatever the kind."""
    comment: bool = False
    """Whether annotators may write a comment."""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names, in their order."""
        return tuple(label.name for label in self.labels)

    @property
    def media(self) -> Literal["image", "text"]:
        """What is labelled."""
        return "text" if self.kind in ("text-spans", "text-class") else "image"

    @property
    def geometry(self) -> Literal["box", "polygon", "span"] | None:
        """The geometry that every mark has; None where a mark is of the whole item."""
        geometries: dict[Kind, Literal["box", "polygon", "span"]] = {
            "boxes": "box",
            "polygons": "polygon",
            "text-spans": "span",
        }
        return geometries.get(self.kind)


@dataclass(frozen=True, slots=True)
class Mark:
    """A label put on an item, or on a place of it. At most one geometry is there."""

    label: str
    box: Box | None = None
    """x, y of the upper left corner, width, height; pixels."""
    polygon: tuple[Point, ...] | None = None
    """One simple ring of at least three points, the first not repeated at the end; pixels."""
    span: Span | None = None
    """Start and end (left out); code points."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the campaign's version. Sizes are None until they are known."""

    path: str
    media_type: str
    width: int | None = None
    """Pixels of the oriented image."""
    height: int | None = None
    length: int | None = None
    """Code points of the text."""


@dataclass(frozen=True, slots=True)
class ItemAnnotation:
    """What is said of one item, and by whom. No marks means: looked at, and nothing to mark."""

    path: str
    marks: tuple[Mark, ...] = ()
    comment: str = ""
    annotator: str = ""
    """A pseudonym (`annotator-1`, `reviewer-1`); empty where it is nobody's in particular."""
    source: Source = "agreed"


@dataclass(frozen=True, slots=True)
class CampaignDocument:
    """A whole campaign as exports know it. Items without annotation are there too; all orders are kept."""

    campaign_id: str
    title: str
    guidelines: str
    schema: LabelSchema
    items: tuple[Item, ...] = ()
    annotations: tuple[ItemAnnotation, ...] = ()


def mark_to_json(mark: Mark) -> dict[str, Any]:
    """Return `{"label": …}` with a `geometry` where there is one."""
    if mark.box is not None:
        return {"label": mark.label, "geometry": {"box": [float(n) for n in mark.box]}}
    if mark.polygon is not None:
        return {"label": mark.label, "geometry": {"polygon": [[float(x), float(y)] for x, y in mark.polygon]}}
    if mark.span is not None:
        return {"label": mark.label, "geometry": {"span": list(mark.span)}}
    return {"label": mark.label}


def marks_to_json(marks: tuple[Mark, ...] | list[Mark]) -> list[dict[str, Any]]:
    """Return marks as the API and the database hold them."""
    return [mark_to_json(mark) for mark in marks]


def schema_to_json(schema: LabelSchema) -> dict[str, Any]:
    """Return `{kind, labels: [{name, title: {sv, en}}], multiple, comment}`."""
    return {
        "kind": schema.kind,
        "labels": [
            {"name": label.name, "title": {"sv": label.title.sv, "en": label.title.en}} for label in schema.labels
        ],
        "multiple": schema.multiple,
        "comment": schema.comment,
    }


def item_to_json(item: Item) -> dict[str, Any]:
    """Return `{path, media_type}` with the sizes that are known."""
    sizes = {"width": item.width, "height": item.height, "length": item.length}
    return {"path": item.path, "media_type": item.media_type, **{k: v for k, v in sizes.items() if v is not None}}


def annotation_to_json(annotation: ItemAnnotation) -> dict[str, Any]:
    """Return `{path, marks, comment, annotator, source}`."""
    return {
        "path": annotation.path,
        "marks": marks_to_json(annotation.marks),
        "comment": annotation.comment,
        "annotator": annotation.annotator,
        "source": annotation.source,
    }


def document_to_json(document: CampaignDocument) -> dict[str, Any]:
    """Return a whole campaign as JSON."""
    return {
        "campaign_id": document.campaign_id,
        "title": document.title,
        "guidelines": document.guidelines,
        "schema": schema_to_json(document.schema),
        "items": [item_to_json(item) for item in document.items],
        "annotations": [annotation_to_json(annotation) for annotation in document.annotations],
    }


def validate_marks(
    schema: LabelSchema, marks: Sequence[Mark], item: Item | None = None, *, complete: bool = False, pointer: str = ""
) -> list[Fault]:
    """Return what is wrong with marks of one item, each with a pointer below `pointer` (`/0/geometry/box`).

    `item`: places are held against its size, as far as it is known. `complete`: the item is to be handed in, so that a
    class must be chosen where exactly one can be.
    """
    faults: list[Fault] = []
    if len(marks) > MAX_MARKS:
        return [Fault(pointer, "list-length", {"count": len(marks), "least": 0, "most": MAX_MARKS})]
    if len(marks) > 1 and not schema.multiple:
        faults.append(Fault(child(pointer, 1), "one-mark-only", {"count": len(marks)}))
    if complete and not marks and schema.geometry is None and not schema.multiple:
        faults.append(Fault(pointer, "label-needed"))
    names = frozenset(schema.names)
    seen: set[Mark] = set()
    for i, mark in enumerate(marks):
        at = child(pointer, i)
        if mark.label not in names:
            allowed = ", ".join(schema.names[:20]) + (", …" if len(names) > 20 else "")
            faults.append(Fault(f"{at}/label", "label-unknown", {"label": shown(mark.label), "allowed": allowed}))
        if mark in seen:
            faults.append(Fault(at, "mark-twice"))
        seen.add(mark)
        faults += _geometry_faults(schema, mark, item, at)
    return faults


def _geometry_faults(schema: LabelSchema, mark: Mark, item: Item | None, at: str) -> list[Fault]:
    given = [name for name in ("box", "polygon", "span") if getattr(mark, name) is not None]
    if given != ([schema.geometry] if schema.geometry else []):
        if schema.geometry is None:
            return [Fault(f"{at}/geometry", "geometry-unexpected", {"kind": schema.kind})]
        return [Fault(at, "geometry-expected", {"kind": schema.kind, "geometry": schema.geometry})]
    at = f"{at}/geometry"
    width, height, length = (item.width, item.height, item.length) if item else (None, None, None)
    if mark.box is not None:
        return _box_faults(mark.box, width, height, f"{at}/box")
    if mark.polygon is not None:
        return _polygon_faults(mark.polygon, width, height, f"{at}/polygon")
    if mark.span is not None:
        start, end = mark.span
        if not 0 <= start < end:
            return [Fault(f"{at}/span", "span-empty", {"start": start, "end": end})]
        if length is not None and end > length:
            return [Fault(f"{at}/span/1", "span-outside", {"end": end, "length": length})]
    return []


def _outside(x: float, y: float, width: int | None, height: int | None) -> bool:
    return (
        not (x >= -SLACK and y >= -SLACK)
        or (width is not None and x > width + SLACK)
        or (height is not None and y > height + SLACK)
    )


def _size(width: int | None, height: int | None) -> dict[str, object]:
    return {"width": "?" if width is None else width, "height": "?" if height is None else height}


def _box_faults(box: Box, width: int | None, height: int | None, at: str) -> list[Fault]:
    if not all(math.isfinite(number) for number in box):
        return [Fault(at, "number-out-of-range", {"most": int(MAX_NUMBER)})]
    x, y, w, h = box
    if w <= 0 or h <= 0:
        return [Fault(at, "box-empty", {"width": w, "height": h})]
    if _outside(x, y, None, None) or _outside(x + w, y + h, width, height):
        return [Fault(at, "place-outside", _size(width, height))]
    return []


def _polygon_faults(polygon: tuple[Point, ...], width: int | None, height: int | None, at: str) -> list[Fault]:
    if not 3 <= len(polygon) <= MAX_POINTS:
        return [Fault(at, "list-length", {"count": len(polygon), "least": 3, "most": MAX_POINTS})]
    for i, (x, y) in enumerate(polygon):
        if not (math.isfinite(x) and math.isfinite(y)):
            return [Fault(child(at, i), "number-out-of-range", {"most": int(MAX_NUMBER)})]
        if _outside(x, y, width, height):
            return [Fault(child(at, i), "place-outside", _size(width, height))]
    if not _spans_an_area(polygon):
        return [Fault(at, "polygon-empty")]
    if not _is_simple(polygon):
        return [Fault(at, "polygon-crosses")]
    return []


def _spans_an_area(polygon: tuple[Point, ...]) -> bool:
    """Whether the points do not all lie on one line."""
    (x0, y0), *rest = polygon
    x1, y1 = max(rest, key=lambda point: (point[0] - x0) ** 2 + (point[1] - y0) ** 2)
    return any((x1 - x0) * (y - y0) != (y1 - y0) * (x - x0) for x, y in rest)


def _is_simple(polygon: tuple[Point, ...]) -> bool:
    """Whether a ring neither crosses nor touches itself, as WKT and its readers want it (OGC 06-103r4 §6.1.11)."""
    import shapely  # slow to import, and needed for polygons only

    return bool(shapely.is_valid(shapely.Polygon(polygon)))
