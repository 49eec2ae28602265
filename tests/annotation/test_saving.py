"""Drafts: saved whole, as often as one likes, never over what another window saved; and only what fits the item."""

import io
import json
import zlib
from typing import Any

import pytest
from PIL import Image

from services.annotation.tasks.measuring import length_of, size_of
from tests.annotation.support import World, label_schema, mark


def picture(width: int, height: int, form: str = "PNG", orientation: int | None = None) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.new("RGB", (width, height)).save(buffer, form, exif=exif)
    return buffer.getvalue()


def test_sizes_are_those_of_the_oriented_image() -> None:
    for form in ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"):
        assert size_of(picture(30, 20, form)) == (30, 20), form
    for form in ("JPEG", "TIFF", "WEBP", "PNG"):
        assert [size_of(picture(30, 20, form, turn)) for turn in (1, 3, 6, 8)] == [(30, 20)] * 2 + [(20, 30)] * 2, form


def test_what_is_no_picture_has_no_size() -> None:
    whole = picture(30, 20)
    for content in (b"", b"no picture", whole[:20], b"\xff\xd8\xff", b"GIF89a", b"BM" + bytes(60), b"<svg/>"):
        assert size_of(content) is None


def test_a_bomb_is_measured_and_not_opened() -> None:
    header = bytearray(picture(1, 1))
    header[16:24] = (60_000).to_bytes(4, "big") * 2

    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    assert size_of(bytes(header)) == (60_000, 60_000)


def test_lengths_are_code_points() -> None:
    text = "å👍🏽e\u0301\r\n"
    assert length_of(text.encode()) == len(text) == 7
    for encoding in ("utf-8-sig", "utf-16"):
        assert length_of(text.encode(encoding)) == 7
    assert length_of("åäö".encode("latin-1")) == 3
    assert length_of(b"") == 0


async def boxes(world: World, content: bytes, **changes: Any) -> dict[str, Any]:
    schema = label_schema("boxes", **changes)
    task = await world.anna.claim(await world.campaign({"a.png": content}, schema=schema, annotators=[world.anna]))
    assert task is not None
    return task


async def test_every_draft_is_kept_and_tells_its_revision(world: World) -> None:
    task = await boxes(world, picture(100, 50))
    assert (task["item"]["width"], task["item"]["height"], task["item"]["length"]) == (100, 50, None)
    marks: list[dict[str, Any]] = []
    for number in range(3):
        marks.append(mark("cat", box=[number * 10, 0, 5.5, 50]))
        saved = await world.anna.save(task, marks, f"draft {number}")
        assert saved.status_code == 200
        task = saved.json()
        assert (saved.headers["etag"], task["revision"]) == (f'"{number + 2}"', number + 2)
    shown = (await world.anna.get(f"/tasks/{task['id']}")).json()
    assert (shown["marks"], shown["comment"], shown["saved"]) == (marks, "draft 2", True)
    assert world.catalog.reads == ["a.png"], "the item is measured once"


async def test_two_windows_do_not_overwrite_each_other(world: World) -> None:
    task = await boxes(world, picture(100, 50))
    one, other = [mark("cat", box=[0, 0, 1, 1])], [mark("dog", box=[0, 0, 2, 2])]
    assert (await world.anna.save(task, one)).status_code == 200
    late = await world.anna.save(task, other)
    assert (late.status_code, late.json()["code"], late.headers["etag"]) == (412, "if-match-stale", '"2"')
    # The answer was lost and the same is sent again: nothing changes.
    again = await world.anna.save(task, one)
    assert (again.status_code, again.json()["revision"]) == (200, 2)
    body = {"marks": other, "comment": ""}
    unguarded = await world.anna.ask("PUT", f"/tasks/{task['id']}/annotation", json=body)
    assert unguarded.status_code == 428
    anyway = await world.anna.ask("PUT", f"/tasks/{task['id']}/annotation", {"If-Match": "*"}, json=body)
    assert anyway.json()["marks"] == other
    stale = await world.anna.post(f"/tasks/{task['id']}/submission", headers={"If-Match": '"2"'})
    assert stale.status_code == 412
    assert (await world.anna.post(f"/tasks/{task['id']}/submission", headers={"If-Match": '"3"'})).status_code == 200


