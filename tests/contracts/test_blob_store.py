"""What every blob store promises, over each one there is."""

import asyncio
import hashlib
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from obstore.store import LocalStore

from services.kit.blobs import (
    BlobNameRefused,
    BlobNotFound,
    BlobSizeMismatch,
    BlobStore,
    BlobStoreUnavailable,
    FolderStore,
    make_blob_store,
)
from services.kit.blobs.objects import ObjectStore

MIB = 1024 * 1024
LARGE = hashlib.shake_256(b"large").digest(9 * MIB + 77)

MAKERS: dict[str, Callable[[Path], BlobStore]] = {
    "folder": lambda folder: make_blob_store(f"file://{folder}/blobs"),
    "memory": lambda folder: make_blob_store("memory:///"),
    "obstore-folder": lambda folder: ObjectStore(LocalStore(folder / "local", mkdir=True)),
}
# A real object store takes part where one is named (`s3://bucket`, with AWS_… for endpoint and credentials).
if elsewhere := os.environ.get("FACTORY_TEST_BLOBS_URL"):
    MAKERS["elsewhere"] = lambda folder: make_blob_store(f"{elsewhere}/{secrets.token_hex(8)}")


@pytest.fixture(params=MAKERS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = MAKERS[request.param](tmp_path)
    yield store
    await store.aclose()


async def pieces(data: bytes, step: int = 300_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), step):
        yield data[start : start + step]


async def read(store: BlobStore, name: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.get_range(name, start, length)])


async def names(store: BlobStore, prefix: str = "") -> list[str]:
    return sorted([info.name async for info in store.scan(prefix)])


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "one byte", "large"])
@pytest.mark.parametrize("known", [True, False])
async def test_what_was_put_is_read_back_from_any_kind_of_source(store: BlobStore, data: bytes, known: bool) -> None:
    size = len(data) if known else None

    def plain() -> Iterator[bytes]:
        yield data[:10]
        yield data[10:]

    for name, source in (("bytes", data), ("async", pieces(data)), ("plain", plain())):
        assert await store.put(name, source, size=size) == len(data)
        assert await read(store, name) == data
        info = await store.head(name)
        assert (info.name, info.size) == (name, len(data)) and info.modified.tzinfo is not None


async def test_ranges_are_slices_and_end_with_the_blob(store: BlobStore) -> None:
    await store.put("a/b", LARGE)
    for start, length in ((0, 0), (0, 5), (MIB - 1, 2), (5 * MIB, 4 * MIB), (len(LARGE) - 3, 10), (len(LARGE), 1)):
        assert await read(store, "a/b", start, length) == LARGE[start : start + length]
        assert await store.read_at("a/b", start, length) == LARGE[start : start + length]
    assert await read(store, "a/b", len(LARGE) + 5) == b""
    assert await store.read_at("a/b", len(LARGE) + 5, 5) == b""
    assert await read(store, "a/b", 8 * MIB) == LARGE[8 * MIB :]


@pytest.mark.parametrize(("start", "length"), [(-1, 4), (0, -1)])
async def test_a_range_that_cannot_be_is_refused(store: BlobStore, start: int, length: int) -> None:
    await store.put("a", b"abc")
    with pytest.raises(ValueError, match="range"):
        await store.read_at("a", start, length)
    with pytest.raises(ValueError, match="range"):
        await read(store, "a", start, length)


async def test_chunks_are_of_at_most_one_mebibyte(store: BlobStore) -> None:
    await store.put("a", LARGE)
    assert max([len(chunk) async for chunk in store.get_range("a")]) <= MIB


async def test_a_name_nothing_was_put_under_is_not_found(store: BlobStore) -> None:
    await store.put("a/b", b"1")
    for name in ("c", "a", "a/c"):
        assert not await store.exists(name)
        with pytest.raises(BlobNotFound):
            await store.head(name)
        with pytest.raises(BlobNotFound):
            await store.read_at(name, 0, 1)
        with pytest.raises(BlobNotFound):
            await store.read_at(name, 0, 0)
        with pytest.raises(BlobNotFound):
            await read(store, name)


async def test_a_second_put_replaces_the_first_as_a_whole(store: BlobStore) -> None:
    await store.put("a", LARGE)
    await store.put("a", b"short")
    assert await read(store, "a") == b"short"


async def test_a_blob_is_invisible_until_it_is_complete(store: BlobStore) -> None:
    half, go_on = asyncio.Event(), asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield LARGE[: 6 * MIB]
        yield b""
        half.set()
        await go_on.wait()
        yield LARGE[6 * MIB :]

    putting = asyncio.create_task(store.put("a", source()))
    await half.wait()
    assert not await store.exists("a") and await names(store) == []
    go_on.set()
    await putting
    assert await read(store, "a") == LARGE


async def test_a_source_that_fails_leaves_what_was_there(store: BlobStore) -> None:
    await store.put("a", b"before")

    async def failing() -> AsyncIterator[bytes]:
        yield LARGE
        raise ConnectionResetError("the sender is gone")

    def failing_plain() -> Iterator[bytes]:
        yield LARGE
        raise ConnectionResetError("the sender is gone")

    for source in (failing(), failing_plain()):
        with pytest.raises(ConnectionResetError, match="gone"):
            await store.put("a", source)
        assert await read(store, "a") == b"before" and await names(store) == ["a"]


