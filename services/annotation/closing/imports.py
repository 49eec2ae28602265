"""Annotations that were made elsewhere come in: held against schema and items, and accepted all or none."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.annotation.campaigns import content
from services.annotation.campaigns.content import Annotation
from services.annotation.campaigns.keys import Secrets
from services.annotation.campaigns.marks import problem_of
from services.annotation.campaigns.models import Campaign, Item
from services.annotation.campaigns.reader import BadShape, Fault
from services.annotation.campaigns.shapes import ACCEPTED, ItemAnnotation, LabelSchema
from services.annotation.campaigns.shapes import Item as ItemShape
from services.annotation.closing import repository
from services.annotation.exports.bounded import BadAnnotationFile
from services.annotation.exports.formats import FORMATS, Format
from services.annotation.review import settling
from services.annotation.tasks import pool
from services.kit.db import RuleSession
from services.kit.problems import invalid

_BATCH = 1000


@dataclass(frozen=True)
class Imported:
    """How many items were accepted anew, how many held just this already, how many running tasks ended."""

    accepted: int
    unchanged: int
    ended: int


def format_for(name: str, schema: LabelSchema) -> Format:
    """Return the format; 422 when it cannot hold marks of the schema's kind."""
    form = FORMATS[name]
    if schema.kind not in form.kinds:
        allowed = ", ".join(sorted(each.name for each in FORMATS.values() if schema.kind in each.kinds))
        raise invalid("query:format", "format-for-kind", format=name, kind=schema.kind, allowed=allowed)
    return form


async def read(form: Format, body: bytes, schema: LabelSchema, items: Iterable[ItemShape]) -> dict[str, Annotation]:
    """Return what a file says, by path; 422 with a place for each thing that is wrong with it.

    Only what is accepted counts; what single annotators submitted elsewhere is left aside.
    """
    try:
        found = await asyncio.to_thread(form.read, body, schema, items)
    except (BadAnnotationFile, BadShape) as bad:
        raise problem_of(bad.faults) from None
    return _accepted(found, schema)


def _accepted(found: Sequence[ItemAnnotation], schema: LabelSchema) -> dict[str, Annotation]:
    kept: dict[str, Annotation] = {}
    for annotation in found:
        if annotation.source not in ACCEPTED:
            continue
        if annotation.comment and not schema.comment:
            raise problem_of([Fault("", "comment-unexpected")])
        kept[annotation.path] = Annotation(annotation.marks, annotation.comment)
    return kept


async def bring_in(
    session: RuleSession,
    secrets: Secrets,
    campaign: Campaign,
    said: Mapping[str, Annotation],
    *,
    replace: bool,
    by: UUID,
    now: datetime,
) -> Imported:
    """Accept these annotations in a campaign, locked. 422 when something else holds already, unless `replace`."""
    by_mark = await asyncio.to_thread(lambda: {secrets.path_mark(path): path for path in said})
    marks = list(by_mark)
    accepted, unchanged, ended = 0, 0, 0
    standing: list[Fault] = []
    for start in range(0, len(marks), _BATCH):
        rows = await repository.items_by_marks(session, campaign.id, marks[start : start + _BATCH])
        changed: list[tuple[Item, Annotation]] = []
        for item in rows:
            annotation = said[by_mark[item.path_mark]]
            if item.state != "accepted":
                changed.append((item, annotation))
            elif content.accepted_of(secrets, item) == annotation:
                unchanged += 1
            elif replace:
                changed.append((item, annotation))
            elif len(standing) < 100:
                standing.append(Fault(f"item {item.number}", "already-accepted"))
        if standing:
            continue
        running = await repository.claimed_of(session, [item.id for item, _annotation in changed])
        ended += await pool.end_by_law(session, running, "item-imported")
        for item, annotation in changed:
            settling.accept(session, secrets, item, annotation, "import", by, now)
        # One statement for many rows; then they need not be kept in memory.
        await session.flush()
        session.expunge_all()
        accepted += len(changed)
    if standing:
        raise problem_of(standing)
    return Imported(accepted, unchanged, ended)
