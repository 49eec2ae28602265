"""Uploads: announced by the donor, sent by tus, resumed, verified, encrypted, unpacked; or refused, nothing left."""

import asyncio
import os
import time
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.catalog.datasets.service import blobs_of
from services.catalog.intake.ingest import sweep_spool, take_one
from services.catalog.intake.service import spool_of
from tests.catalog.support import TUS, World, catalog_context, sha, zipped


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../secret", "path-dot-segment"),
        ("a/../../b", "path-dot-segment"),
        ("/etc/passwd", "path-absolute"),
        ("C:/x", "path-absolute"),
        ("a\\b", "path-backslash"),
        ("a//b", "path-empty-segment"),
        ("a/\u0000b", "path-control-character"),
        ("invoice\u202egpj.exe", "path-control-character"),
        ("x" * 300, "path-segment-too-long"),
        ("\ud800", None),
    ],
)
async def test_hostile_paths_are_refused(world: World, path: str, code: str | None) -> None:
    donation_id = await world.draft()
    answer = (
        await world.announce(donation_id, path, b"abc")
        if code
        else await world.donor.post(
            f"/donations/{donation_id}/uploads",
            content=b'{"path": "\\ud800", "size": 1, "sha256": "' + b"0" * 64 + b'"}',
            headers={"Content-Type": "application/json"},
        )
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/path")
    if code:
        assert answer.json()["errors"][0]["code"] == code


@pytest.mark.parametrize("twin", ["Photo.png", "PHOTO.PNG", "pho\u0074o.png", "photo.png ", "photo.png."])
async def test_two_files_of_a_donation_have_different_names_everywhere(world: World, twin: str) -> None:
    donation_id = await world.draft()
    assert (await world.announce(donation_id, "photo.png", b"1")).status_code == 201
    answer = await world.announce(donation_id, twin, b"2")
    assert (answer.status_code, answer.json()["code"]) == (409, "path-taken")


async def test_unicode_names_have_one_spelling(world: World) -> None:
    donation_id = await world.draft()
    answer = await world.announce(donation_id, "A\u030angstro\u0308m.csv", b"1")
    assert answer.json()["path"] == "\u00c5ngstr\u00f6m.csv"
    assert (await world.announce(donation_id, "\u00e5NGSTR\u00d6M.csv", b"1")).status_code == 409


async def test_media_types_come_from_the_name_unless_given(world: World) -> None:
    donation_id = await world.draft()
    types = {
        path: (await world.announce(donation_id, path, b"1", **more)).json()["media_type"]
        for path, more in (
            ("a.png", {}), ("b.CSV", {}), ("c.parquet", {}),
            ("d", {}), ("e.tar.gz", {}), ("f.x", {"media_type": "text/plain"}),
        )
    }  # fmt: skip
    assert types == {
        "a.png": "image/png",
        "b.CSV": "text/csv",
        "c.parquet": "application/vnd.apache.parquet",
        "d": "application/octet-stream",
        "e.tar.gz": "application/octet-stream",
        "f.x": "text/plain",
    }


async def test_a_file_may_be_too_large(world: World) -> None:
    donation_id = await world.draft()
    body = {"path": "a", "size": world.settings.upload_max_bytes + 1, "sha256": "0" * 64}
    answer = await world.donor.post(f"/donations/{donation_id}/uploads", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "file-too-large")


# --- tus --------------------------------------------------------------------------------------------------------------


async def test_an_upload_is_sent_in_parts(world: World) -> None:
    content = os.urandom(300_000)
    donation_id = await world.draft()
    upload = (await world.announce(donation_id, "a.bin", content)).json()
    url = upload["upload_url"]
    head = await world.donor.ask("HEAD", url.removeprefix("/api/v1"), headers=TUS)
    assert (head.status_code, head.headers["upload-offset"], head.headers["upload-length"]) == (200, "0", "300000")
    assert head.headers["cache-control"] == "no-store"
    first = await world.donor.send(url, content[:100_000])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "100000")
    shown = (await world.uploads(donation_id))["a.bin"]
    assert (shown["state"], shown["offset"]) == ("open", 100_000)
    wrong = await world.donor.send(url, content[100_000:], offset=0)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "upload-offset-wrong")
    assert wrong.headers["content-type"] == "application/problem+json"
    second = await world.donor.send(url, content[100_000:], offset=100_000)
    assert (second.status_code, second.headers["upload-offset"]) == (204, "300000")
    again = await world.donor.ask("HEAD", url.removeprefix("/api/v1"), headers=TUS)
    assert again.headers["upload-offset"] == "300000"
    await world.ingest()
    shown = (await world.uploads(donation_id))["a.bin"]
    assert (shown["state"], shown["files"], shown["bytes_done"]) == ("stored", 1, 300_000)
    assert world.spooled() == []
    # The last answer may have been lost: whoever asks again learns that all is here.
    assert (await world.donor.ask("HEAD", url.removeprefix("/api/v1"), headers=TUS)).headers[
        "upload-offset"
    ] == "300000"
    assert (await world.donor.send(url, b"", offset=300_000)).status_code == 204