async def test_a_cancelled_put_leaves_nothing(store: BlobStore) -> None:
    begun = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield LARGE
        begun.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(store.put("a", source()))
    await begun.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert not await store.exists("a") and await names(store) == []


@pytest.mark.parametrize("announced", [0, 9, 11])
async def test_another_number_of_bytes_than_announced_stores_nothing(store: BlobStore, announced: int) -> None:
    for source in (b"0123456789", pieces(b"0123456789", 3), iter([b"01234", b"56789"])):
        with pytest.raises(BlobSizeMismatch):
            await store.put("a", source, size=announced)
    assert await names(store) == []


async def test_deleting_is_done_when_it_returns_and_can_be_repeated(store: BlobStore) -> None:
    await store.put_many([(f"a/{n}", b"x") for n in range(4)])
    await store.delete("a/0")
    await store.delete(["a/0", "a/1", "never/was"])
    assert await names(store) == ["a/2", "a/3"]


async def test_a_blob_deleted_while_it_is_read_stops_the_reader(store: BlobStore) -> None:
    await store.put("a", LARGE)
    with pytest.raises(BlobNotFound):
        async for _ in store.get_range("a"):
            await store.delete("a")


async def test_a_folder_is_listed_with_what_lies_below_it_and_nothing_else(store: BlobStore) -> None:
    await store.put_many([(n, n.encode()) for n in ("d/a", "d/b/c", "d2/a", "dd", "e/d/a")])
    assert await names(store) == ["d/a", "d/b/c", "d2/a", "dd", "e/d/a"]
    assert await names(store, "d/") == ["d/a", "d/b/c"]
    assert await names(store, "nothing/") == []
    assert {info.name: info.size async for info in store.scan("e/")} == {"e/d/a": 5}


async def test_thousands_are_put_together_and_listed_in_a_stream(store: BlobStore) -> None:
    blobs = [(f"many/{hashlib.sha256(str(n).encode()).hexdigest()}", str(n).encode()) for n in range(1200)]
    await store.put_many(blobs)
    assert await names(store, "many/") == sorted(name for name, _ in blobs)
    assert await read(store, blobs[777][0]) == b"777"
    await store.put_many([])


async def test_parallel_puts_of_one_name_leave_one_of_them_whole(store: BlobStore) -> None:
    candidates = [bytes([n]) * (MIB + n) for n in range(8)]
    await asyncio.gather(*(store.put("same", pieces(data)) for data in candidates))
    assert await read(store, "same") in candidates and await names(store) == ["same"]


BAD_NAMES = [
    "", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/./b", ".a", "a\\b", "a\x00", "a b", "A", "å", "~", "a/~/b",
    "a\n", "-a", "a" * 201, "/".join(["ab"] * 200), "con:", "a%2fb",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_a_name_that_is_no_plain_name_is_refused_everywhere(store: BlobStore, name: str) -> None:
    calls = (store.put(name, b""), store.put_many([(name, b"")]), store.head(name), store.exists(name))
    for call in (*calls, store.read_at(name, 0, 1), store.delete(name), store.delete([name]), read(store, name)):
        with pytest.raises(BlobNameRefused):
            await call
    if name:
        with pytest.raises(BlobNameRefused):
            await names(store, f"{name}/")
    with pytest.raises(BlobNameRefused):
        await names(store, "half-a-name")


async def test_the_loop_runs_on_while_a_plain_source_is_walked(store: BlobStore) -> None:
    threads: list[int] = []

    def source() -> Iterator[bytes]:
        threads.append(threading.get_ident())
        yield b"x"

    await store.put("a", source())
    assert threads and threading.get_ident() not in threads


async def test_a_store_that_is_there_says_so(store: BlobStore) -> None:
    await store.check()


async def test_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BlobStoreUnavailable):
        await FolderStore(tmp_path / "file").check()


async def test_an_object_store_that_does_not_answer_is_unavailable_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:9", "ALLOW_HTTP": "true", "REGION": "r"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    store = make_blob_store("s3://bucket/prefix")
    for call in (store.check(), store.put("a", b"x"), store.read_at("a", 0, 1)):
        with pytest.raises(BlobStoreUnavailable):
            await asyncio.wait_for(call, 20)
    await store.aclose()


@pytest.mark.parametrize("url", ["file://relative", "file:///", "ftp://host/x", "folder", "http://host/x", ""])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"file:|no blob store"):
        make_blob_store(url)


PROGRAM = """
import asyncio, sys
from services.kit.blobs import make_blob_store
async def main():
    store = make_blob_store(sys.argv[1])
    await store.put_many([(f"a/{n}", b"x" * 100_000) for n in range(64)])
    last = asyncio.ensure_future(store.put("b", b"y" * 9_000_000))
    await asyncio.sleep(0)
    if sys.argv[2] == "close":
        await store.aclose()
        await asyncio.gather(last, return_exceptions=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("ending", ["close", "leave"])
@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_a_process_that_ends_right_after_a_call_ends_cleanly(tmp_path: Path, scheme: str, ending: str) -> None:
    url = f"file://{tmp_path}/blobs" if scheme == "file" else "memory:///"
    done = subprocess.run([sys.executable, "-c", PROGRAM, url, ending], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
