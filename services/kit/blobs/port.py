"""The port of the blob store: named, immutable byte strings of any size."""

import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

ByteSource = bytes | AsyncIterable[bytes] | Iterable[bytes]
"""The bytes of a blob: whole, or in pieces. A plain iterable is walked in a worker thread."""

CHUNK_BYTES = 1024 * 1024
MAX_NAME_BYTES = 512
_NAME = re.compile(r"[a-z0-9][a-z0-9._=-]*(/[a-z0-9][a-z0-9._=-]*)*\Z")


class BlobError(Exception):
    """Something about a blob or its store."""


class BlobNotFound(BlobError):
    """No blob of this name, or none any more."""


class BlobNameRefused(BlobError, ValueError):
    """A name that could be read as a path out of the store, or differently by different stores."""


class BlobSizeMismatch(BlobError):
    """The source gave another number of bytes than was announced; nothing was stored."""


class BlobStoreUnavailable(BlobError):
    """The store does not answer, or refuses us."""


@dataclass(frozen=True)
class BlobInfo:
    """What a store knows about a blob. `size` in bytes; `modified` in UTC."""

    name: str
    size: int
    modified: datetime


class BlobStore(Protocol):
    """Keeps blobs. A blob is invisible until it is complete and durable, and never changes in part.

    Names are segments of `a-z 0-9 . _ = -` joined by `/`, each beginning with a letter or digit, at most 512 bytes.
    Other names raise BlobNameRefused in every method; each raises BlobStoreUnavailable when the store is not there.
    """

    async def put(self, name: str, source: ByteSource, *, size: int | None = None) -> int:
        """Store `source` as `name`, replacing as a whole what was there. Returns the number of bytes stored.

        With `size`, raises BlobSizeMismatch unless exactly so many came. An exception of the source passes through. In
        either case, and when cancelled before the end, nothing is stored and what was there stays.
        """
        ...

    async def put_many(self, blobs: Sequence[tuple[str, bytes]]) -> None:
        """Store many small blobs with few round trips. All are durable when it returns; some may be when it raises."""
        ...

    async def head(self, name: str) -> BlobInfo:
        """Return what is known of a blob, or raise BlobNotFound."""
        ...

    async def exists(self, name: str) -> bool:
        """Say whether a complete blob of this name is there."""
        ...

    async def read_at(self, name: str, start: int, length: int) -> bytes:
        """Return bytes [start, start+length), fewer only at the end of the blob. Raises BlobNotFound."""
        ...

    def get_range(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield bytes [start, start+length) in chunks of at most 1 MiB; to the end without `length`.

        Raises BlobNotFound, also in the middle when the blob is deleted while it is read.
        """
        ...

    async def delete(self, names: str | Sequence[str]) -> None:
        """Remove one blob or many; those that are not there are no error. Durable when it returns."""
        ...

    def scan(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """Yield the blobs under a folder (`"datasets/7/"`), or all. In no order, never all in memory."""
        ...

    async def check(self) -> None:
        """Raise BlobStoreUnavailable unless the store answers (for readiness)."""
        ...

    async def aclose(self) -> None:
        """Wait for what runs and let go. Call it before the process ends."""
        ...


def check_name(name: str) -> str:
    """Return `name`, or raise BlobNameRefused."""
    if len(name) > MAX_NAME_BYTES or not _NAME.match(name) or any(len(part) > 200 for part in name.split("/")):
        raise BlobNameRefused("not the name of a blob")
    return name


def check_prefix(prefix: str) -> str:
    """Return `prefix` (empty, or a name and a slash), or raise BlobNameRefused."""
    if prefix and not prefix.endswith("/"):
        raise BlobNameRefused("a prefix ends with a slash")
    if prefix:
        check_name(prefix[:-1])
    return prefix


def check_range(start: int, length: int | None) -> None:
    """Raise ValueError for a range that cannot be."""
    if start < 0 or (length is not None and length < 0):
        raise ValueError("a range begins at zero or later and is not negative")


def check_size(expected: int | None, actual: int, *, complete: bool) -> None:
    """Raise BlobSizeMismatch when more came than announced, or, once complete, less."""
    if expected is not None and (actual > expected or (complete and actual != expected)):
        raise BlobSizeMismatch(f"{expected} bytes were announced, {actual} came")
