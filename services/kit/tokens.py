"""Factory tokens: signed by access alone, verified by everyone against one JWKS (RFC 7519, RFC 8725)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from services.kit.clock import Clock
from services.kit.problems import unauthenticated

ISSUER = "urn:datafactory:access"
AUDIENCE = "datafactory"
DATA_AUDIENCE = "datafactory-data"
USER_TYPE = "df-user+jwt"
SERVICE_TYPE = "df-service+jwt"
PERMIT_TYPE = "df-permit+jwt"
ALGORITHM = "Ed25519"  # RFC 9864; the older name "EdDSA" leaves the curve open
TOKEN_SECONDS = 300
PERMIT_SECONDS = 600
# Two machines' clocks differ a little; more than this is a fault to mend, not to allow for.
LEEWAY_SECONDS = 5


@dataclass(frozen=True)
class Role:
    """A role and what it is of: `scope_id` is None for global roles."""

    name: str
    scope_kind: str = "global"
    scope_id: UUID | None = None


@dataclass(frozen=True)
class Subject:
    """Who asks, as their verified token says."""

    id: UUID
    kind: Literal["user", "service"]
    token: str = field(repr=False)
    name: str = ""
    partner_id: UUID | None = None
    roles: frozenset[Role] = frozenset()
    projects: Mapping[UUID, str] = field(default_factory=dict[UUID, str])

    def has(self, role: str, kind: str | None = None, id: UUID | None = None) -> bool:
        """Whether the subject holds `role`; with `kind` and `id`, of that scope (a global role is of every scope)."""
        return any(
            r.name == role and (kind is None or r.scope_kind == "global" or (r.scope_kind == kind and r.scope_id == id))
            for r in self.roles
        )

    def scopes(self, role: str, kind: str) -> set[UUID]:
        """The ids of scopes of `kind` in which the subject holds `role`."""
        return {r.scope_id for r in self.roles if r.name == role and r.scope_kind == kind and r.scope_id is not None}


@dataclass(frozen=True)
class Permit:
    """A verified permit: one decision, for one subject, about one version (or some of its paths)."""

    decision_id: UUID
    subject_id: UUID
    version_id: UUID
    project_id: UUID
    action: str
    path_digests: frozenset[str]
    job_id: UUID | None = None


class Signer:
    """Signs tokens of one kind of key. `key_id` starts with `token-` or `permit-`."""

    def __init__(self, key: OKPKey, key_id: str, clock: Clock) -> None:
        self._key = key
        self.key_id = key_id
        self._clock = clock

    def sign(self, token_type: str, audience: str, seconds: int, claims: Mapping[str, Any]) -> str:
        """Return a JWT of `token_type` for `audience` that holds for `seconds`."""
        now = int(self._clock.now().timestamp())
        header = {"alg": ALGORITHM, "typ": token_type, "kid": self.key_id}
        body = {**claims, "iss": ISSUER, "aud": audience, "iat": now, "exp": now + seconds}
        return jwt.encode(header, body, self._key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Verifies tokens against the JWKS of access, fetched when needed and again when an unknown key appears."""

    def __init__(self, fetch_jwks: Callable[[], Awaitable[Mapping[str, Any]]], clock: Clock) -> None:
        self._fetch = fetch_jwks
        self._clock = clock
        self._keys: dict[str, OKPKey] = {}
        self._fetched_at = 0.0
        self._lock = asyncio.Lock()

    async def _key(self, key_id: str) -> OKPKey:
        key = self._keys.get(key_id)
        if key is not None:
            return key
        async with self._lock:
            now = asyncio.get_running_loop().time()
            # Unknown key ids are free to send: ask at most once in two seconds.
            if key_id not in self._keys and (not self._keys or now - self._fetched_at > 2):
                document = await self._fetch()
                key_set = KeySet.import_key_set(dict(document))  # pyright: ignore[reportArgumentType]
                self._keys = {k.kid: k for k in key_set.keys if isinstance(k, OKPKey) and k.kid}
                self._fetched_at = now
        key = self._keys.get(key_id)
        if key is None:
            raise unauthenticated("token-invalid")
        return key

    async def claims(self, token: str, token_type: str, audience: str, key_prefix: str) -> dict[str, Any]:
        """Return the claims of `token`; 401 unless type, key, signature, issuer, audience and time all hold."""
        if len(token) > 16_384:
            raise unauthenticated("token-invalid")
        try:
            parts = token.split(".")
            if len(parts) != 3:
                raise ValueError("not a compact JWS")
            header = _decode_header(parts[0])
        except ValueError:
            raise unauthenticated("token-invalid") from None
        key_id = header.get("kid")
        if (
            header.get("alg") != ALGORITHM
            or header.get("typ") != token_type
            or not isinstance(key_id, str)
            or not key_id.startswith(key_prefix)
        ):
            raise unauthenticated("token-invalid")
        key = await self._key(key_id)
        try:
            decoded = jwt.decode(token, key, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            raise unauthenticated("token-invalid") from None
        claims: dict[str, Any] = dict(decoded.claims)
        if claims.get("iss") != ISSUER or claims.get("aud") != audience:
            raise unauthenticated("token-invalid")
        now = self._clock.now().timestamp()
        expires, issued = claims.get("exp"), claims.get("iat")
        if not isinstance(expires, int) or not isinstance(issued, int) or issued > now + LEEWAY_SECONDS:
            raise unauthenticated("token-invalid")
        if now >= expires + LEEWAY_SECONDS:
            raise unauthenticated("token-expired")
        return claims

    async def user(self, token: str) -> Subject:
        """Return the user that a user token stands for."""
        claims = await self.claims(token, USER_TYPE, AUDIENCE, "token-")
        return _subject(claims, token)

    async def service(self, token: str) -> Subject:
        """Return the service that a service token stands for."""
        claims = await self.claims(token, SERVICE_TYPE, AUDIENCE, "token-")
        return Subject(id=UUID(claims["sub"]), kind="service", token=token, name=str(claims["service"]))

    async def permit(self, token: str) -> Permit:
        """Return a verified permit; the caller still compares its subject with the bearer's."""
        claims = await self.claims(token, PERMIT_TYPE, DATA_AUDIENCE, "permit-")
        try:
            return Permit(
                decision_id=UUID(claims["dec"]),
                subject_id=UUID(claims["sub"]),
                version_id=UUID(claims["ver"]),
                project_id=UUID(claims["prj"]),
                action=str(claims["act"]),
                path_digests=frozenset(str(p) for p in claims.get("pth", ())),
                job_id=UUID(claims["job"]) if claims.get("job") else None,
            )
        except (KeyError, ValueError):
            raise unauthenticated("token-invalid") from None


def permit_claims(permit: Permit) -> dict[str, Any]:
    """Return the claims that say what `permit` says."""
    claims: dict[str, Any] = {
        "dec": str(permit.decision_id),
        "sub": str(permit.subject_id),
        "ver": str(permit.version_id),
        "prj": str(permit.project_id),
        "act": permit.action,
    }
    if permit.path_digests:
        claims["pth"] = sorted(permit.path_digests)
    if permit.job_id:
        claims["job"] = str(permit.job_id)
    return claims


def user_claims(subject: Subject) -> dict[str, Any]:
    """Return the claims that say what `subject` says (the opposite of verifying)."""
    return {
        "sub": str(subject.id),
        "partner": str(subject.partner_id) if subject.partner_id else None,
        "roles": [
            [r.name, r.scope_kind, str(r.scope_id) if r.scope_id else None]
            for r in sorted(subject.roles, key=lambda r: (r.name, r.scope_kind, str(r.scope_id)))
        ],
        "projects": {str(k): v for k, v in subject.projects.items()},
    }


def _subject(claims: Mapping[str, Any], token: str) -> Subject:
    try:
        return Subject(
            id=UUID(claims["sub"]),
            kind="user",
            token=token,
            partner_id=UUID(claims["partner"]) if claims["partner"] else None,
            roles=frozenset(Role(n, k, UUID(i) if i else None) for n, k, i in claims["roles"]),
            projects={UUID(k): str(v) for k, v in claims["projects"].items()},
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        raise unauthenticated("token-invalid") from None


def _decode_header(segment: str) -> dict[str, Any]:
    import base64
    import json

    header = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    if not isinstance(header, dict):
        raise ValueError("header is not an object")
    return header  # pyright: ignore[reportUnknownVariableType]
