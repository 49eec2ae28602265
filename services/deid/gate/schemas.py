"""What the API says about reports, places to judge, and the gate."""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.kit.schemas import AllowedAction, Body, Instant, Resource
from services.kit.text import LongText

Mode = Literal["treat", "inspect"]
Judgement = Literal["right", "missed", "needless"]
GateState = Literal["open", "passed", "refused"]
Family = Literal["text", "table", "image", "other"]


class EstimateOut(Resource):
    """A share between 0 and 1 with its 95 % interval."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"estimate": 0.97, "low": 0.88, "high": 1.0}]})

    estimate: float
    low: float
    high: float


class Counted(Resource):
    """How often something of a kind was found, and how many of these were treated."""

    found: int
    treated: int


class FilesOut(Resource):
    """What became of the files. A withheld file is not in the result at all."""

    total: int
    treated: int
    withheld: int


class WithheldOut(Resource):
    """A file that is not passed on, and why."""

    path: str = Field(description="Its name, treated like the names of other files.")
    reason: str = Field(description="A stable code.")
    text: str = Field(description="The reason in words.")


class SampleOut(Resource):
    """Something that was found, without saying what: its form before, and what stands there now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "phone",
                    "operator": "text.phone",
                    "path": "letters/1.txt",
                    "place": "characters 120–132",
                    "shape": "999-999 99 99",
                    "after": "[PHONE]",
                    "treated": True,
                }
            ]
        }
    )

    kind: str
    operator: str
    path: str
    place: str
    shape: str = Field(description="The original as a pattern: digits 9, letters a, A, x; of a picture its size.")
    after: str
    treated: bool


class TableOut(Resource):
    """What was measured of a table. Null: not measured, since the recipe says nothing of it."""

    path: str
    without_people: bool = Field(description="It has none of the columns by which the recipe knows people.")
    k_min: int | None = Field(description="So many people at least share each combination of quasi-identifiers.")
    k_before: int | None = Field(default=None, description="The same before treatment.")
    unique_share: float | None = Field(description="Share of rows that are alone with their combination, afterwards.")
    rows_kept_share: float | None
    utility_loss: float | None = Field(description="0: nothing generalised; 1: everything to the top.")


class TablesSum(Resource):
    """The tables in sum; `k_min` is the worst."""

    files: int
    measured: int = Field(description="Tables of which k was measured.")
    without_people: int = Field(
        description="Tables that have none of the columns by which the recipe knows people; no k is asked of them."
    )
    k_min: int | None
    k_before: int | None


class PicturesOut(Resource):
    """The pictures in sum."""

    files: int
    faces_found: int
    faces_treated: int
    faces_filled: int = Field(description="Faces covered by one colour, since nothing less hid them.")
    strength_least: float | None = Field(
        description="How the least covered face is covered: the share of its box's shorter side that is one colour "
        "(0.25: a mosaic of four; 1: filled). At its strength no face is found again."
    )


class PlacesOut(Resource):
    """How many places there are that could be judged, by family of files."""

    treated: dict[str, int]
    untreated: dict[str, int]


class FamilyReviewOut(Resource):
    """The same for the files of one family alone."""

    counted: int
    missed: int
    needless: int
    recall: EstimateOut | None
    precision: EstimateOut | None


class ReviewOut(Resource):
    """How far the random places are judged, and what follows for the whole version.

    Places count in the order of the queue up to the first that nobody has judged.
    """

    drawn: int
    judged: int
    counted: int
    right: int
    missed: int
    needless: int
    places: PlacesOut = Field(description="All places of the version, of which those drawn are a random sample.")
    recall: EstimateOut | None = Field(
        description="Share of what identifies people that was treated, by place. Null: not measured yet, or nothing "
        "to find."
    )
    precision: EstimateOut | None = Field(description="Share of the treated places that were rightly treated.")
    families: dict[str, FamilyReviewOut] = Field(description="By family of files: text, table, image.")


class ThresholdsOut(Resource):
    """What the gate demands: of the terms where they state it, the factory's own values elsewhere."""

    k: float = Field(description="Lowest k of any table, at least.")
    recall: float = Field(description="Percent, at least: the low end of recall's 95 % interval.")
    reviewed: float = Field(description="Places judged, at least (all of them, where there are fewer).")
    withheld: float = Field(description="Percent of the files, at most.")


class MeasuredOut(Resource):
    """What the gate looks at."""

    k: int | None
    tables: int
    tables_unknown: int = Field(description="Tables about people, as far as is known, of which k was not measured.")
    recall: float | None = Field(description="Percent: the low end of the interval, rounded down to one decimal.")
    reviewed: int
    withheld: float = Field(description="Percent of the files, rounded up to one decimal.")
    untreated: int = Field(description="What was found and left standing.")


