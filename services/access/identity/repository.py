"""Questions to the tables of identity. Nobody else asks them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.access.identity.models import Partner, PartnerMembership, RoleAssignment, User
from services.kit.db import RuleSession
from services.kit.ids import new_id


async def sign_in(session: RuleSession, issuer: str, subject: str, display_name: str, now: datetime) -> User:
    """Return the user of this issuer and subject; the first of any number of simultaneous sign-ins creates them."""
    found = await by_identity(session, issuer, subject)
    if found is None:
        row = {
            "id": new_id(),
            "issuer": issuer,
            "subject": subject,
            "display_name": display_name,
            "kind": "person",
            "active": True,
            "created_at": now,
            "revision": 1,
        }
        await session.execute(insert(User).values(row).on_conflict_do_nothing())
        found = await by_identity(session, issuer, subject)
        assert found is not None
    return found


async def by_identity(session: RuleSession, issuer: str, subject: str) -> User | None:
    """Return the user with this identity at their provider."""
    return (await session.exec(select(User).where(User.issuer == issuer, User.subject == subject))).one_or_none()


async def add(session: RuleSession, *rows: User | Partner | PartnerMembership | RoleAssignment) -> None:
    """Write new or changed rows."""
    session.add_all(rows)
    await session.flush()


async def user(session: RuleSession, user_id: UUID) -> User | None:
    """Return one user."""
    return (await session.exec(select(User).where(User.id == user_id))).one_or_none()


async def users(session: RuleSession, user_ids: Collection[UUID]) -> dict[UUID, User]:
    """Return users by id; unknown ids are absent."""
    if not user_ids:
        return {}
    return {u.id: u for u in await session.exec(select(User).where(col(User.id).in_(user_ids)))}


async def page_of_users(
    session: RuleSession, partner_ids: Collection[UUID] | None, after: UUID | None, limit: int
) -> Sequence[User]:
    """Return up to `limit + 1` users in order of id: all, or the people of some partners."""
    statement = select(User).order_by(col(User.id)).limit(limit + 1)
    if partner_ids is not None:
        home = (
            select(PartnerMembership.user_id)
            .where(col(PartnerMembership.partner_id).in_(partner_ids), col(PartnerMembership.ended_at).is_(None))
            .scalar_subquery()
        )
        statement = statement.where(col(User.id).in_(home))
    if after is not None:
        statement = statement.where(col(User.id) > after)
    return (await session.exec(statement)).all()


async def partner(session: RuleSession, partner_id: UUID, *, lock: bool = False) -> Partner | None:
    """Return one partner; with `lock`, nobody else changes it until the transaction ends."""
    statement = select(Partner).where(Partner.id == partner_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()


async def partners(session: RuleSession, partner_ids: Collection[UUID]) -> dict[UUID, Partner]:
    """Return partners by id; unknown ids are absent."""
    if not partner_ids:
        return {}
    return {p.id: p for p in await session.exec(select(Partner).where(col(Partner.id).in_(partner_ids)))}


async def page_of_partners(
    session: RuleSession, partner_ids: Collection[UUID] | None, after: UUID | None, limit: int
) -> Sequence[Partner]:
    """Return up to `limit + 1` partners in order of id: all, or only those named."""
    statement = select(Partner).order_by(col(Partner.id)).limit(limit + 1)
    if partner_ids is not None:
        statement = statement.where(col(Partner.id).in_(partner_ids))
    if after is not None:
        statement = statement.where(col(Partner.id) > after)
    return (await session.exec(statement)).all()


async def homes(session: RuleSession, user_ids: Collection[UUID]) -> dict[UUID, Partner]:
    """Return the home partner of each user that has one."""
    if not user_ids:
        return {}
    statement = (
        select(PartnerMembership.user_id, Partner)
        .join(Partner, col(Partner.id) == PartnerMembership.partner_id)
        .where(col(PartnerMembership.user_id).in_(user_ids), col(PartnerMembership.ended_at).is_(None))
    )
    return {user_id: home for user_id, home in await session.exec(statement)}


async def join(session: RuleSession, user_id: UUID, partner_id: UUID, by: UUID, now: datetime) -> bool:
    """Give the user this home; False if they have one already (at the latest moment, whoever else tries)."""
    row = {"id": new_id(), "user_id": user_id, "partner_id": partner_id, "created_by": by, "created_at": now}
    made = await session.execute(
        insert(PartnerMembership).values(row).on_conflict_do_nothing().returning(col(PartnerMembership.id))
    )
    return made.first() is not None


async def leave(session: RuleSession, user_id: UUID, partner_id: UUID, by: UUID, now: datetime) -> bool:
    """End the user's membership and the roles they hold for the partner; False if there was none."""
    ended = await session.execute(
        update(PartnerMembership)
        .where(
            col(PartnerMembership.user_id) == user_id,
            col(PartnerMembership.partner_id) == partner_id,
            col(PartnerMembership.ended_at).is_(None),
        )
        .values(ended_at=now, ended_by=by)
        .returning(col(PartnerMembership.id))
    )
    if ended.first() is None:
        return False
    await session.execute(
        update(RoleAssignment)
        .where(
            col(RoleAssignment.user_id) == user_id,
            col(RoleAssignment.role).in_(("partner-admin", "donor")),
            col(RoleAssignment.scope_kind) == "partner",
            col(RoleAssignment.scope_id) == partner_id,
            col(RoleAssignment.revoked_at).is_(None),
        )
        .values(revoked_at=now, revoked_by=by)
    )
    return True


