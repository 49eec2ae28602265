"""Files of a version to come: stored in batches or alone, replaced by path, refused where no file may be."""

import pytest

from services.kit.frames import write_frames
from tests.catalog.derivations.conftest import FILES
from tests.catalog.derivations.maker import Derived
from tests.catalog.derivations.test_opening import refusal
from tests.catalog.support import World


async def contents_of(world: World, version_id: str) -> dict[str, bytes]:
    """Files of a version, however raw, as preparation may read them."""
    permit = world.permit(world.steward, version_id, action="prepare")
    listed = (await world.steward.get(f"/versions/{version_id}/files")).json()["items"]
    found = {}
    for item in listed:
        answer = await world.steward.download(version_id, item["path"], permit)
        assert answer.status_code == 200, answer.text
        found[item["path"]] = answer.content
    return found


async def test_the_same_path_again_replaces(world: World, derived: Derived) -> None:
    await derived.staged({"a/1.txt": b"first", "a/2.txt": b"kept"})
    await derived.staged({"a/1.txt": b"second", "b.csv": b"kept"})
    assert (await derived.put("a/1.txt", b"third", media_type="text/csv")).status_code == 200
    assert (await derived.keep(["big.bin", "empty.txt"])).json() == {"staged": 2}
    await derived.staged({"empty.txt": b"no longer"})
    assert (await derived.get()).json()["staged"] == 5
    before = len(world.objects())
    made = await derived.committed()
    await world.erase()
    assert len(world.objects()) == before - 2 + 1, "what was replaced is gone; the manifest is new"
    assert await contents_of(world, made["version_id"]) == {
        "a/1.txt": b"third", "a/2.txt": b"kept", "b.csv": b"kept", "big.bin": FILES["big.bin"],
        "empty.txt": b"no longer",
    }  # fmt: skip
    listed = (await world.steward.get(f"/versions/{made['version_id']}/files")).json()["items"]
    types = {item["path"]: item["media_type"] for item in listed}
    assert (types["a/1.txt"], types["a/2.txt"], types["big.bin"]) == (
        "text/csv",
        "text/plain",
        "application/octet-stream",
    )


async def test_batches_of_any_kind(world: World, derived: Derived) -> None:
    many = {f"many/{n:04}.txt": f"number {n % 7}".encode() for n in range(1500)}
    await derived.staged(many)
    large = {"large/1": b"a" * 12_000_000, "large/2": b"b" * 12_000_000, "large/3": b""}
    await derived.staged(large)
    await derived.staged({"empty/first": b"", "empty/then": b"x"})
    answer = await derived.stage({})
    assert (answer.status_code, answer.json()) == (200, {"staged": 0})
    made = await derived.committed()
    assert made["files"] == 1505
    assert made["bytes"] == sum(map(len, [*many.values(), *large.values(), b"x"]))
    stored = len(world.objects())
    assert stored == len({*many.values(), *large.values(), *FILES.values(), b"x"}) + 2, "one object for one content"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../up", "path-dot-segment"),
        ("/etc/passwd", "path-absolute"),
        ("C:/x", "path-absolute"),
        ("a\\b", "path-backslash"),
        ("a//b", "path-empty-segment"),
        ("a/", "path-empty-segment"),
        ("a\nb", "path-control-character"),
        ("a\u202eb", "path-control-character"),
        ("a" * 256, "path-segment-too-long"),
        ("a/" * 600 + "a", "path-too-long"),
    ],
)
async def test_paths_that_no_file_may_have(derived: Derived, path: str, code: str) -> None:
    answer = await derived.stage({"fine": b"1", path: b"2"})
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/frames/1/path", code)]
    answer = await derived.put(path, b"2")
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("query/path", code)]
    assert (await derived.get()).json()["staged"] == 0
    for answer in (await derived.stage({path: b"2"}), await derived.put(path, b"2")):
        assert path not in answer.text, "a refusal names no file"


