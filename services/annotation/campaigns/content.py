"""What campaigns keep of content – paths, marks, comments – sealed into rows and opened again."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

from services.annotation.campaigns.keys import Secrets
from services.annotation.campaigns.models import Item
from services.annotation.campaigns.parse import marks_from_json
from services.annotation.campaigns.shapes import Mark, marks_to_json
from services.kit.problems import Problem

T = TypeVar("T")
Noun = Literal["task", "accepted"]
# Sealed values that are opened in the event loop; more go to a thread.
_FEW = 50


@dataclass(frozen=True)
class Annotation:
    """What somebody says of an item: marks, and a comment (empty: none)."""

    marks: tuple[Mark, ...] = ()
    comment: str = ""


def seal_path(secrets: Secrets, item_id: UUID, path: str) -> bytes:
    """Return the path, sealed for its item's row."""
    return secrets.seal(path.encode("utf-8"), "item-path", item_id)


def path_of(secrets: Secrets, item: Item) -> str:
    """Return the path of an item; 410 when it was erased with its dataset."""
    if item.sealed is None:
        raise Problem(410, "campaign-withdrawn")
    return secrets.open(item.sealed, "item-path", item.id).decode("utf-8")


def seal_annotation(secrets: Secrets, noun: Noun, row: UUID, annotation: Annotation) -> bytes:
    """Return an annotation, sealed for a task's row, or (`accepted`) for an item's."""
    document = {"marks": marks_to_json(annotation.marks), "comment": annotation.comment}
    raw = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return secrets.seal(raw, f"{noun}-annotation", row)


def annotation_of(secrets: Secrets, noun: Noun, row: UUID, sealed: bytes | None) -> Annotation:
    """Return what `seal_annotation` sealed; empty for None."""
    if sealed is None:
        return Annotation()
    document: dict[str, Any] = json.loads(secrets.open(sealed, f"{noun}-annotation", row))
    return Annotation(marks_from_json(document["marks"]), document["comment"])


def accepted_of(secrets: Secrets, item: Item) -> Annotation:
    """Return what holds for an item."""
    return annotation_of(secrets, "accepted", item.id, item.sealed_accepted)


async def apart(act: Callable[[], T], amount: int) -> T:
    """Run `act`, which opens or seals so many values: in a thread when they are many."""
    return act() if amount <= _FEW else await asyncio.to_thread(act)


async def paths_of(secrets: Secrets, items: Sequence[Item]) -> list[str]:
    """Return the paths of items, in their order."""
    return await apart(lambda: [path_of(secrets, item) for item in items], len(items))
