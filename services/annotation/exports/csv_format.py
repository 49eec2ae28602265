"""CSV: one mark a row, every kind of label. Pure.

Columns: `path, media_type, width, height, length, number, annotator, source, comment, label` and those of the kind's
geometry: `x, y, box_width, box_height` or `polygon` (WKT, OGC 06-103r4 §7) or `start, end`. An annotation without marks
is a row without `label`; an item without annotation is a row without `source`. Columns in which people's words may
stand (all but numbers and WKT) are escaped as `cells` tells. Layout: docs/annotation.md.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.annotation.campaigns.reader import Reader, child, shown
from services.annotation.campaigns.shapes import (
    KINDS,
    MAX_COMMENT,
    MAX_NAME,
    MAX_PATH,
    MAX_POINTS,
    MAX_TITLE,
    SOURCES,
    CampaignDocument,
    Item,
    ItemAnnotation,
    LabelSchema,
    Mark,
    Source,
)
from services.annotation.exports.bounded import BadAnnotationFile, count_values, text_of
from services.annotation.exports.cells import SEPARATORS, escape, row, rows, separator_of, unescape
from services.annotation.exports.contents import MAX_FILE_MARKS, Contents, Draft, Gathering, by_item, check

COLUMNS: Final = (
    "path",
    "media_type",
    "width",
    "height",
    "length",
    "number",
    "annotator",
    "source",
    "comment",
    "label",
)
GEOMETRY: Final[dict[str | None, tuple[str, ...]]] = {
    None: (),
    "box": ("x", "y", "box_width", "box_height"),
    "polygon": ("polygon",),
    "span": ("start", "end"),
}
"""The columns of each geometry."""

_NAMES: Final = {"/label": "/label", "/geometry/box": "/x", "/geometry/polygon": "/polygon", "/geometry/span": "/start"}
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_RING: Final = re.compile(r"\s*POLYGON\s*\(\s*\(([^()]*)\)\s*\)\s*", re.ASCII | re.IGNORECASE)
_RINGS: Final = re.compile(r"\s*(?:MULTI)?POLYGON\s*\(", re.ASCII | re.IGNORECASE)


def write(document: CampaignDocument) -> bytes:
    """Return the campaign as CSV in UTF-8, items in their order, those without annotation too."""
    check(document, KINDS)
    places = GEOMETRY[document.schema.geometry]
    lines = [row((*COLUMNS, *places))]
    for item, annotations in by_item(document):
        known = [
            escape(item.path),
            escape(item.media_type),
            *(_size(n) for n in (item.width, item.height, item.length)),
        ]
        if not annotations:
            lines.append(row([*known, *("" for _ in (*COLUMNS[5:], *places))]))
        for number, said in annotations:
            who = [*known, str(number), escape(said.annotator), said.source]
            # The comment is of the whole annotation: it stands in the first of its rows.
            if not said.marks:
                lines.append(row([*who, escape(said.comment), "", *("" for _ in places)]))
            for i, mark in enumerate(said.marks):
                comment = escape(said.comment) if i == 0 else ""
                lines.append(row([*who, comment, escape(mark.label), *_place(mark)]))
    return "".join(lines).encode()


def _size(number: int | None) -> str:
    return "" if number is None else str(number)


def _coordinate(number: float) -> str:
    """Return the shortest decimal that reads back as the same float."""
    if not math.isfinite(number):
        raise ValueError("a coordinate is not finite")
    return repr(float(number)).removesuffix(".0")


def _place(mark: Mark) -> list[str]:
    if mark.box is not None:
        return [_coordinate(side) for side in mark.box]
    if mark.polygon is not None:
        ring = ", ".join(f"{_coordinate(x)} {_coordinate(y)}" for x, y in (*mark.polygon, mark.polygon[0]))
        return [f"POLYGON (({ring}))"]
    return [str(end) for end in mark.span or ()]


def read(content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None) -> list[ItemAnnotation]:
    """Return the annotations of a CSV file in the order written; raise BadAnnotationFile with what is wrong where.

    `items`: those of the campaign, against which paths and sizes are held. Pointers are line and column (`line 3/x`).
    Needed are the columns `path`, `label` and those of the geometry, in any order.
    """
    return list(read_contents(content, schema, items).annotations)


def read_contents(content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None) -> Contents:
    """Return the items and the annotations of a CSV file; raise BadAnnotationFile."""
    text = text_of(content)
    count_values(text, ",;\t\n\r")
    reader = Reader()
    reading = _Reading(reader, schema, items)
    try:
        reading.read(text)
    except BadAnnotationFile as bad:
        reader.note(bad.faults)
    contents = reading.finish()
    if reader.faults:
        raise BadAnnotationFile(reader.faults)
    return contents


class _Reading:
    """One CSV file being read: rows are gathered into annotations, which need not stand together."""

    def __init__(self, reader: Reader, schema: LabelSchema, items: Iterable[Item] | None) -> None:
        self._reader = reader
        self._gathering = Gathering(reader, schema, items, _NAMES)
        self._geometry = schema.geometry
        self._items: dict[str, Item | None] = {}
        """What the first row of a path says of its item; None where the item was refused."""
        self._drafts: dict[tuple[str, Source, str, str], Draft] = {}
        self._marks: dict[int, list[Mark]] = {}

    def read(self, text: str) -> None:
        separator = separator_of(text)
        read = rows(text, separator)
        head = next(read, None)
        columns = None if head is None else self._columns([unescape(cell).strip() for cell in head[1]])
        if columns is None:
            if head is None:
                self._reader.fault("line 1", "csv-empty", columns=", ".join((*COLUMNS, *GEOMETRY[self._geometry])))
            return
        for count, (line, cells) in enumerate(read, start=1):
            place = f"line {line}"
            if count > MAX_FILE_MARKS:
                self._reader.fault(place, "file-too-many-marks", limit=MAX_FILE_MARKS)
            if count > MAX_FILE_MARKS or self._reader.full:
                return
            if len(cells) != len(columns):
                self._reader.fault(place, "csv-width", count=len(cells), expected=len(columns))
                continue
            self._read_row(dict(zip(columns, cells, strict=True)), place)

    def _columns(self, names: Sequence[str]) -> Sequence[str] | None:
        places = GEOMETRY[self._geometry]
        known = {*COLUMNS, *places}
        wrong = False
        for i, name in enumerate(names):
            if name not in known:
                self._reader.fault(
                    "line 1", "csv-column-unknown", name=shown(name), allowed=", ".join((*COLUMNS, *places))
                )
            elif name in names[:i]:
                self._reader.fault("line 1", "csv-column-twice", name=name)
            else:
                continue
            wrong = True
        for name in ("path", "label", *places):
            if name not in names:
                self._reader.fault("line 1", "csv-column-missing", name=name, separators=" ".join(SEPARATORS[:2]))
                wrong = True
        return None if wrong else names

    def _read_row(self, cells: dict[str, str], place: str) -> None:
        reader = self._reader
        path = reader.text(unescape(cells["path"]), f"{place}/path", MAX_PATH, at_least=1)
        if path is None:
            return
        item = self._item_of(path, cells, place)
        if item is None:
            return
        label = unescape(cells["label"])
        places = GEOMETRY[self._geometry]
        bare = not label and not any(cells[name] for name in places)
        if bare and not cells.get("source") and not cells.get("number"):
            return  # an item of which nothing is said
        draft = self._draft_of(path, cells, place)
        if draft is None or bare:
            return
        mark = self._mark(label, cells, place)
        if mark is not None:
            self._marks[id(draft)].append(mark)
            draft.places.append(place)

    def _item_of(self, path: str, cells: dict[str, str], place: str) -> Item | None:
        reader = self._reader
        media_type = reader.text(unescape(cells.get("media_type", "")), f"{place}/media_type", MAX_TITLE)
        sizes = {name: self._whole(cells.get(name, ""), f"{place}/{name}") for name in ("width", "height", "length")}
        item = Item(path, media_type or "", **sizes)
        if path not in self._items:
            taken = self._gathering.add_item(item, place, f"{place}/path")
            self._items[path] = item if taken else None
        elif self._items[path] not in (item, None):
            reader.fault(f"{place}/path", "csv-item-differs", path=shown(path, 100))
            return None
        return self._items[path]

    def _draft_of(self, path: str, cells: dict[str, str], place: str) -> Draft | None:
        """Return the annotation that a row belongs to: that of its number, or of its annotator and source."""
        reader = self._reader
        annotator = reader.text(unescape(cells.get("annotator", "")), f"{place}/annotator", MAX_NAME)
        source = reader.word(cells.get("source") or "import", f"{place}/source", SOURCES)
        comment = reader.text(unescape(cells.get("comment", "")), f"{place}/comment", MAX_COMMENT)
        number = self._whole(cells.get("number", ""), f"{place}/number")
        if annotator is None or source is None or comment is None:
            return None
        key = (path, source, annotator, cells.get("number", ""))
        draft = self._drafts.get(key)
        if draft is None:
            draft = Draft(ItemAnnotation(path, (), comment, annotator, source), place, number)
            self._drafts[key] = draft
            self._marks[id(draft)] = []
        elif comment:
            said = draft.annotation
            if said.comment not in ("", comment):
                reader.fault(f"{place}/comment", "csv-comment-differs")
                return None
            draft.annotation = ItemAnnotation(path, (), comment, annotator, source)
        return draft

    def _mark(self, label: str, cells: dict[str, str], place: str) -> Mark | None:
        name = self._reader.text(label, f"{place}/label", MAX_NAME, at_least=1)
        if self._geometry is None:
            return None if name is None else Mark(name)
        if self._geometry == "polygon":
            ring = self._ring(cells["polygon"], f"{place}/polygon")
            return None if name is None or ring is None else Mark(name, polygon=ring)
        if self._geometry == "span":
            start, end = (self._needed(cells, column, place, whole=True) for column in GEOMETRY["span"])
            return None if name is None or start is None or end is None else Mark(name, span=(int(start), int(end)))
        x, y, w, h = (self._needed(cells, column, place) for column in GEOMETRY["box"])
        if name is None or x is None or y is None or w is None or h is None:
            return None
        return Mark(name, box=(x, y, w, h))

    def _needed(self, cells: dict[str, str], column: str, place: str, *, whole: bool = False) -> float | None:
        at = f"{place}/{column}"
        if not cells[column]:
            self._reader.fault(at, "csv-cell-empty", name=column)
            return None
        return self._whole(cells[column], at) if whole else self._number(cells[column], at)

    def _number(self, text: str, at: str) -> float | None:
        stripped = text.strip()
        if not _NUMBER.fullmatch(stripped):
            self._reader.fault(at, "csv-number", text=shown(text))
            return None
        return self._reader.number(float(stripped), at)

    def _whole(self, text: str, at: str) -> int | None:
        """Return a whole number; None for an empty cell, and for what is none, which is noted."""
        if not text:
            return None
        number = self._number(text, at)
        return None if number is None else self._reader.integer(number, at)

    def _ring(self, text: str, at: str) -> tuple[tuple[float, float], ...] | None:
        found = _RING.fullmatch(text)
        if found is None:
            code = "several-rings" if _RINGS.match(text) and text.count("(") > 2 else "csv-wkt"
            self._reader.fault(at, code, count=max(text.count(")") - 1, 0), text=shown(text))
            return None
        pairs = found[1].split(",")
        points = (
            [] if len(pairs) > MAX_POINTS + 1 else [self._point(pair, child(at, i)) for i, pair in enumerate(pairs)]
        )
        whole = [point for point in points if point is not None]
        if len(whole) != len(points):
            return None
        if whole and whole[0] != whole[-1]:
            self._reader.fault(at, "csv-ring-open")
            return None
        if len(whole) < 4:
            self._reader.fault(at, "list-length", count=len(pairs), least=4, most=MAX_POINTS + 1)
            return None
        return tuple(whole[:-1])

    def _point(self, text: str, at: str) -> tuple[float, float] | None:
        numbers: list[Any] = [self._number(part, at) for part in text.split()[:3]]
        if len(numbers) != 2:
            self._reader.fault(at, "csv-wkt", text=shown(text))
            return None
        x, y = numbers
        return None if x is None or y is None else (x, y)

    def finish(self) -> Contents:
        for draft in self._drafts.values():
            said = draft.annotation
            marks = tuple(self._marks[id(draft)])
            draft.annotation = ItemAnnotation(said.path, marks, said.comment, said.annotator, said.source)
            self._gathering.add(draft)
        return self._gathering.finish()
