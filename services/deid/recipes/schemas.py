"""What the API says about operators and recipes."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import LongText, Name

Path = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
FamilyName = Literal["text", "image", "table"]


class OperatorOut(Resource):
    """An operator: what it does, what it finds, where the rule comes from, and what it is known to miss."""

    name: str
    version: str = Field(description="Goes up whenever the operator's results change.")
    family: FamilyName
    summary: str
    finds: list[str] = Field(description="Kinds that it finds, as reports count them.")
    source: str = Field(description="Where the rule comes from.")
    misses: str
    params_schema: dict[str, Any] = Field(alias="schema", description="JSON Schema of its parameters.")


class OperatorsOut(Resource):
    """The operators there are."""

    items: list[OperatorOut]


class StepIn(Body):
    """An operator with its parameters."""

    operator: Annotated[str, StringConstraints(max_length=100)]
    params: dict[str, Any] = {}


class RecipeIn(Body):
    """A recipe, or the next one of the same name."""

    name: Name
    description: LongText
    operators: Annotated[list[StepIn], Field(min_length=1, max_length=50)]


class StepOut(Resource):
    """An operator of a recipe, with every parameter filled in."""

    operator: str
    version: str
    params: dict[str, Any]


class RecipeOut(Resource):
    """A recipe. It never changes: the same name again makes the next number."""

    id: UUID
    name: str
    number: int
    description: str
    operators: list[StepOut]
    digest: str = Field(description="SHA-256 (hex) of the operators with versions and parameters.")
    created_by: UUID
    created_at: Instant
    allowed_actions: list[AllowedAction]


class TestIn(Body):
    """What to try a recipe on: a text, or files of a version (named, or so many of them)."""

    __test__ = False  # no test case, whatever its name suggests

    text: Annotated[str, StringConstraints(min_length=1, max_length=100_000)] | None = None
    version_id: UUID | None = None
    paths: Annotated[list[Path], Field(max_length=20)] = []
    sample: Annotated[int, Field(ge=1, le=20)] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> "TestIn":
        if (self.text is None) == (self.version_id is None):
            raise PydanticCustomError("one-of", "give either text or version_id")
        if self.text is not None and (self.paths or self.sample):
            raise PydanticCustomError("one-of", "paths and sample go with version_id")
        if self.paths and self.sample:
            raise PydanticCustomError("one-of", "give either paths or sample")
        return self


class FindingOut(Resource):
    """Something found in one place. `shape` is the original as a pattern, `after` what stands there now."""

    kind: str
    operator: str
    treated: bool
    place: str
    shape: str
    after: str


class CountOut(Resource):
    """How many were found, and treated."""

    found: int
    treated: int


class TriedFile(Resource):
    """What a recipe would do to a file."""

    path: str
    target: str = Field(description="The name that the result would get.")
    media_type: str
    withheld: str | None = Field(description="Why it would be withheld, as a code.")
    withheld_text: str | None
    counts: dict[str, CountOut]
    findings: list[FindingOut]
    after: str | None = Field(description="The beginning of the treated text or table, at most 2,000 characters.")
    picture: str | None = Field(description="The treated picture, small: a JPEG in Base64.")
    measures: dict[str, Any]


class TestOut(Resource):
    """What a recipe would do; nothing of it is kept. Pseudonyms are made with a key of the moment."""

    __test__ = False

    files: list[TriedFile]


class SuggestionIn(Body):
    """Which table to look at."""

    version_id: UUID
    path: Path


class SuggestedStep(Resource):
    """A column and what could be done to it. `operator` is null where nothing needs to be done."""

    column: str
    role: str = Field(description="identifier, quasi-identifier, sensitive, free-text or other.")
    reason: str
    operator: str | None
    params: dict[str, Any]


class SuggestionOut(Resource):
    """Suggestions for a table, column by column; `operators` is a recipe made of them, to be looked through."""

    columns: list[SuggestedStep]
    operators: list[StepIn]
