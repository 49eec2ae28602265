"""A run from its beginning to its end: what comes of files, what is told of it, and who sees it."""

from uuid import UUID

from services.kit.ids import new_id
from tests.deid.support import World

NUMBER = "19811228-9874"  # a made-up personal number, with a right check digit


def note(words: str) -> bytes:
    return f"Patienten {NUMBER} {words}.\n".encode()


async def test_a_run_treats_a_version_into_the_next(world: World) -> None:
    files = {"notes/one.txt": note("mår bra"), "notes/two.md": b"# Inget h\xc3\xa4r\n", "empty.txt": b""}
    version_id = world.version(files)
    run_id = await world.run(await world.recipe(), version_id)
    queued = await world.look(run_id)
    assert (queued["state"], queued["result_version_id"], queued["gate"]) == ("queued", None, "open")
    await world.work()
    run = await world.look(run_id)
    assert (run["state"], run["files_treated"], run["files_withheld"]) == ("finished", 3, 0)
    assert run["progress"]["files_done"] == run["progress"]["files_total"] == 3
    made = world.catalog.versions[UUID(run["result_version_id"])]
    assert NUMBER not in made.files["notes/one.txt"].decode()
    assert "mår bra" in made.files["notes/one.txt"].decode()
    assert made.files["notes/two.md"] == files["notes/two.md"]
    assert made.sources["notes/one.txt"] == "notes/one.txt"
    assert made.media_types["notes/two.md"] == "text/markdown"
    assert made.details["recipe_id"] == run["recipe_id"]
    assert made.details["key_id"] == run["key_id"]
    assert made.details["operators"] == run["operators"]
    assert await world.events() == [
        "factory.deid.run.started.v1",
        "factory.deid.run.finished.v1",
        "factory.deid.report.published.v1",
    ]


async def test_what_cannot_be_treated_is_withheld_and_sinks_nothing(world: World) -> None:
    run_id, made = await world.finished({"a.txt": note("x"), "b.bin": bytes(range(256)) * 10, "c.pdf": b"%PDF-1.7 x"})
    assert made is not None
    assert set(world.catalog.versions[made].files) == {"a.txt"}
    run = await world.look(run_id)
    assert (run["files_treated"], run["files_withheld"]) == (1, 2)


async def test_outsiders_see_no_run(world: World) -> None:
    run_id, _ = await world.finished({"a.txt": note("x")})
    for who, status in ((world.outsider, 404), (world.donor, 200), (world.steward2, 200)):
        assert (await who.get(f"/runs/{run_id}")).status_code == status
    assert (await world.outsider.get("/runs")).json()["items"] == []
    assert [r["id"] for r in (await world.donor.get("/runs")).json()["items"]] == [run_id]
    assert (await world.steward.get(f"/runs/{new_id()}")).status_code == 404


async def test_only_a_steward_of_the_dataset_runs_a_recipe(world: World) -> None:
    recipe_id = await world.recipe()
    version_id = world.version({"a.txt": b"x"})
    body = {"recipe_id": recipe_id, "version_id": str(version_id)}
    assert (await world.donor.post("/runs", json=body)).status_code == 403
    assert (await world.outsider.post("/runs", json=body)).status_code == 404
    await world.tidy()
    assert all(d.state == "abandoned" for d in world.catalog.derivations.values())
