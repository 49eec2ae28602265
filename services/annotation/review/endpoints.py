"""What is submitted, reviewed and agreed upon, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from services.annotation.campaigns import content, permits, rules
from services.annotation.campaigns.content import Annotation
from services.annotation.campaigns.keys import keys_of
from services.annotation.campaigns.marks import AnnotationBody, checked
from services.annotation.campaigns.models import Item
from services.annotation.campaigns.service import pseudonym
from services.annotation.lists import after_number
from services.annotation.review import agreement, repository, service, settling
from services.annotation.review.schemas import AcceptedOut, AgreementOut, ReviewOut
from services.annotation.tasks import measuring
from services.annotation.tasks import service as work_service
from services.annotation.tasks.endpoints import answer
from services.annotation.tasks.models import Task
from services.annotation.tasks.schemas import TaskOut
from services.kit.context import Context
from services.kit.paging import Page, Paged, page
from services.kit.problems import conflict, not_found
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, IfMatch, Lang, Session, Transaction, check_if_match, etag, factory_router

router = factory_router(tags=["reviews"])

TaskId = Annotated[UUID, Path(description="The task.")]
CampaignId = Annotated[UUID, Path(description="The campaign.")]
ItemId = Annotated[UUID, Path(description="The item, as list_reviews gives it.")]
CampaignQuery = Annotated[UUID, Query(description="The campaign.")]


@router.post("/tasks/{task_id}/submission", operation_id="submit_task", summary="Submit a task", tags=["tasks"])
async def submit_task(
    task_id: TaskId,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> TaskOut:
    """Submit what you saved. When everybody is done with the item it is accepted, if all say the same, or reviewed."""
    work = await work_service.work_of(session, keys_of(ctx), caller, task_id, Item, Task)
    await settling.submit(session, caller, work, if_match, ctx.clock.now())
    return answer(ctx, caller, work, lang, response)


@router.get("/reviews", operation_id="list_reviews", summary="List what waits for review")
async def list_reviews(
    campaign_id: CampaignQuery, caller: Caller, ctx: Ctx, transaction: Transaction, params: Page, lang: Lang
) -> Paged[ReviewOut]:
    """List the items on which annotators disagree, as a reviewer who has not annotated them. Nobody is named.

    The law is asked for these items with your own token; the permit opens their files.
    """
    async with ctx.unit() as reading:
        campaign = await rules.campaign_for(reading, caller, campaign_id)
        rules.require_reviewer(caller, campaign)
        rules.require_open(campaign)
        secrets = await keys_of(ctx).open(campaign)
        rows = await repository.to_review(
            reading, campaign_id, caller.id, after=after_number(params), limit=params.limit
        )
    if not rows:
        return Paged(items=[])
    paths = await content.paths_of(secrets, rows[: params.limit])
    permit = await permits.ask(ctx, caller, permits.about(campaign), lang, paths)
    session = await transaction()
    said = await service.answers(session, secrets, rows[: params.limit])
    return page(
        rows,
        params.limit,
        lambda item: (item.number,),
        lambda item: service.show(campaign, secrets, item, said, permit),
    )


@router.get("/reviews/{item_id}", operation_id="get_review", summary="Read an item that waits for review")
async def get_review(
    item_id: ItemId, caller: Caller, ctx: Ctx, transaction: Transaction, lang: Lang, response: Response
) -> ReviewOut:
    """Read one item on which annotators disagree; as in list_reviews."""
    permit = await _permitted(ctx, caller, item_id, lang)
    session = await transaction()
    item = await settling.item_for_reviewer(session, caller, item_id)
    campaign = await rules.campaign_for(session, caller, item.campaign_id)
    secrets = await keys_of(ctx).open(campaign)
    said = await service.answers(session, secrets, [item])
    response.headers["ETag"] = etag(item.revision)
    return service.show(campaign, secrets, item, said, permit)


@router.post("/reviews/{item_id}", operation_id="review_task", summary="Settle an item")
async def review_task(
    item_id: ItemId,
    body: AnnotationBody,
    caller: Caller,
    ctx: Ctx,
    transaction: Transaction,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> AcceptedOut:
    """Say what holds for an item on which annotators disagree, as a reviewer who has not annotated it."""
    await _permitted(ctx, caller, item_id, lang)
    session = await transaction()
    item = await settling.item_for_reviewer(session, caller, item_id, lock=True)
    if if_match is not None:
        check_if_match(if_match, item.revision)
    campaign = await rules.campaign_for(session, caller, item.campaign_id)
    secrets = await keys_of(ctx).open(campaign)
    schema = work_service.schema_of(campaign)
    if body.marks and schema.geometry is not None and item.measured == "unreadable":
        raise conflict("item-unreadable")
    marks = checked(schema, body, measuring.shape_of(item), complete=True)
    held = Annotation(marks, body.comment)
    settling.accept(session, secrets, item, held, "review", caller.id, ctx.clock.now())
    response.headers["ETag"] = etag(item.revision)
    return service.show_accepted(secrets, item)


@router.get(
    "/campaigns/{campaign_id}/agreement",
    operation_id="get_agreement_statistics",
    summary="How far annotators agree",
    tags=["campaigns"],
)
async def get_agreement_statistics(campaign_id: CampaignId, caller: Caller, ctx: Ctx, lang: Lang) -> AgreementOut:
    """Say how far annotators agree, by label and by annotator, from what was submitted for items that several did.

    Only the project's leads are told who an annotator is.
    """
    async with ctx.unit() as reading:
        campaign = await rules.campaign_for(reading, caller, campaign_id)
        secrets = await keys_of(ctx).open(campaign)
        numbers = await repository.members(reading, campaign_id)
    figures = await agreement.figures_of(ctx, campaign, secrets)
    lead = rules.standing(caller, campaign).lead
    people = {pseudonym(number): user_id for user_id, number in numbers.items()} if lead else {}
    return service.show_figures(figures, people, lang)


async def _permitted(ctx: Context, caller: Subject, item_id: UUID, lang: Language) -> permits.Permit:
    """Ask the law whether the caller may have this item, whose reviewer they are."""
    async with ctx.unit() as reading:
        item = await settling.item_for_reviewer(reading, caller, item_id)
        found = await repository.item_with(reading, item_id)
        if found is None:
            raise not_found("item")
        secrets = await keys_of(ctx).open(found[1])
    return await permits.ask(ctx, caller, permits.about(found[1]), lang, [content.path_of(secrets, item)])
