"""The only place that queries sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_
from sqlmodel import col, select

from gateway.sessions.models import SessionRow
from services.kit.db import RuleSession


async def by_secret_hash(session: RuleSession, secret_hash: bytes) -> SessionRow | None:
    """Return the session whose secret hashes to `secret_hash`."""
    return (await session.exec(select(SessionRow).where(SessionRow.secret_hash == secret_hash))).one_or_none()


async def by_id(session: RuleSession, session_id: UUID) -> SessionRow | None:
    """Return the session `session_id`."""
    return await session.get(SessionRow, session_id)


async def remove(session: RuleSession, session_id: UUID) -> None:
    """Delete the session, if it is there."""
    await session.execute(delete(SessionRow).where(col(SessionRow.id) == session_id))


async def remove_by_secret_hash(session: RuleSession, secret_hash: bytes) -> None:
    """Delete the session of a secret, if it is there."""
    await session.execute(delete(SessionRow).where(col(SessionRow.secret_hash) == secret_hash))


async def remove_ended(session: RuleSession, now: datetime, idle_since: datetime) -> None:
    """Delete sessions past their end, and those unused since `idle_since`."""
    ended = or_(col(SessionRow.expires_at) <= now, col(SessionRow.last_seen_at) <= idle_since)
    await session.execute(delete(SessionRow).where(ended))


async def answers(session: RuleSession) -> None:
    """Raise unless the database answers."""
    await session.execute(select(1))
