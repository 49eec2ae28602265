"""The only place that queries what was submitted, and what waits for review."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as core_select
from sqlmodel import col, select

from services.annotation.campaigns.models import Campaign, Item, Member
from services.annotation.tasks.models import Task
from services.kit.db import RuleSession


async def submissions(session: RuleSession, item_ids: Sequence[UUID]) -> Sequence[Task]:
    """Return what was submitted for these items, by item and then by task."""
    query = select(Task).where(col(Task.item_id).in_(item_ids), Task.state == "submitted")
    return (await session.exec(query.order_by(col(Task.item_id), col(Task.id)))).all()


async def item_with(session: RuleSession, item_id: UUID) -> tuple[Item, Campaign] | None:
    """Return an item with its campaign."""
    query = select(Item, Campaign).join(Campaign, col(Campaign.id) == col(Item.campaign_id)).where(Item.id == item_id)
    return (await session.exec(query)).one_or_none()


async def to_review(
    session: RuleSession, campaign_id: UUID, but: UUID, *, after: int | None, limit: int
) -> Sequence[Item]:
    """Return items on which annotators disagree, without those that `but` annotated, one more than `limit`."""
    own = core_select(col(Task.id)).where(col(Task.item_id) == col(Item.id), col(Task.user_id) == but).exists()
    query = select(Item).where(Item.campaign_id == campaign_id, Item.state == "to-review", ~own)
    if after is not None:
        query = query.where(col(Item.number) > after)
    return (await session.exec(query.order_by(col(Item.number)).limit(limit + 1))).all()


async def has_task(session: RuleSession, item_id: UUID, user_id: UUID) -> bool:
    """Whether somebody has, or had, a task on an item."""
    query = select(Task.id).where(Task.item_id == item_id, Task.user_id == user_id)
    return (await session.exec(query.limit(1))).first() is not None


async def overlapping(session: RuleSession, campaign_id: UUID, after: int, limit: int) -> Sequence[Item]:
    """Return up to `limit` items by number that at least two people have done, those that come after `after`."""
    query = select(Item).where(Item.campaign_id == campaign_id, col(Item.submitted) > 1, Item.number > after)
    return (await session.exec(query.order_by(col(Item.number)).limit(limit))).all()


async def agreement_stamp(session: RuleSession, campaign_id: UUID) -> tuple[Any, ...]:
    """Return what changes whenever the figures of agreement may."""
    submitted = core_select(func.count(), func.max(col(Task.submitted_at))).where(
        col(Task.campaign_id) == campaign_id, col(Task.state) == "submitted"
    )
    accepted = core_select(func.count(), func.max(col(Item.accepted_at))).where(
        col(Item.campaign_id) == campaign_id, col(Item.state) == "accepted"
    )
    return (*(await session.execute(submitted)).one(), *(await session.execute(accepted)).one())


async def members(session: RuleSession, campaign_id: UUID) -> dict[UUID, int]:
    """Return the number of everybody in a campaign, by user."""
    query = select(Member.user_id, Member.number).where(Member.campaign_id == campaign_id)
    return dict((await session.exec(query)).all())
