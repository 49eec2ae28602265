"""What identity does and tells. Takes a session and never ends it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.access.identity import events, repository
from services.access.identity.models import Partner, RoleAssignment, User
from services.access.identity.rules import (
    PartnerFacts,
    UserFacts,
    administers,
    check_may_assign,
    check_may_revoke,
    check_scope,
    is_steward,
    is_steward_of,
    needs_home,
    visible_partners,
)
from services.access.identity.schemas import CampaignRoleIn, PartnerIn, RoleAssignmentIn
from services.kit.db import RuleSession
from services.kit.problems import conflict, forbidden, invalid, not_found
from services.kit.tokens import Role, Subject

__all__ = ["PartnerFacts", "UserFacts", "facts", "is_steward", "is_steward_of", "names", "partner_facts"]

SERVICE_ACCOUNTS = "urn:datafactory:clients"
"""Issuer of the users that stand for partners' systems."""


@dataclass(frozen=True)
class Standing:
    """A user with their partner and roles, as they are now."""

    user: User
    partner: Partner | None
    roles: frozenset[Role]


async def facts(session: RuleSession, user_ids: Collection[UUID]) -> dict[UUID, UserFacts]:
    """Return what decisions need to know of users, in two queries however many; unknown ids are absent."""
    rows = await repository.users(session, user_ids)
    homes = await repository.homes(session, user_ids)
    return {
        user_id: UserFacts(active=row.active, partner=_facts(homes[user_id]) if user_id in homes else None)
        for user_id, row in rows.items()
    }


async def partner_facts(session: RuleSession, partner_ids: Collection[UUID]) -> dict[UUID, PartnerFacts]:
    """Return what decisions need to know of partners; unknown ids are absent."""
    return {partner_id: _facts(row) for partner_id, row in (await repository.partners(session, partner_ids)).items()}


def _facts(row: Partner) -> PartnerFacts:
    return PartnerFacts(id=str(row.id), sector=row.sector, country=row.country, active=row.suspended_at is None)


