"""The only place that queries the tables of campaigns, members and items."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, case, func, or_, text
from sqlalchemy import select as core_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.annotation.campaigns.models import Campaign, Guidelines, Item, Member
from services.kit.db import RuleSession

# --- campaigns --------------------------------------------------------------------------------------------------------


async def campaign(
    session: RuleSession, campaign_id: UUID, *, lock: bool = False, share: bool = False
) -> Campaign | None:
    """Return a campaign: locked for change, or (`share`) held so that its state stays while work is done in it."""
    query = select(Campaign).where(Campaign.id == campaign_id)
    if lock or share:
        query = query.with_for_update(read=not lock).execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def campaigns(
    session: RuleSession,
    *,
    projects: Collection[UUID],
    ids: Collection[UUID],
    donors: Collection[UUID] | None,
    donations: Collection[UUID],
    filters: Mapping[str, Any],
    before: UUID | None,
    limit: int,
) -> Sequence[Campaign]:
    """Return campaigns of these projects, with these ids, or about data of these donors (None: of all) and donations,
    that have the given values, newest first, one more than `limit`."""
    query = select(Campaign)
    if donors is not None:
        query = query.where(
            or_(
                col(Campaign.project_id).in_(projects),
                col(Campaign.id).in_(ids),
                col(Campaign.partner_id).in_(donors),
                col(Campaign.donation_id).in_(donations),
            )
        )
    for name, value in filters.items():
        if value is not None:
            query = query.where(getattr(Campaign, name) == value)
    if before is not None:
        query = query.where(col(Campaign.id) < before)
    return (await session.exec(query.order_by(col(Campaign.id).desc()).limit(limit + 1))).all()


async def guidelines(session: RuleSession, campaign_id: UUID) -> Sequence[Guidelines]:
    """Return every wording of a campaign's guidelines, the first first."""
    query = select(Guidelines).where(Guidelines.campaign_id == campaign_id).order_by(col(Guidelines.number))
    return (await session.exec(query)).all()


# --- members ----------------------------------------------------------------------------------------------------------


async def member(session: RuleSession, campaign_id: UUID, user_id: UUID) -> Member | None:
    """Return somebody's entry in a campaign."""
    query = select(Member).where(Member.campaign_id == campaign_id, Member.user_id == user_id)
    return (await session.exec(query)).one_or_none()


async def members(session: RuleSession, campaign_id: UUID) -> Sequence[Member]:
    """Return everybody in a campaign, by number."""
    query = select(Member).where(Member.campaign_id == campaign_id).order_by(col(Member.number))
    return (await session.exec(query)).all()


async def enter_member(session: RuleSession, values: Mapping[str, Any]) -> Member:
    """Return somebody's entry in a campaign, made with the next number if there is none."""
    # Those who enter at once queue up here, so that each gets a number of their own; nobody else waits.
    key = {"key": str(values["campaign_id"])}
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('member:' || :key, 0))"), key)
    last = select(func.coalesce(func.max(Member.number), 0)).where(Member.campaign_id == values["campaign_id"])
    number = (await session.exec(last)).one() + 1
    await session.execute(insert(Member).values(**values, number=number).on_conflict_do_nothing())
    found = await member(session, values["campaign_id"], values["user_id"])
    assert found is not None
    return found


# --- items ------------------------------------------------------------------------------------------------------------


async def add_items(session: RuleSession, rows: Sequence[dict[str, Any]]) -> None:
    """Enter items."""
    table = cast(Table, Item.__table__)  # pyright: ignore[reportAttributeAccessIssue] - SQLModel does not declare it
    # Core and many sets of parameters: compiled once, however many rows there are.
    for start in range(0, len(rows), 5000):
        await session.execute(insert(table), rows[start : start + 5000])


async def counts(session: RuleSession, campaign_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return, by campaign, how many items are waiting, in-work, submitted (by some), to-review and accepted."""
    kind = case(
        (col(Item.state) != "open", col(Item.state)),
        (col(Item.claimed) > 0, "in-work"),
        (col(Item.submitted) > 0, "submitted"),
        else_="waiting",
    ).label("kind")
    rows = await session.execute(
        core_select(col(Item.campaign_id), kind, func.count())
        .where(col(Item.campaign_id).in_(campaign_ids))
        .group_by(col(Item.campaign_id), kind)
    )
    found: dict[UUID, dict[str, int]] = {}
    for campaign_id, name, number in rows:
        found.setdefault(campaign_id, {})[name] = number
    return found


async def item(session: RuleSession, item_id: UUID, *, lock: bool = False) -> Item | None:
    """Return an item; `lock` holds its row."""
    query = select(Item).where(Item.id == item_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()
