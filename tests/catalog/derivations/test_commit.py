"""A version comes whole or not at all, whatever dies in between; what is given up leaves nothing."""

import asyncio
from uuid import UUID

import pytest

from services.catalog.datasets import service as datasets
from services.catalog.datasets.objects import storing
from services.catalog.derivations import service
from services.catalog.derivations.work import tidy_once
from services.kit.blobs import BlobStoreUnavailable
from tests.catalog.derivations.conftest import FILES
from tests.catalog.derivations.maker import Derived, Maker
from tests.catalog.derivations.test_opening import refusal
from tests.catalog.derivations.test_staging import contents_of
from tests.catalog.support import World


async def test_without_a_file_there_is_no_version(derived: Derived) -> None:
    assert refusal(await derived.commit()) == (409, "derivation-empty")
    await derived.staged({"x": b"1"})
    assert (await derived.commit()).status_code == 200


async def test_a_committed_version_takes_no_more_and_cannot_be_given_up(world: World, derived: Derived) -> None:
    await derived.staged({"x": b"1"})
    made = await derived.committed()
    for answer in (await derived.stage({"y": b"2"}), await derived.put("y", b"2"), await derived.keep(["a/1.txt"])):
        assert refusal(answer) == (409, "derivation-not-open")
    assert refusal(await derived.abandon()) == (409, "derivation-committed")
    facts = (await derived.get()).json()
    assert (facts["state"], facts["staged"], facts["version_id"]) == ("committed", 0, made["version_id"])
    assert await derived.contents(["a/1.txt"]) == {"a/1.txt": b"Anna"}, "its report may still be drawn from the parent"


async def test_details_are_kept_within_reason(world: World, derived: Derived) -> None:
    await derived.staged({"x": b"1"})
    too_much = await derived.commit(notes="x" * 300_000)
    assert [(e["pointer"], e["code"]) for e in too_much.json()["errors"]] == [("/details", "details-too-large")]
    details = {"recipe": {"number": 3}, "models": [{"name": "centerface", "sha256": "0" * 64}], "key_id": None}
    made = await derived.committed(**details)
    lineage = (await world.steward.get(f"/versions/{made['version_id']}/lineage")).json()
    assert lineage["parents"][0]["details"] == details


async def test_commits_at_once_make_one_version(world: World, derived: Derived) -> None:
    await derived.staged({"x": b"1"})
    before = len(world.objects())
    answers = await asyncio.gather(*(derived.commit(n=n) for n in range(4)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.text for a in answers}) == 1
    assert len(world.objects()) == before + 1, "one manifest; those of the others were taken back"
    assert (await world.events()).count("factory.catalog.version.committed.v1") == 2


async def test_two_runs_at_once_get_numbers_of_their_own(world: World, deid: Maker, parent: str) -> None:
    runs = [await deid.opened(world.steward, parent) for _ in range(3)]
    await asyncio.gather(*(run.staged({"x": b"the same", "y": run.id.encode()}) for run in runs))
    made = await asyncio.gather(*(run.committed() for run in runs))
    assert sorted(m["number"] for m in made) == [2, 3, 4]
    for run, version in zip(runs, made, strict=True):
        assert (await contents_of(world, version["version_id"]))["y"] == run.id.encode()


# --- killed in the middle ---------------------------------------------------------------------------------------------


