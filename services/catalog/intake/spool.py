"""Where uploads wait, encrypted, until a worker has checked them and taken them in."""

import asyncio
import json
import os
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from tuspyserver.storage import TusStorage

from services.catalog.intake.spool_file import CHUNK_BYTES, SpoolBroken, SpoolReader, SpoolWriter
from services.kit.blobs.sources import settled
from services.kit.crypto import DecryptionFailed, Sealer, SeekableCipher, bind

__all__ = ["LOCK_TIMEOUT_S", "EncryptedSpool", "KeyOf", "SpoolBroken", "SpoolReader"]

LOCK_TIMEOUT_S = 10.0
LOCK_POLL_S = 0.05
_UID = re.compile(r"[a-z0-9][a-z0-9-]{7,63}\Z")
# What tuspyserver counts along the way. The length of the file is the offset; the other two serve nothing here.
_VOLATILE = frozenset({"offset", "upload_part", "upload_chunk_size"})

KeyOf = Callable[[str], Awaitable[bytes]]
"""Gives the 32 random bytes that belong to one upload alone, or raises LookupError."""


@dataclass(frozen=True)
class _Keys:
    content: SeekableCipher
    info: Sealer


class EncryptedSpool(TusStorage):
    """tuspyserver's storage in a folder: `<uid>.data` (AES-256-CTR at its offset) and `<uid>.info` (sealed).

    The offset of an upload *is* the length of its data file, whatever was last noted: after a crash nothing has to be
    repaired, and what had arrived counts. No position that was kept is written twice. Bytes go to disk while they
    arrive, about 1 MiB an upload waits in memory, and all work with files is done in worker threads. Nothing here tells
    an outsider more than how many bytes there are.

    Upload ids are 8 to 64 of `a-z 0-9 -` (UUIDs); others do not exist. A lock is held on the data file itself, so other
    processes on the same machine respect it.
    """

    def __init__(self, folder: Path, key_of: KeyOf, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> None:
        self._folder = folder.absolute()
        self._key_of = key_of
        self.lock_timeout_s = lock_timeout_s
        self._writers: dict[str, SpoolWriter] = {}

    # --- beginning and reading: what the catalogue calls ----------------------------------------------------------

    async def begin(self, uid: str, size: int) -> None:
        """Make an upload of `size` bytes, as tuspyserver's creation route would. May be repeated.

        The metadata that tuspyserver insists on are neutral: it logs them, and names them in a header.
        """
        if _UID.match(uid) is None:
            raise ValueError("not the id of an upload")
        info: dict[str, Any] = {
            "metadata": {"filename": uid, "filetype": "application/octet-stream"},
            "size": size,
            "created_at": "",
            "expires": None,
        }
        keys = await self._keys(uid)
        await asyncio.to_thread(self._begin, uid, keys, info)

    def _begin(self, uid: str, keys: _Keys, info: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._info(uid).exists():
            self._touch(uid)
            self._write_info(uid, keys, info)

    async def read_plain(self, uid: str, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the decrypted bytes from `start` on in chunks of 1 MiB. Raises FileNotFoundError."""
        reader = await self.open_plain(uid)
        try:
            reader.seek(start)
            while chunk := await settled(asyncio.to_thread(reader.read, CHUNK_BYTES)):
                yield chunk
        finally:
            reader.close()

    async def open_plain(self, uid: str) -> SpoolReader:
        """Return a seekable reader that decrypts, for worker threads. Close it. Raises FileNotFoundError."""
        keys = await self._keys(uid)
        return await asyncio.to_thread(lambda: SpoolReader(self._data(uid), keys.content))

    async def idle_since(self, before: datetime) -> list[str]:
        """Return the uploads that took no byte since `before` (aware). Needs no key: theirs may be gone."""
        return await asyncio.to_thread(self._idle_since, before.timestamp())

    def _idle_since(self, before: float) -> list[str]:
        idle: set[str] = set()
        fresh: set[str] = set()
        for entry in os.scandir(self._folder) if self._folder.is_dir() else ():
            uid = entry.name.partition(".")[0]
            try:
                (idle if entry.stat(follow_symlinks=False).st_mtime < before else fresh).add(uid)
            except FileNotFoundError:
                continue
        return sorted(idle - fresh)

    # --- data: what tuspyserver calls -----------------------------------------------------------------------------

    async def create(self, uid: str) -> None:
        await asyncio.to_thread(self._touch, uid)

    async def exists(self, uid: str) -> bool:
        # The info is written last and deleted first: without it there is no upload, whatever bytes lie about.
        return await asyncio.to_thread(self._info(uid).exists)

    async def size(self, uid: str) -> int:
        return await asyncio.to_thread(self._size, uid)

    async def append(self, uid: str, chunk: bytes) -> None:
        """Take the next bytes. The caller holds the lock. Raises SpoolBroken."""
        writer = self._writers.get(uid)
        if writer is None:
            raise SpoolBroken("bytes are appended under the lock of their upload")
        if writer.take(chunk):
            await settled(asyncio.to_thread(writer.drain))

    async def flush(self, uid: str) -> None:
        """Make all that was appended durable. Raises SpoolBroken."""
        writer = self._writers.get(uid)
        if writer is not None:
            await settled(asyncio.to_thread(writer.sync))

    async def finalize(self, uid: str) -> None:
        await self.flush(uid)

    async def read(self, uid: str) -> bytes | None:
        """Return all of an upload at once. For small ones: `read_plain` streams."""
        try:
            return b"".join([chunk async for chunk in self.read_plain(uid)])
        except FileNotFoundError:
            return None

    async def delete(self, uid: str) -> None:
        await asyncio.to_thread(self._delete, uid)

    def _delete(self, uid: str) -> None:
        self._info(uid).unlink(missing_ok=True)
        self._data(uid).unlink(missing_ok=True)
        if self._folder.is_dir():
            _sync_folder(self._folder)

    def _size(self, uid: str) -> int:
        try:
            return self._data(uid).stat().st_size
        except FileNotFoundError:
            return 0

    def _touch(self, uid: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self._data(uid), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        _sync_folder(self._folder)

    # --- info -----------------------------------------------------------------------------------------------------

    async def read_info(self, uid: str) -> dict[str, Any] | None:
        """Return what tuspyserver noted, with the offset that is true; None for an upload that is not there."""
        if not await self.exists(uid):
            return None
        try:
            keys = await self._keys(uid)
        except LookupError:
            return None
        return await asyncio.to_thread(self._read_info, uid, keys)

    def _read_info(self, uid: str, keys: _Keys) -> dict[str, Any] | None:
        try:
            noted: dict[str, Any] = json.loads(keys.info.open(self._info(uid).read_bytes(), _aad(uid)))
        except (FileNotFoundError, DecryptionFailed):
            return None
        return noted | {"offset": self._size(uid)}

    async def write_info(self, uid: str, data: dict[str, Any]) -> None:
        keys = await self._keys(uid)
        await asyncio.to_thread(self._save_info, uid, keys, data)

    def _save_info(self, uid: str, keys: _Keys, data: dict[str, Any]) -> None:
        # A PATCH that ends after its upload was deleted must not bring half of it back.
        if self._data(uid).exists():
            self._write_info(uid, keys, data)

    def _write_info(self, uid: str, keys: _Keys, data: dict[str, Any]) -> None:
        plain = json.dumps({k: v for k, v in data.items() if k not in _VOLATILE}, default=str, sort_keys=True).encode()
        target = self._info(uid)
        try:
            # Every PATCH notes its offset two or three times; that is known from the data, and costs no write here.
            if keys.info.open(target.read_bytes(), _aad(uid)) == plain:
                return
        except (FileNotFoundError, DecryptionFailed):
            pass
        temporary = self._folder / f"{uid}.{secrets.token_hex(8)}.tmp"
        try:
            with open(temporary, "xb", opener=_private) as file:
                file.write(keys.info.seal(plain, _aad(uid)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(self._folder)

    # --- housekeeping ---------------------------------------------------------------------------------------------

    async def list_uids(self) -> list[str]:
        return await asyncio.to_thread(self._list_uids)

    def _list_uids(self) -> list[str]:
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        return sorted({name.partition(".")[0] for name in names if name.endswith((".data", ".info"))})

    def location(self, uid: str) -> str:
        # Not a path: tuspyserver's creation-with-upload would append plaintext to it.
        return f"spool://{uid}"

    @asynccontextmanager
    async def lock(self, uid: str) -> AsyncGenerator[None, None]:  # pyright: ignore[reportIncompatibleMethodOverride] - tuspyserver annotates the generator, and enters the context manager
        """Hold the upload for writing. Raises TimeoutError when somebody else holds it (tuspyserver answers 503).

        An upload that is not there may be made under the lock (`create`, `write_info`). Bytes that have no info when
        the lock ends are dropped: nobody could take them up again.
        """
        keys = await self._keys(uid)
        writer = await self._lock(uid, keys)
        self._writers[uid] = writer
        try:
            yield
        finally:
            del self._writers[uid]
            # What arrived before the connection broke counts; the thread writes it, syncs and lets go in this order.
            await settled(asyncio.to_thread(writer.close))

    async def _lock(self, uid: str, keys: _Keys) -> SpoolWriter:
        deadline = time.monotonic() + self.lock_timeout_s
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        while True:
            try:
                return await settled(asyncio.to_thread(SpoolWriter, self._data(uid), self._info(uid), keys.content))
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError("somebody else writes to this upload") from None
            await asyncio.sleep(LOCK_POLL_S)

    async def _keys(self, uid: str) -> _Keys:
        key = await self._key_of(uid)

        def derive(purpose: str) -> bytes:
            # RFC 5869, expand only: the key is random already.
            return HKDFExpand(algorithm=SHA256(), length=32, info=bind(purpose, uid)).derive(key)

        return _Keys(SeekableCipher(derive("spool-content")), Sealer(derive("spool-info")))

    def _data(self, uid: str) -> Path:
        return self._file(uid, "data")

    def _info(self, uid: str) -> Path:
        return self._file(uid, "info")

    def _file(self, uid: str, kind: str) -> Path:
        # An id that is none names a file that cannot be: tuspyserver then answers 404.
        return self._folder / (f"{uid}.{kind}" if _UID.match(uid) else f"no-such-upload/{kind}")


def _aad(uid: str) -> bytes:
    return bind("upload-info", uid)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
