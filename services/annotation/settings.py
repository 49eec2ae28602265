"""Settings of annotation."""

from pydantic import Field

from services.kit.settings import Settings


class AnnotationSettings(Settings):
    """What can be set for annotation beside what every service knows."""

    task_claim_s: float = Field(
        default=900.0, gt=0.2, le=86_400, description="Seconds for which a claimed task is kept for its annotator."
    )
