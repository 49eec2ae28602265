"""An annotator's task: shown with what is needed to do it, saved as a draft, returned."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.annotation.campaigns import content, rules
from services.annotation.campaigns.catalog import file_url
from services.annotation.campaigns.content import Annotation
from services.annotation.campaigns.keys import CampaignKeys, Secrets
from services.annotation.campaigns.marks import AnnotationBody, LabelSchemaBody, checked, shown
from services.annotation.campaigns.models import Campaign, Item
from services.annotation.campaigns.parse import schema_from_json
from services.annotation.campaigns.shapes import LabelSchema
from services.annotation.tasks import measuring, pool, repository
from services.annotation.tasks.models import Task
from services.annotation.tasks.schemas import ItemOut, TaskOut
from services.kit.db import RuleSession
from services.kit.problems import Problem, conflict, forbidden, not_found
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject

Reason = Callable[[Problem], str]


def schema_of(campaign: Campaign) -> LabelSchema:
    """Return what may be said of a campaign's items."""
    return schema_from_json(campaign.label_schema)


@dataclass(frozen=True)
class Work:
    """A task with all that it is about, and what opens its rows."""

    task: Task
    item: Item
    campaign: Campaign
    secrets: Secrets

    @property
    def schema(self) -> LabelSchema:
        """What may be said of the item."""
        return schema_of(self.campaign)


async def work_of(
    session: RuleSession, keys: CampaignKeys, caller: Subject, task_id: UUID, *lock: type[Task] | type[Item]
) -> Work:
    """Return a task of the caller's own. Nobody else's exists for them: annotators work blind.

    `lock`: rows to hold, as for `repository.task_with`.
    """
    found = await repository.task_with(session, task_id, *lock)
    if found is None or found[0].user_id != caller.id or not rules.standing(caller, found[2]).sees:
        raise not_found("task")
    return Work(*found, await keys.open(found[2]))


def refusal_of(task: Task, campaign: Campaign, caller: Subject, now: datetime) -> Problem | None:
    """Return why the task cannot be worked on, or None."""
    closed = rules.not_open(campaign)
    if closed is not None:
        return closed
    if task.state == "submitted":
        return conflict("task-submitted")
    if task.state == "returned":
        return conflict("claim-ended", why="returned")
    if task.state != "claimed" or task.until < now:
        return conflict("claim-ended", why=task.why or "deadline")
    if not rules.standing(caller, campaign).annotator:
        return forbidden("role-required", role="annotator")
    return None


def require_held(caller: Subject, work: Work, now: datetime) -> None:
    """Raise why the task cannot be worked on, if it cannot."""
    refusal = refusal_of(work.task, work.campaign, caller, now)
    if refusal is not None:
        raise refusal


def check(work: Work, body: AnnotationBody, *, complete: bool = False) -> Annotation:
    """Return the annotation in `body` when it fits schema and item; 422 with pointers otherwise."""
    schema = work.schema
    if body.marks and schema.geometry is not None and work.item.measured == "unreadable":
        raise conflict("item-unreadable")
    marks = checked(schema, body, measuring.shape_of(work.item), complete=complete)
    return Annotation(marks, body.comment)


def same(secrets: Secrets, task: Task, annotation: Annotation) -> bool:
    """Whether the task holds just this already: saving it again changes nothing."""
    return task.saved and content.annotation_of(secrets, "task", task.id, task.sealed) == annotation


async def save(session: RuleSession, secrets: Secrets, task: Task, annotation: Annotation, until: datetime) -> None:
    """Keep a draft in a task, locked, and hold the task until `until`."""
    task.sealed = content.seal_annotation(secrets, "task", task.id, annotation)
    task.saved = True
    task.until = max(task.until, until)
    task.revision += 1
    session.add(task)
    await session.flush()


async def give_back(session: RuleSession, caller: Subject, work: Work, now: datetime) -> Task:
    """Return a task unfinished: its place is free for others, and its annotator is not asked again."""
    locked = await repository.claimed_by_ids(session, [work.task.id], wait=True)
    if not locked:
        task = await repository.task(session, work.task.id)
        if task is not None and task.state == "returned":
            return task
        raise refusal_of(task or work.task, work.campaign, caller, now) or pool.ended(task)
    task = locked[0]
    refusal = refusal_of(task, work.campaign, caller, now)
    if refusal is not None:
        raise refusal
    task.state, task.sealed_permit = "returned", None
    task.revision += 1
    session.add(task)
    await session.flush()
    await repository.give_back_place(session, [task.item_id])
    return task


def show(caller: Subject, work: Work, now: datetime, reason: Reason) -> TaskOut:
    """Return a task as its annotator sees it."""
    task, item, campaign, secrets = work.task, work.item, work.campaign, work.secrets
    path = content.path_of(secrets, item)
    annotation = content.annotation_of(secrets, "task", task.id, task.sealed)
    permit = pool.permit_of(secrets, task) if task.state == "claimed" else None
    refusal = refusal_of(task, campaign, caller, now)
    submission = refusal or (None if task.saved else conflict("nothing-saved"))
    actions = [("save", refusal), ("submit", submission), ("return", refusal)]
    return TaskOut.model_validate(
        {
            "id": task.id,
            "campaign_id": campaign.id,
            "item": ItemOut(
                id=item.id,
                path=path,
                media_type=item.media_type,
                size=item.size,
                width=item.width,
                height=item.height,
                length=item.length,
            ),
            "file_url": file_url(campaign.version_id, path),
            "permit_token": permit[0] if permit else None,
            "permit_expires_at": permit[1] if permit else None,
            "until": task.until if task.state == "claimed" else None,
            "marks": shown(annotation.marks),
            "comment": annotation.comment,
            "state": task.state,
            "reason": task.why,
            "saved": task.saved,
            "guidelines": campaign.guidelines,
            "guidelines_number": campaign.guidelines_number,
            "schema": LabelSchemaBody.model_validate(campaign.label_schema),
            "claimed_at": task.claimed_at,
            "submitted_at": task.submitted_at,
            "revision": task.revision,
            "allowed_actions": [
                AllowedAction(action=name, allowed=why is None, reason=reason(why) if why else None)
                for name, why in actions
            ],
        }
    )


def deadline(now: datetime, seconds: float) -> datetime:
    """Return until when a task is held that is claimed or saved now."""
    return now + timedelta(seconds=seconds)
