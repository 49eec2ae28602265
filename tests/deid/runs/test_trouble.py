"""What goes wrong around a run: files, processes, the catalogue, withdrawals. One bad file never sinks it."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from services.deid.pool.pool import Pool
from services.deid.runs.worker import take_one
from services.deid.sources import repository as sources
from tests.deid.fake_catalog import Derivation, Refusal
from tests.deid.support import World, deid_context
from tests.support.wait import until

NUMBER = "19811228-9874"
BROKEN = "tests.deid.broken_child"


async def use_broken(world: World, **pool: object) -> Pool:
    """Let runs use processes that do what files tell them."""
    await world.ctx.components["pool"].close()
    made = world.ctx.components["pool"] = Pool(1, module=BROKEN, **pool)  # pyright: ignore[reportArgumentType]
    return made


async def reasons(world: World, run_id: str) -> dict[str, str | None]:
    """Why files were withheld, by the name of the result."""
    answer = await world.steward.get(f"/runs/{run_id}/report/files")
    assert answer.status_code == 200, answer.text
    return {item["path"]: item["reason"] for item in answer.json()["items"]}


def made_by(world: World, run: dict[str, object]) -> dict[str, bytes]:
    return dict(world.catalog.versions[UUID(str(run["result_version_id"]))].files)


async def test_a_process_that_dies_twice_over_a_file_withholds_it_and_only_it(world: World, tmp_path: Path) -> None:
    pool = await use_broken(world)
    once = f"ONCE {tmp_path / 'mark'}".encode()
    files = {"a.txt": b"one", "b.txt": b"DIE", "c.txt": once, "d.txt": b"four", "e.txt": b"DIE"}
    run_id, _ = await world.finished(files)
    run = await world.look(run_id)
    assert made_by(world, run) == {"a.txt": b"one", "c.txt": once, "d.txt": b"four"}
    withheld = {path: reason for path, reason in (await reasons(world, run_id)).items() if reason}
    assert withheld == {"b.txt": "worker-died", "e.txt": "worker-died"}
    await pool.close()


async def test_a_file_that_takes_too_long_is_withheld(world: World) -> None:
    pool = await use_broken(world)
    world.ctx.settings.deid_file_deadline_s = 1.5  # pyright: ignore[reportAttributeAccessIssue]
    run_id, _ = await world.finished({"a.txt": b"one", "b.txt": b"HANG", "c.txt": b"three"})
    assert (await reasons(world, run_id))["b.txt"] == "took-too-long"
    assert set(made_by(world, await world.look(run_id))) == {"a.txt", "c.txt"}
    await pool.close()


async def test_large_files_come_in_ranges_and_go_in_pieces(world: World) -> None:
    line = f"Patienten {NUMBER} mår bra. ".encode()
    large, larger = line * 200_000, b"Inget att se. " * 900_000
    run_id, made = await world.finished({"a.txt": b"x", "large.txt": large, "larger.txt": larger})
    assert made is not None
    files = world.catalog.versions[made].files
    assert files["larger.txt"] == larger
    assert NUMBER.encode() not in files["large.txt"] and files["large.txt"].count(b"Patienten") == 200_000
    assert world.catalog.asked.count("put") == 1
    run = await world.look(run_id)
    assert run["progress"]["bytes_done"] == run["progress"]["bytes_total"] == 1 + len(large) + len(larger)


async def test_large_files_meet_the_same_troubles(world: World) -> None:
    pool = await use_broken(world)
    world.ctx.settings.deid_file_deadline_s = 1.5  # pyright: ignore[reportAttributeAccessIssue]
    world.ctx.settings.deid_file_max_bytes = 6_000_000  # pyright: ignore[reportAttributeAccessIssue]
    pad = b" " * 5_000_000
    world.catalog.not_accepted.add("c.txt")
    files = {
        "a.txt": b"DIE" + b" " + pad,
        "b.txt": b"HANG " + pad,
        "c.txt": pad + b"x",
        "d.txt": pad + pad,
        "e.txt": b"x",
    }
    run_id, _ = await world.finished(files)
    assert await reasons(world, run_id) == {
        "a.txt": "worker-died",
        "b.txt": "took-too-long",
        "c.txt": "not-accepted",
        "d.txt": "file-too-large",
        "e.txt": None,
    }
    await pool.close()


async def test_a_large_result_that_is_not_accepted_is_withheld(world: World) -> None:
    world.catalog.not_accepted.add("c.txt")
    run_id, _ = await world.finished({"c.txt": b"Hej du. " * 1_200_000, "d.txt": b"x"})
    assert await reasons(world, run_id) == {"c.txt": "not-accepted", "d.txt": None}


async def test_names_that_the_catalogue_refuses_withhold_only_their_files(world: World) -> None:
    world.catalog.not_accepted.add("b.txt")
    run_id, _ = await world.finished({f"{letter}.txt": b"x" for letter in "abc"})
    assert await reasons(world, run_id) == {"a.txt": None, "b.txt": "not-accepted", "c.txt": None}


async def test_files_over_which_the_catalogue_fails_are_withheld_when_it_serves_others(world: World) -> None:
    large = b"Hej du. " * 1_200_000
    world.catalog.unreadable |= {"b.txt", "large-b.txt"}
    world.catalog.not_stored |= {"d.txt"}
    given = {f"{letter}.txt": b"x" for letter in "abcde"} | {"large-a.txt": large, "large-b.txt": large}
    run_id, _ = await world.finished(given)
    found = await reasons(world, run_id)
    assert {path: reason for path, reason in found.items() if reason} == {
        "b.txt": "unreadable",
        "large-b.txt": "unreadable",
        "d.txt": "not-accepted",
    }
    assert world.catalog.staged_paths.count("large-a.txt") == 1


@pytest.mark.parametrize("broken", ["unreadable", "not_stored"])
@pytest.mark.parametrize("size", [1, 9_000_000])
async def test_when_nothing_can_be_read_or_stored_the_run_waits_long_before_it_blames_a_file(
    world: World, broken: str, size: int
) -> None:
    getattr(world.catalog, broken).add("a.txt")
    run_id = await world.run(await world.recipe(), world.version({"a.txt": b"x" * size}))
    for _ in range(9):
        assert await take_one(world.ctx)
        run = await world.look(run_id)
        assert (run["state"], run["files_withheld"]) == ("running", 0)
        world.clock.advance(seconds=120)
    await world.work()
    run = await world.look(run_id)
    assert (run["state"], run["reason"], run["files_withheld"]) == ("failed", "nothing-treated", 1)


async def test_when_the_catalogue_is_away_the_run_waits(world: World) -> None:
    run_id = await world.run(await world.recipe(), world.version({f"{n}.txt": b"x" for n in range(5)}))
    world.catalog.answers = False
    assert await take_one(world.ctx)
    run = await world.look(run_id)
    assert (run["state"], run["progress"]["files_done"]) == ("running", 0)
    assert not await take_one(world.ctx), "not before a pause"
    world.catalog.answers = True
    world.clock.advance(seconds=90)
    await world.work()
    assert (await world.look(run_id))["state"] == "finished"


@pytest.mark.parametrize("where", ["files", "read", "stage", "commit"])
async def test_whatever_breaks_once_the_run_goes_on(world: World, where: str) -> None:
    broken: list[str] = []

    def break_once(what: str, derivation: Derivation) -> None:
        # Three times in a row: what may be repeated is repeated at once.
        if what == where and len(broken) < 3:
            broken.append(what)
            raise Refusal(503, "unavailable")

    world.catalog.before = break_once
    run_id = await world.run(await world.recipe(), world.version({f"{n}.txt": b"x" for n in range(5)}))
    for _ in range(3):
        await world.work()
        world.clock.advance(seconds=90)
    run = await world.look(run_id)
    assert (run["state"], run["files_treated"]) == ("finished", 5)
    assert len(made_by(world, run)) == 5
    assert len(broken) == 3


async def test_a_catalogue_that_refuses_ends_the_run_and_what_was_staged_is_forgotten(world: World) -> None:
    def refuse(what: str, derivation: Derivation) -> None:
        if what == "commit":
            raise Refusal(409, "paths-collide")

    world.catalog.before = refuse
    run_id = await world.run(await world.recipe(), world.version({"a.txt": b"x"}))
    await world.work()
    run = await world.look(run_id)
    assert (run["state"], run["reason"], run["result_version_id"]) == ("failed", "catalogue-refused", None)
    assert run["reason_text"] != run["reason"]
    assert world.catalog.derivations[UUID(run_id)].state == "open"
    await world.tidy()
    assert world.catalog.derivations[UUID(run_id)].state == "abandoned"
    assert await world.events() == ["factory.deid.run.started.v1", "factory.deid.run.failed.v1"]


async def test_a_fault_that_repeats_itself_ends_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("canary")

    monkeypatch.setattr("services.deid.runs.worker.list_files", broken)
    run_id = await world.run(await world.recipe(), world.version({"a.txt": b"x"}))
    for _ in range(6):
        await world.work()
        world.clock.advance(seconds=120)
    run = await world.look(run_id)
    assert (run["state"], run["reason"]) == ("failed", "internal-error")


async def test_nothing_treated_makes_no_version(world: World) -> None:
    run_id = await world.run(await world.recipe(), world.version({"a.bin": bytes(range(256))}))
    await world.work()
    run = await world.look(run_id)
    assert (run["state"], run["reason"], run["files_withheld"]) == ("failed", "nothing-treated", 1)
    assert [(w["reason"], w["files"]) for w in run["withheld"]] == [("type-unknown", 1)]
    assert run["withheld"][0]["text"] != "type-unknown"
    await world.tidy()
    assert world.catalog.derivations[UUID(run_id)].state == "abandoned"


async def test_a_withdrawn_dataset_stops_its_runs_and_destroys_its_key(world: World) -> None:
    first, _ = await world.finished({f"{NUMBER}.txt": NUMBER.encode()})
    dataset_id = UUID((await world.look(first))["dataset_id"])
    version_id = world.version({"a.txt": b"x"}, dataset_id=dataset_id)
    run_id = await world.run(await world.recipe(), version_id)
    world.catalog.withdraw(dataset_id)
    await world.work()
    run = await world.look(run_id)
    assert (run["state"], run["reason"]) == ("stopped", "dataset-withdrawn")
    await world.tidy()
    async with world.ctx.unit() as session:
        key = await sources.dataset_key(session, dataset_id)
        assert key is not None and key.wrapped is None and key.erased_at is not None
    keys = world.ctx.components["dataset_keys"].store
    assert not await keys.exists(f"pseudonyms-{dataset_id}")
    # A run over it that was asked for a moment ago finds no key either.
    body = {"recipe_id": await world.recipe(), "version_id": str(version_id)}
    answer = await world.steward.post("/runs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (410, "dataset-withdrawn")


async def test_a_run_is_stopped_and_nothing_is_left_of_it(world: World) -> None:
    run_id = await world.run(await world.recipe(), world.version({"a.txt": b"x"}))
    assert (await world.donor.post(f"/runs/{run_id}/stop")).status_code == 403
    assert (await world.outsider.post(f"/runs/{run_id}/stop")).status_code == 404
    stale = await world.steward.post(f"/runs/{run_id}/stop", headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    answer = await world.steward2.post(f"/runs/{run_id}/stop")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["reason"]) == ("stopped", "stopped-by-steward")
    await world.work()
    await world.tidy()
    assert world.catalog.derivations[UUID(run_id)].state == "abandoned"
    again = await world.steward.post(f"/runs/{run_id}/stop")
    assert (again.status_code, again.json()["code"]) == (409, "run-over")
    reasons_of = {a["action"]: a["reason"] for a in answer.json()["allowed_actions"]}
    assert reasons_of["stop"] == "run-stopped"


async def test_a_run_is_stopped_in_the_middle(world: World) -> None:
    stopped = asyncio.Event()

    async def stop() -> None:
        answer = await world.steward.post(f"/runs/{run_id}/stop")
        assert answer.status_code == 200
        stopped.set()

    tasks: list[asyncio.Task[None]] = []

    def when_staged(what: str, derivation: Derivation) -> None:
        if what == "stage" and not tasks:
            tasks.append(asyncio.create_task(stop()))

    world.catalog.before = when_staged
    files = {f"{n}.txt": b"x" * 100_000 for n in range(200)}
    run_id = await world.run(await world.recipe(), world.version(files))
    await world.work()
    await stopped.wait()
    run = await world.look(run_id)
    assert (run["state"], run["result_version_id"]) == ("stopped", None)
    assert run["progress"]["files_done"] < 200
    await world.tidy()
    assert world.catalog.derivations[UUID(run_id)].state == "abandoned"


async def test_it_is_too_late_to_stop_what_is_being_committed(world: World) -> None:
    answers: list[int] = []

    def before(what: str, derivation: Derivation) -> None:
        if what == "commit":
            tasks.append(asyncio.create_task(stop()))

    async def stop() -> None:
        answers.append((await world.steward.post(f"/runs/{run_id}/stop")).status_code)

    tasks: list[asyncio.Task[None]] = []
    world.catalog.before = before
    run_id = await world.run(await world.recipe(), world.version({"a.txt": b"x"}))
    await world.work()
    await asyncio.gather(*tasks)
    assert (await world.look(run_id))["state"] == "finished"
    assert answers == [409]


async def test_one_run_treats_a_version_at_a_time_but_any_number_look(world: World) -> None:
    version_id, recipe_id = world.version({"a.txt": b"x"}), await world.recipe()
    first = await world.run(recipe_id, version_id)
    body = {"recipe_id": recipe_id, "version_id": str(version_id)}
    answer = await world.steward.post("/runs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "run-active")
    assert first in answer.json()["detail"]
    await world.run(recipe_id, version_id, "inspect")
    await world.run(recipe_id, version_id, "inspect")
    await world.work()
    await world.run(recipe_id, version_id)


async def test_of_two_who_ask_at_once_one_is_refused(world: World) -> None:
    version_id, recipe_id = world.version({"a.txt": b"x"}), await world.recipe()
    body = {"recipe_id": recipe_id, "version_id": str(version_id)}
    answers = await asyncio.gather(*(world.steward.post("/runs", json=body) for _ in range(3)))
    assert sorted(a.status_code for a in answers) == [201, 409, 409]
    await world.work()
    world.clock.advance(minutes=1)
    await world.tidy()
    states = sorted(d.state for d in world.catalog.derivations.values())
    assert states.count("committed") == 1 and states.count("open") == 0


async def test_asked_twice_with_one_key_is_one_run(world: World) -> None:
    body = {"recipe_id": await world.recipe(), "version_id": str(world.version({"a.txt": b"x"}))}
    answers = [await world.steward.post("/runs", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[1].json() == answers[0].json()
    assert len(world.catalog.derivations) == 1
    assert len((await world.steward.get("/runs")).json()["items"]) == 1


async def test_what_was_opened_for_nothing_is_given_back(world: World) -> None:
    world.catalog.answers = False
    body = {"recipe_id": await world.recipe(), "version_id": str(world.version({"a.txt": b"x"}))}
    assert (await world.steward.post("/runs", json=body)).status_code == 503
    world.catalog.answers = True
    # The answer was lost, but the catalogue had opened it, for all that is known here.
    async with world.ctx.unit() as session:
        assert len(await sources.due_loans(session, world.clock.now())) == 0
    world.clock.advance(minutes=16)
    await world.tidy()
    async with world.ctx.unit() as session:
        assert len(await sources.due_loans(session, world.clock.now())) == 0


async def test_recipes_and_versions_that_are_not_there(world: World) -> None:
    from services.kit.ids import new_id

    version_id = world.version({"a.txt": b"x"})
    unknown = await world.steward.post("/runs", json={"recipe_id": str(new_id()), "version_id": str(version_id)})
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (422, "recipe-unknown")
    body = {"recipe_id": await world.recipe(), "version_id": str(new_id())}
    assert (await world.steward.post("/runs", json=body)).status_code == 404


async def test_of_two_processes_one_has_a_run_and_who_was_given_up_changes_nothing_more(world: World) -> None:
    pool = await use_broken(world)
    world.ctx.settings.deid_run_claim_s = 600  # pyright: ignore[reportAttributeAccessIssue]
    files = {f"{n:03}.txt": b"SLOW 0.01" for n in range(150)}
    run_id = await world.run(await world.recipe(), world.version(files))
    first = asyncio.create_task(take_one(world.ctx))

    async def begun() -> bool:
        return (await world.look(run_id))["progress"]["files_done"] > 0

    await until(begun, seconds=30, what="some files are done")
    async with deid_context(
        world.urls, world.folder, world.clock, world.access.app, world.catalog.app, deid_run_claim_s=600
    ) as other:
        assert not await take_one(other), "the run is held"
        # As if the first had stood still for longer than its claim holds.
        world.clock.advance(seconds=700)
        assert await take_one(other)
        assert await first
    run = await world.look(run_id)
    assert (run["state"], run["files_treated"], run["progress"]["files_done"]) == ("finished", 150, 150)
    assert len(made_by(world, run)) == 150
    assert (await world.events()).count("factory.deid.run.finished.v1") == 1
    await pool.close()


async def test_a_run_whose_operators_were_exchanged_does_not_mix_two_ways(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.deid.engine.catalogue import operators
    from services.deid.engine.operator import Operator

    run_id = await world.run(await world.recipe(), world.version({"a.txt": b"x"}))
    known = operators().get("text.email")
    assert known is not None
    newer = Operator(**{**vars(known), "version": known.version + ".1"})
    monkeypatch.setitem(operators()._by_name, "text.email", newer)
    await world.work()
    run = await world.look(run_id)
    assert (run["state"], run["reason"]) == ("failed", "operators-changed")
