"""Campaigns over HTTP."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from services.annotation.campaigns import catalog, permits, repository, rules, service
from services.annotation.campaigns.keys import keys_of
from services.annotation.campaigns.models import Campaign
from services.annotation.campaigns.schemas import (
    CampaignIn,
    CampaignOut,
    CampaignPatch,
    CampaignState,
    GuidelinesOut,
    ItemCounts,
)
from services.annotation.lists import after_id
from services.annotation.texts import reason
from services.kit.db import RuleSession
from services.kit.paging import Page, Paged, page
from services.kit.schemas import AllowedAction
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, IfMatch, Lang, Session, Transaction, check_if_match, etag, factory_router

router = factory_router(tags=["campaigns"])

CampaignId = Annotated[UUID, Path(description="The campaign.")]


def show(caller: Subject, campaign: Campaign, counts: Mapping[str, int], language: Language) -> CampaignOut:
    """Return a campaign as the caller sees it."""
    plain = {name: getattr(campaign, name) for name in CampaignOut.model_fields if name not in ("items",)
             and name != "allowed_actions"}  # fmt: skip
    numbers = {name.replace("-", "_"): number for name, number in counts.items()}
    return CampaignOut.model_validate(
        {
            **plain,
            "items": ItemCounts(total=campaign.items, **numbers),
            "allowed_actions": [
                AllowedAction(action=action, allowed=refusal is None, reason=reason(refusal, language))
                for action, refusal in rules.refusals(caller, campaign, counts)
            ],
        }
    )


async def answer(
    session: RuleSession, caller: Subject, campaign: Campaign, language: Language, response: Response
) -> CampaignOut:
    """Return a campaign as the caller sees it, with its ETag."""
    await session.flush()
    response.headers["ETag"] = etag(campaign.revision)
    counts = await repository.counts(session, [campaign.id])
    return show(caller, campaign, counts.get(campaign.id, {}), language)


@router.post("/campaigns", status_code=201, operation_id="create_campaign", summary="Open a campaign")
async def create_campaign(
    body: CampaignIn, caller: Caller, ctx: Ctx, transaction: Transaction, lang: Lang, response: Response
) -> CampaignOut:
    """Open a campaign over a released version, as a lead of the project. The law must permit you to annotate it.

    Its items are the files of the version that fit the selection, by path.
    """
    rules.require_project_lead(caller, body.project_id)
    schema = body.label_schema.value("/schema")
    service.check_media(schema, body.selection)
    question = permits.Question(body.version_id, body.project_id, body.purpose)
    permit = await permits.ask(ctx, caller, question, lang)
    facts = await catalog.dataset_facts(ctx, caller, body.version_id)
    files = await service.choose(catalog.files(ctx, caller, body.version_id, permit.token), body.selection)
    session = await transaction()
    campaign = await service.create(session, keys_of(ctx), caller, body, schema, facts, files, ctx.clock.now())
    response.headers["Location"] = f"/api/v1/campaigns/{campaign.id}"
    return await answer(session, caller, campaign, lang, response)


@router.get("/campaigns", operation_id="list_campaigns", summary="List campaigns")
async def list_campaigns(
    caller: Caller,
    session: Session,
    params: Page,
    lang: Lang,
    project_id: Annotated[UUID | None, Query(description="Only this project's.")] = None,
    version_id: Annotated[UUID | None, Query(description="Only over this version.")] = None,
    dataset_id: Annotated[UUID | None, Query(description="Only over versions of this dataset.")] = None,
    state: Annotated[CampaignState | None, Query(description="Only in this state.")] = None,
) -> Paged[CampaignOut]:
    """List the campaigns of your projects, those you work in, and those over data you answer for; newest first."""
    everywhere = any(role.name == "steward" and role.scope_kind == "global" for role in caller.roles)
    rows = await repository.campaigns(
        session,
        projects=set(caller.projects),
        ids=caller.scopes("annotator", "campaign") | caller.scopes("reviewer", "campaign"),
        donors=None if everywhere else caller.scopes("steward", "partner"),
        donations=caller.scopes("steward", "donation"),
        filters={"project_id": project_id, "version_id": version_id, "dataset_id": dataset_id, "state": state},
        before=after_id(params),
        limit=params.limit,
    )
    counts = await repository.counts(session, [row.id for row in rows])
    return page(rows, params.limit, lambda row: (row.id,), lambda row: show(caller, row, counts.get(row.id, {}), lang))


@router.get("/campaigns/{campaign_id}", operation_id="get_campaign", summary="Read a campaign")
async def get_campaign(
    campaign_id: CampaignId, caller: Caller, session: Session, lang: Lang, response: Response
) -> CampaignOut:
    """Read a campaign: what is asked, and how far it is."""
    return await answer(session, caller, await rules.campaign_for(session, caller, campaign_id), lang, response)


@router.patch("/campaigns/{campaign_id}", operation_id="update_campaign", summary="Change a campaign")
async def update_campaign(
    campaign_id: CampaignId,
    body: CampaignPatch,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> CampaignOut:
    """Change title or guidelines, as a lead, as you read them (If-Match). New guidelines are shown from now on."""
    campaign = await rules.campaign_of_lead(session, caller, campaign_id, lock=True)
    check_if_match(if_match, campaign.revision)
    await service.update(session, caller, campaign, body, ctx.clock.now())
    return await answer(session, caller, campaign, lang, response)


@router.get("/campaigns/{campaign_id}/guidelines", operation_id="list_guidelines", summary="Guidelines over time")
async def list_guidelines(campaign_id: CampaignId, caller: Caller, session: Session) -> list[GuidelinesOut]:
    """List every wording that the guidelines have had, the first first."""
    campaign = await rules.campaign_for(session, caller, campaign_id)
    return [GuidelinesOut.model_validate(row) for row in await repository.guidelines(session, campaign.id)]
