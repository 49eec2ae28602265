"""Settings of the catalogue."""

from pydantic import Field

from services.kit.settings import Settings


class CatalogSettings(Settings):
    """What can be set for the catalogue beside what every service knows."""

    blobs_url: str = Field(
        "",
        description="Where encrypted objects are kept: `file:///folder`, `s3://bucket/prefix`, `az://…`, `gs://…`. "
        "Empty: `objects` in the data folder.",
    )
    ingest_parallel: int = Field(
        2, ge=1, le=32, description="Uploads that one process verifies and encrypts at a time."
    )
    ingest_claim_s: float = Field(
        20.0, gt=0.2, le=600, description="Seconds after which an upload is taken over from a process that died."
    )
    unpack_max_entries: int = Field(100_000, ge=1, description="Most entries in a zip archive that is unpacked.")
    unpack_max_bytes: int = Field(
        200 * 1024**3, ge=1, description="Most bytes that the files of a zip archive may have together."
    )
    manifest_cache_bytes: int = Field(
        64 * 1024**2, ge=0, description="Bytes of opened manifests that a process keeps in memory."
    )
    download_stall_s: float = Field(
        60.0, gt=0, le=3600, description="Seconds after which a download is ended whose reader takes nothing."
    )