async def test_an_upload_goes_on_where_it_was_cut(world: World) -> None:
    content = os.urandom(5_000_000)
    donation_id = await world.draft()
    url = (await world.announce(donation_id, "a.bin", content)).json()["upload_url"]

    async def cut() -> AsyncIterator[bytes]:
        yield content[:3_000_000]
        raise ConnectionResetError

    assert (await world.donor.send(url, cut(), length=len(content))).status_code == 503
    head = await world.donor.ask("HEAD", url.removeprefix("/api/v1"), headers=TUS)
    offset = int(head.headers["upload-offset"])
    assert 0 < offset <= 3_000_000
    assert (await world.donor.send(url, content[offset:], offset=offset)).status_code == 204
    await world.ingest()
    assert (await world.uploads(donation_id))["a.bin"]["state"] == "stored"


async def test_more_than_was_announced_is_refused(world: World) -> None:
    donation_id = await world.draft()
    url = (await world.announce(donation_id, "a.bin", b"abc")).json()["upload_url"]
    assert (await world.donor.send(url, b"abcd")).status_code == 400


@pytest.mark.parametrize("name", ["outsider", "researcher", "colleague", "steward"])
async def test_only_the_donor_sends(world: World, name: str) -> None:
    donation_id = await world.draft()
    url = (await world.announce(donation_id, "a.bin", b"abc")).json()["upload_url"]
    person = getattr(world, name)
    expected = 403 if name == "colleague" else 404
    assert (await person.send(url, b"abc")).status_code == expected
    assert (await person.ask("HEAD", url.removeprefix("/api/v1"), headers=TUS)).status_code == expected
    assert (await person.ask("DELETE", url.removeprefix("/api/v1"), headers=TUS)).status_code == expected
    assert (await world.uploads(donation_id))["a.bin"]["offset"] == 0


async def test_nothing_is_written_without_a_token(world: World) -> None:
    donation_id = await world.draft()
    url = (await world.announce(donation_id, "a.bin", b"abc")).json()["upload_url"]
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eDp5"}):
        sent = {**TUS, "Upload-Offset": "0", **headers}
        for method in ("PATCH", "HEAD", "DELETE", "OPTIONS"):
            answer = await world.client.request(method, url, content=b"abc", headers=sent)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
    assert (await world.uploads(donation_id))["a.bin"]["offset"] == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Content-Type": "text/plain"}, 415),
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "x"}, 400),
    ],
)
async def test_what_is_wrong_is_said_before_a_byte_is_written(
    world: World, headers: dict[str, str], status: int
) -> None:
    donation_id = await world.draft()
    url = (await world.announce(donation_id, "a.bin", b"abc")).json()["upload_url"]
    sent = {**TUS, "Upload-Offset": "0", **headers}
    answer = await world.donor.ask("PATCH", url.removeprefix("/api/v1"), headers=sent, content=b"abc")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await world.uploads(donation_id))["a.bin"]["offset"] == 0