class RefusalOut(Resource):
    """One thing that keeps the version from passing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "recall-below",
                    "measured": 62.4,
                    "needed": 80,
                    "text": "Recall is at least 62.4 % (with 95 % confidence); the terms ask for 80 %. If the next 14 "
                    "places of the queue show no fault, that is enough.",
                }
            ]
        }
    )

    code: Literal["k-below", "k-unknown", "recall-below", "reviewed-too-few", "untreated-found", "withheld-too-many"]
    measured: float | None
    needed: float
    family: Family | None = Field(default=None, description="The family of files that it is about; null: all.")
    text: str = Field(description="What was measured, and what would pass.")


class WouldPass(Resource):
    """What the gate would say now."""

    would_pass: bool
    refusals: list[RefusalOut]


class ReportOut(Resource):
    """What a run found, treated, left and withheld; what review says of it, and what the gate would."""

    run_id: UUID
    version_id: UUID = Field(description="The version that was read.")
    result_version_id: UUID | None = Field(description="The version that was written; null in mode inspect.")
    mode: Mode
    found: dict[str, Counted] = Field(description="By kind.")
    untreated: int = Field(description="What was found and left standing.")
    files: FilesOut
    withheld: list[WithheldOut] = Field(description="The first hundred; the others are in the list of files.")
    withheld_reasons: dict[str, int] = Field(description="How many files for each reason.")
    samples: list[SampleOut]
    tables: list[TableOut] = Field(description="The hundred worst; the others are in the list of files.")
    tables_sum: TablesSum
    pictures: PicturesOut
    review: ReviewOut
    thresholds: ThresholdsOut
    gate: WouldPass
    gate_state: GateState
    created_at: Instant
    allowed_actions: list[AllowedAction]


class ReportFileOut(Resource):
    """What became of one file."""

    number: int
    path: str = Field(description="The name that it has in the result (names are treated, too).")
    media_type: str | None = Field(description="What its contents are, whatever its name says.")
    family: Family
    size: int = Field(description="Bytes of the file that was read.")
    state: Literal["treated", "withheld"]
    reason: str | None
    text: str | None = Field(description="The reason in words.")
    found: dict[str, Counted]
    places: dict[str, int] = Field(description="Places that could be judged, by sort.")
    measures: dict[str, Any] = Field(description="What was measured of a table or a picture.")


class ReviewSampleOut(Resource):
    """A random place for a steward to judge.

    A *treated* place: was it right to treat it, or needless? An *untreated* one: is it right as it is, or was something
    missed that identifies somebody?
    """

    id: UUID
    run_id: UUID
    number: int = Field(description="Its place in the queue, from 1.")
    sort: Literal["treated", "untreated"]
    family: Family
    kind: str = Field(description="Of a treated place what was found; of an untreated one what it is.")
    path: str
    place: str
    before: str = Field(description="The original as a pattern; empty for an untreated place.")
    after: str = Field(description="What stands there now, with what surrounds it.")
    picture: str | None = Field(description="For pictures: the surroundings as they are now, a JPEG in Base64.")
    judgements: list[Judgement] = Field(description="What fits this sort of place.")
    judgement: Judgement | None
    judged_by: UUID | None
    judged_at: Instant | None
    revision: int


class JudgementIn(Body):
    """What a steward says of a place: right or needless of a treated one, right or missed of an untreated one."""

    judgement: Judgement = Field(examples=["right"])


class GateIn(Body):
    """What the gate is asked: to pass, or to refuse whatever was measured. The reasons are kept with the decision."""

    decision: Literal["pass", "refuse"] = Field(examples=["pass"])
    reasons: LongText = Field(examples=["Sixty places judged, nothing missed; names in the register are gone."])


class GateDecisionOut(Resource):
    """What the gate said."""

    run_id: UUID
    version_id: UUID = Field(
        description="The version that it is about: the one written, or in mode inspect the one read."
    )
    number: int = Field(description="The how many-th time that the gate was asked about this run.")
    decision: Literal["pass", "refuse"]
    outcome: Literal["passed", "refused"]
    reasons: str
    refusals: list[RefusalOut] = Field(description="What was below its threshold; empty where a steward refused.")
    measured: MeasuredOut
    thresholds: ThresholdsOut
    decided_by: UUID
    decided_at: Instant


class GateOut(Resource):
    """Where a version stands at the gate, and what it said so far."""

    run_id: UUID
    version_id: UUID
    state: GateState
    would_pass: bool
    refusals: list[RefusalOut] = Field(description="What keeps it from passing now.")
    measured: MeasuredOut
    thresholds: ThresholdsOut
    being_decided_since: Instant | None = Field(
        description="When the catalogue was asked to release the version, while its answer is not known."
    )
    history: list[GateDecisionOut] = Field(description="The last fifty decisions, the latest first.")
    revision: int
    allowed_actions: list[AllowedAction]
