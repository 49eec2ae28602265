"""API shapes of decisions."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from services.access.vocabulary import Action, Purpose
from services.kit.schemas import Body, Instant, Resource

_EXAMPLE: JsonValue = {
    "version_id": "01890a5d-ac96-774b-bcce-b302099a8059",
    "project_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "action": "read",
    "purpose": "research/applied",
}


def _readable(value: str) -> str:
    # JSON can spell half a surrogate pair, which no encoding can write.
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError("path-unreadable", "the path is not valid Unicode")
    return value


FilePath = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_readable)]
"""Path of a file in a version. Only its digest is kept."""


class DecisionIn(Body):
    """May I do `action` with this version, in this project, for this purpose? `paths` narrows it to some files."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    version_id: UUID
    project_id: UUID
    action: Action
    purpose: Purpose
    paths: Annotated[list[FilePath], Field(max_length=1000)] = []


class DecisionsIn(Body):
    """Up to 100 questions at once."""

    items: Annotated[list[DecisionIn], Field(min_length=1, max_length=100)]


class CodeOut(Resource):
    """One reason for a refusal, in plain words, and the ways out of it."""

    code: str
    message: str
    cures: list[dict[str, Any]]


class DecisionOut(Resource):
    """The answer. A `permit_token` holds for at most ten minutes, together with a token of the same subject."""

    id: UUID
    permit: bool
    codes: list[CodeOut]
    obligations: list[dict[str, Any]]
    policy_revision: str
    permit_token: str | None = None
    expires_at: Instant | None = None


class DecisionsOut(Resource):
    """The answers, in the order of the questions."""

    items: list[DecisionOut]


class DecisionSummary(Resource):
    """A decision as it was recorded, without what the law was told."""

    id: UUID
    subject_id: UUID
    project_id: UUID
    dataset_id: UUID
    version_id: UUID
    action: str
    purpose: str
    permit: bool
    codes: list[str]
    obligations: list[dict[str, Any]]
    policy_revision: str
    created_at: Instant


class DecisionRecord(DecisionSummary):
    """A decision as it was recorded, with the whole input: ids and numbers, no names."""

    input: dict[str, Any]


class RecordedAnswer(Resource):
    """What the log says."""

    permit: bool
    codes: list[str]
    policy_revision: str


class ReplayOut(Resource):
    """The recorded input put to the law of today. `same`: permit, codes and obligations are as recorded."""

    id: UUID
    same: bool
    permit: bool
    codes: list[str]
    policy_revision: str
    recorded: RecordedAnswer


class LeasesIn(Body):
    """Which of these decisions would still permit now?"""

    decision_ids: Annotated[list[UUID], Field(max_length=5000)]


class LeaseOut(Resource):
    """Whether what a decision permitted may go on; if not, why."""

    live: bool
    codes: list[str]


class LeasesOut(Resource):
    """Leases by decision id."""

    items: dict[UUID, LeaseOut]
