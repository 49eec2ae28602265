"""Queries of the decision log."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import or_, true
from sqlalchemy.orm import defer
from sqlmodel import col, select

from services.access.decisions.models import Decision
from services.kit.db import RuleSession


async def add(session: RuleSession, rows: Sequence[Decision]) -> None:
    """Write new rows, with one statement however many."""
    session.add_all(rows)
    await session.flush()


async def decision(session: RuleSession, decision_id: UUID) -> Decision | None:
    """Return one decision."""
    return await session.get(Decision, decision_id)


async def decisions(session: RuleSession, decision_ids: Iterable[UUID]) -> dict[UUID, Decision]:
    """Return decisions by id, those that exist."""
    rows = await session.exec(select(Decision).where(col(Decision.id).in_(list(decision_ids))))
    return {row.id: row for row in rows}


async def list_decisions(
    session: RuleSession,
    *,
    subject_id: UUID,
    donors: set[UUID],
    donations: set[UUID],
    everything: bool,
    before: UUID | None,
    limit: int,
) -> Sequence[Decision]:
    """Return the subject's own decisions and those about data of `donors` and `donations`, newest first.

    Up to `limit + 1`, of those before an id. Inputs are not read.
    """
    visible = or_(
        col(Decision.subject_id) == subject_id,
        col(Decision.donor_id).in_(list(donors)),
        col(Decision.donation_id).in_(list(donations)),
    )
    statement = (
        select(Decision)
        .options(defer(col(Decision.input), raiseload=True))  # pyright: ignore[reportArgumentType] - SQLModel's types
        .where(true() if everything else visible)
        .order_by(col(Decision.id).desc())
        .limit(limit + 1)
    )
    if before is not None:
        statement = statement.where(col(Decision.id) < before)
    return (await session.exec(statement)).all()
