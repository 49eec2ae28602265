"""Versions share objects and never keys: erasing one takes what only it had, and leaves the others whole."""

import asyncio
import random
from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.datasets import repository, rules
from services.catalog.datasets.erasure import erase_one
from services.catalog.datasets.objects import repository as objects
from services.catalog.datasets.objects import storing
from services.catalog.datasets.service import load_manifest
from services.catalog.datasets.vault import Secrets, vault_of
from services.kit.crypto import DataKey, DecryptionFailed
from tests.catalog.derivations.conftest import FILES
from tests.catalog.derivations.maker import Maker
from tests.catalog.derivations.test_staging import contents_of
from tests.catalog.support import World, sha


async def derive(
    world: World, deid: Maker, parent: str, files: Mapping[str, bytes], keep: list[str] | None = None
) -> str:
    """Make a version of `files` and what is kept; return its id."""
    derived = await deid.opened(world.steward, parent)
    if files:
        await derived.staged(files)
    if keep:
        assert (await derived.keep(keep)).status_code == 200
    return (await derived.committed())["version_id"]


async def erase(world: World, version_id: str) -> None:
    """Erase one version, as a redaction would."""
    async with world.ctx.unit() as session:
        await rules.erase_versions(session, [UUID(version_id)], "redacted", world.clock.now())
    await world.erase()


async def opened(world: World, version_id: str) -> tuple[Secrets, dict[str, tuple[str, bytes]]]:
    """What opens a version, and (object, wrapped data key) of its files by path."""
    async with world.ctx.unit() as session:
        found = await repository.version(session, UUID(version_id))
        assert found is not None
        secrets = await vault_of(world.ctx).open(session, UUID(version_id))
    manifest = await load_manifest(world.ctx, secrets, found[0])
    return secrets, {entry.path: (entry.object, entry.key) for entry in manifest.entries}


async def test_what_both_have_is_stored_once_under_keys_of_their_own(world: World, deid: Maker, parent: str) -> None:
    before = len(world.objects())
    second = await derive(
        world, deid, parent, {"a/1.txt": b"[name]", "copy.txt": FILES["a/2.txt"]}, ["a/2.txt", "big.bin"]
    )
    assert len(world.objects()) == before + 2, "one content is new, and the manifest"
    (one, of_one), (two, of_two) = await opened(world, parent), await opened(world, second)
    shared = {"a/2.txt": "a/2.txt", "big.bin": "big.bin", "copy.txt": "a/2.txt"}
    for path, source in shared.items():
        (name, key), (same, theirs) = of_two[path], of_one[source]
        assert name == same and key != theirs
        assert two.open_object_key(name, key).secret == one.open_object_key(name, theirs).secret
    for secrets, entries in ((one, of_two), (two, of_one)):
        for name, key in entries.values():
            with pytest.raises(DecryptionFailed):
                secrets.open_object_key(name, key)
    for secrets, other in ((one, second), (two, parent)):
        async with world.ctx.unit() as session:
            for name, key in (await objects.keys_of(session, UUID(other))).items():
                with pytest.raises(DecryptionFailed):
                    secrets.open_object_key(name, key)


async def test_erasing_the_first_takes_what_only_it_had(world: World, deid: Maker, parent: str) -> None:
    second = await derive(world, deid, parent, {"a/1.txt": b"[name]"}, ["a/2.txt", "big.bin"])
    secrets, of_one = await opened(world, parent)
    names = {path.name for path in world.objects()}
    await erase(world, parent)
    left = {path.name for path in world.objects()}
    only_first = {of_one["a/1.txt"][0], of_one["b.csv"][0], of_one["empty.txt"][0]}
    assert names - left > only_first and len(names - left) == len(only_first) + 1, "its files and its manifest"
    kept = {"a/1.txt": b"[name]", "a/2.txt": FILES["a/2.txt"], "big.bin": FILES["big.bin"]}
    assert await contents_of(world, second) == kept
    # Whoever had kept the key of the first could open what is left of it: nothing but what the second has too.
    for name, key in (of_one["a/1.txt"], of_one["b.csv"]):
        assert name not in left and secrets.open_object_key(name, key)
    permit = world.permit(world.steward, parent, action="prepare")
    for path in FILES:
        gone = await world.steward.download(parent, path, permit)
        assert (gone.status_code, gone.json()["code"]) == (410, "key-destroyed")
    third = await derive(world, deid, second, {}, ["a/1.txt", "big.bin"])
    assert await contents_of(world, third) == {"a/1.txt": b"[name]", "big.bin": FILES["big.bin"]}


