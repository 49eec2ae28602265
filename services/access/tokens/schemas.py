"""Shapes of tokens over HTTP."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.access.identity.schemas import PartnerRef
from services.kit.schemas import Body, Resource


class TokenForm(BaseModel):
    """A token request (RFC 8693 §2.1, RFC 6749 §4.4). Parameters that are not known are ignored (RFC 6749 §3.2)."""

    grant_type: str = Field(
        "",
        description="`urn:ietf:params:oauth:grant-type:token-exchange` or `client_credentials`.",
        examples=["urn:ietf:params:oauth:grant-type:token-exchange"],
    )
    subject_token: str = Field("", description="The provider's ID token, or an API key.")
    subject_token_type: str = Field(
        "",
        description="`urn:ietf:params:oauth:token-type:id_token` or `urn:datafactory:token-type:api-key`.",
        examples=["urn:datafactory:token-type:api-key"],
    )
    client_id: str = Field("", description="For `client_credentials`; may be sent by HTTP Basic instead.")
    client_secret: str = ""


class TokenOut(BaseModel):
    """A factory token (RFC 8693 §2.2.1)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6750, a name
    expires_in: int
    issued_token_type: str = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - RFC 8693 §3, a name


class OAuthError(BaseModel):
    """A refusal (RFC 6749 §5.2)."""

    error: str = Field(examples=["invalid_request"])
    error_description: str


class Jwks(BaseModel):
    """Public keys (RFC 7517): `token-…` verify tokens, `permit-…` permits."""

    keys: list[dict[str, Any]]


class RoleScope(Resource):
    """What a role is of."""

    kind: str
    id: UUID | None


class RoleHeld(Resource):
    """A role you hold."""

    role: str
    scope: RoleScope


class ProjectHeld(Resource):
    """A project you are in, and as what."""

    id: UUID
    role: str


class Me(Resource):
    """Who you are here, now. Tokens made before a change say what was so then."""

    id: UUID
    display_name: str
    partner: PartnerRef | None
    roles: list[RoleHeld]
    projects: list[ProjectHeld]


class ServiceTokenIn(Body):
    """A service proves itself."""

    service: str = Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9-]*$")
    secret: str = Field(min_length=1, max_length=500)


class ServiceTokenOut(BaseModel):
    """A service's own token."""

    access_token: str
    expires_in: int


class SubjectOut(BaseModel):
    """What a user holds now, as in the claims of a user token."""

    sub: str
    active: bool
    partner: str | None
    roles: list[tuple[str, str, str | None]]
    projects: dict[str, str]