async def roles_of(session: RuleSession, user_id: UUID) -> Sequence[RoleAssignment]:
    """Return the roles that a user holds now."""
    statement = (
        select(RoleAssignment)
        .where(RoleAssignment.user_id == user_id, col(RoleAssignment.revoked_at).is_(None))
        .order_by(col(RoleAssignment.id))
    )
    return (await session.exec(statement)).all()


async def hold(session: RuleSession, assignment: RoleAssignment) -> RoleAssignment:
    """Write the assignment, or return the one that says the same."""
    row = assignment.model_dump()
    await session.execute(insert(RoleAssignment).values(row).on_conflict_do_nothing())
    same = [
        RoleAssignment.user_id == assignment.user_id,
        RoleAssignment.role == assignment.role,
        RoleAssignment.scope_kind == assignment.scope_kind,
        col(RoleAssignment.scope_id).is_not_distinct_from(assignment.scope_id),
        col(RoleAssignment.revoked_at).is_(None),
    ]
    return (await session.exec(select(RoleAssignment).where(*same))).one()


async def assignment(session: RuleSession, assignment_id: UUID) -> RoleAssignment | None:
    """Return one assignment that holds, locked."""
    statement = (
        select(RoleAssignment)
        .where(RoleAssignment.id == assignment_id, col(RoleAssignment.revoked_at).is_(None))
        .with_for_update()
    )
    return (await session.exec(statement)).one_or_none()


async def held_assignment(
    session: RuleSession, user_id: UUID, role: str, scope_kind: str, scope_id: UUID
) -> RoleAssignment | None:
    """Return the assignment by which a user holds a role of this scope now, locked."""
    statement = select(RoleAssignment).where(
        RoleAssignment.user_id == user_id,
        RoleAssignment.role == role,
        RoleAssignment.scope_kind == scope_kind,
        RoleAssignment.scope_id == scope_id,
        col(RoleAssignment.revoked_at).is_(None),
    )
    return (await session.exec(statement.with_for_update())).one_or_none()


async def page_of_assignments(
    session: RuleSession,
    user_id: UUID | None,
    partner_ids: Collection[UUID],
    after: UUID | None,
    limit: int,
) -> Sequence[RoleAssignment]:
    """Return up to `limit + 1` assignments that hold: all (`user_id` None), or the user's and those of partners."""
    statement = (
        select(RoleAssignment)
        .where(col(RoleAssignment.revoked_at).is_(None))
        .order_by(col(RoleAssignment.id))
        .limit(limit + 1)
    )
    if user_id is not None:
        of_partners = tuple_(col(RoleAssignment.scope_kind), col(RoleAssignment.scope_id)).in_(
            [("partner", p) for p in partner_ids]
        )
        statement = statement.where(or_(col(RoleAssignment.user_id) == user_id, of_partners))
    if after is not None:
        statement = statement.where(col(RoleAssignment.id) > after)
    return (await session.exec(statement)).all()


async def lock_operators(session: RuleSession) -> Sequence[RoleAssignment]:
    """Return the operators' assignments, locked, so that two cannot remove each other."""
    statement = (
        select(RoleAssignment)
        .where(RoleAssignment.role == "operator", col(RoleAssignment.revoked_at).is_(None))
        .order_by(col(RoleAssignment.id))
        .with_for_update()
    )
    return (await session.exec(statement)).all()


async def operators(session: RuleSession) -> int:
    """Return how many operators there are."""
    statement = (
        select(func.count())
        .select_from(RoleAssignment)
        .where(RoleAssignment.role == "operator", col(RoleAssignment.revoked_at).is_(None))
    )
    return (await session.exec(statement)).one()