async def test_erasing_the_second_leaves_the_first_whole(world: World, deid: Maker, parent: str) -> None:
    before = {path.name for path in world.objects()}
    second = await derive(world, deid, parent, {"a/1.txt": b"[name]"}, ["a/2.txt", "big.bin"])
    await erase(world, second)
    assert {path.name for path in world.objects()} == before
    assert await contents_of(world, parent) == FILES


async def test_the_last_one_takes_everything(world: World, deid: Maker, parent: str) -> None:
    second = await derive(world, deid, parent, {}, list(FILES))
    third = await derive(world, deid, second, {"x": FILES["big.bin"]})
    dataset_id = (await world.steward.get(f"/versions/{parent}")).json()["dataset_id"]
    store = vault_of(world.ctx).store
    for version_id in (second, parent):
        await erase(world, version_id)
        assert await contents_of(world, third) == {"x": FILES["big.bin"]}
        assert await store.exists(dataset_id)
    await erase(world, third)
    assert world.objects() == []
    assert [await world.count(table) for table in ("stored_objects", "object_uses")] == [0, 0]
    assert not await store.exists(dataset_id)


async def test_content_whose_versions_are_being_erased_is_stored_under_a_new_key(
    world: World, deid: Maker, parent: str
) -> None:
    """The first version's key is gone, its objects not yet: what is stored now does not depend on them."""
    second = await derive(world, deid, parent, {"a/1.txt": b"[name]"})
    derived = await deid.opened(world.steward, second)
    _secrets, of_one = await opened(world, parent)
    name = of_one["big.bin"][0]
    async with world.ctx.unit() as session:
        before = (await objects.keys_of(session, UUID(parent)))[name]
        await rules.erase_versions(session, [UUID(parent)], "redacted", world.clock.now())
    await derived.staged({"again.bin": FILES["big.bin"], "other.txt": b"1"})
    async with world.ctx.unit() as session:
        uses = await objects.live_uses(session, UUID(derived.facts["dataset_id"]), [name])
        assert [(str(version_id), key == before) for _n, version_id, key in uses] == [(derived.version_id, False)]
    await world.erase()
    made = (await derived.committed())["version_id"]
    assert (await contents_of(world, made))["again.bin"] == FILES["big.bin"]


