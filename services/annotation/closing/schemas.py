"""API shapes of closing, export and import."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from services.kit.schemas import Body, Resource

FormatName = Literal["coco", "jsonl", "csv"]


class ClosureIn(Body):
    """How to close. `accept_incomplete`: what is not accepted is left out."""

    accept_incomplete: bool = False


class ImportOut(Resource):
    """What an import did."""

    campaign_id: UUID
    accepted: int = Field(description="Items that have an accepted annotation now and had none, or another.")
    unchanged: int = Field(description="Items for which just this held already.")
    ended: int = Field(description="Tasks that somebody held and that ended, since their item is settled.")