async def test_killed_after_the_objects_and_before_their_rows(
    world: World, derived: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        async def killed(*_: object, **__: object) -> None:
            raise asyncio.CancelledError

        patch.setattr(storing.repository, "mark_stored", killed)
        with pytest.raises(BaseException):  # noqa: B017 - however the process ends
            await derived.stage({"x": b"1", "y": b"2"})
    assert (await derived.get()).json()["staged"] == 0
    assert refusal(await derived.commit()) == (409, "derivation-empty")
    await derived.staged({"x": b"1", "y": b"2"})
    made = await derived.committed()
    assert await contents_of(world, made["version_id"]) == {"x": b"1", "y": b"2"}


async def test_killed_between_files_and_commit(world: World, derived: Derived, parent: str) -> None:
    await derived.staged({"x": b"1"})
    again = Derived(Maker(world), (await derived.get()).json())
    assert (again.facts["state"], again.facts["staged"]) == ("open", 1)
    versions = f"/datasets/{derived.facts['dataset_id']}/versions"
    assert len((await world.steward.get(versions)).json()["items"]) == 1
    assert (await world.steward.get(f"/versions/{derived.version_id}")).status_code == 404
    permit = world.permit(world.steward, derived.version_id, action="prepare")
    assert (await world.steward.download(derived.version_id, "x", permit)).status_code == 404
    assert (await world.steward.get(f"/versions/{parent}/lineage")).json()["children"] == []
    await again.staged({"x": b"1", "y": b"2"})
    assert (await again.committed())["files"] == 2


async def test_killed_in_the_middle_of_the_commit(
    world: World, derived: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    await derived.staged({"x": b"1"})
    before = len(world.objects())
    for module, name, error in (
        (service, "store_manifest", BlobStoreUnavailable("away")),
        (service.dataset_rules, "commit_version", RuntimeError("killed")),
    ):
        with monkeypatch.context() as patch:

            async def fails(*_: object, error: Exception = error, **__: object) -> None:
                raise error

            patch.setattr(module, name, fails)
            assert (await derived.commit()).status_code >= 500
        assert (await world.steward.get(f"/versions/{derived.version_id}")).status_code == 404
        assert len(world.objects()) == before, "no manifest without its version"
        assert (await derived.get()).json()["state"] == "open"
        assert refusal(await derived.stage({"y": b"2"})) == (409, "derivation-not-open")
    assert (await derived.committed())["files"] == 1


async def test_a_commit_that_was_cut_off_can_be_given_up(
    world: World, derived: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    await derived.staged({"x": b"1"})
    with monkeypatch.context() as patch:

        async def fails(*_: object, **__: object) -> None:
            raise BlobStoreUnavailable("away")

        patch.setattr(service, "store_manifest", fails)
        await derived.commit()
    assert (await derived.abandon()).status_code == 204
    assert refusal(await derived.commit()) == (409, "derivation-not-open")


async def test_given_up_while_it_is_committed(world: World, derived: Derived, monkeypatch: pytest.MonkeyPatch) -> None:
    await derived.staged({"x": b"1"})
    before = len(world.objects())
    stored = datasets.store_manifest

    async def meanwhile(*args: object) -> object:
        found = await stored(*args)  # pyright: ignore[reportArgumentType]
        assert (await derived.abandon()).status_code == 204
        return found

    monkeypatch.setattr(service, "store_manifest", meanwhile)
    assert refusal(await derived.commit()) == (409, "derivation-not-open")
    assert len(world.objects()) == before
    await world.erase()
    assert len(world.objects()) == before - 1


# --- given up, or taken away ------------------------------------------------------------------------------------------


async def test_what_is_given_up_leaves_nothing(world: World, derived: Derived) -> None:
    before = {path.name for path in world.objects()}
    await derived.staged({"x": b"only here", "y": FILES["big.bin"]})
    await derived.keep(["a/1.txt"])
    assert len(world.objects()) == len(before) + 1
    for _ in range(2):
        assert (await derived.abandon()).status_code == 204
    assert await world.count("derived_files") == 0
    await world.erase()
    assert {path.name for path in world.objects()} == before
    assert (await derived.get()).json()["state"] == "abandoned"
    for answer in (await derived.stage({"x": b"1"}), await derived.keep(["a/1.txt"]), await derived.commit()):
        assert refusal(answer) == (409, "derivation-not-open")
    assert await derived.contents(["a/1.txt", "big.bin"]) == {"a/1.txt": b"Anna", "big.bin": FILES["big.bin"]}
    assert not await world.ctx.components["vault"].store.exists(derived.version_id)


async def test_given_up_while_files_are_stored(world: World, derived: Derived, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name for path in world.objects()}
    encrypt = storing.encrypt_many

    async def meanwhile(*args: object) -> object:
        sealed = await encrypt(*args)  # pyright: ignore[reportArgumentType]
        assert (await derived.abandon()).status_code == 204
        await world.erase()
        return sealed

    monkeypatch.setattr(storing, "encrypt_many", meanwhile)
    assert refusal(await derived.stage({"x": b"only here"})) == (409, "derivation-not-open")
    assert {path.name for path in world.objects()} == before, "what was stored too late is taken back"


async def test_a_withdrawn_dataset_ends_what_is_made_of_it(world: World, derived: Derived, deid: Maker) -> None:
    look = await deid.opened(world.steward, derived.facts["parent"]["version_id"], mode="inspect")
    await derived.staged({"x": b"1"})
    dataset_id = derived.facts["dataset_id"]
    answer = await world.donor.post(f"/datasets/{dataset_id}/withdrawal", json={"reason": "Consent was taken back."})
    assert answer.status_code == 200
    for answer in (
        await derived.get(),
        await derived.files(),
        await derived.read(["a/1.txt"]),
        await derived.read_range("a/1.txt", 0, 1),
        await derived.stage({"y": b"2"}),
        await derived.put("y", b"2"),
        await derived.keep(["a/1.txt"]),
        await derived.commit(),
        await look.read(["a/1.txt"]),
        await deid.open(world.steward, derived.facts["parent"]["version_id"]),
        await deid.open(world.steward, derived.facts["parent"]["version_id"], id=UUID(derived.id)),
    ):
        assert refusal(answer) == (410, "dataset-withdrawn")
    assert await tidy_once(world.ctx)
    assert not await tidy_once(world.ctx)
    assert await world.count("derived_files") == 0
    await world.erase()
    assert world.objects() == []
    assert (await derived.abandon()).status_code == 204
    assert (await world.events()).count("factory.catalog.key.destroyed.v1") == 2


async def test_withdrawn_while_files_are_stored(
    world: World, derived: Derived, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypt = storing.encrypt_many

    async def meanwhile(*args: object) -> object:
        sealed = await encrypt(*args)  # pyright: ignore[reportArgumentType]
        url = f"/datasets/{derived.facts['dataset_id']}/withdrawal"
        assert (await world.donor.post(url, json={"reason": "Gone."})).status_code == 200
        await world.erase()
        return sealed

    monkeypatch.setattr(storing, "encrypt_many", meanwhile)
    assert refusal(await derived.stage({"x": b"only here"})) == (410, "dataset-withdrawn")
    assert world.objects() == []
