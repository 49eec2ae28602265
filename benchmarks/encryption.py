"""Objects: encrypting and opening 256 MiB, against what cannot be avoided (SHA-256 and a copy of the same bytes)."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Ratio, compare
from services.kit.crypto import DataKey, decrypt_range, encrypt_chunks

SIZE = 256 * 1024**2
PIECE = 1024**2


def run() -> list[Ratio]:
    """Measure both directions, in MB/s of plaintext."""
    with tempfile.TemporaryDirectory(prefix="factory-bench-") as folder:
        plain, copy, sealed = (Path(folder) / name for name in ("plain", "copy", "sealed"))
        with plain.open("wb") as file:
            for _ in range(SIZE // PIECE):
                file.write(os.urandom(PIECE))
        key = DataKey.generate().secret

        def pieces() -> Iterator[bytes]:
            with plain.open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece

        def encrypt() -> float:
            digest = hashlib.sha256()

            def hashed() -> Iterator[bytes]:
                for piece in pieces():
                    digest.update(piece)
                    yield piece

            with sealed.open("wb") as file:
                for chunk in encrypt_chunks(key, b"bench", hashed()):
                    file.write(chunk)
            return SIZE / 1e6

        def hash_and_copy() -> float:
            digest = hashlib.sha256()
            for piece in pieces():
                digest.update(piece)
            shutil.copyfile(plain, copy)
            return SIZE / 1e6

        async def opened() -> int:
            descriptor = os.open(sealed, os.O_RDONLY)

            async def read_at(start: int, length: int) -> bytes:
                return await asyncio.to_thread(os.pread, descriptor, length, start)

            total = 0
            async for piece in decrypt_range(key, b"bench", read_at, size=SIZE, start=0, length=SIZE):
                total += len(piece)
            os.close(descriptor)
            return total

        def decrypt() -> float:
            return asyncio.run(opened()) / 1e6

        return [
            compare("encrypt and hash 256 MiB / hash and copy", "MB/s", encrypt, hash_and_copy),
            compare("decrypt 256 MiB / hash and copy", "MB/s", decrypt, hash_and_copy),
        ]