async def test_submitting_twice_changes_nothing_and_nothing_is_saved_after(world: World) -> None:
    task = await boxes(world, picture(100, 50))
    untouched = await world.anna.post(f"/tasks/{task['id']}/submission")
    assert (untouched.status_code, untouched.json()["code"]) == (409, "nothing-saved")
    task = (await world.anna.save(task, [])).json()
    first = await world.anna.post(f"/tasks/{task['id']}/submission")
    again = await world.anna.post(f"/tasks/{task['id']}/submission")
    assert first.json() == again.json()
    assert (first.json()["state"], first.json()["permit_token"], first.json()["until"]) == ("submitted", None, None)
    after = await world.anna.save(first.json(), [mark("cat", box=[0, 0, 1, 1])])
    assert (after.status_code, after.json()["code"]) == (409, "task-submitted")
    assert (await world.anna.post(f"/tasks/{task['id']}/return")).json()["code"] == "task-submitted"


BAD_BOXES: list[tuple[Any, str, str | None]] = [
    ([mark("cow", box=[0, 0, 1, 1])], "/marks/0/label", "label-unknown"),
    ([mark("cat")], "/marks/0", "geometry-expected"),
    ([mark("cat", span=[0, 1])], "/marks/0", "geometry-expected"),
    ([mark("cat", box=[0, 0, 1, 1], span=[0, 1])], "/marks/0/geometry", "one-geometry"),
    ([mark("cat", box=[0, 0, 101, 50])], "/marks/0/geometry/box", "place-outside"),
    ([mark("cat", box=[-1, 0, 10, 10])], "/marks/0/geometry/box", "place-outside"),
    ([mark("cat", box=[0, 0, 0, 10])], "/marks/0/geometry/box", "box-empty"),
    ([mark("cat", box=[0, 0, -5, 10])], "/marks/0/geometry/box", "box-empty"),
    ([mark("cat", box=[0, 0, 1])], "/marks/0/geometry/box/3", None),
    ([mark("cat", box=[0, 0, 1, 1, 1])], "/marks/0/geometry/box", None),
    ([mark("cat", box=["0", None, {}, []])], "/marks/0/geometry/box/1", None),
    ([mark("cat", box=[10**400, 0, 1, 1])], "/marks/0/geometry/box/0", None),
    ([mark("cat", box=[0, 0, 1, 1])] * 2, "/marks/1", "mark-twice"),
    ([{"label": "cat", "box": [0, 0, 1, 1]}], "/marks/0/box", None),
    ([mark("\ud800", box=[0, 0, 1, 1])], "/marks/0/label", None),
    ("cat", "/marks", None),
    ([None], "/marks/0", None),
]


@pytest.mark.parametrize(("marks", "pointer", "code"), BAD_BOXES)
async def test_what_does_not_fit_is_told_where_it_stands(
    world: World, marks: Any, pointer: str, code: str | None
) -> None:
    task = await boxes(world, picture(100, 50))

    raw = json.dumps({"marks": marks, "comment": ""})
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}
    answer = await world.anna.ask("PUT", f"/tasks/{task['id']}/annotation", headers, content=raw)
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert pointer in [error["pointer"] for error in errors], errors
    assert code is None or code in [error["code"] for error in errors]
    assert all(error["detail"] for error in errors)
    assert (await world.anna.get(f"/tasks/{task['id']}")).json()["saved"] is False


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_are_finite(world: World, number: str) -> None:
    task = await boxes(world, picture(100, 50))
    raw = f'{{"marks": [{{"label": "cat", "geometry": {{"box": [{number}, 0, 1, 1]}}}}], "comment": ""}}'
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}
    answer = await world.anna.ask("PUT", f"/tasks/{task['id']}/annotation", headers, content=raw)
    assert answer.status_code == 422, answer.text


