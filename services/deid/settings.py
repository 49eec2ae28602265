"""Settings of preparation."""

from pydantic import Field

from services.kit.settings import Settings


class DeidSettings(Settings):
    """What can be set for preparation beside what every service knows."""

    deid_workers: int = Field(
        default=0, ge=0, le=256, description="Processes that treat files. 0: as many as there are cores."
    )
    deid_run_claim_s: float = Field(
        default=20.0, gt=0.2, le=600, description="Seconds after which a run is taken over from a process that died."
    )
