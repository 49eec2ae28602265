"""API shapes of campaigns."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.annotation.campaigns.marks import LabelSchemaBody
from services.annotation.campaigns.selection import Media
from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import LongText, Name

MAX_ITEMS = 100_000
"""Items of one campaign."""
MAX_OVERLAP = 10

CampaignState = Literal["open", "closing", "closed", "withdrawn"]
CampaignRole = Literal["annotator", "reviewer"]
Glob = Annotated[str, Field(min_length=1, max_length=500)]


class Selection(Body):
    """Which files of the version become items, by path: what people can look at, of the kind, that matches a glob.

    In `paths`, `*`, `?` and `[…]` match within a segment, `**` any number of segments; upper and lower case differ.
    """

    media: Media
    paths: Annotated[list[Glob], Field(max_length=50)] = []
    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] | None = None


class CampaignIn(Body):
    """A new campaign over a released version. You lead the project, and the law permits you to annotate."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    version_id: UUID
    project_id: UUID
    purpose: Annotated[str, Field(min_length=1, max_length=60, examples=["research/applied"])]
    title: Name
    guidelines: LongText = Field(description="How to annotate; shown with each task.")
    label_schema: LabelSchemaBody = Field(alias="schema")
    overlap: Annotated[int, Field(ge=1, le=MAX_OVERLAP, description="By how many people each item is annotated.")] = 1
    selection: Selection


class CampaignPatch(Body):
    """What to change; what is left out stays."""

    title: Name | None = None
    guidelines: LongText | None = None

    @model_validator(mode="after")
    def _no_nulls(self) -> Self:
        for name in sorted(self.model_fields_set):
            if getattr(self, name) is None:
                raise PydanticCustomError("null-not-allowed", "{name} cannot be null", {"name": name})
        return self


class ItemCounts(Resource):
    """How many items there are, and how far they are. The parts sum up to the total.

    `waiting`: nobody has begun; `in_work`: somebody has it now; `submitted`: some are done, others are to come;
    `to_review`: the annotators disagree; `accepted`: settled.
    """

    total: int
    waiting: int = 0
    in_work: int = 0
    submitted: int = 0
    to_review: int = 0
    accepted: int = 0


class CampaignOut(Resource):
    """A campaign. A withdrawn one has lost its contents with its dataset."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    id: UUID
    dataset_id: UUID
    version_id: UUID
    project_id: UUID
    purpose: str
    title: str
    guidelines: str
    guidelines_number: int = Field(description="Counts the wordings of the guidelines.")
    label_schema: LabelSchemaBody = Field(alias="schema")
    overlap: int
    state: CampaignState
    reason: str | None = Field(description="Why the last attempt to close it failed, as a code.")
    items: ItemCounts
    result_version_id: UUID | None
    created_by: UUID
    created_at: Instant
    closed_at: Instant | None
    revision: int
    allowed_actions: list[AllowedAction]


class MemberIn(Body):
    """Who works in the campaign, and as what."""

    user_id: UUID
    role: CampaignRole


class MemberOut(Resource):
    """Somebody who works in a campaign: what you call them, and what the lead has given them."""

    user_id: UUID
    name: str = Field(description="What others than the lead see instead of the user: `annotator-3`.")
    roles: list[CampaignRole]
    added_at: Instant


class GuidelinesOut(Resource):
    """One wording of the guidelines."""

    number: int
    text: str
    created_at: Instant
