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


class FigureOut(Resource):
    """A figure; `value` is null where it has none, and then `reason` says why, as a code and in words."""

    value: float | None
    units: int = Field(description="How many judgements it rests on.")
    reason: str | None
    text: str | None


class PairFiguresOut(Resource):
    """Two annotators held against each other."""

    annotators: tuple[str, str]
    percent: FigureOut
    cohen_kappa: FigureOut
    mean_iou: FigureOut


class CohenOut(FigureOut):
    """Cohen's kappa: the mean over the pairs of annotators, and each pair."""

    pairs: list[PairFiguresOut]


class LabelFiguresOut(Resource):
    """One label, given or not, by whom on what."""

    label: str
    marks: int
    percent: FigureOut
    fleiss_kappa: FigureOut
    krippendorff_alpha: FigureOut
    mean_iou: FigureOut


class AcceptedFiguresOut(Resource):
    """An annotator held against what was accepted."""

    percent: FigureOut
    cohen_kappa: FigureOut
    mean_iou: FigureOut


class AnnotatorFiguresOut(Resource):
    """One annotator held against the others. Who it is, only the project's leads are told."""

    annotator: str
    user_id: UUID | None
    items: int
    marks: int
    percent: FigureOut
    cohen_kappa: FigureOut
    mean_iou: FigureOut
    alpha_without: FigureOut
    accepted: AcceptedFiguresOut


class AgreementOut(Resource):
    """How far annotators agree on what several of them have done.

    Percentages are 0–100, overlaps (intersection over union) 0–1, kappas and alpha −1–1, where 0 is chance.
    """

    annotators: int
    items: int
    overlapping: int
    left_out: int = Field(description="Items whose marks lie too densely to be compared.")
    percent: FigureOut
    cohen_kappa: CohenOut
    fleiss_kappa: FigureOut
    krippendorff_alpha: FigureOut
    mean_iou: FigureOut
    per_label: list[LabelFiguresOut]
    per_annotator: list[AnnotatorFiguresOut]


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
