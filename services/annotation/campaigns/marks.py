"""Marks and label schemas as they go over HTTP, and from there to the values of `shapes` and back."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.annotation.campaigns.parse import schema_from_json
from services.annotation.campaigns.reader import MAX_NUMBER, BadShape, Fault, storable
from services.annotation.campaigns.shapes import (
    MAX_COMMENT,
    MAX_LABELS,
    MAX_MARKS,
    MAX_NAME,
    MAX_POINTS,
    MAX_TITLE,
    Item,
    Kind,
    LabelSchema,
    Mark,
    marks_to_json,
    validate_marks,
)
from services.kit.problems import FieldError, Problem
from services.kit.schemas import Body

Coordinate = Annotated[float, Field(strict=True, ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
Offset = Annotated[int, Field(strict=True, ge=0, le=int(MAX_NUMBER))]


def _storable(value: str) -> str:
    if not storable(value):
        raise PydanticCustomError("text-not-storable", "the text holds NUL or half a surrogate pair")
    return value


LabelName = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_storable)]
Comment = Annotated[str, Field(max_length=MAX_COMMENT), AfterValidator(_storable)]
"""What an annotator or reviewer writes beside the marks."""


class LabelTitle(Body):
    """A label's title as people read it."""

    sv: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    en: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]


class LabelBody(Body):
    """One label: its name in files, its title on screens."""

    name: LabelName
    title: LabelTitle


class LabelSchemaBody(Body):
    """What annotators may say of an item. `multiple`: more than one mark an item; `comment`: free text beside them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "image-class",
                    "labels": [{"name": "cat", "title": {"sv": "Katt", "en": "Cat"}}],
                    "multiple": False,
                    "comment": False,
                }
            ]
        },
    )

    kind: Kind
    labels: Annotated[list[LabelBody], Field(min_length=1, max_length=MAX_LABELS)]
    multiple: bool = False
    comment: bool = False

    def value(self, pointer: str) -> LabelSchema:
        """Return the schema as a value; 422 with pointers below `pointer` when it contradicts itself."""
        try:
            return schema_from_json(self.model_dump(), pointer)
        except BadShape as bad:
            raise problem_of(bad.faults) from None


class Geometry(Body):
    """Where a mark is: exactly one of these.

    `box`: x and y of the upper left corner, width, height. `polygon`: one ring, the first point not repeated. Both in
    pixels of the oriented image (EXIF orientation applied), from its upper left corner. `span`: start and end (left
    out), in Unicode code points of the text without a byte order mark.
    """

    box: tuple[Coordinate, Coordinate, Coordinate, Coordinate] | None = None
    polygon: Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=3, max_length=MAX_POINTS)] | None = None
    span: tuple[Offset, Offset] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.box, self.polygon, self.span)) != 1:
            raise PydanticCustomError("one-geometry", "give exactly one of box, polygon and span")
        return self


class MarkBody(Body):
    """A label put on an item (without geometry), or on a place of it."""

    label: LabelName
    geometry: Geometry | None = None

    def value(self) -> Mark:
        """Return the mark as a value."""
        place = self.geometry
        if place is None:
            return Mark(self.label)
        polygon = tuple(place.polygon) if place.polygon is not None else None
        return Mark(self.label, place.box, polygon, place.span)


Marks = Annotated[list[MarkBody], Field(max_length=MAX_MARKS)]


class MarkOut(BaseModel):
    """A mark; see `Geometry` for its places."""

    label: str
    geometry: dict[str, Any] | None = None


class AnnotationBody(Body):
    """The whole annotation of an item: what is not here is gone. No marks: looked at, and nothing to mark."""

    marks: Marks
    comment: Comment = ""


def shown(marks: Sequence[Mark]) -> list[MarkOut]:
    """Return marks as the API shows them."""
    return [MarkOut(**document) for document in marks_to_json(tuple(marks))]


def checked(
    schema: LabelSchema, body: AnnotationBody, item: Item | None, *, complete: bool = False
) -> tuple[Mark, ...]:
    """Return the marks of a body that fit schema and item; 422 with a pointer for each that does not."""
    marks = tuple(mark.value() for mark in body.marks)
    faults = validate_marks(schema, marks, item, complete=complete, pointer="/marks")
    if body.comment and not schema.comment:
        faults.append(Fault("/comment", "comment-unexpected"))
    if faults:
        raise problem_of(faults)
    return marks


def problem_of(faults: Sequence[Fault]) -> Problem:
    """Return the 422 that tells these faults."""
    errors = [FieldError(fault.pointer[:200], fault.code, fault.params) for fault in faults[:100]]
    return Problem(422, "invalid-request", errors=errors)