async def test_paths_that_file_systems_take_for_one_another(world: World, derived: Derived) -> None:
    await derived.staged({"Straße.txt": b"1"})
    assert refusal(await derived.stage({"other": b"1", "STRASSE.TXT": b"2"})) == (409, "path-taken")
    assert refusal(await derived.put("strasse.txt", b"2")) == (409, "path-taken")
    await derived.staged({"A/1.TXT": b"2"})
    assert refusal(await derived.keep(["a/1.txt"])) == (409, "path-taken")
    twice = write_frames([({"path": "x"}, b"1"), ({"path": "y"}, b"1"), ({"path": "x"}, b"2")])
    answer = await derived.stage_raw(twice)
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/frames/2/path", "path-duplicate")]
    await derived.staged({"e\u0301": b"nfd"})
    await derived.staged({"\u00e9": b"nfc"})
    assert (await derived.get()).json()["staged"] == 3, "two spellings of one path"


async def test_a_name_is_a_file_or_a_folder(derived: Derived) -> None:
    await derived.staged({"x/y": b"1"})
    await derived.staged({"X": b"2"})
    answer = await derived.commit()
    assert refusal(answer) == (409, "paths-collide")
    assert (await derived.get()).json()["state"] == "open", "it can be mended"


async def test_sources_are_files_of_the_parent(derived: Derived) -> None:
    assert (await derived.stage({"x": b"1"}, source="a/1.txt")).status_code == 200
    assert (await derived.stage({"x": b"1"}, source=None)).status_code == 200
    answer = await derived.stage({"x": b"1"}, source="a/3.txt")
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/frames/0/source", "source-unknown")]
    assert refusal(await derived.keep(["a/1.txt", "a/3.txt"])) == (404, "not-found")


async def test_frames_that_are_none(derived: Derived) -> None:
    whole = write_frames([({"path": "x"}, b"content")])
    for body in (whole[:-1], whole[:5], whole + b"\0", b"\0\0\0\x02" + b"\0" * 8 + b"[]"):
        answer = await derived.stage_raw(body)
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("", "frames-invalid")]
    for header, pointer in (
        ({}, "/frames/0/path"),
        ({"path": 1}, "/frames/0/path"),
        ({"path": "x", "media_type": "no type"}, "/frames/0/media_type"),
        ({"path": "x", "size": 3}, "/frames/0/size"),
    ):
        answer = await derived.stage_raw(write_frames([(header, b"")]))
        assert (answer.status_code, [e["pointer"] for e in answer.json()["errors"]]) == (422, [pointer])
    assert (await derived.get()).json()["staged"] == 0


async def test_thirty_two_megabytes_at_a_time(derived: Derived) -> None:
    most = b"x" * (32 * 1024 * 1024)
    await derived.staged({"most": most})
    assert refusal(await derived.stage({"more": most, "one": b"1"})) == (413, "body-too-large")
    assert refusal(await derived.stage({"much": most, "more": most})) == (413, "body-too-large")
    assert (await derived.get()).json()["staged"] == 1


async def test_a_large_file_comes_alone_and_leaves_nothing_behind(world: World, derived: Derived) -> None:
    content = bytes(range(256)) * 20_000
    answer = await derived.put("large.bin", content, source="big.bin")
    assert answer.json()["size"] == len(content)
    assert not list((world.folder / "data" / "derived").iterdir()), "what waits has no name"
    again = await derived.put("copy.bin", content)
    assert again.json() == answer.json()
    made = await derived.committed()
    assert (await contents_of(world, made["version_id"]))["copy.bin"] == content


async def test_a_file_is_no_larger_than_the_factory_takes(world: World, derived: Derived) -> None:
    object.__setattr__(world.settings, "upload_max_bytes", 1000)
    assert refusal(await derived.put("x", b"x" * 1001)) == (413, "file-too-large")
    assert (await derived.put("x", b"x" * 1000)).status_code == 200
