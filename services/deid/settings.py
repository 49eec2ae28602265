"""Settings of preparation."""

from pydantic import Field

from services.kit.settings import Settings


class DeidSettings(Settings):
    """What can be set for preparation beside what every service knows."""

    deid_workers: int = Field(
        default=0, ge=0, le=256, description="Processes that treat files. 0: as many as there are cores."
    )
    deid_worker_memory_bytes: int = Field(
        default=3 * 1024**3,
        ge=0,
        description="Memory that one of these processes may take, in bytes; a file that needs more is withheld. "
        "0: no limit.",
    )
    deid_worker_idle_s: float = Field(
        default=60.0, gt=0, le=3600, description="Seconds without work after which such a process is ended."
    )
    deid_runs_parallel: int = Field(
        default=2, ge=1, le=16, description="Runs that one process of the service works on at a time."
    )
    deid_run_claim_s: float = Field(
        default=20.0, gt=0.2, le=600, description="Seconds after which a run is taken over from a process that died."
    )
    deid_file_deadline_s: float = Field(
        default=120.0,
        gt=0,
        le=86_400,
        description="Seconds that treating one file may take, and as many more for each 8 MiB of it; "
        "one that takes longer is withheld.",
    )
    deid_file_max_bytes: int = Field(
        default=512 * 1024**2,
        ge=1,
        description="Largest file that is treated, in bytes; larger ones are withheld.",
    )
    deid_review_places: int = Field(
        default=60,
        ge=2,
        le=2_000,
        description="Random places of a finished run that stewards are asked about, half of them treated ones.",
    )
    deid_review_most: int = Field(
        default=400,
        ge=2,
        le=5_000,
        description="Places that they are asked about at most, where so many are needed to show the recall demanded.",
    )
