"""Tasks over HTTP: claimed, read, saved, returned."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response

from services.annotation.campaigns import content, permits
from services.annotation.campaigns.keys import keys_of
from services.annotation.campaigns.marks import AnnotationBody
from services.annotation.lists import after_id
from services.annotation.settings import AnnotationSettings
from services.annotation.tasks import measuring, pool, repository, service
from services.annotation.tasks.models import Task
from services.annotation.tasks.schemas import TaskOut, TaskState
from services.annotation.tasks.service import Work, schema_of
from services.annotation.texts import reason
from services.kit.context import Context
from services.kit.paging import Page, Paged, page
from services.kit.problems import Problem
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import (
    Caller,
    Ctx,
    IfMatch,
    Lang,
    LazySession,
    Session,
    Transaction,
    check_if_match,
    etag,
    factory_router,
)

router = factory_router(tags=["tasks"])

CampaignId = Annotated[UUID, Path(description="The campaign.")]
TaskId = Annotated[UUID, Path(description="The task.")]

# A permit that ends sooner is renewed before it is shown.
_SOON = timedelta(seconds=60)
_NOTHING: dict[int | str, dict[str, Any]] = {204: {"description": "Nothing is left for you."}}


def settings_of(ctx: Context) -> AnnotationSettings:
    """Return the service's settings."""
    assert isinstance(ctx.settings, AnnotationSettings)
    return ctx.settings


def answer(ctx: Context, caller: Subject, work: Work, lang: Language, response: Response) -> TaskOut:
    """Return a task as its annotator sees it, with its ETag."""
    response.headers["ETag"] = etag(work.task.revision)
    return _show(ctx, caller, work, lang)


def _show(ctx: Context, caller: Subject, work: Work, lang: Language) -> TaskOut:
    def told(refusal: Problem) -> str:
        return reason(refusal, lang) or ""

    return service.show(caller, work, ctx.clock.now(), told)


@router.post(
    "/campaigns/{campaign_id}/claims",
    status_code=201,
    operation_id="claim_task",
    summary="Take the next item",
    response_model=TaskOut,
    responses=_NOTHING,
)
async def claim_task(
    campaign_id: CampaignId, caller: Caller, ctx: Ctx, transaction: Transaction, lang: Lang, response: Response
) -> TaskOut | Response:
    """Take the next item on loan, as an annotator; 204 when nothing is left for you.

    The law is asked for this item with your own token: a denial is a 403 with its codes and cures. The task is yours
    until `until`; what is not submitted by then returns to the pool. You never get an item twice, and at most `overlap`
    people get it. A task you have lost comes first, with its draft, while there is room.
    """
    settings = settings_of(ctx)
    async with ctx.unit() as session:
        reserved = await pool.reserve(session, caller, campaign_id, most=settings.task_open_max, now=ctx.clock.now())
    if reserved is None:
        return Response(status_code=204)
    try:
        work = await _permitted(ctx, caller, reserved, transaction, lang)
    except BaseException:
        async with ctx.unit() as undoing:
            await pool.release(undoing, reserved)
        raise
    response.headers["Location"] = f"/api/v1/tasks/{work.task.id}"
    return answer(ctx, caller, work, lang, response)


async def _permitted(
    ctx: Context, caller: Subject, reserved: pool.Reserved, transaction: LazySession, lang: Language
) -> Work:
    """Ask the law about a reserved place, measure the item if need be, and make the task the caller's."""
    campaign, item = reserved.campaign, reserved.item
    secrets = await keys_of(ctx).open(campaign)
    path = content.path_of(secrets, item)
    permit = await permits.ask(ctx, caller, permits.about(campaign), lang, [path])
    measures = None
    if measuring.needed(schema_of(campaign), item):
        measures = await measuring.measure(ctx, caller, campaign, item, path, permit.token)
    session = await transaction()
    if measures is not None:
        item = await measuring.note(session, item, measures)
    until = service.deadline(ctx.clock.now(), settings_of(ctx).task_claim_s)
    task = await pool.confirm(session, secrets, reserved, permit, until)
    return Work(task, item, campaign, secrets)


@router.get("/tasks", operation_id="list_tasks", summary="List your tasks")
async def list_tasks(
    caller: Caller,
    ctx: Ctx,
    session: Session,
    params: Page,
    lang: Lang,
    campaign_id: Annotated[UUID | None, Query(description="Only of this campaign.")] = None,
    state: Annotated[TaskState | None, Query(description="Only in this state.")] = None,
) -> Paged[TaskOut]:
    """List your own tasks, newest first. Permits are renewed by get_task."""
    rows = await repository.tasks_of(
        session, caller.id, campaign_id=campaign_id, state=state, before=after_id(params), limit=params.limit
    )
    works = [Work(*row, await keys_of(ctx).open(row[2])) for row in rows]
    return page(works, params.limit, lambda work: (work.task.id,), lambda work: _show(ctx, caller, work, lang))


@router.get("/tasks/{task_id}", operation_id="get_task", summary="Read a task")
async def get_task(
    task_id: TaskId, caller: Caller, ctx: Ctx, transaction: Transaction, lang: Lang, response: Response
) -> TaskOut:
    """Read a task of your own. While it is claimed, a permit that is about to end is renewed: the law is asked anew."""
    now = ctx.clock.now()
    async with ctx.unit() as reading:
        work = await service.work_of(reading, keys_of(ctx), caller, task_id)
    if service.refusal_of(work.task, work.campaign, caller, now) is not None:
        return answer(ctx, caller, work, lang, response)
    held = pool.permit_of(work.secrets, work.task)
    if held is not None and held[1] > now + _SOON:
        return answer(ctx, caller, work, lang, response)
    path = content.path_of(work.secrets, work.item)
    permit = await permits.ask(ctx, caller, permits.about(work.campaign), lang, [path])
    session = await transaction()
    work = await service.work_of(session, keys_of(ctx), caller, task_id, Task)
    service.require_held(caller, work, ctx.clock.now())
    work.task.decision_id = permit.decision_id
    work.task.sealed_permit = pool.seal_permit(work.secrets, work.task.id, permit)
    session.add(work.task)
    return answer(ctx, caller, work, lang, response)


@router.put("/tasks/{task_id}/annotation", operation_id="save_annotation", summary="Save a draft")
async def save_annotation(
    task_id: TaskId,
    body: AnnotationBody,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> TaskOut:
    """Save the whole annotation as a draft, as you last saw it (If-Match); as often as you like.

    412 when another window of yours saved something else meanwhile. Saving what is saved already changes nothing.
    409 `claim-ended` when the task is no longer yours.
    """
    work = await service.work_of(session, keys_of(ctx), caller, task_id, Task)
    now = ctx.clock.now()
    service.require_held(caller, work, now)
    annotation = await content.apart(lambda: service.check(work, body), len(body.marks))
    if not service.same(work.secrets, work.task, annotation):
        check_if_match(if_match, work.task.revision)
        until = service.deadline(now, settings_of(ctx).task_claim_s)
        await service.save(session, work.secrets, work.task, annotation, until)
    return answer(ctx, caller, work, lang, response)


@router.post("/tasks/{task_id}/return", operation_id="return_task", summary="Return a task unfinished")
async def return_task(
    task_id: TaskId, caller: Caller, ctx: Ctx, session: Session, lang: Lang, response: Response
) -> TaskOut:
    """Return a task unfinished: somebody else gets the item, and you are not asked about it again."""
    work = await service.work_of(session, keys_of(ctx), caller, task_id)
    task = await service.give_back(session, caller, work, ctx.clock.now())
    return answer(ctx, caller, replace(work, task=task), lang, response)
