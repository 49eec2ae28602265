"""API shapes of admission."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.access.admission.rules import GrantState
from services.access.vocabulary import Action, Purpose
from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import LongText


class RequestIn(Body):
    """A request for access."""

    project_id: UUID
    dataset_id: UUID
    actions: Annotated[list[Action], Field(min_length=1, max_length=6)]
    purpose: Purpose
    purpose_text: LongText
    until: Instant

    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {
                    "project_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                    "dataset_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "actions": ["read", "train"],
                    "purpose": "research/applied",
                    "purpose_text": "We compare small classifiers of handwritten digits.",
                    "until": "2027-06-30T22:00:00Z",
                }
            ]
        },
    }


class MessageIn(Body):
    """A question or an answer."""

    text: LongText


class MessageOut(Resource):
    """A question of a steward, or an answer of the project."""

    id: UUID
    author_id: UUID
    kind: Literal["question", "answer"]
    text: str
    created_at: Instant


class ProjectProfile(Resource):
    """The project that asks, as far as those need to know it who decide."""

    name: str
    purpose: str
    description: str
    partners: list[str]
    collaborative: bool
    ethics_number: str | None
    ethics_valid_until: date | None


class RequestOut(Resource):
    """A request as it stands."""

    id: UUID
    project_id: UUID
    project: ProjectProfile | None = None
    dataset_id: UUID
    dataset_title: str
    requester_id: UUID
    actions: list[str]
    purpose: str
    purpose_text: str
    until: Instant
    state: Literal["submitted", "approved", "rejected"]
    reasons: str | None
    decided_by: UUID | None
    decided_at: Instant | None
    created_at: Instant
    messages: list[MessageOut] = []
    grant_id: UUID | None = None
    agreement_id: UUID | None = None
    allowed_actions: list[AllowedAction] = []


class RequestDecisionIn(Body):
    """A steward's decision. `until` may shorten what was asked for; null keeps it."""

    approve: bool
    reasons: LongText
    until: Instant | None = None


class RequestDecisionOut(Resource):
    """What came of it."""

    request: RequestOut
    grant_id: UUID | None
    agreement_id: UUID | None


class GrantOut(Resource):
    """A grant and the state it is in now."""

    id: UUID
    request_id: UUID
    project_id: UUID
    dataset_id: UUID
    actions: list[str]
    purpose: str
    starts_at: Instant
    until: Instant
    state: GrantState
    revoked_at: Instant | None
    revoke_reason: str | None
    agreement_id: UUID
    allowed_actions: list[AllowedAction] = []


class RevocationIn(Body):
    """Why a grant is taken back."""

    reason: LongText


class AgreementOut(Resource):
    """An agreement: its text in both languages and the digest that is signed."""

    id: UUID
    grant_id: UUID
    project_id: UUID
    text: dict[Literal["sv", "en"], str]
    digest: str
    signed_by: UUID | None
    signed_at: Instant | None
    created_at: Instant
    allowed_actions: list[AllowedAction] = []


class SignatureIn(Body):
    """Acceptance of exactly the text with this digest."""

    accept: Literal[True]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
