"""A large file on its way in: kept encrypted under a key of the moment, until its digest tells what it is called."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from services.kit.crypto import SeekableCipher
from services.kit.problems import Problem

PIECE_BYTES = 1024 * 1024


@dataclass
class Incoming:
    """The bytes of a file, `size` of them. What holds them has no name: nothing is left of it after a crash."""

    _file: BinaryIO
    _cipher: SeekableCipher
    size: int = 0
    sha256: str = ""

    @classmethod
    async def receive(cls, source: AsyncIterable[bytes], folder: Path, limit: int) -> Self:
        """Take in all of `source`; 413 when it has more than `limit` bytes."""

        def begin() -> BinaryIO:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return tempfile.TemporaryFile(dir=folder)

        incoming = cls(await asyncio.to_thread(begin), SeekableCipher(os.urandom(32)))
        digest, held = hashlib.sha256(), bytearray()

        def write(piece: bytes) -> None:
            digest.update(piece)
            incoming._file.write(incoming._cipher.apply(incoming.size, piece))
            incoming.size += len(piece)

        try:
            async for chunk in source:
                held += chunk
                if incoming.size + len(held) > limit:
                    raise Problem(413, "file-too-large", params={"limit": limit})
                if len(held) >= PIECE_BYTES:
                    piece, held = bytes(held), bytearray()
                    await asyncio.to_thread(write, piece)
            await asyncio.to_thread(write, bytes(held))
        except BaseException:
            incoming.close()
            raise
        incoming.sha256 = digest.hexdigest()
        return incoming

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes from the start, at most 1 MiB a time."""

        def read(start: int) -> bytes:
            return self._cipher.apply(start, os.pread(self._file.fileno(), PIECE_BYTES, start))

        start = 0
        await asyncio.to_thread(self._file.flush)
        while start < self.size:
            piece = await asyncio.to_thread(read, start)
            start += len(piece)
            yield piece

    def close(self) -> None:
        """Let go of the bytes."""
        self._file.close()
