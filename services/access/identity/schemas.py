"""Shapes of identity over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.access.identity.countries import COUNTRIES
from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import Name

Sector = Literal["public", "academia", "industry", "nonprofit"]
RoleName = Literal[
    "operator", "finance", "steward", "partner-admin", "donor", "lead", "member", "annotator", "reviewer"
]
ScopeKind = Literal["global", "partner", "project", "donation", "campaign"]


def _known_country(value: str) -> str:
    if value not in COUNTRIES:
        raise PydanticCustomError("country-unknown", "not an ISO 3166-1 alpha-2 code")
    return value


Country = Annotated[str, StringConstraints(min_length=2, max_length=2), AfterValidator(_known_country)]


class PartnerIn(Body):
    """A new partner."""

    name: Name = Field(examples=["Kungälvs sjukhus"])
    sector: Sector = Field(examples=["public"])
    country: Country = Field(description="ISO 3166-1 alpha-2.", examples=["SE"])


class PartnerRef(Resource):
    """A partner's id and name."""

    id: UUID
    name: str


class PartnerOut(Resource):
    """A partner."""

    id: UUID
    name: str
    sector: Sector
    country: str
    suspended_at: Instant | None
    created_at: Instant
    revision: int
    allowed_actions: list[AllowedAction]


class UserOut(Resource):
    """A person, or a partner's system."""

    id: UUID
    display_name: str
    kind: Literal["person", "service-account"]
    active: bool
    partner: PartnerRef | None
    created_at: Instant


class PartnerMemberIn(Body):
    """Who becomes one of a partner's people."""

    user_id: UUID


class Scope(Body):
    """What a role is of: `id` is null for the whole factory (global) and only then."""

    kind: ScopeKind = Field(examples=["partner"])
    id: UUID | None = None


class RoleAssignmentIn(Body):
    """A role for a user."""

    user_id: UUID
    role: RoleName = Field(examples=["donor"])
    scope: Scope


class RoleAssignmentOut(Resource):
    """A role that a user holds."""

    id: UUID
    user_id: UUID
    role: RoleName
    scope: Scope
    created_at: Instant
    created_by: UUID


class CampaignRoleIn(Body):
    """A part for a user in a campaign."""

    user_id: UUID
    role: Literal["annotator", "reviewer"]
    campaign_id: UUID
