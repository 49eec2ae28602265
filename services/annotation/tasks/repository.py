"""The only place that queries the table of tasks, and that takes and gives places of items.

Rows are locked in one order everywhere: campaign, item, task.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, update
from sqlalchemy import select as core_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, select

from services.annotation.campaigns.models import Campaign, Item, Member
from services.annotation.tasks.models import Task
from services.kit.db import RuleSession


@dataclass(frozen=True)
class Place:
    """Where somebody is in a campaign: how far along its items, how many tasks they hold, whether they lost any.

    `member`: their entry in it, if they have one.
    """

    campaign: Campaign
    member: Member | None
    number: int
    held: int
    lost: bool


async def place(session: RuleSession, campaign_id: UUID, user_id: UUID) -> Place | None:
    """Return where somebody is in a campaign, which is held so that its state stays; None: there is no such campaign.

    All in one statement: this is asked with every claim.
    """
    mine = (col(Task.campaign_id) == campaign_id, col(Task.user_id) == user_id)
    last = core_select(func.max(col(Task.number))).where(*mine).scalar_subquery()
    held = core_select(func.count()).select_from(Task).where(*mine, col(Task.state) == "claimed").scalar_subquery()
    lost = core_select(col(Task.id)).where(*mine, col(Task.state) == "ended").exists()
    query = (
        core_select(Campaign, Member, last, held, lost)
        .outerjoin(Member, and_(col(Member.campaign_id) == col(Campaign.id), col(Member.user_id) == user_id))
        .where(col(Campaign.id) == campaign_id)
        .with_for_update(read=True, of=Campaign)
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else Place(found[0], found[1], found[2] or 0, found[3], found[4])


async def take_lost(session: RuleSession, campaign_id: UUID, user_id: UUID) -> Item | None:
    """Take a place on an item whose task this annotator has lost and that still has room."""
    mine = core_select(col(Task.item_id)).where(
        col(Task.campaign_id) == campaign_id, col(Task.user_id) == user_id, col(Task.state) == "ended"
    )
    return await _take(session, campaign_id, col(Item.id).in_(mine), wait=False)


async def take_free(
    session: RuleSession,
    campaign_id: UUID,
    user_id: UUID,
    *,
    after: int | None = None,
    until: int | None = None,
    wait: bool = False,
) -> Item | None:
    """Take a place on the first item (by number, between these bounds) that has room and that this annotator has not
    had. Items that others take right now are passed over, unless `wait`."""
    conditions: list[Any] = [
        ~core_select(col(Task.id)).where(col(Task.item_id) == col(Item.id), col(Task.user_id) == user_id).exists()
    ]
    if after is not None:
        conditions.append(col(Item.number) > after)
    if until is not None:
        conditions.append(col(Item.number) <= until)
    return await _take(session, campaign_id, *conditions, wait=wait)


async def _take(session: RuleSession, campaign_id: UUID, *conditions: Any, wait: bool) -> Item | None:
    free = (
        core_select(col(Item.id))
        .where(col(Item.campaign_id) == campaign_id, col(Item.state) == "open", col(Item.free) > 0, *conditions)
        .order_by(col(Item.number))
        .limit(1)
        .with_for_update(skip_locked=not wait)
        .scalar_subquery()
    )
    # `scalar_subquery` is evaluated once, so that exactly one row is locked and changed.
    statement = (
        update(Item)
        .where(col(Item.id) == free)
        .values(free=col(Item.free) - 1, claimed=col(Item.claimed) + 1)
        .returning(Item)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def give_back_place(session: RuleSession, item_ids: Collection[UUID]) -> None:
    """Give back the place that a claimed task had on each of these items. Their rows are locked."""
    await session.execute(
        update(Item)
        .where(col(Item.id).in_(item_ids))
        .values(free=col(Item.free) + 1, claimed=col(Item.claimed) - 1)
        .execution_options(synchronize_session=False)
    )


async def set_measures(session: RuleSession, item_id: UUID, **values: Any) -> Item:
    """Note how large an item is; return it."""
    statement = (
        update(Item)
        .where(col(Item.id) == item_id)
        .values(**values)
        .returning(Item)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return (await session.execute(statement)).scalar_one()


async def enter_task(session: RuleSession, values: Mapping[str, Any]) -> Task | None:
    """Enter a task, or wake up the one that its annotator has lost; None when they have the item already."""
    again = {name: values[name] for name in ("claimed_at", "until", "guidelines_number", "state")}
    statement = insert(Task).values(**values)
    statement = statement.on_conflict_do_update(
        index_elements=["item_id", "user_id"],
        set_={**again, "why": None, "decision_id": None, "revision": col(Task.revision) + 1},
        where=col(Task.state) == "ended",
    ).returning(Task)
    options = {"populate_existing": True}
    return (await session.execute(statement, execution_options=options)).scalar_one_or_none()


async def confirm_task(session: RuleSession, task: Task, **values: Any) -> Task | None:
    """Write what the law's answer makes of a reserved task; None when it is not the caller's any more."""
    statement = (
        update(Task)
        .where(col(Task.id) == task.id, col(Task.state) == "claimed", col(Task.revision) == task.revision)
        .values(**values)
        .returning(Task)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def forget_task(session: RuleSession, task_id: UUID) -> None:
    """Delete a task that never began."""
    await session.execute(delete(Task).where(col(Task.id) == task_id))


async def task(session: RuleSession, task_id: UUID, *, lock: bool = False) -> Task | None:
    """Return a task; `lock` holds its row."""
    query = select(Task).where(Task.id == task_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def task_with(
    session: RuleSession, task_id: UUID, *lock: type[Task] | type[Item]
) -> tuple[Task, Item, Campaign] | None:
    """Return a task with its item and its campaign; `lock`: which of their rows to hold (the item before the task)."""
    query = (
        select(Task, Item, Campaign)
        .join(Item, col(Item.id) == col(Task.item_id))
        .join(Campaign, col(Campaign.id) == col(Task.campaign_id))
        .where(Task.id == task_id)
    )
    if lock:
        # PostgreSQL locks in the order in which the tables are named.
        query = query.with_for_update(of=lock).execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def tasks_of(
    session: RuleSession,
    user_id: UUID,
    *,
    campaign_id: UUID | None,
    state: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[tuple[Task, Item, Campaign]]:
    """Return somebody's tasks with item and campaign, newest first, one more than `limit`."""
    query = (
        select(Task, Item, Campaign)
        .join(Item, col(Item.id) == col(Task.item_id))
        .join(Campaign, col(Campaign.id) == col(Task.campaign_id))
        # What went with its dataset is not there any more.
        .where(Task.user_id == user_id, Campaign.state != "withdrawn")
    )
    if campaign_id is not None:
        query = query.where(Task.campaign_id == campaign_id)
    if state is not None:
        query = query.where(Task.state == state)
    if before is not None:
        query = query.where(col(Task.id) < before)
    return (await session.exec(query.order_by(col(Task.id).desc()).limit(limit + 1))).all()