async def test_what_is_being_erased_is_not_kept(world: World, deid: Maker, parent: str) -> None:
    derived = await deid.opened(world.steward, parent)
    async with world.ctx.unit() as session:
        await rules.erase_versions(session, [UUID(parent)], "redacted", world.clock.now())
    for _ in range(2):
        for answer in (
            await derived.keep(["a/1.txt"]),
            await deid.open(world.steward, parent),
            await deid.open(world.steward, parent, mode="inspect"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (410, "key-destroyed")
        await world.erase()
    answer = await derived.stage({"mine.txt": b"1"})
    assert (answer.status_code, answer.json()["code"]) == (410, "key-destroyed"), "nor is anything more made of it"


async def test_erased_between_reading_the_key_and_storing(
    world: World, deid: Maker, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is stored already, so it is not stored again; while nobody looks, its first owner goes."""
    derived = await deid.opened(world.steward, parent)
    taken = storing.encrypt_many

    async def meanwhile(*args: object) -> object:
        await erase(world, parent)
        return await taken(*args)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(storing, "encrypt_many", meanwhile)
    await derived.staged({"again.bin": FILES["big.bin"], "new.txt": b"1"})
    made = (await derived.committed())["version_id"]
    assert await contents_of(world, made) == {"again.bin": FILES["big.bin"], "new.txt": b"1"}


async def test_cut_off_while_objects_are_deleted(
    world: World, deid: Maker, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blob is gone and its row is not: nobody takes it for stored."""
    first = await deid.opened(world.steward, parent)
    await first.staged({"x": b"a content of its own"})
    assert (await first.abandon()).status_code == 204
    with monkeypatch.context() as patch:

        async def killed(*_: object) -> None:
            raise RuntimeError("killed")

        patch.setattr(objects, "forget", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await world.erase()
    second = await deid.opened(world.steward, parent)
    await second.staged({"y": b"a content of its own"})
    await world.erase()
    made = (await second.committed())["version_id"]
    assert await contents_of(world, made) == {"y": b"a content of its own"}


async def test_storing_and_erasing_at_once(world: World, deid: Maker) -> None:
    """Many versions of a few contents come and go at once; whatever stays can be read, and nothing else is left."""
    chance = random.Random(7)
    pool = [f"content {n}".encode() * 50 for n in range(12)]
    first = await world.accept(await world.submitted({f"f{n}": c for n, c in enumerate(pool[:6])}))

    async def one(number: int) -> tuple[str, dict[str, bytes]] | None:
        files = {f"{number}/{n}": c for n, c in enumerate(chance.sample(pool, 8))}
        derived = await deid.opened(world.steward, first)
        for part in (dict(list(files.items())[:4]), dict(list(files.items())[4:])):
            await derived.staged(part)
        if number % 3 == 0:
            assert (await derived.abandon()).status_code == 204
            return None
        return (await derived.committed())["version_id"], files

    async def eraser(stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await erase_one(world.ctx):
                await asyncio.sleep(0)

    stop = asyncio.Event()
    erasing = [asyncio.create_task(eraser(stop)) for _ in range(2)]
    made = [m for m in await asyncio.gather(*(one(n) for n in range(9))) if m is not None]
    gone, stay = made[:3], made[3:]

    async def erase_it(version_id: str) -> None:
        async with world.ctx.unit() as session:
            await rules.erase_versions(session, [UUID(version_id)], "redacted", world.clock.now())

    more, *_ = await asyncio.gather(
        asyncio.gather(*(one(n) for n in range(10, 16))), *(erase_it(version_id) for version_id, _ in gone)
    )
    stop.set()
    await asyncio.gather(*erasing)
    await world.erase()
    stay += [m for m in more if m is not None]
    for version_id, files in stay:
        assert await contents_of(world, version_id) == files
    needed = {sha(c) for _v, files in stay for c in files.values()} | {sha(c) for c in pool[:6]}
    assert len(world.objects()) == len(needed) + len(stay) + 1, "contents, and a manifest for each version"


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.sampled_from("abcdefgh")),
    st.sets(st.sampled_from("abcdefgh")),
    st.sets(st.sampled_from("abcdefgh")),
    st.sampled_from([None, 0, 1, 2]),
)
def test_a_data_key_is_of_its_object_in_every_version(a: set[str], b: set[str], c: set[str], gone: int | None) -> None:
    """Pure: keys for names that versions use already are those versions' keys; the rest are new."""
    dataset = uuid4()
    versions = [Secrets(dataset, uuid4(), DataKey.generate(), b"n" * 32) for _ in range(3)]
    data = {name: DataKey.generate() for name in "abcdefgh"}
    held = [{n: v.wrap_object_key(n, data[n]) for n in names} for v, names in zip(versions, (a, b, c), strict=True)]
    new = Secrets(dataset, uuid4(), DataKey.generate(), b"n" * 32)
    uses = {n: {v.version_id: h[n] for v, h in zip(versions, held, strict=True) if n in h} for n in data}
    there = [v for n, v in enumerate(versions) if n != gone]
    opened_by = {v.version_id: v for v in [new, *there]}
    keys, wrapped = storing._keys(new, uses, opened_by)
    for name in data:
        used = any(name in h for n, h in enumerate(held) if n != gone)
        assert (keys[name] == data[name]) == used
        assert new.open_object_key(name, wrapped[name]) == keys[name]