async def names(session: RuleSession, user_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the display names of users; unknown ids are absent."""
    return {user_id: row.display_name for user_id, row in (await repository.users(session, user_ids)).items()}


async def partner_names(session: RuleSession, partner_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of partners; unknown ids are absent."""
    return {partner_id: row.name for partner_id, row in (await repository.partners(session, partner_ids)).items()}


async def sign_in(session: RuleSession, issuer: str, subject: str, display_name: str, now: datetime) -> User:
    """Return the user whom a provider vouches for; the first sign-in creates them, later ones renew the name."""
    user = await repository.sign_in(session, issuer, subject, display_name, now)
    if user.display_name != display_name:
        user.display_name = display_name
        await repository.add(session, user)
    return user


async def standing(session: RuleSession, user_id: UUID) -> Standing | None:
    """Return who a user is now, or None if there is no such user."""
    user = await repository.user(session, user_id)
    if user is None:
        return None
    home = (await repository.homes(session, [user_id])).get(user_id)
    roles = await repository.roles_of(session, user_id)
    return Standing(user, home, frozenset(Role(r.role, r.scope_kind, r.scope_id) for r in roles))


async def create_partner(session: RuleSession, caller: Subject, body: PartnerIn, now: datetime) -> Partner:
    """Create a partner. For operators."""
    if not caller.has("operator"):
        raise forbidden("role-required", role="operator")
    partner = Partner(name=body.name, sector=body.sector, country=body.country, created_at=now, created_by=caller.id)
    await repository.add(session, partner)
    return partner


async def visible_partner(session: RuleSession, caller: Subject, partner_id: UUID, *, lock: bool = False) -> Partner:
    """Return a partner that the caller may see; 404 otherwise."""
    visible = visible_partners(caller)
    found = None
    if visible is None or partner_id in visible:
        found = await repository.partner(session, partner_id, lock=lock)
    if found is None:
        raise not_found("partner")
    return found


async def suspend_partner(session: RuleSession, caller: Subject, partner_id: UUID, now: datetime) -> Partner:
    """Suspend a partner: its people get no tokens, and decisions about them deny. 409 if it is suspended already."""
    partner = await visible_partner(session, caller, partner_id, lock=True)
    if not caller.has("operator"):
        raise forbidden("role-required", role="operator")
    if partner.suspended_at is not None:
        raise conflict("partner-suspended")
    partner.suspended_at = now
    partner.revision += 1
    await repository.add(session, partner)
    events.partner_suspended(session, partner, caller.id)
    return partner


async def _administered(session: RuleSession, caller: Subject, partner_id: UUID) -> Partner:
    partner = await visible_partner(session, caller, partner_id, lock=True)
    if not administers(caller, partner_id):
        raise forbidden("role-required", role="operator / partner-admin")
    return partner


async def add_partner_member(
    session: RuleSession, caller: Subject, partner_id: UUID, user_id: UUID, now: datetime
) -> tuple[User, Partner]:
    """Make a user one of the partner's people. 409 `home-elsewhere` for operators if they have another partner.

    A partner's administrators are not told of other partners' people: 422 as for a user who does not exist.
    """
    partner = await _administered(session, caller, partner_id)
    user = await repository.user(session, user_id)
    if user is None or user.kind != "person":
        raise invalid("/user_id", "user-unknown")
    if not await repository.join(session, user_id, partner_id, caller.id, now):
        home = (await repository.homes(session, [user_id])).get(user_id)
        if home is not None and home.id == partner_id:
            return user, partner
        if caller.has("operator"):
            raise conflict("home-elsewhere")
        raise invalid("/user_id", "user-unknown")
    partner.revision += 1
    await repository.add(session, partner)
    events.member_added(session, partner, user_id)
    return user, partner


async def remove_partner_member(
    session: RuleSession, caller: Subject, partner_id: UUID, user_id: UUID, now: datetime
) -> None:
    """End a user's time with the partner, and their roles for it. Projects no longer count them as members."""
    partner = await _administered(session, caller, partner_id)
    if not await repository.leave(session, user_id, partner_id, caller.id, now):
        raise not_found("member")
    partner.revision += 1
    await repository.add(session, partner)
    events.member_removed(session, partner, user_id)


async def deactivate_user(session: RuleSession, caller: Subject, user_id: UUID) -> User:
    """Shut a user out: no tokens, and decisions about them deny. By operators, and administrators of their partner."""
    user = await repository.user(session, user_id)
    home = (await repository.homes(session, [user_id])).get(user_id)
    if user is None or not (caller.has("operator") or (home is not None and home.id == caller.partner_id)):
        raise not_found("user")
    if not caller.has("operator") and not (home is not None and administers(caller, home.id)):
        raise forbidden("role-required", role="operator / partner-admin")
    if user.id == caller.id:
        raise conflict("not-oneself")
    user.active = False
    user.revision += 1
    await repository.add(session, user)
    return user


async def assign_role(session: RuleSession, caller: Subject, body: RoleAssignmentIn, now: datetime) -> RoleAssignment:
    """Give a role. The one that says the same already is returned as it is."""
    kind, scope_id = body.scope.kind, body.scope.id
    check_may_assign(caller, body.role, kind, scope_id)
    check_scope(body.role, kind, scope_id)
    user = await repository.user(session, body.user_id)
    if kind == "partner" and scope_id is not None and await repository.partner(session, scope_id) is None:
        raise invalid("/scope/id", "partner-unknown")
    home = (await repository.homes(session, [body.user_id])).get(body.user_id)
    if user is None or (needs_home(body.role) and (home is None or home.id != scope_id)):
        raise invalid("/user_id", "not-of-partner" if needs_home(body.role) else "user-unknown")
    return await repository.hold(session, _assignment(body.user_id, body.role, kind, scope_id, caller.id, now))


def _assignment(user_id: UUID, role: str, kind: str, scope_id: UUID | None, by: UUID, now: datetime) -> RoleAssignment:
    return RoleAssignment(user_id=user_id, role=role, scope_kind=kind, scope_id=scope_id, created_at=now, created_by=by)


async def give_campaign_role(
    session: RuleSession, caller: Subject, body: CampaignRoleIn, now: datetime
) -> RoleAssignment:
    """Give a user a part in a campaign, which the annotation service has found the caller to lead.

    422 for a user who does not exist or is shut out. The assignment that says the same already is returned as it is.
    """
    user = await repository.user(session, body.user_id)
    if user is None or not user.active:
        raise invalid("/user_id", "user-unknown")
    return await repository.hold(
        session, _assignment(body.user_id, body.role, "campaign", body.campaign_id, caller.id, now)
    )


async def take_campaign_role(
    session: RuleSession, caller: Subject, campaign_id: UUID, user_id: UUID, role: str, now: datetime
) -> None:
    """Take a user's part in a campaign back. Twice changes nothing."""
    row = await repository.held_assignment(session, user_id, role, "campaign", campaign_id)
    if row is not None:
        row.revoked_at, row.revoked_by = now, caller.id
        await repository.add(session, row)


async def make_operator(session: RuleSession, user_id: UUID, now: datetime) -> None:
    """Make the user the first operator, at their own word (they have redeemed the secret)."""
    await repository.hold(session, _assignment(user_id, "operator", "global", None, user_id, now))


async def revoke_role(session: RuleSession, caller: Subject, assignment_id: UUID, now: datetime) -> None:
    """Take a role back. 409 `last-operator` rather than leave the factory without one."""
    row = await repository.assignment(session, assignment_id)
    if row is None:
        raise not_found("role assignment")
    check_may_revoke(caller, row.role, row.scope_kind, row.scope_id, row.user_id)
    if row.role == "operator" and len(await repository.lock_operators(session)) < 2:
        raise conflict("last-operator")
    row.revoked_at, row.revoked_by = now, caller.id
    await repository.add(session, row)


async def add_service_account(
    session: RuleSession, partner_id: UUID, client_id: UUID, name: str, by: UUID, now: datetime
) -> User:
    """Create the user as whom a partner's system acts."""
    user = User(
        issuer=SERVICE_ACCOUNTS, subject=str(client_id), display_name=name, kind="service-account", created_at=now
    )
    await repository.add(session, user)
    await repository.join(session, user.id, partner_id, by, now)
    return user
