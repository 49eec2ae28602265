"""What services say to each other about derivations."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.catalog.datasets.schemas import FileOut, IntegrityClass, MediaType, PersonalData
from services.kit.schemas import Body, Resource
from services.kit.text import LongText

FilePath = Annotated[str, Field(min_length=1, max_length=4096)]
SourceKind = Literal["recipe", "campaign"]
MAX_PATHS = 5000
MAX_RANGE_BYTES = 8 * 1024 * 1024


class DerivationIn(Body):
    """What is to be made of which version. `id` is the run or campaign; asking twice gives the same answer."""

    id: UUID
    parent_version_id: UUID
    source_kind: SourceKind
    mode: Literal["treat", "inspect"] = "treat"
    permit_token: Annotated[str, Field(max_length=16_384)] | None = None


class ParentOut(Resource):
    """The version that is read."""

    version_id: UUID
    number: int
    state: str
    gate: str
    files: int
    bytes: int
    source_kind: str


class DerivationOut(Resource):
    """A derivation, and what its service must know of the dataset."""

    id: UUID
    version_id: UUID | None
    dataset_id: UUID
    partner_id: UUID
    donation_id: UUID
    integrity_class: IntegrityClass
    personal_data: PersonalData
    terms: dict[str, Any]
    mode: Literal["treat", "inspect"]
    state: Literal["open", "committed", "abandoned"]
    staged: int
    parent: ParentOut


class FilesOut(Resource):
    """Files of the parent by path; `next` goes into `after` for those that follow."""

    items: list[FileOut]
    next: str | None


class PathsIn(Body):
    """Some of the parent's files."""

    paths: Annotated[list[FilePath], Field(min_length=1, max_length=MAX_PATHS)]


class RangeIn(Body):
    """Bytes [start, start+length) of a file of the parent; fewer at its end."""

    path: FilePath
    start: Annotated[int, Field(ge=0)]
    length: Annotated[int, Field(ge=0, le=MAX_RANGE_BYTES)]


class FileIn(Body):
    """What a frame's header says of the file that follows: its path, and which file of the parent it was made from."""

    path: FilePath
    media_type: MediaType | None = None
    source: FilePath | None = None


class StagedOut(Resource):
    """How many files the request stored."""

    staged: int


class StoredOut(Resource):
    """What was stored."""

    sha256: str
    size: int


class CommitIn(Body):
    """How the version was made: kept with its lineage, for everyone who may see the version. Ids, names of operators
    and models, numbers; nothing from a file."""

    details: dict[str, Any] = {}


class CommitOut(Resource):
    """The version that now exists."""

    version_id: UUID
    number: int
    digest: str
    files: int
    bytes: int
    gate: str


class GateIn(Body):
    """Which run's report the deciding steward has judged, and why the version may be used."""

    run_id: UUID
    reasons: LongText


class VersionFacts(Resource):
    """A version as it stands."""

    version_id: UUID
    dataset_id: UUID
    number: int
    state: str
    gate: str
    personal_data: PersonalData
    revision: int


class DatasetFacts(Resource):
    """A version's dataset, and what the user is to it."""

    dataset_id: UUID
    partner_id: UUID
    donation_id: UUID
    integrity_class: IntegrityClass
    personal_data: PersonalData
    terms: dict[str, Any]
    state: str
    gate: str
    gate_run_id: UUID | None = Field(description="The run on whose report the gate has passed.")
    is_steward: bool
    is_insider: bool
