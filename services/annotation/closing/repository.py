"""The only place that queries for closing: whole campaigns, who closes them, and what withdrawal erases."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, update
from sqlalchemy import select as core_select
from sqlmodel import col, select

from services.annotation.campaigns.models import Campaign, Item
from services.annotation.tasks.models import Task
from services.kit.db import RuleSession

# --- whole campaigns --------------------------------------------------------------------------------------------------


async def items(session: RuleSession, campaign_id: UUID, after: int, limit: int) -> Sequence[Item]:
    """Return up to `limit` items by number, those that come after `after`."""
    query = select(Item).where(Item.campaign_id == campaign_id, Item.number > after)
    return (await session.exec(query.order_by(col(Item.number)).limit(limit))).all()


async def items_by_marks(session: RuleSession, campaign_id: UUID, marks: Collection[bytes]) -> Sequence[Item]:
    """Return the items with these hashes of paths, locked, in one order."""
    query = select(Item).where(Item.campaign_id == campaign_id, col(Item.path_mark).in_(marks))
    return (await session.exec(query.order_by(col(Item.id)).with_for_update())).all()


async def accepted_by_how(session: RuleSession, campaign_id: UUID) -> dict[str, int]:
    """Return how many items were accepted, by how."""
    rows = await session.execute(
        core_select(col(Item.accepted_how), func.count())
        .where(col(Item.campaign_id) == campaign_id, col(Item.state) == "accepted")
        .group_by(col(Item.accepted_how))
    )
    return {row[0]: row[1] for row in rows}


async def submitted_by(session: RuleSession, campaign_id: UUID) -> dict[UUID, int]:
    """Return how many tasks each annotator has submitted."""
    rows = await session.execute(
        core_select(col(Task.user_id), func.count())
        .where(col(Task.campaign_id) == campaign_id, col(Task.state) == "submitted")
        .group_by(col(Task.user_id))
    )
    return {row[0]: row[1] for row in rows}


async def claimed_of(session: RuleSession, item_ids: Collection[UUID]) -> list[UUID]:
    """Return the claimed tasks of these items."""
    query = select(Task.id).where(col(Task.item_id).in_(item_ids), Task.state == "claimed")
    return list((await session.exec(query)).all())


# --- closing ----------------------------------------------------------------------------------------------------------


async def claim_closing(session: RuleSession, claim: UUID, now: datetime, until: datetime) -> Campaign | None:
    """Take one campaign that is to be closed, or whose worker has gone silent, until `until`."""
    query = (
        select(Campaign)
        .where(
            Campaign.state == "closing", or_(col(Campaign.closing_until).is_(None), col(Campaign.closing_until) < now)
        )
        .order_by(col(Campaign.closing_attempts), col(Campaign.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = (await session.exec(query)).first()
    if found is not None:
        found.closing_claim, found.closing_until = claim, until
        found.closing_attempts += 1
        session.add(found)
    return found


async def hold_closing(session: RuleSession, campaign_id: UUID, claim: UUID, until: datetime) -> bool:
    """Extend a claim; False when another worker has it, or the campaign is no longer closing."""
    changed = await session.execute(
        update(Campaign)
        .where(col(Campaign.id) == campaign_id, col(Campaign.closing_claim) == claim, col(Campaign.state) == "closing")
        .values(closing_until=until)
        .returning(col(Campaign.id))
    )
    return changed.first() is not None


# --- withdrawal -------------------------------------------------------------------------------------------------------


async def campaigns_over(
    session: RuleSession, *, dataset_id: UUID | None = None, version_id: UUID | None = None
) -> Sequence[Campaign]:
    """Return the campaigns over a dataset or a version that still have contents, locked."""
    query = select(Campaign).where(Campaign.state != "withdrawn")
    if dataset_id is not None:
        query = query.where(Campaign.dataset_id == dataset_id)
    if version_id is not None:
        query = query.where(Campaign.version_id == version_id)
    return (await session.exec(query.order_by(col(Campaign.id)).with_for_update())).all()


async def erase_contents(session: RuleSession, campaign_id: UUID) -> None:
    """Delete what a campaign keeps of content."""
    options: Mapping[str, Any] = {"synchronize_session": False}
    await session.execute(
        update(Item).where(col(Item.campaign_id) == campaign_id).values(sealed=None, sealed_accepted=None),
        execution_options=options,
    )
    await session.execute(
        update(Task).where(col(Task.campaign_id) == campaign_id).values(sealed=None, sealed_permit=None),
        execution_options=options,
    )


async def keys_to_destroy(session: RuleSession, limit: int) -> Sequence[UUID]:
    """Return withdrawn campaigns whose key is still there."""
    query = select(Campaign.id).where(Campaign.state == "withdrawn", col(Campaign.wrapped_key).is_not(None))
    return (await session.exec(query.limit(limit))).all()


async def forget_key(session: RuleSession, campaign_id: UUID) -> None:
    """Delete a campaign's wrapped key: nothing opens it any more."""
    await session.execute(update(Campaign).where(col(Campaign.id) == campaign_id).values(wrapped_key=None))
