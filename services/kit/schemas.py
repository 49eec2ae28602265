"""Bases of what goes over HTTP: request bodies refuse what they do not know, resources say what may be done next."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer

Instant = Annotated[
    AwareDatetime,
    PlainSerializer(lambda value: value.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json"),
]
"""An instant with its zone; written in UTC as `2026-01-31T12:00:00Z`."""


class Body(BaseModel):
    """A request body: unknown members are an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Resource(BaseModel):
    """What a response shows. Built from a row with `Model.model_validate(row)` where names agree."""

    model_config = ConfigDict(from_attributes=True)


class AllowedAction(BaseModel):
    """Whether the caller may do something to a resource now, and if not, why."""

    action: str
    allowed: bool
    reason: str | None = None


def epoch(instant: datetime) -> int:
    """Return whole seconds since 1970-01-01 UTC, rounded down."""
    return int(instant.timestamp())
