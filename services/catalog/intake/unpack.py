"""Unpacking of zip archives without ever writing their content in the clear, and without believing what they say."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from services.catalog.datasets.paths import PathRefused, PathSet
from services.catalog.intake.unpack_refusals import TEXTS, UnpackRefused, showable
from services.catalog.intake.zip_directory import STORED, Reader, Source, ZipEntry, read_directory
from services.kit.blobs.sources import settled

__all__ = ["TEXTS", "Archive", "ArchiveFile", "Limits", "UnpackRefused", "UnpackedFile", "unpack"]

CHUNK_BYTES = 1024 * 1024
PACKED_BYTES = 256 * 1024
SMALL_BYTES = 256 * 1024
BATCH_BYTES = 4 * 1024 * 1024
BATCH_FILES = 500


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold, in bytes and in bytes per packed byte. What is small may be packed as it likes."""

    entries: int = 100_000
    total_bytes: int = 200 * 1024**3
    entry_bytes: int = 200 * 1024**3
    ratio: int = 100
    ratio_from_bytes: int = 100 * 1024**2
    entry_ratio: int = 250
    entry_ratio_from_bytes: int = 10 * 1024**2


@dataclass(frozen=True)
class ArchiveFile:
    """A file in the archive: its normalised path and its size in bytes, which reading it enforces."""

    path: str
    size: int
    entry: ZipEntry


class Archive:
    """A zip archive whose every entry has been looked at, and none opened. Blocking: for worker threads.

    Making one raises UnpackRefused for anything that could harm, deceive or exhaust: see `unpack_refusals.TEXTS`.
    Archives inside it are files like others and stay closed. Several threads may read files of it at once.
    """

    def __init__(self, reader: Reader, limits: Limits | None = None) -> None:
        """Read the table of contents from a seekable reader, which stays the caller's to close."""
        limits = limits or Limits()
        self._source = Source(reader)
        entries = read_directory(self._source, max_entries=limits.entries)
        self.files = _check_paths(entries)
        _check_sizes(entries, self._source.size, limits)

    def read(self, file: ArchiveFile) -> Iterator[bytes]:
        """Yield a file's bytes in chunks of at most 1 MiB; again from the start with each call.

        Raises UnpackRefused as soon as there are more bytes than were declared, and at the end when there are fewer or
        the checksum differs: what was yielded before is then worth nothing.
        """
        entry = file.entry
        crc, size = 0, 0
        for chunk in self._stored(entry) if entry.method == STORED else self._inflated(entry):
            size += len(chunk)
            if size > entry.size:
                raise entry.refused("archive-size-mismatch")
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if size != entry.size:
            raise entry.refused("archive-size-mismatch")
        if crc != entry.crc:
            raise entry.refused("archive-crc-mismatch")

    def _stored(self, entry: ZipEntry) -> Iterator[bytes]:
        for offset in range(0, entry.packed, CHUNK_BYTES):
            yield self._source.read(entry.data_start + offset, min(CHUNK_BYTES, entry.packed - offset))

    def _inflated(self, entry: ZipEntry) -> Iterator[bytes]:
        if not entry.packed:
            return
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        position, stop = entry.data_start, entry.data_start + entry.packed
        try:
            while not inflater.eof:
                packed = inflater.unconsumed_tail
                if not packed:
                    if position == stop:
                        raise entry.refused("archive-damaged")
                    packed = self._source.read(position, min(PACKED_BYTES, stop - position))
                    position += len(packed)
                # The bound holds memory down whatever the ratio; the size is checked before the next round.
                if chunk := inflater.decompress(packed, CHUNK_BYTES):
                    yield chunk
        except zlib.error as error:
            raise entry.refused("archive-damaged") from error
        if inflater.unused_data or position != stop:
            raise entry.refused("archive-damaged")


def _check_paths(entries: list[ZipEntry]) -> list[ArchiveFile]:
    paths = PathSet()
    files: list[ArchiveFile] = []
    for entry in entries:
        try:
            if entry.is_folder:
                paths.add_folder(entry.name[:-1])
            else:
                files.append(ArchiveFile(paths.add(entry.name), entry.size, entry))
        except PathRefused as refused:
            raise UnpackRefused(refused.code, showable(entry.name), refused.params) from None
    return files


def _check_sizes(entries: list[ZipEntry], archive_size: int, limits: Limits) -> None:
    for entry in entries:
        if entry.size > limits.entry_bytes:
            raise entry.refused("archive-entry-too-large", limit=limits.entry_bytes)
        if entry.size > limits.entry_ratio_from_bytes and entry.size > entry.packed * limits.entry_ratio:
            raise entry.refused("archive-ratio", limit=limits.entry_ratio)
    total = sum(entry.size for entry in entries)
    if total > limits.total_bytes:
        raise UnpackRefused("archive-too-large", params={"limit": limits.total_bytes})
    if total > limits.ratio_from_bytes and total > archive_size * limits.ratio:
        raise UnpackRefused("archive-ratio", params={"limit": limits.ratio})


class UnpackedFile:
    """A file on its way out of an archive: `path` (normalised), `size` in bytes, its chunks, and then its digest."""

    def __init__(self, archive: Archive, file: ArchiveFile, content: bytes | None) -> None:
        self.path = file.path
        self.size = file.size
        self._archive, self._file, self._content = archive, file, content
        self._sha256 = None if content is None else hashlib.sha256(content).hexdigest()

    @property
    def sha256(self) -> str:
        """The digest, 64 hexadecimal digits: for small files at once, for others when the chunks have been read."""
        if self._sha256 is None:
            raise ValueError("the digest is known when the file has been read to its end")
        return self._sha256

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content in chunks of at most 1 MiB; again from the start with each call. Raises UnpackRefused."""
        if self._content is not None:
            if self._content:
                yield self._content
            return
        digest = hashlib.sha256()
        content = self._archive.read(self._file)
        while chunk := await settled(asyncio.to_thread(_next, content, digest)):
            yield chunk
        self._sha256 = digest.hexdigest()


async def unpack(reader: Reader, limits: Limits | None = None) -> AsyncIterator[UnpackedFile]:
    """Yield the files of the zip archive in `reader` (seekable; the caller closes it) in the order they lie in it.

    The whole table of contents is checked before the first file comes. Files of up to 256 KiB are read together in one
    visit to a worker thread, larger ones while their chunks are asked for; at most about 4 MiB are held. Raises
    UnpackRefused at any time: then nothing of the archive may be kept.
    """
    archive = await settled(asyncio.to_thread(Archive, reader, limits))
    batch: list[ArchiveFile] = []
    held = 0
    for file in archive.files:
        small = file.size <= SMALL_BYTES
        if batch and (not small or held + file.size > BATCH_BYTES or len(batch) >= BATCH_FILES):
            for ready in await settled(asyncio.to_thread(_read_small, archive, batch)):
                yield ready
            batch, held = [], 0
        if small:
            batch.append(file)
            held += file.size
        else:
            yield UnpackedFile(archive, file, None)
    if batch:
        for ready in await settled(asyncio.to_thread(_read_small, archive, batch)):
            yield ready


def _read_small(archive: Archive, files: list[ArchiveFile]) -> list[UnpackedFile]:
    return [UnpackedFile(archive, file, b"".join(archive.read(file))) for file in files]


def _next(content: Iterator[bytes], digest: "hashlib._Hash") -> bytes:
    chunk = next(content, b"")
    digest.update(chunk)
    return chunk
