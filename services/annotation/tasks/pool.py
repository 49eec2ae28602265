"""The pool of items: a place is taken, kept until a deadline, and given back. Rules only; the law is asked outside."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.annotation.campaigns import rules
from services.annotation.campaigns import service as campaigns
from services.annotation.campaigns.keys import Secrets
from services.annotation.campaigns.models import Campaign, Item
from services.annotation.campaigns.permits import Permit
from services.annotation.tasks import repository
from services.annotation.tasks.models import Task
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.problems import conflict, forbidden, not_found
from services.kit.tokens import Subject

RESERVED_S = 60.0
"""Seconds for which a place is kept while the law is asked."""
_TRIES = 5


@dataclass(frozen=True)
class Reserved:
    """A place that is taken while the law is asked."""

    task: Task
    item: Item
    campaign: Campaign


async def reserve(
    session: RuleSession, caller: Subject, campaign_id: UUID, *, most: int, now: datetime
) -> Reserved | None:
    """Take a place for the caller, who annotates here; None when nothing is left for them.

    403 without the role, 409 when the campaign is not open or they hold `most` tasks already.
    """
    for attempt in range(_TRIES):
        where = await repository.place(session, campaign_id, caller.id)
        if where is None or not rules.standing(caller, where.campaign).sees:
            raise not_found("campaign")
        campaign = where.campaign
        if not rules.standing(caller, campaign).annotator:
            raise forbidden("role-required", role="annotator")
        rules.require_open(campaign)
        if where.member is None:
            await campaigns.member_for(session, campaign, caller.id, caller.id, now)
        if where.held >= most:
            raise conflict("too-many-open-tasks", limit=most)
        item = await _next(session, campaign_id, caller.id, where)
        if item is None:
            if attempt > 0 or not await expire(session, now, campaign_id):
                return None
            continue
        task = await repository.enter_task(
            session,
            {
                "id": new_id(),
                "campaign_id": campaign_id,
                "item_id": item.id,
                "user_id": caller.id,
                "number": item.number,
                "state": "claimed",
                "claimed_at": now,
                "until": now + timedelta(seconds=RESERVED_S),
                "saved": False,
                "guidelines_number": campaign.guidelines_number,
                "revision": 1,
            },
        )
        if task is not None:
            return Reserved(task, item, campaign)
        # Another window of theirs was quicker with this very item.
        await repository.give_back_place(session, [item.id])
    return None


async def _next(session: RuleSession, campaign_id: UUID, user_id: UUID, where: repository.Place) -> Item | None:
    """Take a place: first on what they had begun and lost, then onwards from where they are, then on what was missed.

    Everybody goes through the items in one order, so that the first items are done by all before the last are begun.
    """
    item = await repository.take_lost(session, campaign_id, user_id) if where.lost else None
    item = item or await repository.take_free(session, campaign_id, user_id, after=where.number)
    if item is None and where.number:
        item = await repository.take_free(session, campaign_id, user_id, until=where.number)
    if item is None:
        # What others were taking right then was passed over: wait for them before saying that nothing is left.
        item = await repository.take_free(session, campaign_id, user_id, wait=True)
    return item


async def confirm(session: RuleSession, secrets: Secrets, reserved: Reserved, permit: Permit, until: datetime) -> Task:
    """The law permits: the task is theirs until `until`. 409 when the place was lost meanwhile."""
    sealed = seal_permit(secrets, reserved.task.id, permit)
    task = await repository.confirm_task(
        session, reserved.task, decision_id=permit.decision_id, sealed_permit=sealed, until=until
    )
    if task is None:
        raise ended(await repository.task(session, reserved.task.id))
    return task


async def release(session: RuleSession, reserved: Reserved) -> None:
    """The law does not permit, or did not answer: the place is free again, and the task as if it had never been."""
    locked = await repository.claimed_by_ids(session, [reserved.task.id])
    if not locked or locked[0].decision_id is not None or locked[0].revision != reserved.task.revision:
        return  # it ran out meanwhile
    if locked[0].revision == 1:
        await repository.forget_task(session, locked[0].id)
    else:
        _end(session, locked[0], "not-permitted")
        await session.flush()
    await repository.give_back_place(session, [locked[0].item_id])


async def expire(session: RuleSession, now: datetime, campaign_id: UUID | None = None) -> int:
    """Give back the places of tasks whose deadline has passed; return how many."""
    return await _end_all(session, await repository.overdue(session, now, campaign_id), "deadline")


async def end_by_law(session: RuleSession, task_ids: list[UUID], why: str) -> int:
    """End these tasks, as far as they are claimed: what permitted them holds no longer. Return how many."""
    return await _end_all(session, await repository.claimed_by_ids(session, task_ids), why)


async def end_tasks_of(session: RuleSession, campaign_id: UUID, user_id: UUID | None, why: str) -> None:
    """End what somebody (None: everybody) has claimed in a campaign."""
    await repository.end_of_person(session, campaign_id, user_id, why)


async def _end_all(session: RuleSession, tasks: "list[Task] | Any", why: str) -> int:
    for task in tasks:
        _end(session, task, why)
    await session.flush()
    for task in tasks:
        await repository.give_back_place(session, [task.item_id])
    return len(tasks)


def _end(session: RuleSession, task: Task, why: str) -> None:
    task.state, task.why, task.sealed_permit = "ended", why[:60], None
    task.revision += 1
    session.add(task)


def ended(task: Task | None) -> Exception:
    """Return the refusal for somebody whose task is no longer theirs."""
    why = "deadline" if task is None or task.why is None else task.why
    return conflict("claim-ended", why=why)


def seal_permit(secrets: Secrets, task_id: UUID, permit: Permit) -> bytes:
    """Return a permit, sealed for its task's row."""
    document = {"token": permit.token, "expires_at": permit.expires_at.isoformat()}
    return secrets.seal(json.dumps(document).encode(), "task-permit", task_id)


def permit_of(secrets: Secrets, task: Task) -> tuple[str, datetime] | None:
    """Return the permit in a task's row and when it ends, or None."""
    if task.sealed_permit is None:
        return None
    document = json.loads(secrets.open(task.sealed_permit, "task-permit", task.id))
    return document["token"], datetime.fromisoformat(document["expires_at"])