async def test_uploads_are_made_by_create_upload_alone(world: World) -> None:
    for path in ("/uploads", "/uploads/"):
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "3", "Upload-Concat": "partial"}
        assert (await world.donor.post(path, headers=headers)).status_code in (404, 405, 307)
    options = await world.donor.ask("OPTIONS", f"/uploads/{await world.upload(await world.draft(), 'a', b'1')}")
    assert options.headers["tus-extension"] == "termination"
    assert options.headers["tus-max-size"] == str(world.settings.upload_max_bytes)
    paths = {getattr(route, "path", "") for route in world.app.routes}
    assert not any(path.rstrip("/").endswith("v1/uploads") for path in paths)


async def test_the_method_on_the_request_line_is_the_method(world: World) -> None:
    donation_id = await world.draft()
    url = (await world.announce(donation_id, "a.bin", b"abc")).json()["upload_url"].removeprefix("/api/v1")
    sent = {**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await world.donor.post(url, headers=sent, content=b"abc")).status_code == 405
    assert (await world.uploads(donation_id))["a.bin"]["offset"] == 0


async def test_an_upload_is_taken_back(world: World) -> None:
    donation_id = await world.draft()
    await world.upload(donation_id, "kept.txt", b"same")
    upload_id = await world.upload(donation_id, "gone.txt", b"same")
    await world.upload(donation_id, "alone.txt", b"other")
    await world.ingest()
    assert len(world.objects()) == 2
    alone = (await world.uploads(donation_id))["alone.txt"]["id"]
    for upload in (upload_id, alone):
        answer = await world.donor.ask("DELETE", f"/uploads/{upload}", headers=TUS)
        assert answer.status_code == 204
    assert list(await world.uploads(donation_id)) == ["kept.txt"]
    await world.erase()
    assert len(world.objects()) == 1
    assert (await world.donor.ask("DELETE", f"/uploads/{upload_id}", headers=TUS)).status_code == 404
    await world.upload(donation_id, "gone.txt", b"new")
    await world.ingest()
    assert (await world.donor.post(f"/donations/{donation_id}/submission")).status_code == 200
    answer = await world.donor.ask("DELETE", f"/uploads/{alone}", headers=TUS)
    assert answer.status_code == 404


# --- taking in --------------------------------------------------------------------------------------------------------


async def test_a_wrong_digest_is_refused_and_leaves_nothing(world: World) -> None:
    donation_id = await world.draft()
    await world.upload(donation_id, "a.bin", b"abc", sha256=sha(b"abd"))
    await world.ingest()
    upload = (await world.uploads(donation_id))["a.bin"]
    assert (upload["state"], upload["reason"]) == ("refused", "digest-wrong")
    await world.erase()
    assert (world.objects(), world.spooled()) == ([], [])
    answer = await world.donor.send(upload["upload_url"], b"abc")
    assert (answer.status_code, answer.json()["code"]) == (410, "upload-refused")
    assert (await world.donor.ask("DELETE", f"/uploads/{upload['id']}", headers=TUS)).status_code == 204
    await world.upload(donation_id, "a.bin", b"abc")
    await world.ingest()
    assert (await world.uploads(donation_id))["a.bin"]["state"] == "stored"


async def test_an_archive_becomes_its_files_beside_it(world: World) -> None:
    files = {"1.png": b"one", "deep/2.png": os.urandom(2_000_000), "empty": b""}
    donation_id = await world.draft()
    await world.upload(donation_id, "images/all.zip", zipped(files), unpack="zip")
    await world.ingest()
    shown = (await world.uploads(donation_id))["images/all.zip"]
    assert (shown["state"], shown["files"]) == ("stored", 3)
    assert (await world.donor.post(f"/donations/{donation_id}/submission")).status_code == 200
    version_id = await world.accept(donation_id)
    listed = (await world.donor.get(f"/versions/{version_id}/files")).json()["items"]
    assert {f["path"]: f["sha256"] for f in listed} == {f"images/{p}": sha(c) for p, c in files.items()}


