"""API shapes of tasks."""

from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.annotation.campaigns.marks import LabelSchemaBody, MarkOut
from services.kit.schemas import AllowedAction, Instant, Resource

TaskState = Literal["claimed", "submitted", "returned", "ended"]


class ItemOut(Resource):
    """A file that is to be annotated. Sizes are null until somebody has looked, and where the kind needs none."""

    id: UUID
    path: str
    media_type: str
    size: int = Field(description="Bytes.")
    width: int | None = Field(description="Pixels of the oriented image (EXIF orientation applied).")
    height: int | None
    length: int | None = Field(description="Unicode code points of the text, a byte order mark left out.")


class TaskOut(Resource):
    """Your work on one item. While it is claimed, `permit_token` (in Factory-Permit) opens `file_url`."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    id: UUID
    campaign_id: UUID
    item: ItemOut
    file_url: str
    permit_token: str | None
    permit_expires_at: Instant | None
    until: Instant | None = Field(description="Until then it is yours; each saved draft moves it on.")
    marks: list[MarkOut]
    comment: str
    state: TaskState
    reason: str | None = Field(description="Why it ended: `deadline`, or the law's code.")
    saved: bool
    guidelines: str
    guidelines_number: int
    label_schema: LabelSchemaBody = Field(alias="schema")
    claimed_at: Instant
    submitted_at: Instant | None
    revision: int
    allowed_actions: list[AllowedAction]
