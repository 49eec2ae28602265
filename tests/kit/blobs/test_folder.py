"""What is special about blobs in a folder: where they lie, who can read them, and what a crash leaves."""

import os
import stat
import time
from hashlib import sha256
from pathlib import Path

from services.kit.blobs import FolderStore
from services.kit.blobs.folder import ABANDONED_AFTER_S


async def test_a_blob_lies_in_a_shard_and_is_private(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await store.put("datasets/7/abc", b"x")
    file = tmp_path / "objects" / "datasets" / "7" / "~" / sha256(b"abc").hexdigest()[:2] / "abc"
    assert file.read_bytes() == b"x" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "incoming") == []


async def test_what_a_crash_left_is_removed_after_a_day_and_no_sooner(tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    (incoming / "old").write_bytes(b"half")
    (incoming / "young").write_bytes(b"half")
    long_ago = time.time() - ABANDONED_AFTER_S - 60
    os.utime(incoming / "old", (long_ago, long_ago))
    store = FolderStore(tmp_path)
    await store.put("a", b"x")
    assert os.listdir(incoming) == ["young"]
    assert [info.name async for info in store.scan()] == ["a"]


async def test_a_link_in_the_store_is_not_followed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    await store.put("a", b"x")
    file = next(path for path in (tmp_path / "store" / "objects").rglob("a"))
    (tmp_path / "secret").write_bytes(b"elsewhere")
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    assert [info.name async for info in store.scan()] == []