def symlink() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["../up"], "path-dot-segment"),
        (["/abs"], "path-absolute"),
        (["a", "A"], "path-duplicate"),
        (["a", "a/b"], "path-file-and-folder"),
        ([symlink()], "archive-link"),
    ],
)
async def test_an_archive_that_could_harm_is_refused_and_leaves_nothing(
    world: World, names: list[Any], reason: str
) -> None:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good.txt", b"good")
        for name in names:
            archive.writestr(name, b"x")
    donation_id = await world.draft()
    await world.upload(donation_id, "a.zip", buffer.getvalue(), unpack="zip")
    await world.ingest()
    upload = (await world.uploads(donation_id))["a.zip"]
    assert (upload["state"], upload["reason"], upload["files"]) == ("refused", reason, 0)
    await world.erase()
    assert (world.objects(), world.spooled()) == ([], [])


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", zipped({"a": bytes(200_000_000)})], ids=["empty", "text", "bomb"]
)
async def test_what_is_no_archive_or_a_bomb_is_refused(world: World, content: bytes) -> None:
    donation_id = await world.draft()
    await world.upload(donation_id, "a.zip", content, unpack="zip")
    await world.ingest()
    upload = (await world.uploads(donation_id))["a.zip"]
    assert upload["state"] == "refused"
    assert upload["reason"] in ("archive-not-zip", "archive-damaged", "archive-ratio")
    await world.erase()
    assert (world.objects(), world.spooled()) == ([], [])


async def test_an_archive_damaged_in_its_last_file_leaves_nothing(world: World) -> None:
    content = bytearray(zipped({f"{n}.bin": os.urandom(300_000) for n in range(8)}, zipfile.ZIP_STORED))
    content[-200_000] ^= 1
    donation_id = await world.draft()
    await world.upload(donation_id, "a.zip", bytes(content), unpack="zip")
    await world.ingest()
    upload = (await world.uploads(donation_id))["a.zip"]
    assert (upload["state"], upload["reason"]) == ("refused", "archive-crc-mismatch")
    await world.erase()
    assert world.objects() == []


async def test_names_in_archives_and_beside_them_are_told_apart(world: World) -> None:
    donation_id = await world.draft()
    await world.announce(donation_id, "photo.png", b"1")
    await world.upload(donation_id, "a.zip", zipped({"PHOTO.png": b"2", "other": b"3"}), unpack="zip")
    await world.upload(donation_id, "b.zip", zipped({"third": b"4"}), unpack="zip")
    await world.ingest()
    uploads = await world.uploads(donation_id)
    assert (uploads["a.zip"]["state"], uploads["a.zip"]["reason"]) == ("refused", "path-taken")
    answer = await world.announce(donation_id, "THIRD", b"5")
    assert (answer.status_code, answer.json()["code"]) == (409, "path-taken")
    await world.erase()
    assert len(world.objects()) == 1


async def test_many_small_files_take_a_few_seconds(world: World) -> None:
    files = {f"digits/{n:04}.png": n.to_bytes(2, "big") * 200 for n in range(1800)}
    donation_id = await world.draft()
    await world.upload(donation_id, "digits.zip", zipped(files), unpack="zip")
    started = time.perf_counter()
    await world.ingest()
    seconds = time.perf_counter() - started
    assert (await world.uploads(donation_id))["digits.zip"]["files"] == 1800
    assert len(world.objects()) == 1800
    assert seconds < 20, seconds


async def test_the_same_content_is_stored_once(world: World) -> None:
    donation_id = await world.draft()
    content = os.urandom(2_000_000)
    for path in ("a", "b", "c", "d"):
        await world.upload(donation_id, path, content)
    await asyncio.gather(*(take_one(world.ctx) for _ in range(4)))
    await world.ingest()
    assert {u["state"] for u in (await world.uploads(donation_id)).values()} == {"stored"}
    await world.erase()
    assert len(world.objects()) == 1
    other = await world.draft()
    await world.upload(other, "a", content)
    await world.ingest()
    await world.erase()
    assert len({path.name for path in world.objects()}) == 2


