"""What a file of annotations holds, whatever its format: gathered while read, held against the campaign. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.annotation.campaigns.reader import Fault, Reader, shown
from services.annotation.campaigns.shapes import (
    ACCEPTED,
    MAX_ITEMS,
    MAX_MARKS,
    CampaignDocument,
    Item,
    ItemAnnotation,
    Kind,
    LabelSchema,
    Source,
    validate_marks,
)
from services.annotation.exports.bounded import BadAnnotationFile

MAX_FILE_MARKS: Final = 2_000_000
"""Marks of one file: some hundred megabytes while it is read."""


@dataclass(frozen=True)
class Contents:
    """What was read: the items that the file names, in its order, and what it says of them, in the order written."""

    items: tuple[Item, ...]
    annotations: tuple[ItemAnnotation, ...]


@dataclass
class Draft:
    """An annotation being read: its marks come one by one, each with its place in the file."""

    annotation: ItemAnnotation
    place: str
    number: int | None = None
    """Its number in the order of the whole file, where the file tells it."""
    places: list[str] = field(default_factory=list[str])
    """Where each mark stands."""


class Gathering:
    """Takes in items and annotations and notes on a reader what does not fit; BadAnnotationFile past the bounds."""

    def __init__(
        self, reader: Reader, schema: LabelSchema, items: Iterable[Item] | None, names: Mapping[str, str]
    ) -> None:
        """`names`: how the format calls `/label`, `/geometry/box`, `/geometry/polygon`, `/geometry/span`."""
        self._reader = reader
        self._schema = schema
        self._known = None if items is None else {item.path: item for item in items}
        self._names = names
        self._items: dict[str, Item] = {}
        self._drafts: list[Draft] = []
        self._marks = 0
        self._taken: set[tuple[str, Source | None, str]] = set()

    def add_item(self, item: Item, place: str, path_place: str) -> bool:
        """Take in an item of the file; False when it is there already or the campaign has none of that path."""
        if item.path in self._items:
            self._reader.fault(path_place, "item-twice", path=shown(item.path, 100))
            return False
        if len(self._items) >= MAX_ITEMS:
            self._reader.fault(place, "file-too-many-items", limit=MAX_ITEMS)
            return False
        if self._known is not None:
            known = self._known.get(item.path)
            if known is None:
                self._reader.fault(path_place, "item-unknown", path=shown(item.path, 100))
                return False
            self._hold_size(item, known, place)
        self._items[item.path] = item
        return True

    def _hold_size(self, item: Item, known: Item, place: str) -> None:
        for name in ("width", "height", "length"):
            here, there = getattr(item, name), getattr(known, name)
            if here is not None and there is not None and here != there:
                self._reader.fault(f"{place}/{name}", "size-differs", name=name, here=here, there=there)

    def item(self, path: str) -> Item | None:
        """Return an item that was taken in."""
        return self._items.get(path)

    def add(self, draft: Draft) -> None:
        """Take in an annotation that is whole: its marks are checked, and that it is the only one of its kind."""
        annotation = draft.annotation
        if len(self._drafts) >= MAX_ITEMS:
            self._reader.fault(draft.place, "file-too-many-annotations", limit=MAX_ITEMS)
            return
        self._marks += len(annotation.marks)
        if self._marks > MAX_FILE_MARKS:
            raise BadAnnotationFile([Fault(draft.place, "file-too-many-marks", {"limit": MAX_FILE_MARKS})])
        key = identity(annotation)
        if key in self._taken:
            code = "accepted-twice" if annotation.source in ACCEPTED else "submission-twice"
            self._reader.fault(draft.place, code, annotator=shown(annotation.annotator) or "–")
        self._taken.add(key)
        self._drafts.append(draft)
        known = self._known.get(annotation.path) if self._known is not None else None
        item = _sized(self._items[annotation.path], known)
        for fault in validate_marks(self._schema, annotation.marks, item):
            self._reader.note([self._moved(fault, draft)])

    def _moved(self, fault: Fault, draft: Draft) -> Fault:
        """Return a fault of a mark (`/3/geometry/box`) at the mark's own place in the file."""
        _, _, rest = fault.pointer.partition("/")
        index, _, inner = rest.partition("/")
        if not index:
            return Fault(draft.place, fault.code, fault.params)
        place = draft.places[int(index)]
        if inner:
            place += next((name for ours, name in self._names.items() if f"/{inner}".startswith(ours)), "")
        return Fault(place, fault.code, fault.params)

    def finish(self) -> Contents:
        """Return everything taken in, in the order in which it was written."""
        numbers = [draft.number for draft in self._drafts if draft.number is not None]
        if len(set(numbers)) != len(numbers):
            seen: set[int] = set()
            for draft in self._drafts:
                if draft.number in seen:
                    self._reader.fault(draft.place, "number-twice", number=draft.number)
                elif draft.number is not None:
                    seen.add(draft.number)
        drafts = sorted(self._drafts, key=lambda draft: (draft.number is None, draft.number or 0))
        return Contents(tuple(self._items.values()), tuple(draft.annotation for draft in drafts))


def _sized(item: Item, known: Item | None) -> Item:
    """Return the item with the sizes that the campaign knows, or else with the file's own."""
    if known is None:
        return item
    width, height, length = (
        there if there is not None else here
        for here, there in (
            (item.width, known.width),
            (item.height, known.height),
            (item.length, known.length),
        )
    )
    return Item(item.path, item.media_type, width, height, length)


def identity(annotation: ItemAnnotation) -> tuple[str, Source | None, str]:
    """Return what only one annotation has: an item has one accepted answer, and one submission an annotator."""
    if annotation.source in ACCEPTED:
        return (annotation.path, None, "")
    return (annotation.path, annotation.source, annotation.annotator)


def check(document: CampaignDocument, kinds: Sequence[Kind]) -> None:
    """Raise ValueError for a document that a format cannot carry: of none of its `kinds`, or at odds with itself."""
    schema = document.schema
    if schema.kind not in kinds:
        raise ValueError(f"this format carries {', '.join(kinds)}, not {schema.kind}")
    paths = {item.path for item in document.items}
    if len(paths) != len(document.items):
        raise ValueError("an item is there twice")
    names = frozenset(schema.names)
    taken: set[tuple[str, Source | None, str]] = set()
    for number, annotation in enumerate(document.annotations, start=1):
        if annotation.path not in paths:
            raise ValueError(f"annotation {number} is of no item of the campaign")
        if identity(annotation) in taken:
            raise ValueError(f"annotation {number} is of an item that has such a one already")
        taken.add(identity(annotation))
        if len(annotation.marks) > MAX_MARKS:
            raise ValueError(f"annotation {number} has more than {MAX_MARKS} marks")
        for mark in annotation.marks:
            given = [name for name in ("box", "polygon", "span") if getattr(mark, name) is not None]
            if mark.label not in names or given != ([schema.geometry] if schema.geometry else []):
                raise ValueError(f"annotation {number} has a mark that its schema does not know")


def by_item(document: CampaignDocument) -> list[tuple[Item, list[tuple[int, ItemAnnotation]]]]:
    """Return each item with its annotations, and with each annotation its number (from 1) in the document's order."""
    by_path: dict[str, list[tuple[int, ItemAnnotation]]] = {item.path: [] for item in document.items}
    for number, annotation in enumerate(document.annotations, start=1):
        by_path[annotation.path].append((number, annotation))
    return [(item, by_path[item.path]) for item in document.items]