async def claimed_tasks(session: RuleSession) -> dict[UUID, UUID]:
    """Return, by task, the decision it rests on, for all that are claimed with the law's leave."""
    query = core_select(col(Task.id), col(Task.decision_id)).where(
        col(Task.state) == "claimed", col(Task.decision_id).is_not(None)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def lock_claimed(session: RuleSession, *conditions: Any, limit: int = 200, wait: bool = False) -> Sequence[Task]:
    """Lock claimed tasks with their items; those on which somebody works right now are passed over, unless `wait`."""
    query = (
        select(Item, Task)
        .join(Task, col(Task.item_id) == col(Item.id))
        .where(Task.state == "claimed", *conditions)
        .order_by(col(Task.until))
        .limit(limit)
        .with_for_update(of=(Item, Task), skip_locked=not wait)
        .execution_options(populate_existing=True)
    )
    return [found for _item, found in (await session.exec(query)).all()]


async def overdue(session: RuleSession, now: datetime, campaign_id: UUID | None) -> Sequence[Task]:
    """Lock claimed tasks whose deadline has passed, with their items."""
    conditions = [col(Task.until) < now]
    if campaign_id is not None:
        conditions.append(col(Task.campaign_id) == campaign_id)
    return await lock_claimed(session, *conditions)


async def claimed_by_ids(session: RuleSession, task_ids: Collection[UUID], *, wait: bool = False) -> Sequence[Task]:
    """Lock these tasks, those of them that are claimed, with their items."""
    return await lock_claimed(session, col(Task.id).in_(task_ids), wait=wait)


async def end_of_person(session: RuleSession, campaign_id: UUID, user_id: UUID | None, why: str) -> None:
    """End every claimed task of somebody (None: of everybody) in a campaign, and give their places back."""
    mine = [col(Task.campaign_id) == campaign_id, col(Task.state) == "claimed"]
    if user_id is not None:
        mine.append(col(Task.user_id) == user_id)
    items = core_select(col(Task.item_id)).where(*mine)
    # Items before tasks, as everywhere; then no claimed task of them can change under us.
    await session.execute(
        core_select(col(Item.id)).where(col(Item.id).in_(items)).order_by(col(Item.id)).with_for_update()
    )
    ended = await session.execute(
        update(Task)
        .where(*mine)
        .values(state="ended", why=why, sealed_permit=None, revision=col(Task.revision) + 1)
        .returning(col(Task.item_id))
        .execution_options(synchronize_session=False)
    )
    for item_id in ended.scalars().all():
        await give_back_place(session, [item_id])
