"""Uploads wait encrypted, in bounded memory, and their offset is true whatever happened to the process before."""

import asyncio
import os
import resource
import signal
import sys
import tracemalloc
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tuspyserver import create_tus_router

from services.catalog.intake.spool import LOCK_TIMEOUT_S, EncryptedSpool, SpoolBroken

UID = "0192a7f0-0000-7000-8000-000000000001"
OTHER = "0192a7f0-0000-7000-8000-000000000002"
MIB = 1024 * 1024
MARKER = b"a-marker-that-must-not-be-on-disk"
DATA = (MARKER * 100 + shake_256(b"data").digest(5 * MIB) + MARKER)[: 5 * MIB + 321]
KEYS = {UID: bytes(range(32)), OTHER: bytes(32)}


async def key_of(uid: str) -> bytes:
    return KEYS[uid]


@pytest.fixture
def spool(tmp_path: Path) -> EncryptedSpool:
    return EncryptedSpool(tmp_path / "spool", key_of)


@pytest.fixture
async def client(spool: EncryptedSpool, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """tuspyserver over this spool."""
    app = FastAPI()
    app.include_router(create_tus_router(prefix="files", files_dir=str(tmp_path / "unused"), storage=spool))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://t", headers={"Tus-Resumable": "1.0.0"}
    ) as client:
        yield client


async def patch(client: httpx.AsyncClient, offset: int, data: bytes | AsyncIterator[bytes], length: int) -> int:
    headers = {
        "Upload-Offset": str(offset),
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(length),
    }
    answer = await client.patch(f"/files/{UID}", content=data, headers=headers)
    return answer.status_code


async def offset_of(client: httpx.AsyncClient) -> int:
    return int((await client.head(f"/files/{UID}")).headers["Upload-Offset"])


async def plain(spool: EncryptedSpool, start: int = 0) -> bytes:
    return b"".join([chunk async for chunk in spool.read_plain(UID, start)])


async def test_an_upload_in_pieces_is_read_back_as_it_was_sent(
    spool: EncryptedSpool, client: httpx.AsyncClient
) -> None:
    await spool.begin(UID, len(DATA))
    assert await offset_of(client) == 0
    for start, stop in ((0, 7), (7, 7), (7, 2 * MIB), (2 * MIB, len(DATA))):
        assert await patch(client, start, DATA[start:stop], stop - start) == 204
        assert await offset_of(client) == stop
    assert await plain(spool) == DATA and await plain(spool, 3 * MIB + 5) == DATA[3 * MIB + 5 :]
    assert await spool.read(UID) == DATA


async def test_a_piece_at_another_offset_or_beyond_the_length_is_refused(
    spool: EncryptedSpool, client: httpx.AsyncClient
) -> None:
    await spool.begin(UID, 10)
    assert await patch(client, 3, b"abc", 3) == 409
    assert await patch(client, 0, b"abc", 3) == 204
    assert await patch(client, 3, b"x" * 8, 8) == 400
    assert await offset_of(client) == 3 and await plain(spool) == b"abc"


