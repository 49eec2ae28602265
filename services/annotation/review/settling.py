"""What was submitted is settled: by itself where everybody says the same, by a reviewer where they do not."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.annotation.campaigns import content, events, rules
from services.annotation.campaigns import repository as campaigns
from services.annotation.campaigns.content import Annotation
from services.annotation.campaigns.keys import Secrets
from services.annotation.campaigns.marks import problem_of
from services.annotation.campaigns.models import Item
from services.annotation.campaigns.shapes import validate_marks
from services.annotation.review import repository
from services.annotation.review.overlap import settled
from services.annotation.tasks import measuring
from services.annotation.tasks import service as work_service
from services.annotation.tasks.models import Task
from services.annotation.tasks.service import Work
from services.kit.db import RuleSession
from services.kit.problems import conflict, not_found
from services.kit.tokens import Subject
from services.kit.web import check_if_match


async def submit(session: RuleSession, caller: Subject, work: Work, if_match: str | None, now: datetime) -> None:
    """Hand a task in, locked with its item; when it is the last of the item, settle the item.

    Handing in again what is handed in changes nothing. 409 when nothing was ever saved, 422 when the draft is not
    whole, 412 when another window saved something else than the caller has seen.
    """
    task, item = work.task, work.item
    if task.state == "submitted":
        return
    work_service.require_held(caller, work, now)
    if if_match is not None:
        check_if_match(if_match, task.revision)
    if not task.saved:
        raise conflict("nothing-saved")
    said = content.annotation_of(work.secrets, "task", task.id, task.sealed)
    faults = validate_marks(work.schema, said.marks, measuring.shape_of(item), complete=True, pointer="/marks")
    if faults:
        raise problem_of(faults)
    # A campaign that closes meanwhile waits for the item's row, or has ended the task: so its own row is not locked.
    task.state, task.submitted_at, task.sealed_permit = "submitted", now, None
    task.revision += 1
    item.claimed -= 1
    item.submitted += 1
    session.add(task)
    session.add(item)
    if item.submitted == work.campaign.overlap and item.state == "open":
        await _settle(session, work, said, now)
    await session.flush()


async def _settle(session: RuleSession, work: Work, last: Annotation, now: datetime) -> None:
    """Accept an item, locked, on which all agree; let a reviewer look at it otherwise. `last`: the newest answer."""
    said = [last]
    if work.item.submitted > 1:
        with session.no_autoflush:
            before = await repository.submissions(session, [work.item.id])
        said = [*said_of(work.secrets, [task for task in before if task.id != work.task.id]), last]
    places = sum(len(annotation.marks) for annotation in said)
    answers = [annotation.marks for annotation in said]
    marks = await content.apart(lambda: settled(work.schema, answers), places)
    if marks is None:
        work.item.state = "to-review"
        work.item.revision += 1
        return
    comments = dict.fromkeys(annotation.comment for annotation in said if annotation.comment)
    accept(session, work.secrets, work.item, Annotation(marks, "\n".join(comments)), "agreement", None, now)


def said_of(secrets: Secrets, submissions: Sequence[Task]) -> list[Annotation]:
    """Return what was submitted, opened."""
    return [content.annotation_of(secrets, "task", task.id, task.sealed) for task in submissions]


def accept(
    session: RuleSession,
    secrets: Secrets,
    item: Item,
    annotation: Annotation,
    how: str,
    by: UUID | None,
    now: datetime,
) -> None:
    """Let an annotation hold for an item, locked. `how`: agreement, review or import; `by` whom, where it is one."""
    item.state, item.accepted_how, item.accepted_by, item.accepted_at = "accepted", how, by, now
    item.sealed_accepted = content.seal_annotation(secrets, "accepted", item.id, annotation)
    item.revision += 1
    session.add(item)
    events.annotation_accepted(session, item, how)


async def item_for_reviewer(session: RuleSession, caller: Subject, item_id: UUID, *, lock: bool = False) -> Item:
    """Return an item that the caller may review.

    404 for those who may not know of its campaign, 403 for others than its reviewers and for its annotators, 409 when
    it does not wait for review.
    """
    found = await repository.item_with(session, item_id)
    if found is None or not rules.standing(caller, found[1]).sees:
        raise not_found("item")
    campaign = await campaigns.campaign(session, found[1].id, share=lock)
    item = await campaigns.item(session, item_id, lock=lock)
    assert campaign is not None and item is not None
    rules.require_reviewer(caller, campaign)
    rules.require_open(campaign)
    if await repository.has_task(session, item_id, caller.id):
        raise rules.own_work()
    if item.state != "to-review":
        raise conflict("item-not-to-review", state=item.state)
    return item
