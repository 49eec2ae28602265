"""What the API says about datasets and versions."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import LongText

IntegrityClass = Literal["open", "internal", "confidential", "restricted"]
PersonalData = Literal["yes", "no", "unknown"]
MediaType = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$", to_lower=True),
]


class DatasetOut(Resource):
    """A dataset. A withdrawn one is a tombstone: it says when and why."""

    id: UUID
    title: str
    description: str
    language: str
    partner_id: UUID
    terms_id: UUID
    terms: dict[str, Any] = Field(description="The terms in normal form, as they were when the donation was made.")
    integrity_class: IntegrityClass
    personal_data: PersonalData
    state: Literal["draft", "published", "withdrawn"]
    created_at: Instant
    published_at: Instant | None
    withdrawn_at: Instant | None
    withdrawal_reason: str | None
    latest_version_id: UUID | None = Field(description="The newest version that you can see.")
    revision: int
    allowed_actions: list[AllowedAction]


class VersionOut(Resource):
    """A version of a dataset; its contents never change."""

    id: UUID
    dataset_id: UUID
    number: int
    state: Literal["committed", "released", "withdrawn", "redacted"]
    gate: Literal["not-required", "required", "passed"]
    personal_data: PersonalData
    digest: str = Field(description="SHA-256 (hex) over dataset id, parents and files.")
    files: int
    bytes: int
    media_types: dict[str, int] = Field(description="Number of files by media type.")
    committed_at: Instant
    released_at: Instant | None
    revision: int
    allowed_actions: list[AllowedAction]


class FileOut(Resource):
    """A file of a version. `size` in bytes, `sha256` in hex."""

    path: str
    size: int
    sha256: str
    media_type: str


class LineageEdge(Resource):
    """One step between two versions: what made the later one. No parent: it came from outside."""

    version_id: UUID
    parent_version_id: UUID | None
    source_kind: Literal["donation", "recipe", "job", "campaign"]
    source_id: UUID
    details: dict[str, Any] = Field(
        description="How, in the words of the service that made it: recipe, operators and models, or campaign."
    )


class LineageOut(Resource):
    """Where a version comes from, and what was made from it."""

    version_id: UUID
    dataset_id: UUID
    digest: str
    parents: list[LineageEdge]
    children: list[LineageEdge]


class ReleaseIn(Body):
    """Why the version may be used."""

    reasons: LongText = Field(examples=["No personal data; labels and images match what the donor describes."])


Ids = Annotated[list[UUID], Field(max_length=500)]


class FactsIn(Body):
    """Which versions and datasets another service asks about."""

    version_ids: Ids = []
    dataset_ids: Ids = []
