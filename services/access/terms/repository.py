"""Questions to the table of terms. Nobody else asks it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from services.access.terms.models import Terms
from services.kit.db import RuleSession


async def next_number(session: RuleSession, partner_id: UUID) -> int:
    """Return the number of the partner's next terms; others who ask wait until this transaction ends."""
    key = func.hashtextextended(f"terms:{partner_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    last = (await session.exec(select(func.max(Terms.number)).where(Terms.partner_id == partner_id))).one()
    return (last or 0) + 1


async def add(session: RuleSession, terms: Terms) -> None:
    """Write new terms."""
    session.add(terms)
    await session.flush()


async def of(session: RuleSession, terms_ids: Collection[UUID]) -> dict[UUID, Terms]:
    """Return terms by id; unknown ids are absent. One query."""
    if not terms_ids:
        return {}
    return {row.id: row for row in await session.exec(select(Terms).where(col(Terms.id).in_(terms_ids)))}


async def page_of_terms(
    session: RuleSession, partner_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Terms]:
    """Return up to `limit + 1` terms in order of id: all, or a partner's."""
    statement = select(Terms).order_by(col(Terms.id)).limit(limit + 1)
    if partner_id is not None:
        statement = statement.where(Terms.partner_id == partner_id)
    if after is not None:
        statement = statement.where(col(Terms.id) > after)
    return (await session.exec(statement)).all()
