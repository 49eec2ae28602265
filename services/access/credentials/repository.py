"""Questions to the tables of credentials. Nobody else asks them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.access.credentials.models import ApiKey, Client, OperatorSecret, OperatorSecretFailure
from services.kit.db import RuleSession


async def add(session: RuleSession, *rows: ApiKey | Client | OperatorSecret | OperatorSecretFailure) -> None:
    """Write new or changed rows."""
    session.add_all(rows)
    await session.flush()


async def page_of_keys(session: RuleSession, user_id: UUID, after: UUID | None, limit: int) -> Sequence[ApiKey]:
    """Return up to `limit + 1` keys of a user in order of id."""
    statement = select(ApiKey).where(ApiKey.user_id == user_id).order_by(col(ApiKey.id)).limit(limit + 1)
    if after is not None:
        statement = statement.where(col(ApiKey.id) > after)
    return (await session.exec(statement)).all()


async def live_keys(session: RuleSession, user_id: UUID, now: datetime) -> int:
    """Return how many keys of the user work now."""
    statement = (
        select(func.count())
        .select_from(ApiKey)
        .where(ApiKey.user_id == user_id, col(ApiKey.revoked_at).is_(None), col(ApiKey.expires_at) > now)
    )
    return (await session.exec(statement)).one()


async def key(session: RuleSession, key_id: UUID, user_id: UUID) -> ApiKey | None:
    """Return one key of a user."""
    statement = select(ApiKey).where(ApiKey.id == key_id, ApiKey.user_id == user_id)
    return (await session.exec(statement)).one_or_none()


async def use_key(session: RuleSession, key_hash: str, now: datetime) -> UUID | None:
    """Return whose key this is, if it works now, and note that it was used."""
    used = await session.execute(
        update(ApiKey)
        .where(
            col(ApiKey.key_hash) == key_hash,
            col(ApiKey.revoked_at).is_(None),
            col(ApiKey.expires_at) > now,
        )
        .values(last_used_at=now)
        .returning(col(ApiKey.user_id))
    )
    return used.scalar_one_or_none()


async def client(session: RuleSession, client_id: UUID) -> Client | None:
    """Return one client."""
    return (await session.exec(select(Client).where(Client.id == client_id))).one_or_none()


async def live_clients(session: RuleSession, partner_id: UUID) -> int:
    """Return how many clients of the partner work now."""
    statement = (
        select(func.count())
        .select_from(Client)
        .where(Client.partner_id == partner_id, col(Client.revoked_at).is_(None))
    )
    return (await session.exec(statement)).one()


async def page_of_clients(
    session: RuleSession, partner_ids: set[UUID] | None, after: UUID | None, limit: int
) -> Sequence[Client]:
    """Return up to `limit + 1` clients in order of id: all, or those of some partners."""
    statement = select(Client).order_by(col(Client.id)).limit(limit + 1)
    if partner_ids is not None:
        statement = statement.where(col(Client.partner_id).in_(partner_ids))
    if after is not None:
        statement = statement.where(col(Client.id) > after)
    return (await session.exec(statement)).all()


async def operator_secret(session: RuleSession) -> OperatorSecret | None:
    """Return the one secret, locked: of many who redeem it at once, one goes first."""
    statement = select(OperatorSecret).where(OperatorSecret.id == 1).with_for_update()
    return (await session.exec(statement.execution_options(populate_existing=True))).one_or_none()


async def put_operator_secret(session: RuleSession, secret_hash: str, now: datetime) -> None:
    """Make this the secret to redeem, in place of one that nobody redeemed."""
    row = {"id": 1, "secret_hash": secret_hash, "created_at": now}
    await session.execute(
        insert(OperatorSecret)
        .values(row)
        .on_conflict_do_update(index_elements=["id"], set_={"secret_hash": secret_hash, "created_at": now})
    )


async def failures(session: RuleSession, user_id: UUID, since: datetime) -> tuple[int, int]:
    """Return how many wrong secrets this user, and everyone, sent since then."""
    statement = select(func.count().filter(col(OperatorSecretFailure.user_id) == user_id), func.count()).where(
        col(OperatorSecretFailure.at) > since
    )
    own, everyones = (await session.exec(statement)).one()
    return own, everyones


async def forget_failures(session: RuleSession, before: datetime) -> None:
    """Delete failures that no longer count."""
    await session.execute(delete(OperatorSecretFailure).where(col(OperatorSecretFailure.at) <= before))
