"""Partners, their people, and roles over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends

from services.access.identity import repository, service
from services.access.identity.models import Partner, RoleAssignment, User
from services.access.identity.rules import administered_partners, administers, visible_partners
from services.access.identity.schemas import (
    CampaignRoleIn,
    PartnerIn,
    PartnerMemberIn,
    PartnerOut,
    PartnerRef,
    RoleAssignmentIn,
    RoleAssignmentOut,
    UserOut,
)
from services.access.lists import after_id
from services.access.texts import reason
from services.kit.paging import Page, Paged, page
from services.kit.problems import forbidden
from services.kit.schemas import AllowedAction
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, Lang, ServiceCaller, Session, factory_router

router = factory_router(tags=["partners"])
internal = factory_router(internal=True)


async def _annotation(caller: ServiceCaller) -> Subject:
    if caller.name != "annotation":
        raise forbidden("service-not-allowed", service=caller.name)
    return caller


Annotation = Annotated[Subject, Depends(_annotation)]


def _show(row: Partner, caller: Subject, language: Language) -> PartnerOut:
    suspend = None if caller.has("operator") else "role-required"
    if suspend is None and row.suspended_at is not None:
        suspend = "partner-suspended"
    people = None if administers(caller, row.id) else "role-required"
    actions = [
        AllowedAction(action=action, allowed=why is None, reason=reason(why, language, role=role))
        for action, why, role in (
            ("suspend", suspend, "operator"),
            ("add-member", people, "operator / partner-admin"),
            ("remove-member", people, "operator / partner-admin"),
        )
    ]
    return PartnerOut.model_validate({**row.model_dump(), "allowed_actions": actions})


def _user(row: User, home: Partner | None) -> UserOut:
    partner = PartnerRef(id=home.id, name=home.name) if home else None
    return UserOut.model_validate({**row.model_dump(), "partner": partner})


def _assignment(row: RoleAssignment) -> RoleAssignmentOut:
    scope = {"kind": row.scope_kind, "id": row.scope_id}
    return RoleAssignmentOut.model_validate({**row.model_dump(), "scope": scope})


@router.post("/partners", operation_id="create_partner", status_code=201)
async def create_partner(body: PartnerIn, caller: Caller, session: Session, ctx: Ctx, lang: Lang) -> PartnerOut:
    """Create a partner. For operators."""
    return _show(await service.create_partner(session, caller, body, ctx.clock.now()), caller, lang)


@router.get("/partners", operation_id="list_partners")
async def list_partners(caller: Caller, session: Session, lang: Lang, paging: Page) -> Paged[PartnerOut]:
    """List the partners you may see: your own; all of them for operators, finance and stewards."""
    rows = await repository.page_of_partners(session, visible_partners(caller), after_id(paging), paging.limit)
    return page(rows, paging.limit, lambda row: (row.id,), lambda row: _show(row, caller, lang))


@router.get("/partners/{id}", operation_id="get_partner")
async def get_partner(id: UUID, caller: Caller, session: Session, lang: Lang) -> PartnerOut:
    """Return a partner."""
    return _show(await service.visible_partner(session, caller, id), caller, lang)


@router.post("/partners/{id}/suspension", operation_id="suspend_partner")
async def suspend_partner(id: UUID, caller: Caller, session: Session, ctx: Ctx, lang: Lang) -> PartnerOut:
    """Suspend a partner: its people get no more tokens, and what they have running stops. For operators."""
    return _show(await service.suspend_partner(session, caller, id, ctx.clock.now()), caller, lang)


@router.post("/partners/{id}/members", operation_id="add_partner_member", status_code=201)
async def add_partner_member(id: UUID, body: PartnerMemberIn, caller: Caller, session: Session, ctx: Ctx) -> UserOut:
    """Make a user one of the partner's people. For operators and the partner's administrators."""
    user, partner = await service.add_partner_member(session, caller, id, body.user_id, ctx.clock.now())
    return _user(user, partner)


@router.delete("/partners/{id}/members/{user_id}", operation_id="remove_partner_member", status_code=204)
async def remove_partner_member(id: UUID, user_id: UUID, caller: Caller, session: Session, ctx: Ctx) -> None:
    """End a user's time with the partner, with the roles they hold for it."""
    await service.remove_partner_member(session, caller, id, user_id, ctx.clock.now())


@router.get("/users", operation_id="list_users")
async def list_users(caller: Caller, session: Session, paging: Page) -> Paged[UserOut]:
    """List users: everyone for operators, their own people for a partner's administrators."""
    rows = await repository.page_of_users(session, administered_partners(caller), after_id(paging), paging.limit)
    homes = await repository.homes(session, [row.id for row in rows])
    return page(rows, paging.limit, lambda row: (row.id,), lambda row: _user(row, homes.get(row.id)))


@router.post("/users/{id}/deactivation", operation_id="deactivate_user")
async def deactivate_user(id: UUID, caller: Caller, session: Session) -> UserOut:
    """Shut a user out: no tokens any more, and what they have running stops."""
    user = await service.deactivate_user(session, caller, id)
    return _user(user, (await repository.homes(session, [id])).get(id))


@router.post("/role-assignments", operation_id="assign_role", status_code=201)
async def assign_role(body: RoleAssignmentIn, caller: Caller, session: Session, ctx: Ctx) -> RoleAssignmentOut:
    """Give a user a role. Operators give all; a partner's administrators make its donors and administrators."""
    return _assignment(await service.assign_role(session, caller, body, ctx.clock.now()))


@router.get("/role-assignments", operation_id="list_role_assignments")
async def list_role_assignments(caller: Caller, session: Session, paging: Page) -> Paged[RoleAssignmentOut]:
    """List roles that are held: yours, those of partners you administer, all of them for operators."""
    rows = await repository.page_of_assignments(
        session,
        None if caller.has("operator") else caller.id,
        caller.scopes("partner-admin", "partner"),
        after_id(paging),
        paging.limit,
    )
    return page(rows, paging.limit, lambda row: (row.id,), _assignment)


@router.delete("/role-assignments/{id}", operation_id="revoke_role", status_code=204)
async def revoke_role(id: UUID, caller: Caller, session: Session, ctx: Ctx) -> None:
    """Take a role back."""
    await service.revoke_role(session, caller, id, ctx.clock.now())


# Who takes part in a campaign is for those who lead it; the annotation service knows who that is, and asks for them.


@internal.post("/campaign-roles", status_code=201)
async def give_campaign_role(
    body: CampaignRoleIn, annotation: Annotation, caller: Caller, session: Session, ctx: Ctx
) -> RoleAssignmentOut:
    """Give a user a part in a campaign."""
    return _assignment(await service.give_campaign_role(session, caller, body, ctx.clock.now()))


@internal.delete("/campaign-roles/{campaign_id}/{user_id}/{role}", status_code=204)
async def take_campaign_role(
    campaign_id: UUID,
    user_id: UUID,
    role: Literal["annotator", "reviewer"],
    annotation: Annotation,
    caller: Caller,
    session: Session,
    ctx: Ctx,
) -> None:
    """Take a user's part in a campaign back."""
    await service.take_campaign_role(session, caller, campaign_id, user_id, role, ctx.clock.now())
