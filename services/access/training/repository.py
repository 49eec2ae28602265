"""Queries of training."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, or_, select

from services.access.identity.models import User
from services.access.training.models import Completion, CourseAttempt
from services.kit.db import RuleSession


async def lock_user(session: RuleSession, user_id: UUID) -> None:
    """Hold the user's row, so that their attempts are counted one at a time."""
    await session.exec(select(User.id).where(User.id == user_id).with_for_update())


async def attempt(session: RuleSession, attempt_id: UUID) -> CourseAttempt | None:
    """Return an attempt, locked: it is answered once."""
    return (
        await session.exec(select(CourseAttempt).where(CourseAttempt.id == attempt_id).with_for_update())
    ).one_or_none()


async def open_attempt(session: RuleSession, user_id: UUID, course: str, now: datetime) -> CourseAttempt | None:
    """Return the user's attempt that still waits for answers."""
    statement = select(CourseAttempt).where(
        CourseAttempt.user_id == user_id,
        CourseAttempt.course == course,
        col(CourseAttempt.answered_at).is_(None),
        CourseAttempt.expires_at > now,
    )
    return (await session.exec(statement.order_by(col(CourseAttempt.id).desc()))).first()


async def failures(session: RuleSession, user_id: UUID, since: datetime, now: datetime) -> dict[str, list[datetime]]:
    """Return, by course, when attempts failed or lapsed unanswered since `since`."""
    statement = select(CourseAttempt).where(
        CourseAttempt.user_id == user_id,
        CourseAttempt.started_at > since,
        or_(
            col(CourseAttempt.passed).is_(False),
            (col(CourseAttempt.answered_at).is_(None)) & (col(CourseAttempt.expires_at) <= now),
        ),
    )
    found: dict[str, list[datetime]] = {}
    for row in await session.exec(statement):
        found.setdefault(row.course, []).append(row.started_at)
    return found


async def completions(session: RuleSession, user_ids: Iterable[UUID]) -> Sequence[Completion]:
    """Return all completions of users, newest first."""
    statement = select(Completion).where(col(Completion.user_id).in_(list(user_ids)))
    return (await session.exec(statement.order_by(col(Completion.id).desc()))).all()


async def lapsed_unannounced(session: RuleSession, now: datetime, limit: int) -> Sequence[Completion]:
    """Return completions that ran out and whose end was not told, locked; another instance's are passed over."""
    statement = (
        select(Completion)
        .where(Completion.valid_until <= now, col(Completion.expiry_announced_at).is_(None))
        .order_by(col(Completion.valid_until))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()
