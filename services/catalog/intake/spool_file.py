"""The data file of one spooled upload: its end, locked for writing, and any place of it for reading."""

import fcntl
import io
import os
import threading
from pathlib import Path
from typing import Any

from services.kit.crypto import SeekableCipher

CHUNK_BYTES = 1024 * 1024


class SpoolBroken(Exception):
    """The spool could not take bytes (disk full, for one). What it holds is as long as it says."""


class SpoolWriter:
    """The end of a data file, locked. `take` belongs to the event loop, the rest to worker threads."""

    def __init__(self, path: Path, info: Path, cipher: SeekableCipher) -> None:
        """Open, or make, and lock. Raises BlockingIOError when it is locked."""
        self._path, self._info, self._cipher = path, info, cipher
        self._turn = threading.Lock()
        self._waiting = bytearray()
        self._broken = False
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            own = os.fstat(self._descriptor)
            if own.st_nlink == 0:
                raise BlockingIOError("opened, then deleted, then locked: not the file that is there now")
            if own.st_size and not info.exists():
                os.ftruncate(self._descriptor, 0)
            self._offset = os.fstat(self._descriptor).st_size
        except BaseException:
            os.close(self._descriptor)
            raise

    def take(self, chunk: bytes) -> bool:
        """Keep `chunk` for the next drain; say whether it is time for one."""
        if self._broken:
            raise SpoolBroken("an earlier write failed")
        self._waiting += chunk
        return len(self._waiting) >= CHUNK_BYTES

    def drain(self) -> None:
        """Encrypt and write what waits."""
        with self._turn:
            waiting, self._waiting = self._waiting, bytearray()
            if self._broken or not waiting:
                return
            rest = memoryview(self._cipher.apply(self._offset, waiting))
            try:
                while rest:
                    written = os.pwrite(self._descriptor, rest, self._offset)
                    self._offset += written
                    rest = rest[written:]
            except OSError as error:
                self._broken = True
                raise SpoolBroken("the spool cannot be written") from error

    def sync(self) -> None:
        """Write what waits and make it durable."""
        self.drain()
        with self._turn:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Write what waits, make it durable, and let go of the lock."""
        try:
            self.sync()
            if os.fstat(self._descriptor).st_nlink and not self._info.exists():
                self._path.unlink()
        except (SpoolBroken, OSError):
            # Nothing is lost that was acknowledged: the offset is the length of the file.
            self._broken = True
        finally:
            os.close(self._descriptor)


class SpoolReader(io.RawIOBase):
    """Reads a data file decrypted, from any position. Blocking: for worker threads."""

    def __init__(self, path: Path, cipher: SeekableCipher) -> None:
        super().__init__()
        self._cipher = cipher
        self._position = 0
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        if base is None:
            base = os.fstat(self._descriptor).st_size
        if base + offset < 0:
            raise ValueError("a position is never negative")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        data = os.pread(self._descriptor, len(target), self._position)
        target[: len(data)] = self._cipher.apply(self._position, data)
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
