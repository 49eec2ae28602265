"""What the API says about runs."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from services.kit.schemas import AllowedAction, Body, Instant, Resource

Mode = Literal["treat", "inspect"]


class RunIn(Body):
    """Which recipe over which version."""

    recipe_id: UUID
    version_id: UUID
    mode: Mode = Field("treat", description="`treat` writes the next version, `inspect` only looks and counts.")


class Progress(Resource):
    """How far a run is. Totals are null until all files are listed."""

    files_total: int | None
    files_done: int
    bytes_total: int | None
    bytes_done: int
    seconds_left: int | None = Field(description="Reckoned from the files done so far, for each sort by itself.")


class OperatorUsed(Resource):
    """An operator and its version."""

    name: str
    version: str


class ModelUsed(Resource):
    """A model or word list and its digest: SHA-256 in hex."""

    name: str
    sha256: str


class Withheld(Resource):
    """So many files are withheld for this reason."""

    reason: str
    text: str | None
    files: int


class RunOut(Resource):
    """A run of a recipe over a version."""

    id: UUID
    recipe_id: UUID
    version_id: UUID
    result_version_id: UUID | None = Field(description="The version that came of it, once it is finished.")
    dataset_id: UUID
    mode: Mode
    state: Literal["queued", "running", "finished", "failed", "stopped"]
    reason: str | None = Field(description="Why it failed or was stopped, as a code.")
    reason_text: str | None
    progress: Progress
    files_treated: int
    files_withheld: int
    withheld: list[Withheld] = Field(description="Why files are withheld, most frequent first.")
    key_id: UUID = Field(description="The key behind its pseudonyms; the same for all runs of a dataset.")
    operators: list[OperatorUsed]
    models: list[ModelUsed]
    created_by: UUID
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    gate: Literal["open", "passed", "refused"]
    revision: int
    allowed_actions: list[AllowedAction]
