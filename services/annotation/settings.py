"""Settings of annotation."""

from pydantic import Field

from services.kit.settings import Settings


class AnnotationSettings(Settings):
    """What can be set for annotation beside what every service knows."""

    task_claim_s: float = Field(
        default=900.0,
        gt=0.2,
        le=86_400,
        description="Seconds for which a claimed task is kept for its annotator; each saved draft starts them anew.",
    )
    task_open_max: int = Field(
        default=100, ge=1, le=10_000, description="Tasks of one campaign that one annotator may hold at a time."
    )
    closing_claim_s: float = Field(
        default=60.0,
        gt=0.2,
        le=3600,
        description="Seconds after which the closing of a campaign is taken over from a process that died.",
    )
