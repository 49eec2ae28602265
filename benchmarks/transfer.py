"""The way through the door: one file up and down through the gateway, against SHA-256 and a copy of it."""

import hashlib
import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks.measure import ROUNDS, Ratio, compare
from tests.e2e.house import House, furnish, patch
from tests.support.factory import Factory

SIZE = 256 * 1024**2
PIECE = 8 * 1024**2


def run() -> list[Ratio]:
    """Measure MB/s of one file, up (sent, verified, encrypted, stored) and down (decrypted, under a lease)."""
    with tempfile.TemporaryDirectory(prefix="df-bench-", ignore_cleanup_errors=True) as folder:
        source = Path(folder) / "source"
        source.write_bytes(os.urandom(SIZE))
        factory = Factory(Path(folder) / "factory")
        factory.up()
        try:
            house = furnish(factory)
            return [_up(house, source), _down(house, source)]
        finally:
            factory.down()


def _peer(source: Path) -> float:
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    shutil.copyfile(source, source.with_suffix(".copy"))
    return SIZE / 1e6


def _up(house: House, source: Path) -> Ratio:
    donation = house.draft("Bench")
    numbers = iter(range(ROUNDS + 1))

    def upload() -> float:
        data = source.read_bytes()
        made = house.begin_upload(donation, f"{next(numbers)}.bin", data)
        for offset in range(0, SIZE, PIECE):
            patch(house.donor, made["upload_url"], offset, data[offset : offset + PIECE])
        house.donor.uploads.wait_stored(donation, timeout_s=120, every_s=0.05)
        return SIZE / 1e6

    return compare("upload until stored / hash and copy", "MB/s", upload, lambda: _peer(source))


def _down(house: House, source: Path) -> Ratio:
    gift = house.give({"bench.bin": source.read_bytes()})
    access = house.access("reader", gift)

    def download() -> float:
        received = 0
        with closing(access.client.downloads.stream("bench.bin", access.permits())) as stream:
            for piece in stream:
                received += len(piece)
        assert received == SIZE
        return SIZE / 1e6

    return compare("download under a lease / hash and copy", "MB/s", download, lambda: _peer(source))
