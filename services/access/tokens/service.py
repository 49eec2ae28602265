"""Who someone is now, and the tokens that say so. Takes a session and never ends it."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import SecretStr

from services.access.credentials import service as credentials
from services.access.identity import service as identity
from services.access.identity.schemas import PartnerRef
from services.access.projects import service as projects
from services.access.tokens.oidc import Identity
from services.access.tokens.schemas import Me, ProjectHeld, RoleHeld, RoleScope
from services.kit.db import RuleSession
from services.kit.problems import not_found
from services.kit.tokens import AUDIENCE, SERVICE_TYPE, TOKEN_SECONDS, USER_TYPE, Signer, Subject, user_claims

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - RFC 8693 §3, a name
API_KEY = "urn:datafactory:token-type:api-key"
_SERVICES = UUID("5f0e5a49-6d1f-4c37-9f6f-6d3a1c0b7e21")


class Refusal(Exception):
    """No token, in the words of OAuth: `error` is a code of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True)
class Held:
    """A user's standing with their projects. Inactive: shut out, or with a suspended partner."""

    standing: identity.Standing
    projects: Mapping[UUID, str]

    @property
    def active(self) -> bool:
        """Whether the user may have tokens."""
        partner = self.standing.partner
        return self.standing.user.active and (partner is None or partner.suspended_at is None)

    def subject(self, token: str = "") -> Subject:
        """Return the subject that a token of now stands for."""
        partner = self.standing.partner
        return Subject(
            id=self.standing.user.id,
            kind="user",
            token=token,
            partner_id=partner.id if partner else None,
            roles=self.standing.roles,
            projects=dict(self.projects),
        )


async def held(session: RuleSession, user_id: UUID) -> Held:
    """Return what a user holds now; 404 if there is no such user."""
    standing = await identity.standing(session, user_id)
    if standing is None:
        raise not_found("user")
    partner_id = standing.partner.id if standing.partner else None
    return Held(standing, await projects.roles_in_projects(session, user_id, partner_id))


async def me(session: RuleSession, user_id: UUID) -> Me:
    """Return a user to themselves."""
    now = await held(session, user_id)
    user, partner = now.standing.user, now.standing.partner
    roles = sorted(now.standing.roles, key=lambda r: (r.name, r.scope_kind, str(r.scope_id)))
    return Me(
        id=user.id,
        display_name=user.display_name,
        partner=PartnerRef(id=partner.id, name=partner.name) if partner else None,
        roles=[RoleHeld(role=r.name, scope=RoleScope(kind=r.scope_kind, id=r.scope_id)) for r in roles],
        projects=[ProjectHeld(id=project_id, role=role) for project_id, role in now.projects.items()],
    )


async def user_token(session: RuleSession, user_id: UUID, signer: Signer) -> str:
    """Return a token of five minutes for a user; refused to who is shut out, or whose partner is suspended."""
    now = await held(session, user_id)
    if not now.standing.user.active:
        raise Refusal("invalid_request", "the user is deactivated")
    if not now.active:
        raise Refusal("invalid_request", "the partner is suspended")
    return signer.sign(USER_TYPE, AUDIENCE, TOKEN_SECONDS, user_claims(now.subject()))


async def exchange_identity(session: RuleSession, who: Identity, signer: Signer, now: datetime) -> str:
    """Return a token for whom the provider vouches; the first sign-in creates the user."""
    user = await identity.sign_in(session, who.issuer, who.subject, who.display_name, now)
    return await user_token(session, user.id, signer)


async def exchange_api_key(session: RuleSession, key: str, signer: Signer, now: datetime) -> str:
    """Return a token for whose key this is."""
    user_id = await credentials.user_of_api_key(session, key, now)
    if user_id is None:
        raise Refusal("invalid_request", "the API key is unknown, revoked or past its end")
    return await user_token(session, user_id, signer)


async def exchange_client(session: RuleSession, client_id: str, secret: str, signer: Signer, now: datetime) -> str:
    """Return a token for a partner's system."""
    user_id = await credentials.user_of_client(session, client_id, secret, now)
    if user_id is None:
        raise Refusal("invalid_client", "the client is unknown, revoked or its secret is wrong", 401)
    return await user_token(session, user_id, signer)


@dataclass(frozen=True)
class ServiceSecrets:
    """How services prove themselves: each by a secret of its own, given or derived from one root."""

    given: Mapping[str, SecretStr]
    root: SecretStr

    def hold(self, service: str, secret: str) -> bool:
        """Whether `secret` is that of `service`, in time that does not depend on where they differ."""
        expected = ""
        if service in self.given:
            expected = self.given[service].get_secret_value()
        elif self.root.get_secret_value():
            root = bytes.fromhex(self.root.get_secret_value())
            expected = hmac.new(root, f"service:{service}".encode(), hashlib.sha256).hexdigest()
        same = hmac.compare_digest(secret.encode(), expected.encode())
        return same and expected != ""


def service_token(service: str, signer: Signer) -> str:
    """Return a token of five minutes for a service."""
    claims = {"sub": str(uuid5(_SERVICES, service)), "service": service}
    return signer.sign(SERVICE_TYPE, AUDIENCE, TOKEN_SECONDS, claims)
