"""How far the annotators of a campaign agree: from what was submitted for items that several have done.

Opening and comparing a large campaign takes a while, and nothing changes between two submissions: the last figures of
a few campaigns are kept in memory.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from services.annotation.campaigns import content
from services.annotation.campaigns.keys import Secrets
from services.annotation.campaigns.models import Campaign, Item
from services.annotation.campaigns.service import pseudonym
from services.annotation.campaigns.shapes import LabelSchema, Mark
from services.annotation.review import repository
from services.annotation.review.statistics import agreement
from services.annotation.tasks.models import Task
from services.annotation.tasks.service import schema_of
from services.kit.context import Context

_KEPT = 32
_PAGE = 2000

Stamp = tuple[Any, ...]


class AgreementCache:
    """The figures of the campaigns that were asked about last, each with what they were made of."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, tuple[Stamp, dict[str, Any]]] = OrderedDict()
        self.turn = asyncio.Lock()
        """One is computed at a time: it takes a processor."""

    def get(self, campaign_id: UUID, stamp: Stamp) -> dict[str, Any] | None:
        """Return the figures, if nothing has changed since."""
        found = self._kept.get(campaign_id)
        return found[1] if found is not None and found[0] == stamp else None

    def put(self, campaign_id: UUID, stamp: Stamp, figures: dict[str, Any]) -> None:
        """Keep figures."""
        self._kept[campaign_id] = (stamp, figures)
        self._kept.move_to_end(campaign_id)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


async def figures_of(ctx: Context, campaign: Campaign, secrets: Secrets) -> dict[str, Any]:
    """Return the figures of a campaign as `Agreement.to_json` tells them, annotators by pseudonym."""
    cache = cast(AgreementCache, ctx.components["agreement"])
    async with cache.turn:
        async with ctx.unit() as session:
            stamp = await repository.agreement_stamp(session, campaign.id)
            known = cache.get(campaign.id, stamp)
            names = {
                user: pseudonym(number) for user, number in (await repository.members(session, campaign.id)).items()
            }
        if known is not None:
            return known
        ratings: list[dict[str, tuple[Mark, ...]]] = []
        lengths: list[int | None] = []
        held: list[tuple[Mark, ...] | None] = []
        after = 0
        while True:
            async with ctx.unit() as session:
                items = await repository.overlapping(session, campaign.id, after, _PAGE)
                submitted = await repository.submissions(session, [item.id for item in items])
            if not items:
                break
            after = items[-1].number
            for said, length, accepted in await asyncio.to_thread(_open, secrets, items, submitted, names):
                ratings.append(said)
                lengths.append(length)
                held.append(accepted)
        figures = await asyncio.to_thread(_compute, schema_of(campaign), ratings, lengths, held)
        cache.put(campaign.id, stamp, figures)
        return figures


def _open(
    secrets: Secrets, items: Sequence[Item], submitted: Sequence[Task], names: Mapping[UUID, str]
) -> list[tuple[dict[str, tuple[Mark, ...]], int | None, tuple[Mark, ...] | None]]:
    by_item: dict[UUID, dict[str, tuple[Mark, ...]]] = {item.id: {} for item in items}
    for task in submitted:
        said = content.annotation_of(secrets, "task", task.id, task.sealed)
        by_item[task.item_id][names[task.user_id]] = said.marks
    return [
        (
            by_item[item.id],
            item.length,
            content.accepted_of(secrets, item).marks if item.state == "accepted" else None,
        )
        for item in items
    ]


def _compute(
    schema: LabelSchema,
    ratings: Sequence[Mapping[str, Sequence[Mark]]],
    lengths: Sequence[int | None],
    held: Sequence[Sequence[Mark] | None],
) -> dict[str, Any]:
    return agreement(schema, ratings, lengths=lengths, accepted=held).to_json()
