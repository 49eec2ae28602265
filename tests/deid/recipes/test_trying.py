"""A recipe is tried: on a text, on files of a version; what would come of it is shown, and nothing is kept."""

import base64
import io

import pytest
from PIL import Image

from services.deid.pool.pool import Pool
from services.deid.recipes import trying
from tests.deid.support import World

NUMBER = "19811228-9874"
ADDRESS = "anna.svensson@example.org"


async def tried(world: World, recipe_id: str, **body: object) -> list[dict[str, object]]:
    answer = await world.steward.post(f"/recipes/{recipe_id}/test", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["files"]


async def test_a_text_is_shown_treated(world: World) -> None:
    [file] = await tried(world, await world.recipe(), text=f"Skriv till {ADDRESS} om {NUMBER}.")
    assert file["withheld"] is None
    assert NUMBER not in str(file["after"]) and ADDRESS not in str(file["after"])
    assert str(file["after"]).startswith("Skriv till ")
    assert file["counts"] == {
        "personal-number": {"found": 1, "treated": 1},
        "email": {"found": 1, "treated": 1},
    }
    [finding] = [f for f in file["findings"] if f["kind"] == "personal-number"]  # pyright: ignore[reportGeneralTypeIssues]
    assert finding["shape"] == "99999999-9999"
    assert NUMBER not in str(file)


async def test_pseudonyms_of_a_trial_are_those_of_the_moment(world: World) -> None:
    recipe_id = await world.recipe()
    one, two = [(await tried(world, recipe_id, text=ADDRESS))[0]["after"] for _ in range(2)]
    assert one != two


async def test_files_of_a_version_are_tried_and_nothing_is_kept(world: World) -> None:
    files = {f"patients/{NUMBER}.txt": NUMBER.encode(), "b.bin": bytes(range(256)), "c.txt": b"Hej"}
    version_id = world.version(files)
    recipe_id = await world.recipe()
    paths = [f"patients/{NUMBER}.txt", "b.bin"]
    named = await tried(world, recipe_id, version_id=str(version_id), paths=paths)
    assert [(f["path"], f["withheld"]) for f in named] == [(paths[0], None), ("b.bin", "type-unknown")]
    assert NUMBER not in str(named[0]["target"])
    assert named[1]["withheld_text"]
    drawn = await tried(world, recipe_id, version_id=str(version_id), sample=2)
    assert len(drawn) == 2
    assert all(d.state == "abandoned" and not d.staged for d in world.catalog.derivations.values())
    assert len(world.catalog.versions) == 1
    assert await world.events() == []


async def test_samples_take_turns_between_sorts_of_files(world: World) -> None:
    files = {f"t{n}.txt": b"Hej" for n in range(50)} | {"p.png": b"\x89PNG", "t.csv": b"a,b\n1,2\n"}
    drawn = await tried(world, await world.recipe(), version_id=str(world.version(files)), sample=3)
    assert {"p.png", "t.csv"} < {str(f["path"]) for f in drawn}


async def test_a_picture_is_shown_small(world: World) -> None:
    made = io.BytesIO()
    Image.new("RGB", (1200, 900), "green").save(made, "JPEG")
    version_id = world.version({"a.jpg": made.getvalue()})
    recipe_id = await world.recipe([{"operator": "image.metadata", "params": {}}])
    [file] = await tried(world, recipe_id, version_id=str(version_id), paths=["a.jpg"])
    assert file["after"] is None
    with Image.open(io.BytesIO(base64.b64decode(str(file["picture"])))) as shown:
        assert shown.size == (320, 240)


async def test_who_may_not_read_a_version_tries_nothing_on_it(world: World) -> None:
    version_id = world.version({"a.txt": b"x"})
    recipe_id = await world.recipe()
    body = {"version_id": str(version_id)}
    assert (await world.outsider.post(f"/recipes/{recipe_id}/test", json=body)).status_code == 404
    assert (await world.donor.post(f"/recipes/{recipe_id}/test", json=body)).status_code == 403
    world.catalog.withdraw(world.catalog.versions[version_id].dataset_id)
    answer = await world.steward.post(f"/recipes/{recipe_id}/test", json=body)
    assert (answer.status_code, answer.json()["code"]) == (410, "dataset-withdrawn")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "x", "version_id": "0192d3a4-0000-7000-8000-000000000000"},
        {"text": "x", "sample": 3},
        {"version_id": "0192d3a4-0000-7000-8000-000000000000", "paths": ["a"], "sample": 3},
        {"version_id": "0192d3a4-0000-7000-8000-000000000000", "paths": ["a"] * 21},
        {"text": "x" * 100_001},
    ],
)
async def test_it_is_said_on_what_to_try(world: World, body: dict[str, object]) -> None:
    answer = await world.steward.post(f"/recipes/{await world.recipe()}/test", json=body)
    assert answer.status_code == 422


async def test_a_file_that_is_not_there_is_named(world: World) -> None:
    body = {"version_id": str(world.version({"a.txt": b"x"})), "paths": ["a.txt", "b.txt"]}
    answer = await world.steward.post(f"/recipes/{await world.recipe()}/test", json=body)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/paths/1", "file-unknown")]


async def test_trials_end_in_time_and_survive_what_kills_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "_ALTOGETHER_S", 6.0)
    await world.ctx.components["trial_pool"].close()
    world.ctx.components["trial_pool"] = pool = Pool(1, module="tests.deid.broken_child")
    version_id = world.version({"a.txt": b"DIE", "b.txt": b"HANG", "c.txt": b"x"})
    files = await tried(world, await world.recipe(), version_id=str(version_id), paths=["a.txt", "b.txt", "c.txt"])
    assert [f["withheld"] for f in files] == ["worker-died", "took-too-long", "took-too-long"]
    await pool.close()


async def test_a_file_too_large_to_try_is_said_so(world: World) -> None:
    version_id = world.version({"a.txt": b"x" * (33 * 1024 * 1024)})
    [file] = await tried(world, await world.recipe(), version_id=str(version_id), paths=["a.txt"])
    assert file["withheld"] == "file-too-large-to-try"