def must_tell_nothing(folder: Path) -> None:
    """There are as many bytes as were sent, for nobody else to read, and none of them says anything."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) >= len(DATA)
    for path in files:
        content = path.read_bytes()
        for marker in (MARKER, MARKER.decode().encode("utf-16-le"), b"filename"):
            assert marker not in content
        assert MARKER.decode() not in str(path) and path.stat().st_mode & 0o077 == 0
    assert not Path("spool:").exists()


async def test_neither_content_nor_names_are_on_disk_in_the_clear(
    spool: EncryptedSpool, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    name = b64encode(MARKER).decode()
    headers = {"Upload-Length": str(len(DATA)), "Upload-Metadata": f"filename {name},filetype {name}"}
    made_up: dict[str, bytes] = {}

    async def any_key(uid: str) -> bytes:
        return made_up.setdefault(uid, os.urandom(32))

    app = FastAPI()
    own = EncryptedSpool(tmp_path / "spool", any_key)
    app.include_router(create_tus_router(prefix="files", files_dir=str(tmp_path / "unused"), storage=own))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as public:
        # Also tuspyserver's own creation route, with content in its body, which it would append to a path.
        made = await public.post("/files/", content=MARKER, headers={"Tus-Resumable": "1.0.0", **headers})
        assert (made.status_code, made.headers["Upload-Offset"]) == (201, "0")
    await spool.begin(UID, len(DATA))
    assert await patch(client, 0, DATA, len(DATA)) == 204
    must_tell_nothing(tmp_path)


async def test_a_connection_that_breaks_keeps_what_arrived(spool: EncryptedSpool, client: httpx.AsyncClient) -> None:
    await spool.begin(UID, len(DATA))

    async def breaks() -> AsyncIterator[bytes]:
        for start in range(0, 3 * MIB, 64 * 1024):
            yield DATA[start : start + 64 * 1024]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        async with spool.lock(UID):
            async for chunk in breaks():
                await spool.append(UID, chunk)
    assert await offset_of(client) == 3 * MIB
    assert await patch(client, 3 * MIB, DATA[3 * MIB :], len(DATA) - 3 * MIB) == 204
    assert await plain(spool) == DATA


async def test_a_cancelled_request_lets_go_of_the_lock_after_its_bytes_are_written(spool: EncryptedSpool) -> None:
    await spool.begin(UID, len(DATA))
    appended = asyncio.Event()

    async def request() -> None:
        async with spool.lock(UID):
            await spool.append(UID, DATA[:1000])
            appended.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await appended.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await spool.size(UID) == 1000
    async with spool.lock(UID):
        await spool.append(UID, DATA[1000:])
        await spool.flush(UID)
    assert await plain(spool) == DATA


PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from services.catalog.intake.spool import EncryptedSpool
from tests.catalog.unpack.test_spool import DATA, UID, key_of
async def main():
    spool = EncryptedSpool(Path(sys.argv[1]), key_of)
    await spool.begin(UID, len(DATA))
    async with spool.lock(UID):
        await spool.append(UID, DATA[:2_500_000])
        await spool.append(UID, DATA[2_500_000:2_500_010])
        print("appended", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_after_sigkill_the_length_of_the_file_is_the_offset_and_the_lock_is_free(
    spool: EncryptedSpool, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(tmp_path / "spool"), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    spool.lock_timeout_s = 0.1
    try:
        assert await process.stdout.readline() == b"appended\n"
        with pytest.raises(TimeoutError):
            async with spool.lock(UID):
                pass
        assert await patch(client, 2_500_000, b"x", 1) == 503
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        spool.lock_timeout_s = LOCK_TIMEOUT_S
    # The ten last bytes only waited in memory; what was written counts, though no info was ever noted for it.
    offset = await offset_of(client)
    assert offset == 2_500_000
    assert await patch(client, offset, DATA[offset:], len(DATA) - offset) == 204
    assert await plain(spool) == DATA


async def test_a_file_that_a_power_cut_shortened_rules(
    spool: EncryptedSpool, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    await spool.begin(UID, len(DATA))
    assert await patch(client, 0, DATA[:3000], 3000) == 204
    os.truncate(tmp_path / "spool" / f"{UID}.data", 1234)
    assert await offset_of(client) == 1234
    assert await patch(client, 1234, DATA[1234:], len(DATA) - 1234) == 204
    assert await plain(spool) == DATA


async def test_one_upload_is_written_by_one_request_at_a_time(spool: EncryptedSpool, client: httpx.AsyncClient) -> None:
    await spool.begin(UID, len(DATA))
    await spool.begin(OTHER, 3)
    async with spool.lock(UID):
        spool.lock_timeout_s = 0.1
        assert await patch(client, 0, b"abc", 3) == 503
        spool.lock_timeout_s = LOCK_TIMEOUT_S
        async with spool.lock(OTHER):
            await spool.append(OTHER, b"abc")
        assert await spool.read(OTHER) == b"abc"
    assert await patch(client, 0, b"abc", 3) == 204


async def test_parallel_requests_at_one_offset_leave_one_winner(
    spool: EncryptedSpool, client: httpx.AsyncClient
) -> None:
    await spool.begin(UID, 6)
    codes = await asyncio.gather(*(patch(client, 0, letter * 3, 3) for letter in (b"a", b"b", b"c")))
    assert sorted(codes) == [204, 409, 409]
    assert await plain(spool) in (b"aaa", b"bbb", b"ccc")


async def test_bytes_go_to_disk_while_they_arrive_in_bounded_memory(spool: EncryptedSpool) -> None:
    piece = bytes(64 * 1024)
    await spool.begin(UID, 64 * MIB)
    tracemalloc.start()
    try:
        async with spool.lock(UID):
            for number in range(1024):
                await spool.append(UID, piece)
                assert (number + 1) * len(piece) - await spool.size(UID) < MIB + len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB and await spool.size(UID) == 64 * MIB


async def test_reading_is_in_chunks_and_the_reader_seeks(spool: EncryptedSpool) -> None:
    await spool.begin(UID, len(DATA))
    async with spool.lock(UID):
        await spool.append(UID, DATA)
    assert [len(chunk) async for chunk in spool.read_plain(UID)] == [MIB] * 5 + [321]
    with await spool.open_plain(UID) as reader:
        assert reader.seek(-4, os.SEEK_END) == len(DATA) - 4 and reader.read(10) == DATA[-4:] and reader.read(1) == b""
        assert reader.seek(100) == 100 and reader.read(17) == DATA[100:117] and reader.tell() == 117
        assert reader.seek(3, os.SEEK_CUR) == 120
        with pytest.raises(ValueError, match="negative"):
            reader.seek(-1)


async def test_a_deleted_upload_is_gone_and_does_not_come_back(
    spool: EncryptedSpool, client: httpx.AsyncClient
) -> None:
    await spool.begin(UID, len(DATA))
    async with spool.lock(UID):
        await spool.append(UID, b"abc")
        assert (await client.delete(f"/files/{UID}")).status_code == 204
        await spool.write_info(UID, {"metadata": {}, "size": 1, "created_at": "", "expires": None})
    assert await spool.list_uids() == [] and await spool.read_info(UID) is None
    assert (await client.head(f"/files/{UID}")).status_code == 404
    assert await patch(client, 0, b"abc", 3) == 404
    with pytest.raises(FileNotFoundError):
        await plain(spool)
    with pytest.raises(SpoolBroken):
        await spool.append(UID, b"without its lock")
    async with spool.lock(UID):
        await spool.append(UID, b"bytes that nobody could take up again")
    assert await spool.list_uids() == []
    await spool.delete(UID)


async def test_an_upload_can_be_made_under_its_lock_by_several_at_once(
    spool: EncryptedSpool, client: httpx.AsyncClient
) -> None:
    info = {"metadata": {"filename": "f", "filetype": "t"}, "size": 6, "created_at": "", "expires": None}

    async def first(data: bytes) -> None:
        async with spool.lock(UID):
            if not await spool.exists(UID):
                await spool.create(UID)
                await spool.write_info(UID, info)
            await spool.append(UID, data)
            await spool.flush(UID)

    await asyncio.gather(first(b"abc"), first(b"def"))
    assert await offset_of(client) == 6 and sorted(await plain(spool)) == sorted(b"abcdef")


async def test_bytes_that_lost_their_info_are_not_taken_for_an_upload(spool: EncryptedSpool, tmp_path: Path) -> None:
    await spool.begin(UID, 6)
    async with spool.lock(UID):
        await spool.append(UID, b"abc")
    (tmp_path / "spool" / f"{UID}.info").unlink()
    assert await spool.read_info(UID) is None and not await spool.exists(UID) and await spool.list_uids() == [UID]
    async with spool.lock(UID):
        await spool.write_info(UID, {"metadata": {}, "size": 6, "created_at": "", "expires": None})
        await spool.append(UID, b"xyz")
    assert (await spool.read_info(UID) or {})["offset"] == 3 and await plain(spool) == b"xyz"


@pytest.mark.parametrize("uid", ["unknown1", "..", "a", "../../etc", "%2e%2e", "UPPERCASE1", "x" * 65, "0192a7f0.data"])
async def test_an_id_that_is_none_is_not_found(client: httpx.AsyncClient, spool: EncryptedSpool, uid: str) -> None:
    await spool.begin(UID, 1)
    assert (await client.head(f"/files/{uid}")).status_code == 404
    assert not await spool.exists(uid)
    with pytest.raises((ValueError, LookupError)):
        await spool.begin(uid, 1)


async def test_beginning_again_changes_nothing(spool: EncryptedSpool, client: httpx.AsyncClient) -> None:
    await spool.begin(UID, 6)
    assert await patch(client, 0, b"abc", 3) == 204
    await spool.begin(UID, 9)
    assert (await client.head(f"/files/{UID}")).headers["Upload-Length"] == "6" and await offset_of(client) == 3


async def test_the_key_of_another_upload_opens_nothing(spool: EncryptedSpool, tmp_path: Path) -> None:
    await spool.begin(UID, 3)
    await spool.begin(OTHER, 3)
    folder = tmp_path / "spool"
    (folder / f"{OTHER}.info").write_bytes((folder / f"{UID}.info").read_bytes())
    assert await spool.read_info(OTHER) is None
    assert (await spool.read_info(UID) or {})["size"] == 3


async def test_idle_uploads_are_found_without_their_keys(spool: EncryptedSpool, tmp_path: Path) -> None:
    assert await spool.idle_since(datetime.now(UTC)) == [] == await spool.list_uids()
    for uid in (UID, OTHER):
        await spool.begin(uid, 3)
    long_ago = (datetime.now(UTC) - timedelta(days=9)).timestamp()
    for kind in ("data", "info"):
        os.utime(tmp_path / "spool" / f"{UID}.{kind}", (long_ago, long_ago))
    keyless = EncryptedSpool(tmp_path / "spool", _no_key)
    assert await keyless.idle_since(datetime.now(UTC) - timedelta(days=7)) == [UID]
    assert await keyless.list_uids() == [UID, OTHER] and await keyless.read_info(UID) is None
    await keyless.delete(UID)
    assert await keyless.list_uids() == [OTHER]


async def _no_key(uid: str) -> bytes:
    raise LookupError(uid)


async def test_a_full_disk_loses_nothing_that_was_written(spool: EncryptedSpool, client: httpx.AsyncClient) -> None:
    await spool.begin(UID, len(DATA))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB + 5000, hard))
    try:
        await patch(client, 0, DATA, len(DATA))
        offset = await offset_of(client)
        assert 0 < offset <= MIB + 5000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert await patch(client, offset, DATA[offset:], len(DATA) - offset) == 204
    assert await plain(spool) == DATA
