"""The blob store: a port, and a folder or any object store behind it, chosen by URL."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.kit.blobs.folder import FolderStore
from services.kit.blobs.port import (
    BlobError,
    BlobInfo,
    BlobNameRefused,
    BlobNotFound,
    BlobSizeMismatch,
    BlobStore,
    BlobStoreUnavailable,
    ByteSource,
)

__all__ = [
    "BlobError",
    "BlobInfo",
    "BlobNameRefused",
    "BlobNotFound",
    "BlobSizeMismatch",
    "BlobStore",
    "BlobStoreUnavailable",
    "ByteSource",
    "FolderStore",
    "make_blob_store",
]


def make_blob_store(url: str) -> BlobStore:
    """Return the store at `url`: `file:///folder`, `memory:///`, `s3://bucket/prefix`, `az://…`, `gs://…`.

    Object stores take credentials and endpoint from the environment variables of their own tools (`AWS_ENDPOINT_URL`,
    `AWS_ACCESS_KEY_ID`, …). Raises ValueError for a URL that names no store.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
            raise ValueError("a folder of blobs is given as file:///absolute/path")
        return FolderStore(Path(unquote(parts.path)))
    if parts.scheme not in ("memory", "s3", "s3a", "gs", "az", "azure", "abfs", "abfss"):
        raise ValueError(f"no blob store has URLs of the scheme {parts.scheme!r}")
    # obstore is an extra of the catalogue: a service without it can still keep blobs in a folder.
    from obstore.store import from_url

    from services.kit.blobs.objects import ObjectStore

    if parts.scheme == "memory":
        return ObjectStore(from_url(url))
    # obstore would try for three minutes; a request that waits for it should learn sooner that the store is away.
    return ObjectStore(
        from_url(
            url,
            client_options={"connect_timeout": timedelta(seconds=3), "timeout": timedelta(seconds=60)},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=15)},
        )
    )
