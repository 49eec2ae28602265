"""What credentials do. Takes a session and never ends it."""

from datetime import UTC, datetime
from uuid import UUID

from services.access.credentials import repository, rules
from services.access.credentials.models import ApiKey, Client, OperatorSecretFailure
from services.access.credentials.schemas import ApiKeyIn, ClientIn
from services.access.identity import service as identity
from services.access.identity.rules import administered_partners, administers
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.problems import Problem, conflict, forbidden, not_found
from services.kit.tokens import Subject


async def create_api_key(session: RuleSession, caller: Subject, body: ApiKeyIn, now: datetime) -> tuple[ApiKey, str]:
    """Make a key that acts as the caller. Returns the row and the key, which is kept nowhere."""
    rules.check_expiry(body.expires_at, now)
    if await repository.live_keys(session, caller.id, now) >= rules.MOST_KEYS:
        raise conflict("too-many-credentials", limit=rules.MOST_KEYS)
    key = rules.new_api_key()
    row = ApiKey(
        user_id=caller.id,
        name=body.name,
        prefix=key[: rules.PREFIX_SHOWN],
        key_hash=rules.digest(key),
        created_at=now,
        expires_at=body.expires_at.astimezone(UTC),
    )
    await repository.add(session, row)
    return row, key


async def revoke_api_key(session: RuleSession, caller: Subject, key_id: UUID, now: datetime) -> None:
    """End one of the caller's own keys; ending it again changes nothing."""
    row = await repository.key(session, key_id, caller.id)
    if row is None:
        raise not_found("API key")
    if row.revoked_at is None:
        row.revoked_at = now
        await repository.add(session, row)


async def user_of_api_key(session: RuleSession, key: str, now: datetime) -> UUID | None:
    """Return whom a key stands for now; None if it is unknown, revoked or past its end."""
    return await repository.use_key(session, rules.digest(key), now)


async def create_client(session: RuleSession, caller: Subject, body: ClientIn, now: datetime) -> tuple[Client, str]:
    """Make credentials for a partner's system. Returns the row and the secret, which is kept nowhere."""
    await identity.visible_partner(session, caller, body.partner_id)
    if not administers(caller, body.partner_id):
        raise forbidden("role-required", role="operator / partner-admin")
    if await repository.live_clients(session, body.partner_id) >= rules.MOST_CLIENTS:
        raise conflict("too-many-credentials", limit=rules.MOST_CLIENTS)
    client_id, secret = new_id(), rules.new_client_secret()
    account = await identity.add_service_account(session, body.partner_id, client_id, body.name, caller.id, now)
    row = Client(
        id=client_id,
        partner_id=body.partner_id,
        user_id=account.id,
        name=body.name,
        secret_hash=rules.digest(secret),
        created_at=now,
        created_by=caller.id,
    )
    await repository.add(session, row)
    return row, secret


async def revoke_client(session: RuleSession, caller: Subject, client_id: UUID, now: datetime) -> None:
    """End a client's credentials; ending them again changes nothing. 404 for other partners' clients."""
    partners = administered_partners(caller)
    row = await repository.client(session, client_id)
    if row is None or (partners is not None and row.partner_id not in partners):
        raise not_found("client")
    if row.revoked_at is None:
        row.revoked_at = now
        await repository.add(session, row)


async def user_of_client(session: RuleSession, client_id: str, secret: str, now: datetime) -> UUID | None:
    """Return the service account of a client that proves itself; None if it is unknown, revoked or wrong."""
    try:
        row = await repository.client(session, UUID(client_id))
    except ValueError:
        row = None
    # Compare even when there is nothing to compare with, so that time does not tell which clients exist.
    right = rules.same(secret, row.secret_hash if row is not None else rules.digest(""))
    if row is None or not right or row.revoked_at is not None:
        return None
    row.last_used_at = now
    await repository.add(session, row)
    return row.user_id


async def redeem_operator_secret(session: RuleSession, caller: Subject, secret: str, now: datetime) -> Problem | None:
    """Make the caller the first operator. A refusal is returned, not raised, so that wrong attempts are on record."""
    row = await repository.operator_secret(session)
    if row is None or row.redeemed_at is not None:
        return conflict("operator-secret-redeemed")
    since = now - rules.ATTEMPTS_WINDOW
    if rules.too_many(*await repository.failures(session, caller.id, since)):
        seconds = int(rules.ATTEMPTS_WINDOW.total_seconds())
        return Problem(429, "too-many-attempts", params={"seconds": seconds}, headers={"Retry-After": str(seconds)})
    if not rules.same(secret, row.secret_hash):
        await repository.add(session, OperatorSecretFailure(user_id=caller.id, at=now))
        return forbidden("operator-secret-wrong")
    row.redeemed_at, row.redeemed_by = now, caller.id
    await repository.add(session, row)
    await repository.forget_failures(session, now)
    await identity.make_operator(session, caller.id, now)
    return None
