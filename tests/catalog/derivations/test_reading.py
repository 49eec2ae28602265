"""A derivation's service reads the parent: its paths in pages, small files together, large ones in ranges."""

import pytest

from services.kit.frames import read_frames
from tests.catalog.derivations.conftest import FILES
from tests.catalog.derivations.maker import Derived, Maker
from tests.catalog.derivations.test_opening import refusal
from tests.catalog.support import World, sha


async def test_paths_come_in_pages(derived: Derived) -> None:
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await derived.files(limit=2, **after)).json()
        assert len(page["items"]) <= 2
        found += [item["path"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == sorted(FILES)
    assert (await derived.files(after="z")).json() == {"items": [], "next": None}
    for limit in (0, 5001):
        assert (await derived.files(limit=limit)).status_code == 422


async def test_files_come_together_in_the_order_asked_for(derived: Derived) -> None:
    paths = ["empty.txt", "big.bin", "a/2.txt"]
    answer = await derived.read(paths)
    assert [(header, content) for header, content in read_frames(answer.content)] == [
        ({"path": path}, FILES[path]) for path in paths
    ]
    assert refusal(await derived.read(["a/1.txt", "a/3.txt"])) == (404, "not-found")
    assert refusal(await derived.read(["../a/1.txt"])) == (404, "not-found")
    assert (await derived.read([])).status_code == 422
    assert (await derived.read(["x"] * 5001)).status_code == 422


async def test_more_than_fits_is_refused(world: World, deid: Maker) -> None:
    half = b"x" * (16 * 1024 * 1024 + 1)
    version_id = await world.accept(await world.submitted({"one": half, "two": half[:-1], "three": b"1"}))
    derived = await deid.opened(world.steward, version_id)
    assert refusal(await derived.read(["one", "two"])) == (413, "files-too-large")
    assert refusal(await derived.read(["one", "one"])) == (413, "files-too-large")
    assert {p: sha(c) for p, c in (await derived.contents(["one", "three"])).items()} == {
        "one": sha(half),
        "three": sha(b"1"),
    }


@pytest.mark.parametrize(
    ("start", "length"), [(0, 0), (0, 10), (1_048_000, 2_000), (2_303_990, 100), (2_304_000, 5), (0, 8 * 1024 * 1024)]
)
async def test_a_range_of_a_file(derived: Derived, start: int, length: int) -> None:
    answer = await derived.read_range("big.bin", start, length)
    assert (answer.status_code, answer.content) == (200, FILES["big.bin"][start : start + length])


async def test_ranges_that_are_none(derived: Derived) -> None:
    behind = await derived.read_range("big.bin", 2_304_001, 1)
    assert refusal(behind) == (416, "range-not-satisfiable") and behind.headers["content-range"] == "bytes */2304000"
    assert (await derived.read_range("big.bin", -1, 1)).status_code == 422
    assert (await derived.read_range("big.bin", 0, 8 * 1024 * 1024 + 1)).status_code == 422
    assert (await derived.read_range("empty.txt", 0, 1)).content == b""
    assert refusal(await derived.read_range("nowhere", 0, 1)) == (404, "not-found")


async def test_bytes_that_were_changed_are_not_handed_out(world: World, derived: Derived) -> None:
    for path in world.objects():
        blob = bytearray(path.read_bytes())
        blob[-1] ^= 1
        path.write_bytes(blob)
    answer = await derived.read(["a/1.txt"])
    assert answer.status_code == 500 and b"Anna" not in answer.content