async def test_an_upload_taken_back_while_it_is_taken_in_leaves_nothing(world: World) -> None:
    donation_id = await world.draft()
    upload_id = await world.upload(donation_id, "a.bin", os.urandom(6_000_000))
    blobs = blobs_of(world.ctx)
    put = blobs.put

    async def put_and_be_overtaken(name: str, source: Any, *, size: int | None = None) -> int:
        written = await put(name, source, size=size)
        assert (await world.donor.ask("DELETE", f"/uploads/{upload_id}", headers=TUS)).status_code == 204
        return written

    blobs.put = put_and_be_overtaken
    await world.ingest()
    await world.erase()
    assert len(world.objects()) == 0
    assert world.spooled() == []
    blobs.put = put
    await world.upload(donation_id, "a.bin", b"another")
    await world.ingest()
    assert (await world.donor.post(f"/donations/{donation_id}/submission")).status_code == 200


# --- what dies and comes back -----------------------------------------------------------------------------------------


async def test_a_worker_that_dies_in_the_middle_is_followed_by_another(world: World) -> None:
    files = {f"{n}.bin": os.urandom(700_000) for n in range(60)}
    donation_id = await world.draft()
    await world.upload(donation_id, "a.zip", zipped(files, zipfile.ZIP_STORED), unpack="zip")
    async with catalog_context(world.urls, world.folder, world.clock, world.access) as other:
        # SIGKILL: nothing that the worker would still have done is done.
        task = asyncio.create_task(take_one(other))
        while len(world.objects()) < 10:
            assert not task.done()
            await asyncio.sleep(0.005)
        await other.db.dispose()
        other.db.unit = None  # pyright: ignore[reportAttributeAccessIssue] - the process is gone
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    before = (await world.uploads(donation_id))["a.zip"]
    assert before["state"] == "received"
    assert not await take_one(world.ctx), "the dead worker's claim holds for a while"
    world.clock.advance(seconds=world.settings.ingest_claim_s + 1)
    await world.ingest()
    assert (await world.uploads(donation_id))["a.zip"]["files"] == 60
    assert len(world.objects()) == 60
    assert (await world.donor.post(f"/donations/{donation_id}/submission")).status_code == 200
    version_id = await world.accept(donation_id)
    listed = (await world.donor.get(f"/versions/{version_id}/files?limit=200")).json()["items"]
    assert {f["path"]: f["sha256"] for f in listed} == {p: sha(c) for p, c in files.items()}


async def test_an_upload_whose_last_byte_came_just_before_the_end_goes_on(world: World) -> None:
    donation_id = await world.draft()
    upload = (await world.announce(donation_id, "a.bin", b"abc")).json()
    spool = spool_of(world.ctx)
    await spool.begin(upload["id"], 3)
    async with spool.lock(upload["id"]):
        await spool.append(upload["id"], b"abc")
    assert (await world.uploads(donation_id))["a.bin"]["state"] == "open"
    await sweep_spool(world.ctx)
    await world.ingest()
    assert (await world.uploads(donation_id))["a.bin"]["state"] == "stored"


async def test_lost_bytes_are_told(world: World) -> None:
    donation_id = await world.draft()
    await world.upload(donation_id, "a.bin", b"abc")
    for path in world.spooled():
        path.unlink()
    await world.ingest()
    assert (await world.uploads(donation_id))["a.bin"]["reason"] == "upload-lost"


async def test_spooled_bytes_that_nobody_wants_go(world: World) -> None:
    donation_id = await world.draft()
    kept = (await world.announce(donation_id, "kept", b"abc")).json()
    await world.donor.send(kept["upload_url"], b"ab")
    upload_id = await world.upload(donation_id, "a", b"abc")
    stray = world.folder / "data" / "spool" / f"{upload_id[:-4]}0000.data"
    stray.write_bytes(b"left behind")
    await sweep_spool(world.ctx)
    assert not stray.exists()
    await world.ingest()
    assert {p.name.partition(".")[0] for p in world.spooled()} == {kept["id"]}
