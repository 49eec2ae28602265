"""Blobs in an object store: S3 and its likes, Azure, Google, or memory, through obstore."""

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import obstore
from obstore.exceptions import BaseError

from services.kit.blobs.port import (
    CHUNK_BYTES,
    BlobInfo,
    BlobNotFound,
    BlobStoreUnavailable,
    ByteSource,
    check_name,
    check_prefix,
    check_range,
    check_size,
)
from services.kit.blobs.sources import gather, settled

T = TypeVar("T")

READ_AHEAD_BYTES = 4 * CHUNK_BYTES
PART_BYTES = 8 * CHUNK_BYTES
PART_BYTES_UNKNOWN_SIZE = 32 * CHUNK_BYTES
MAX_PARTS = 9_000
PARTS_AT_ONCE = 2
LIST_BATCH = 500
WORKERS = 16


class ObjectStore:
    """Blobs under a prefix of an obstore store.

    obstore's *synchronous* calls, in threads of our own: its asynchronous ones call back into Python from threads of
    theirs, which aborts the process when it ends while one is under way. Large blobs go up in parts; a process that
    dies in the middle leaves parts that no one sees: give the bucket a rule that removes unfinished uploads.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self._closed = False
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="blobs")

    async def _call(self, work: Callable[[], T]) -> T:
        async def in_thread() -> T:
            if self._closed:
                raise BlobStoreUnavailable("the store has been closed")
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

        try:
            return await settled(in_thread())
        except BaseError as error:
            raise BlobStoreUnavailable("the object store refused or did not answer") from error

    # --- writing --------------------------------------------------------------------------------------------------

    async def put(self, name: str, source: ByteSource, *, size: int | None = None) -> int:
        check_name(name)
        if isinstance(source, bytes):
            if len(source) > PART_BYTES:
                source = _slices(source)
            else:
                check_size(size, len(source), complete=True)
                await self._call(lambda: obstore.put(self._store, name, source, use_multipart=False))
                return len(source)
        part = PART_BYTES_UNKNOWN_SIZE if size is None else max(PART_BYTES, -(-size // MAX_PARTS))
        if not isinstance(source, AsyncIterable):
            pieces: Iterable[bytes] = source
            return await self._call(lambda: self._put_pieces(name, pieces, size, part))
        writer = await self._call(lambda: self._writer(name, part))
        written = 0
        # A writer that is dropped without `close` stores nothing.
        async for batch in gather(source):
            written += sum(map(len, batch))
            check_size(size, written, complete=False)
            await self._call(lambda batch=batch: _write_all(writer, batch))
        check_size(size, written, complete=True)
        await self._call(writer.close)
        return written

    def _writer(self, name: str, part: int) -> Any:
        return obstore.open_writer(self._store, name, buffer_size=part, max_concurrency=PARTS_AT_ONCE)

    def _put_pieces(self, name: str, pieces: Iterable[bytes], size: int | None, part: int) -> int:
        writer = self._writer(name, part)
        written = 0
        for piece in pieces:
            written += len(piece)
            check_size(size, written, complete=False)
            if piece:
                writer.write(piece)
        check_size(size, written, complete=True)
        writer.close()
        return written

    async def put_many(self, blobs: Sequence[tuple[str, bytes]]) -> None:
        for name, _ in blobs:
            check_name(name)
        # Round trips overlap; the threads bound how many.
        async with asyncio.TaskGroup() as group:
            for lane in range(min(WORKERS, len(blobs))):
                group.create_task(self._put_lane(blobs[lane::WORKERS]))

    async def _put_lane(self, blobs: Sequence[tuple[str, bytes]]) -> None:
        for name, data in blobs:
            await self.put(name, data)

    # --- reading --------------------------------------------------------------------------------------------------

    async def head(self, name: str) -> BlobInfo:
        check_name(name)
        try:
            found = await self._call(lambda: obstore.head(self._store, name))
        except FileNotFoundError as error:
            raise BlobNotFound(name) from error
        return BlobInfo(name, found["size"], found["last_modified"])

    async def exists(self, name: str) -> bool:
        try:
            await self.head(name)
        except BlobNotFound:
            return False
        return True

    async def read_at(self, name: str, start: int, length: int) -> bytes:
        check_range(start, length)
        check_name(name)
        if length == 0:
            await self.head(name)
            return b""
        try:
            return await self._call(lambda: bytes(obstore.get_range(self._store, name, start=start, length=length)))
        except FileNotFoundError as error:
            raise BlobNotFound(name) from error
        except BlobStoreUnavailable:
            # A range that begins at or behind the end is an error to every store, each with another text.
            if start >= (await self.head(name)).size:
                return b""
            raise

    async def get_range(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        check_range(start, length)
        size = (await self.head(name)).size
        position = min(start, size)
        stop = size if length is None else min(size, start + length)
        # Several requests instead of one long one: a slow reader meets no timeout, a destroyed blob stops at once.
        while position < stop:
            piece = await self.read_at(name, position, min(READ_AHEAD_BYTES, stop - position))
            if not piece:
                return
            for offset in range(0, len(piece), CHUNK_BYTES):
                yield piece[offset : offset + CHUNK_BYTES]
            position += len(piece)

    async def delete(self, names: str | Sequence[str]) -> None:
        for name in [names] if isinstance(names, str) else names:
            check_name(name)
            # A folder calls it an error when there is nothing to delete; S3 does not.
            with contextlib.suppress(FileNotFoundError):
                await self._call(lambda name=name: obstore.delete(self._store, name))

    async def scan(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        check_prefix(prefix)
        batches: Iterator[Sequence[Any]] = self._store.list(prefix.rstrip("/") or None, chunk_size=LIST_BATCH)
        nothing: Sequence[Any] = ()
        while batch := await self._call(lambda: next(batches, nothing)):
            for found in batch:
                yield BlobInfo(found["path"], found["size"], found["last_modified"])

    # --- the store itself -----------------------------------------------------------------------------------------

    async def check(self) -> None:
        await self.exists("check")

    async def aclose(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)


def _slices(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    for start in range(0, len(data), CHUNK_BYTES):
        yield bytes(view[start : start + CHUNK_BYTES])


def _write_all(writer: Any, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
