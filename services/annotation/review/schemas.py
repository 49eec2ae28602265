"""API shapes of reviews and of agreement."""

from uuid import UUID

from pydantic import ConfigDict, Field

from services.annotation.campaigns.marks import LabelSchemaBody, MarkOut
from services.annotation.tasks.schemas import ItemOut
from services.kit.schemas import AllowedAction, Instant, Resource


class AnswerOut(Resource):
    """What one annotator says of an item; who, a reviewer is not told."""

    marks: list[MarkOut]
    comment: str


class ReviewOut(Resource):
    """An item on which annotators disagree: their answers, in an order that tells nothing."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    id: UUID = Field(description="The item; review_task takes it.")
    campaign_id: UUID
    item: ItemOut
    file_url: str
    permit_token: str | None
    permit_expires_at: Instant | None
    answers: list[AnswerOut]
    guidelines: str
    guidelines_number: int
    label_schema: LabelSchemaBody = Field(alias="schema")
    revision: int
    allowed_actions: list[AllowedAction]


class AcceptedOut(Resource):
    """What holds for an item now."""

    item_id: UUID
    campaign_id: UUID
    marks: list[MarkOut]
    comment: str
    state: str
    how: str = Field(description="agreement, review or import")
    accepted_at: Instant
    revision: int
