"""Results depend on the version, the recipe and the dataset's key, and on nothing else."""

from typing import Any
from uuid import UUID

from services.deid.pool.pool import Pool
from services.deid.runs import repository, treating
from services.deid.runs.sealing import open_findings, open_names, open_places
from services.deid.sources.keys import keys_of
from tests.deid.support import World

NUMBERS = ("19811228-9874", "19900101-2385", "19640823-3234")
RECIPE: list[dict[str, Any]] = [
    {"operator": "text.personal-number", "params": {"action": "pseudonymise"}},
    {"operator": "text.email", "params": {"action": "pseudonymise"}},
]


def files() -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    for n in range(90):
        number = NUMBERS[n % 3]
        made[f"notes/{n:03}.txt"] = f"Patient {number}, e-post p{n % 5}@example.org. {'Lugnt. ' * n}".encode()
    # Names that become the same name.
    for n, number in enumerate(NUMBERS):
        made[f"patients/{number}/scan.txt"] = f"{n} {number}".encode()
        made[f"patients/{number}.txt"] = f"{n} {number}".encode()
    made["table.csv"] = "\n".join(["id,number", *(f"{n},{NUMBERS[n % 3]}" for n in range(50))]).encode()
    made["broken.bin"] = bytes(range(256))
    return made


async def told(world: World, run_id: str) -> list[Any]:
    """Everything that a run remembers of files, opened."""
    async with world.ctx.unit() as session:
        run = await repository.run(session, UUID(run_id))
        assert run is not None
        secrets = await keys_of(world.ctx).open(session, run.dataset_id)
        rows = await repository.files(session, run.id, limit=10_000)
    return [
        [
            *(r.number, r.state, r.reason, r.media_type, r.size, r.counts, r.totals, r.measures),
            *(open_names(secrets, r), open_findings(secrets, r), open_places(secrets, r)),
        ]
        for r in rows
    ]


async def test_results_do_not_depend_on_how_many_processes_worked(world: World, monkeypatch: Any) -> None:
    recipe_id, version_id = await world.recipe(RECIPE), world.version(files())
    results: list[Any] = []
    for workers, batch in ((1, 64), (3, 5), (2, 1)):
        monkeypatch.setattr(treating, "BATCH_FILES", batch)
        await world.ctx.components["pool"].close()
        world.ctx.components["pool"] = Pool(workers)
        run_id = await world.run(recipe_id, version_id)
        await world.work()
        run = await world.look(run_id)
        assert run["state"] == "finished", run
        made = world.catalog.versions[UUID(run["result_version_id"])]
        results.append((dict(made.files), made.media_types, made.sources, await told(world, run_id), run["key_id"]))
    assert results[0] == results[1] == results[2]
    made = results[0][0]
    assert len(made) == 97
    assert not any(number in path or number.encode() in content for path, content in made.items() for number in NUMBERS)
    assert len({path.casefold() for path in made}) == len(made)


async def test_the_same_person_is_the_same_pseudonym_in_all_versions_of_a_dataset(world: World) -> None:
    recipe_id = await world.recipe(RECIPE)
    content = NUMBERS[0].encode()
    first = world.version({"a.txt": content})
    dataset_id = world.catalog.versions[first].dataset_id
    second = world.version({"other/b.txt": content, "c.csv": b"number\n" + content}, dataset_id=dataset_id)
    other = world.version({"a.txt": content})
    results: list[dict[str, bytes]] = []
    keys: list[str] = []
    for version_id in (first, second, other):
        run_id = await world.run(recipe_id, version_id)
        await world.work()
        run = await world.look(run_id)
        keys.append(run["key_id"])
        results.append(dict(world.catalog.versions[UUID(run["result_version_id"])].files))
    pseudonym = results[0]["a.txt"]
    assert pseudonym != content
    assert results[1]["other/b.txt"] == pseudonym
    assert pseudonym in results[1]["c.csv"]
    assert results[2]["a.txt"] != pseudonym
    assert keys[0] == keys[1] != keys[2]


async def test_who_only_looks_counts_and_writes_nothing(world: World) -> None:
    number = NUMBERS[0]
    given = {
        f"{number}.txt": f"Patient {number} och {number}".encode(),
        "clean.txt": b"Hej",
        "x.bin": bytes(range(256)),
    }
    run_id, made = await world.finished(given, mode="inspect")
    assert made is None
    assert len(world.catalog.versions) == 1
    assert world.catalog.staged_paths == []
    rows = await told(world, run_id)
    by_path = {row[8].path: row for row in rows}
    assert {row[8].path == row[8].target for row in rows} == {True}, "names are not given anew"
    assert by_path[f"{number}.txt"][5] == {"personal-number": {"found": 3, "treated": 0}}
    assert all(not finding.treated for finding in by_path[f"{number}.txt"][9])
    assert by_path["x.bin"][1:3] == ["withheld", "type-unknown"]
    run = await world.look(run_id)
    assert (run["mode"], run["files_treated"], run["files_withheld"]) == ("inspect", 2, 1)


async def test_a_recipe_changed_during_a_run_changes_nothing_of_it(world: World) -> None:
    version_id = world.version({"a.txt": NUMBERS[0].encode()})
    recipe_id = await world.recipe()
    run_id = await world.run(recipe_id, version_id)
    await world.recipe([{"operator": "text.email", "params": {}}])
    await world.work()
    run = await world.look(run_id)
    assert run["recipe_id"] == recipe_id
    assert NUMBERS[0].encode() not in world.catalog.versions[UUID(run["result_version_id"])].files["a.txt"]


async def test_progress_is_told_while_a_run_goes_on(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(treating, "BATCH_FILES", 10)
    seen: list[dict[str, Any]] = []

    async def look_on(*args: Any, **kwargs: Any) -> bool:
        done = await add_progress(*args, **kwargs)
        seen.append(kwargs)
        return done

    add_progress = repository.add_progress
    monkeypatch.setattr(repository, "add_progress", look_on)
    await world.finished(files())
    assert len(seen) == 10
    assert all(each["seconds_left"] is not None for each in seen)
    assert seen[-1]["seconds_left"] < 1


async def test_half_characters_in_json_sink_nothing(world: World) -> None:
    content = f'{{"a": "\\ud800 {NUMBERS[0]} \\udfff", "b\\ud800": "x"}}'.encode()
    run_id, made = await world.finished({"a.json": content, "b.txt": b"x"})
    assert made is not None
    assert all(NUMBERS[0].encode() not in c for c in world.catalog.versions[made].files.values())
    assert (await world.steward.get(f"/runs/{run_id}/report")).status_code == 200
    assert (await world.steward.get(f"/runs/{run_id}/review-samples")).status_code == 200
