"""The formats there are, by the API's names: what they carry, how they are written and read. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from services.annotation.campaigns.shapes import CampaignDocument, Item, ItemAnnotation, Kind, LabelSchema
from services.annotation.exports import coco, csv_format, jsonl
from services.annotation.exports.contents import Contents


class _Read(Protocol):
    def __call__(
        self, content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None
    ) -> list[ItemAnnotation]: ...


class _ReadContents(Protocol):
    def __call__(self, content: bytes, schema: LabelSchema, items: Iterable[Item] | None = None) -> Contents: ...


@dataclass(frozen=True)
class Format:
    """One file format."""

    name: str
    file_name: str
    media_type: str
    kinds: tuple[Kind, ...]
    """The kinds of label that it carries."""
    write: Callable[[CampaignDocument], bytes]
    read: _Read
    """The annotations only; BadAnnotationFile."""
    read_contents: _ReadContents
    """Items too, as the file tells them; BadAnnotationFile."""


FORMATS: Final[dict[str, Format]] = {
    "coco": Format("coco", "coco.json", "application/json", coco.KINDS, coco.write, coco.read, coco.read_contents),
    "jsonl": Format(
        "jsonl",
        "spans.jsonl",
        "application/x-ndjson",
        tuple(jsonl.MEMBERS),
        jsonl.write,
        jsonl.read,
        jsonl.read_contents,
    ),
    "csv": Format(
        "csv",
        "labels.csv",
        "text/csv",
        tuple(jsonl.MEMBERS),
        csv_format.write,
        csv_format.read,
        csv_format.read_contents,
    ),
}

_NATIVE: Final[dict[Kind, str]] = {
    "image-class": "csv",
    "boxes": "coco",
    "polygons": "coco",
    "text-spans": "jsonl",
    "text-class": "csv",
}


def native(kind: Kind) -> Format:
    """Return the format in which the result of a campaign of this kind lies in its version."""
    return FORMATS[_NATIVE[kind]]
