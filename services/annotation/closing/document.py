"""A campaign as its files know it: all items, and what holds for those that are accepted. Nobody is named in it."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from services.annotation.campaigns import content
from services.annotation.campaigns.keys import Secrets
from services.annotation.campaigns.models import Campaign, Item
from services.annotation.campaigns.service import pseudonym
from services.annotation.campaigns.shapes import CampaignDocument, ItemAnnotation, Source
from services.annotation.campaigns.shapes import Item as ItemShape
from services.annotation.closing import repository
from services.annotation.review import repository as reviews
from services.annotation.tasks import measuring
from services.annotation.tasks.service import schema_of
from services.kit.context import Context

_PAGE = 2000
_SOURCES: Final[dict[str, Source]] = {"agreement": "agreed", "review": "review", "import": "import"}


async def document_of(ctx: Context, campaign: Campaign, secrets: Secrets) -> CampaignDocument:
    """Return a whole campaign: every item in its order, and the accepted annotations."""
    schema = schema_of(campaign)
    async with ctx.unit() as session:
        numbers = await reviews.members(session, campaign.id)
    shapes: list[ItemShape] = []
    annotations: list[ItemAnnotation] = []
    after = 0
    while True:
        # A page a transaction: what is written meanwhile is either in the file or not, item by item.
        async with ctx.unit() as session:
            rows = await repository.items(session, campaign.id, after, _PAGE)
        if not rows:
            break
        after = rows[-1].number
        for shape, annotation in await asyncio.to_thread(_open, secrets, rows, numbers):
            shapes.append(shape)
            if annotation is not None:
                annotations.append(annotation)
    return CampaignDocument(
        str(campaign.id), campaign.title, campaign.guidelines, schema, tuple(shapes), tuple(annotations)
    )


def _open(
    secrets: Secrets, rows: Sequence[Item], numbers: dict[UUID, int]
) -> list[tuple[ItemShape, ItemAnnotation | None]]:
    opened: list[tuple[ItemShape, ItemAnnotation | None]] = []
    for row in rows:
        path = content.path_of(secrets, row)
        annotation = None
        if row.state == "accepted" and row.accepted_how is not None:
            held = content.accepted_of(secrets, row)
            reviewer = numbers.get(row.accepted_by) if row.accepted_by and row.accepted_how == "review" else None
            annotation = ItemAnnotation(
                path,
                held.marks,
                held.comment,
                pseudonym(reviewer, "reviewer") if reviewer is not None else "",
                _SOURCES[row.accepted_how],
            )
        opened.append((measuring.shape_of(row, path), annotation))
    return opened
