"""The rules of sessions: a random secret in the cookie, its hash here, an idle and an absolute end."""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from gateway.identity.provider import ProviderTokens
from gateway.sessions import repository
from gateway.sessions.models import SessionRow
from gateway.settings import GatewaySettings
from services.kit.context import SealerPort
from services.kit.db import RuleSession
from services.kit.ids import new_id, new_secret

# Writing "last seen" on every request would be one write a request for nothing.
SEEN_EVERY = timedelta(seconds=60)


@dataclass(frozen=True)
class LiveSession:
    """A session that holds now. `secret` is what the cookie says."""

    id: UUID
    user_id: UUID
    expires_at: datetime
    tokens: ProviderTokens
    secret: str

    @property
    def csrf_token(self) -> str:
        """The token that requests with this cookie must repeat in a header."""
        return csrf_token(self.secret)


def hash_secret(secret: str) -> bytes:
    """Return what the database keeps of a 256-bit random secret; it needs no salt or stretching."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def csrf_token(secret: str) -> str:
    """Return the CSRF token of a session: bound to its secret, so nobody can plant a pair of their own."""
    mac = hmac.new(secret.encode("utf-8", "replace"), b"factory csrf token", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def seal_tokens(sealer: SealerPort, purpose: str, owner: UUID, tokens: ProviderTokens) -> bytes:
    """Return `tokens` sealed for one row."""
    return sealer.seal(json.dumps(asdict(tokens)).encode(), f"gateway:{purpose}:{owner}".encode())


def unseal_tokens(sealer: SealerPort, purpose: str, owner: UUID, sealed: bytes) -> ProviderTokens:
    """Return the tokens of one row."""
    return ProviderTokens(**json.loads(sealer.open(sealed, f"gateway:{purpose}:{owner}".encode())))


def begin(
    session: RuleSession,
    sealer: SealerPort,
    settings: GatewaySettings,
    tokens: ProviderTokens,
    user_id: UUID,
    now: datetime,
) -> LiveSession:
    """Open a session with a fresh secret (whatever secret the browser had before is worth nothing)."""
    secret = new_secret(32)
    session_id = new_id()
    expires_at = now + timedelta(seconds=settings.session_absolute_s)
    session.add(
        SessionRow(
            id=session_id,
            secret_hash=hash_secret(secret),
            user_id=user_id,
            sealed=seal_tokens(sealer, "session", session_id, tokens),
            created_at=now,
            last_seen_at=now,
            expires_at=expires_at,
        )
    )
    return LiveSession(session_id, user_id, expires_at, tokens, secret)


async def find(
    session: RuleSession, sealer: SealerPort, settings: GatewaySettings, secret: str, now: datetime
) -> LiveSession | None:
    """Return the session of a cookie's secret if it holds now, and remember that it was seen."""
    if not 20 <= len(secret) <= 100:
        return None
    row = await repository.by_secret_hash(session, hash_secret(secret))
    if row is None:
        return None
    if now >= row.expires_at or now - row.last_seen_at >= timedelta(seconds=settings.session_idle_s):
        await repository.remove(session, row.id)
        return None
    if now - row.last_seen_at >= SEEN_EVERY:
        row.last_seen_at = now
    tokens = unseal_tokens(sealer, "session", row.id, row.sealed)
    return LiveSession(row.id, row.user_id, row.expires_at, tokens, secret)


async def keep_tokens(
    session: RuleSession, sealer: SealerPort, live: LiveSession, tokens: ProviderTokens
) -> LiveSession | None:
    """Store refreshed provider tokens; None if the session ended meanwhile."""
    row = await repository.by_id(session, live.id)
    if row is None:
        return None
    row.sealed = seal_tokens(sealer, "session", live.id, tokens)
    return replace(live, tokens=tokens)


async def end(session: RuleSession, live: LiveSession) -> None:
    """Sign out."""
    await repository.remove(session, live.id)


async def end_by_secret(session: RuleSession, secret: str) -> None:
    """Sign out whoever has this secret, if anyone."""
    await repository.remove_by_secret_hash(session, hash_secret(secret))


async def forget_ended(session: RuleSession, settings: GatewaySettings, now: datetime) -> None:
    """Delete sessions that have ended."""
    await repository.remove_ended(session, now, now - timedelta(seconds=settings.session_idle_s))
