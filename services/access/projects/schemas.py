"""Shapes of projects over HTTP."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from services.access.projects.rules import MemberRole
from services.access.vocabulary import Purpose
from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import LongText, Name

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?")
_DAY = re.compile(r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}")


def _amount(value: object) -> object:
    if isinstance(value, Decimal):
        return value
    # A JSON number has passed through binary floating point in most clients; money does not.
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise PydanticCustomError("amount-invalid", 'an amount is text with at most two decimals, such as "1250.00"')
    return Decimal(value)


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day-invalid", "a day is written YYYY-MM-DD, between 2000 and 2199")
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_AMOUNT.pattern}$", "examples": ["250000.00"]}),
]
"""Swedish kronor, exact."""

Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A day in Stockholm."""


class EthicsApproval(Body):
    """An approval by the Swedish Ethical Review Authority: its number, and its last day (included)."""

    number: Name = Field(examples=["2026-01234-01"])
    valid_until: Day


class ProjectIn(Body):
    """A new project. The caller becomes its lead, and their partner always belongs to it."""

    name: Name = Field(examples=["Earlier detection of falls"])
    purpose: Purpose = Field(examples=["research/health"])
    description: LongText = Field(examples=["We compare methods that tell a fall from sitting down."])
    partner_ids: list[UUID] = Field(default_factory=list[UUID], max_length=100)
    collaborative: bool = False
    starts_on: Day = Field(description="First day, in Stockholm.")
    ends_on: Day = Field(description="Last day (included), in Stockholm.")
    budget_sek: Amount
    ethics_approval: EthicsApproval | None = None


class ProjectPatch(Body):
    """What to change; what is left out stays. Only `ethics_approval` can be set to null."""

    name: Name | None = None
    purpose: Purpose | None = None
    description: LongText | None = None
    partner_ids: Annotated[list[UUID], Field(max_length=100)] | None = None
    collaborative: bool | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None
    budget_sek: Amount | None = None
    ethics_approval: EthicsApproval | None = None

    @model_validator(mode="after")
    def _no_nulls(self) -> Self:
        for name in sorted(self.model_fields_set - {"ethics_approval"}):
            if getattr(self, name) is None:
                raise PydanticCustomError("null-not-allowed", "{name} cannot be null", {"name": name})
        return self


class MemberIn(Body):
    """Who becomes a member, and as what. Naming a member again changes the role."""

    user_id: UUID
    role: MemberRole = "member"


class MemberOut(Resource):
    """A member of a project."""

    user_id: UUID
    display_name: str
    role: MemberRole
    created_at: Instant


class ProjectOut(Resource):
    """A project."""

    id: UUID
    name: str
    purpose: Purpose
    description: str
    partner_ids: list[UUID]
    collaborative: bool
    starts_on: Day
    ends_on: Day
    budget_sek: Amount
    ethics_approval: EthicsApproval | None
    state: Literal["open", "closed"]
    members: list[MemberOut]
    created_at: Instant
    closed_at: Instant | None
    revision: int
    allowed_actions: list[AllowedAction]


class ProjectChangeOut(Resource):
    """One field that was changed: who, when, from what, to what. `field` is `members` for people coming and going."""

    id: UUID
    at: Instant
    user_id: UUID
    field: str
    old: Any
    new: Any
