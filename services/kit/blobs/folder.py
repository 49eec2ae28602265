"""Blobs in a folder of this machine (or of a network file system that renames atomically)."""

import asyncio
import os
import secrets
import stat
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO

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

SHARDS = "~"
ABANDONED_AFTER_S = 24 * 3600
LIST_BATCH = 500


class FolderStore:
    """A blob `a/b/name` is the file `objects/a/b/~/<shard>/name`, the shard being two hex digits of the name's SHA-256.

    256 shards a folder keep folders small into the tens of millions of blobs; `~` occurs in no name. A blob is written
    under `incoming/`, fsynced, renamed, and the folder fsynced, so that a crash leaves it whole or absent. What a crash
    leaves under `incoming/` is removed after a day.
    """

    def __init__(self, folder: Path) -> None:
        self._objects = folder.absolute() / "objects"
        self._incoming = folder.absolute() / "incoming"
        self._swept = False

    # --- writing --------------------------------------------------------------------------------------------------

    async def put(self, name: str, source: ByteSource, *, size: int | None = None) -> int:
        target = self._path(name)
        if isinstance(source, bytes):
            return await asyncio.to_thread(self._put_pieces, target, [source], size)
        if not isinstance(source, AsyncIterable):
            return await asyncio.to_thread(self._put_pieces, target, source, size)
        file = await settled(asyncio.to_thread(self._begin))
        written = 0
        try:
            async for pieces in gather(source):
                written += sum(map(len, pieces))
                check_size(size, written, complete=False)
                await settled(asyncio.to_thread(file.writelines, pieces))
            check_size(size, written, complete=True)
            await settled(asyncio.to_thread(self._complete, file, target))
        except BaseException:
            await settled(asyncio.to_thread(self._abandon, file))
            raise
        return written

    async def put_many(self, blobs: Sequence[tuple[str, bytes]]) -> None:
        targets = [(self._path(name), data) for name, data in blobs]
        await asyncio.to_thread(self._put_all, targets)

    def _put_all(self, blobs: list[tuple[Path, bytes]]) -> None:
        folders: set[Path] = set()
        for target, data in blobs:
            self._put_pieces(target, [data], None, sync_folder=False)
            folders.add(target.parent)
        for folder in folders:
            _sync_folder(folder)

    def _put_pieces(self, target: Path, pieces: Iterable[bytes], size: int | None, *, sync_folder: bool = True) -> int:
        file = self._begin()
        written = 0
        try:
            for piece in pieces:
                written += len(piece)
                check_size(size, written, complete=False)
                file.write(piece)
            check_size(size, written, complete=True)
            self._complete(file, target, sync_folder=sync_folder)
        except BaseException:
            self._abandon(file)
            raise
        return written

    def _begin(self) -> BinaryIO:
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._swept:
            self._swept = True
            self._sweep()
        return open(self._incoming / secrets.token_hex(16), "xb", opener=_private)

    def _complete(self, file: BinaryIO, target: Path, *, sync_folder: bool = True) -> None:
        file.flush()
        os.fsync(file.fileno())
        file.close()
        _make_folders(target.parent, self._objects.parent)
        os.replace(file.name, target)
        if sync_folder:
            _sync_folder(target.parent)

    def _abandon(self, file: BinaryIO) -> None:
        file.close()
        Path(file.name).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what writers that are long gone left behind."""
        before = time.time() - ABANDONED_AFTER_S
        for entry in os.scandir(self._incoming):
            try:
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(entry.path)
            except FileNotFoundError:
                continue

    # --- reading --------------------------------------------------------------------------------------------------

    async def head(self, name: str) -> BlobInfo:
        path = self._path(name)
        try:
            found = await asyncio.to_thread(os.stat, path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BlobNotFound(name) from error
        return _info(name, found)

    async def exists(self, name: str) -> bool:
        try:
            await self.head(name)
        except BlobNotFound:
            return False
        return True

    async def read_at(self, name: str, start: int, length: int) -> bytes:
        check_range(start, length)
        return await asyncio.to_thread(self._read_at, name, self._path(name), start, length)

    async def get_range(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        check_range(start, length)
        path = self._path(name)
        position = start
        stop = None if length is None else start + length
        while True:
            wanted = CHUNK_BYTES if stop is None else min(CHUNK_BYTES, stop - position)
            # Opened anew for each chunk: a blob that was destroyed stops being readable at once.
            chunk = await asyncio.to_thread(self._read_at, name, path, position, wanted)
            if not chunk:
                return
            yield chunk
            position += len(chunk)

    def _read_at(self, name: str, path: Path, start: int, length: int) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BlobNotFound(name) from error
        try:
            pieces: list[bytes] = []
            while length and (piece := os.pread(descriptor, length, start)):
                pieces.append(piece)
                start, length = start + len(piece), length - len(piece)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        finally:
            os.close(descriptor)

    async def delete(self, names: str | Sequence[str]) -> None:
        paths = [self._path(name) for name in ([names] if isinstance(names, str) else names)]
        await asyncio.to_thread(self._delete, paths)

    def _delete(self, paths: list[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            if folder.is_dir():
                _sync_folder(folder)

    async def scan(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        folder = self._objects.joinpath(*check_prefix(prefix).split("/"))
        found = self._walk(folder, prefix)
        while batch := await asyncio.to_thread(lambda: list(islice(found, LIST_BATCH))):
            for info in batch:
                yield info

    def _walk(self, folder: Path, prefix: str) -> Iterator[BlobInfo]:
        try:
            names = sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in names:
            if name != SHARDS:
                yield from self._walk(folder / name, f"{prefix}{name}/")
                continue
            for shard in sorted(os.listdir(folder / SHARDS)):
                for entry in os.scandir(folder / SHARDS / shard):
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if stat.S_ISREG(found.st_mode):
                        yield _info(prefix + entry.name, found)

    # --- the store itself -----------------------------------------------------------------------------------------

    async def check(self) -> None:
        try:
            await asyncio.to_thread(self._incoming.mkdir, parents=True, exist_ok=True, mode=0o700)
            writable = await asyncio.to_thread(os.access, self._incoming, os.W_OK | os.X_OK)
        except OSError as error:
            raise BlobStoreUnavailable("the folder of blobs cannot be made") from error
        if not writable:
            raise BlobStoreUnavailable("the folder of blobs cannot be written")

    async def aclose(self) -> None:
        """Nothing is held between calls."""

    def _path(self, name: str) -> Path:
        *folders, base = check_name(name).split("/")
        return self._objects.joinpath(*folders, SHARDS, sha256(base.encode()).hexdigest()[:2], base)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _info(name: str, found: os.stat_result) -> BlobInfo:
    return BlobInfo(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _make_folders(folder: Path, root: Path) -> None:
    """Make `folder` under `root`, each new entry durable in its parent."""
    if folder.is_dir():
        return
    if folder != root:
        _make_folders(folder.parent, root)
    folder.mkdir(exist_ok=True, mode=0o700)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
