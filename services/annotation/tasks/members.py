"""Who works in a campaign, over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Path

from services.annotation.campaigns import repository, rules, service
from services.annotation.campaigns.models import Member
from services.annotation.campaigns.schemas import CampaignRole, MemberIn, MemberOut
from services.annotation.tasks import pool
from services.kit.web import Caller, Ctx, Session, Transaction, factory_router

router = factory_router(tags=["campaigns"])

CampaignId = Annotated[UUID, Path(description="The campaign.")]


@router.get("/campaigns/{campaign_id}/members", operation_id="list_campaign_members", summary="Who works in it")
async def list_campaign_members(campaign_id: CampaignId, caller: Caller, session: Session) -> list[MemberOut]:
    """List who annotates and reviews, as a lead."""
    campaign = await rules.campaign_of_lead(session, caller, campaign_id)
    return _members(await repository.members(session, campaign.id))


def _members(rows: Sequence[Member]) -> list[MemberOut]:
    return [
        MemberOut(
            user_id=row.user_id,
            name=service.pseudonym(row.number),
            roles=[role for role in ("annotator", "reviewer") if getattr(row, role)],
            added_at=row.added_at,
        )
        for row in rows
    ]


@router.post(
    "/campaigns/{campaign_id}/members", status_code=201, operation_id="add_campaign_member", summary="Give a role"
)
async def add_campaign_member(
    campaign_id: CampaignId, body: MemberIn, caller: Caller, ctx: Ctx, transaction: Transaction
) -> MemberOut:
    """Let somebody annotate or review here, as a lead. Each claim of theirs still puts the question to the law."""
    async with ctx.unit() as reading:
        rules.require_open(await rules.campaign_of_lead(reading, caller, campaign_id))
    given = {"user_id": str(body.user_id), "role": body.role, "campaign_id": str(campaign_id)}
    await ctx.http.post_json("access", "/internal/v1/campaign-roles", given, user=caller, idempotent=True)
    session = await transaction()
    campaign = await rules.campaign_of_lead(session, caller, campaign_id)
    now = ctx.clock.now()
    member = await service.set_role(session, campaign, body.user_id, body.role, True, by=caller.id, now=now)
    return _members([member])[0]


@router.delete(
    "/campaigns/{campaign_id}/members/{user_id}/{role}",
    status_code=204,
    operation_id="remove_campaign_member",
    summary="Take a role back",
)
async def remove_campaign_member(
    campaign_id: CampaignId, user_id: UUID, role: CampaignRole, caller: Caller, ctx: Ctx, transaction: Transaction
) -> None:
    """Take a role back, as a lead. What they have submitted stays; what they have open returns to the pool."""
    async with ctx.unit() as reading:
        await rules.campaign_of_lead(reading, caller, campaign_id)
    await ctx.http.request(
        "access",
        "DELETE",
        f"/internal/v1/campaign-roles/{campaign_id}/{user_id}/{role}",
        user=caller,
        idempotent=True,
    )
    session = await transaction()
    campaign = await rules.campaign_of_lead(session, caller, campaign_id)
    now = ctx.clock.now()
    await service.set_role(session, campaign, user_id, role, False, by=caller.id, now=now)
    if role == "annotator":
        await pool.end_tasks_of(session, campaign.id, user_id, "role-taken-back")