async def test_limits(world: World) -> None:
    task = await boxes(world, picture(100, 50))
    many = [mark("cat", box=[n / 200, 0, 1, 1]) for n in range(10_001)]
    assert (await world.anna.save(task, many)).status_code == 422
    most = await world.anna.save(task, many[:10_000])
    assert most.status_code == 200
    task = most.json()
    assert (await world.anna.save(task, [], "x" * 4001)).status_code == 422
    assert (await world.anna.save(task, [], "x" * 4000)).status_code == 200
    assert (await world.anna.save(task, [], "\x00")).status_code == 422


async def test_polygons_and_spans(world: World) -> None:
    campaign_id = await world.campaign({"a.png": picture(10, 10)}, schema=label_schema("polygons"))
    task = await world.anna.claim(campaign_id)
    assert task is not None
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    assert (await world.anna.save(task, [mark("cat", polygon=square)])).status_code == 200
    for bad in (
        [[0, 0], [1, 1]],
        [[0, 0], [1, 1], [2, 2]],
        [[0, 0], [11, 0], [0, 9]],
        [[0, 0]] * 1001,
        [[0, 0, 0]] * 3,
    ):
        assert (await world.anna.save(task, [mark("cat", polygon=bad)])).status_code == 422, bad
    text = "Grus på väg 👍".encode()
    campaign_id = await world.campaign({"a.txt": text}, schema=label_schema("text-spans"))
    task = await world.anna.claim(campaign_id)
    assert task is not None and task["item"]["length"] == 13
    assert (await world.anna.save(task, [mark("cat", span=[12, 13])])).status_code == 200
    for bad in ([12, 14], [3, 3], [4, 3], [-1, 3], [0.5, 3], [0], ["0", "1"]):
        assert (await world.anna.save(task, [mark("cat", span=bad)])).status_code == 422, bad


async def test_one_class_is_chosen_before_handing_in(world: World) -> None:
    campaign_id = await world.campaign({"a.png": b""}, schema=label_schema("image-class", comment=False))
    task = await world.anna.claim(campaign_id)
    assert task is not None
    assert (await world.anna.save(task, [mark("cat"), mark("dog")])).json()["errors"][0]["code"] == "one-mark-only"
    commented = await world.anna.save(task, [mark("cat")], "why")
    assert (commented.status_code, commented.json()["errors"][0]["code"]) == (422, "comment-unexpected")
    task = (await world.anna.save(task, [])).json()
    early = await world.anna.post(f"/tasks/{task['id']}/submission")
    assert (early.status_code, early.json()["errors"][0]["code"]) == (422, "label-needed")
    assert world.catalog.reads == [], "classes need no size"


async def test_places_in_what_cannot_be_read_are_refused(world: World) -> None:
    task = await boxes(world, b"\x89PNG but no picture")
    assert task["item"]["width"] is None
    answer = await world.anna.save(task, [mark("cat", box=[0, 0, 1, 1])])
    assert (answer.status_code, answer.json()["code"]) == (409, "item-unreadable")
    await world.anna.submit(task)


async def test_large_pictures_are_measured_by_their_head(world: World) -> None:
    # The size of a PNG stands in its first bytes, whatever follows.
    task = await boxes(world, picture(100, 50) + bytes(40 * 1024 * 1024))
    assert (task["item"]["width"], task["item"]["height"]) == (100, 50)
    # Metadata before the size of a JPEG may be longer than what is read first.
    jpeg = picture(64, 32, "JPEG")
    padding = b"".join(b"\xff\xe2" + (65_535).to_bytes(2, "big") + bytes(65_533) for _ in range(6))
    task = await boxes(world, jpeg[:2] + padding + jpeg[2:])
    assert (task["item"]["width"], task["item"]["height"]) == (64, 32)
