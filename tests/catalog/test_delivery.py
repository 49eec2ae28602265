"""Files go out under permit and lease: whole or in ranges, decrypted on the way, and no longer than they may."""

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from services.kit.crypto.streaming import FIRST_PLAIN_BYTES, PLAIN_BYTES
from services.kit.ids import new_id
from services.kit.leases import Answer, LeaseKeeper, keeper_of
from services.kit.problems import unavailable
from services.kit.tokens import AUDIENCE, USER_TYPE, user_claims
from tests.catalog.reader import Reader
from tests.catalog.support import World, catalog_world, sha
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres
from tests.support.wait import until

BIG = os.urandom(FIRST_PLAIN_BYTES + 2 * PLAIN_BYTES + 12_345)
FILES = {
    "big.bin": BIG,
    'folder/Ångström "1"\\.txt'.replace("\\", ""): b"hello",
    "empty": b"",
    "page.html": b"<script>alert(1)</script>",
}


@pytest.fixture
async def quick(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """A catalogue that asks often and is soon impatient."""
    async with catalog_world(
        postgres, tmp_path, clock, lease_poll_s=0.1, lease_silence_s=0.8, download_stall_s=0.5
    ) as world:
        yield world


async def test_a_file_comes_whole_with_its_digest_and_name(world: World) -> None:
    version_id = await world.released(FILES)
    permit = world.permit(world.researcher, version_id)
    for path, content in FILES.items():
        answer = await world.researcher.download(version_id, path, permit)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-length"] == str(len(content))
        assert answer.headers["etag"] == f'"{sha(content)}"'
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
        assert answer.headers["cache-control"] == "private, no-store"
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith("attachment; ")
        assert unquote(disposition.rpartition("''")[2]) == path.rpartition("/")[2]
    head = await world.researcher.download(version_id, "big.bin", permit, method="HEAD")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(BIG)), b"")


async def test_what_partners_donate_is_not_run_by_browsers(world: World) -> None:
    version_id = await world.released(FILES)
    answer = await world.researcher.download(version_id, "page.html", world.permit(world.researcher, version_id))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_ranges_are_read_across_the_borders_of_segments(world: World) -> None:
    version_id = await world.released(FILES)
    permit = world.permit(world.researcher, version_id)
    border = FIRST_PLAIN_BYTES
    size = len(BIG)
    for start, stop in (
        (0, 1), (border - 1, border + 1), (border, border + 1), (border + PLAIN_BYTES - 3, border + PLAIN_BYTES + 3),
        (5, border + PLAIN_BYTES + 7), (size - 1, size),
    ):  # fmt: skip
        answer = await world.researcher.download(version_id, "big.bin", permit, Range=f"bytes={start}-{stop - 1}")
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        assert answer.content == BIG[start:stop]
    for header, expected in (
        ("bytes=-5", BIG[-5:]), (f"bytes={size - 3}-", BIG[-3:]), (f"bytes=10-{size * 2}", BIG[10:]),
    ):  # fmt: skip
        answer = await world.researcher.download(version_id, "big.bin", permit, Range=header)
        assert (answer.status_code, answer.content) == (206, expected)


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=x-y", "bytes=-"])
async def test_a_range_that_means_nothing_here_gives_the_whole(world: World, header: str) -> None:
    version_id = await world.released({"a": b"0123456789"})
    permit = world.permit(world.researcher, version_id)
    answer = await world.researcher.download(version_id, "a", permit, Range=header)
    assert (answer.status_code, answer.content) == (200, b"0123456789")


async def test_a_range_behind_the_end_is_told_the_size(world: World) -> None:
    version_id = await world.released({"a": b"0123456789", "empty": b""})
    permit = world.permit(world.researcher, version_id)
    for path, header, size in (("a", "bytes=10-", 10), ("a", "bytes=-0", 10), ("empty", "bytes=0-0", 0)):
        answer = await world.researcher.download(version_id, path, permit, Range=header)
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")


async def test_conditions(world: World) -> None:
    version_id = await world.released({"a": b"0123456789"})
    permit = world.permit(world.researcher, version_id)
    tag = f'"{sha(b"0123456789")}"'
    same = await world.researcher.download(version_id, "a", permit, Range="bytes=0-1", If_Range=tag)
    other = await world.researcher.download(version_id, "a", permit, Range="bytes=0-1", If_Range='"other"')
    assert (same.status_code, other.status_code) == (206, 200)
    known = await world.researcher.download(version_id, "a", permit, If_None_Match=f'"x", {tag}')
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)


# --- permits ----------------------------------------------------------------------------------------------------------


async def test_files_take_a_permit_for_the_caller_the_version_and_the_path(world: World) -> None:
    version_id = await world.released({"a": b"1", "b": b"2"})
    other_version = await world.released({"a": b"1"})
    await world.publish(version_id)
    researcher = world.researcher
    answer = await researcher.download(version_id, "a")
    assert (answer.status_code, answer.json()["code"]) == (403, "permit-required")
    assert answer.json()["cures"][0]["operation_id"] == "evaluate_decision"
    for permit, code in (
        (world.permit(world.donor, version_id), "permit-mismatch"),
        (world.permit(researcher, other_version), "permit-mismatch"),
        (world.permit(researcher, version_id, paths=["b"]), "permit-mismatch"),
        (world.permit(researcher, version_id, action="gaze"), "permit-mismatch"),
        (world.permit(researcher, version_id, seconds=-60), "permit-expired"),
        ("x.y.z", "permit-invalid"),
        (world.access.tokens.sign(USER_TYPE, AUDIENCE, 300, user_claims(researcher.subject)), "permit-invalid"),
    ):
        answer = await researcher.download(version_id, "a", permit)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    good = world.permit(researcher, version_id, paths=["a"])
    assert (await researcher.download(version_id, "a", good)).content == b"1"
    listed = await world.researcher.get(f"/versions/{version_id}/files", headers={"Factory-Permit": good})
    assert [f["path"] for f in listed.json()["items"]] == ["a"]


async def test_a_permit_is_no_bearer(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    permit = world.permit(world.researcher, version_id)
    headers = {"Authorization": f"Bearer {permit}", "Factory-Permit": permit}
    answer = await world.client.get(f"/api/v1/versions/{version_id}/files/a", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "token-invalid")


async def test_a_permit_opens_only_while_access_says_so(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    decision = new_id()
    permit = world.permit(world.researcher, version_id, decision=decision)
    assert (await world.researcher.download(version_id, "a", permit)).status_code == 200
    world.access.dead[decision] = ["grant-revoked"]
    answer = await world.researcher.download(version_id, "a", permit)
    assert (answer.status_code, answer.json()["code"]) == (403, "permit-not-live")
    assert answer.json()["codes"] == ["grant-revoked"]
    listed = await world.researcher.get(f"/versions/{version_id}/files", headers={"Factory-Permit": permit})
    assert listed.status_code == 403
    world.access.answers = False
    answer = await world.researcher.download(version_id, "a", world.permit(world.researcher, version_id))
    assert answer.status_code == 503


async def test_raw_data_are_only_prepared(world: World) -> None:
    version_id = await world.accept(await world.submitted({"a": b"1"}))
    answer = await world.researcher.download(version_id, "a", world.permit(world.researcher, version_id))
    assert (answer.status_code, answer.json()["code"]) == (403, "version-not-released")
    permit = world.permit(world.researcher, version_id, action="prepare")
    assert (await world.researcher.download(version_id, "a", permit)).content == b"1"


async def test_before_publication_nobody_outside_knows(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    dataset_id = (await world.donor.get(f"/versions/{version_id}")).json()["dataset_id"]
    for person in (world.outsider, world.researcher):
        for path in (
            f"/datasets/{dataset_id}", f"/datasets/{dataset_id}/versions", f"/versions/{version_id}",
            f"/versions/{version_id}/files", f"/versions/{version_id}/files/a", f"/versions/{version_id}/lineage",
        ):  # fmt: skip
            assert (await person.get(path)).status_code == 404, path
        assert (await person.post(f"/versions/{version_id}/release", json={"reasons": "x"})).status_code == 404
        forged = await person.download(version_id, "a", "x.y.z")
        assert forged.status_code == 404
    for person in (world.donor, world.colleague, world.steward):
        assert (await person.get(f"/datasets/{dataset_id}")).status_code == 200


async def test_names_of_files_are_shown_to_insiders_permit_holders_and_of_open_data_to_all(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    await world.publish(version_id)
    url = f"/versions/{version_id}/files"
    assert (await world.researcher.get(url)).json()["code"] == "permit-required"
    assert (await world.donor.get(url)).status_code == 200
    permit = world.permit(world.researcher, version_id)
    assert (await world.researcher.get(url, headers={"Factory-Permit": permit})).status_code == 200
    open_version = await world.released({"a": b"1"}, integrity_class="open")
    await world.publish(open_version)
    assert (await world.researcher.get(f"/versions/{open_version}/files")).status_code == 200


async def test_files_are_listed_in_pages_by_path(world: World) -> None:
    names = sorted([f"{n}.txt" for n in range(25)] + ["å.txt", "Z/1", "a/1"], key=lambda p: p.encode())
    version_id = await world.released({name: b"x" for name in names})
    seen: list[str] = []
    url = f"/versions/{version_id}/files?limit=10"
    after = ""
    while True:
        answer = (await world.donor.get(url + after)).json()
        seen += [f["path"] for f in answer["items"]]
        if answer["next_cursor"] is None:
            break
        after = f"&after={answer['next_cursor']}"
    assert seen == names
    assert (await world.donor.get(url + "&after=x")).status_code == 422


async def test_a_withdrawn_dataset_is_a_tombstone(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    dataset_id = await world.publish(version_id)
    permit = world.permit(world.researcher, version_id)
    answer = await world.donor.post(f"/datasets/{dataset_id}/withdrawal", json={"reason": "A person objected."})
    assert answer.status_code == 200
    for step in ("decided", "erased"):
        answer = await world.researcher.download(version_id, "a", permit)
        assert (answer.status_code, answer.json()["code"]) == (410, "dataset-withdrawn"), step
        assert answer.json()["tombstone"]["reason"] == "A person objected."
        assert (await world.donor.get(f"/versions/{version_id}/files")).status_code == 410
        assert (await world.researcher.get(f"/datasets/{dataset_id}")).json()["state"] == "withdrawn"
        assert (await world.researcher.get(f"/versions/{version_id}")).json()["state"] == "withdrawn"
        await world.erase()
    assert world.objects() == []
    assert not list((world.folder / "keys").rglob("*.key"))
    assert (await world.events())[-2:] == ["factory.catalog.dataset.withdrawn.v1", "factory.catalog.key.destroyed.v1"]


async def test_changed_bytes_in_the_store_do_not_come_out(world: World) -> None:
    version_id = await world.released({"big.bin": BIG})
    stored = max(world.objects(), key=lambda path: path.stat().st_size)
    raw = bytearray(stored.read_bytes())
    raw[-100] ^= 1
    stored.write_bytes(raw)
    reader = read(world, version_id, "big.bin")
    reader.take(1000)
    assert await reader.ended() is not None
    assert not reader.complete
    assert reader.taken < len(BIG)


# --- leases -----------------------------------------------------------------------------------------------------------


def read(world: World, version_id: str, path: str, **permit: object) -> Reader:
    """Begin a download by hand."""
    token = world.permit(world.researcher, version_id, **permit)  # pyright: ignore[reportArgumentType]
    headers = world.researcher.headers({"Factory-Permit": token})
    return Reader(world.app, f"/api/v1/versions/{version_id}/files/{path}", headers)


async def test_a_revoked_lease_ends_its_stream_short_and_no_other(quick: World) -> None:
    version_id = await quick.released({"big.bin": BIG})
    revoked, kept = new_id(), new_id()
    one = read(quick, version_id, "big.bin", decision=revoked)
    two = read(quick, version_id, "big.bin", decision=kept)
    one.take(2)
    two.take(2)
    await until(lambda: one.taken and two.taken)
    quick.access.dead[revoked] = ["grant-revoked"]
    assert type(await one.ended(3)).__name__ == "LeaseEnded"
    assert not one.complete
    assert one.status == 200 and one.taken < len(BIG)
    quick.access.asked.clear()
    await until(lambda: len(quick.access.asked) >= 3)
    two.take(1000)
    assert await two.ended() is None
    assert two.complete and two.body.hexdigest() == sha(BIG)


async def test_all_streams_are_asked_about_in_one_question(quick: World) -> None:
    version_id = await quick.released({"big.bin": BIG})
    decisions = {new_id() for _ in range(5)}
    readers = [read(quick, version_id, "big.bin", decision=d) for d in decisions]
    await until(lambda: keeper_of(quick.ctx).held == 5)
    quick.access.asked.clear()
    await until(lambda: len(quick.access.asked) >= 2)
    assert all(set(asked) == decisions for asked in quick.access.asked[:2])
    for reader in readers:
        reader.hang_up()
        assert await reader.ended() is None
    assert keeper_of(quick.ctx).held == 0


async def test_silence_ends_a_stream(quick: World) -> None:
    version_id = await quick.released({"big.bin": BIG})
    reader = read(quick, version_id, "big.bin")
    reader.take(1)
    await until(lambda: reader.taken)
    quick.access.answers = False
    began = asyncio.get_running_loop().time()

    async def drip() -> None:
        while not reader.task.done():
            reader.take(1)
            await asyncio.sleep(0.3)

    dripping = asyncio.create_task(drip())
    error = await reader.ended(5)
    dripping.cancel()
    assert type(error).__name__ == "LeaseEnded" and str(error) == "silence"
    assert asyncio.get_running_loop().time() - began < 2
    assert not reader.complete


async def test_a_short_silence_does_not(quick: World) -> None:
    version_id = await quick.released({"big.bin": BIG})
    reader = read(quick, version_id, "big.bin")
    reader.take(1)
    await until(lambda: reader.taken)
    quick.access.answers = False
    await until(lambda: quick.access.unanswered)
    quick.access.answers = True
    reader.take(1000)
    assert await reader.ended() is None
    assert reader.complete


async def test_a_reader_that_takes_nothing_is_let_go(quick: World) -> None:
    version_id = await quick.released({"big.bin": BIG})
    reader = read(quick, version_id, "big.bin")
    error = await reader.ended(5)
    assert (type(error).__name__, str(error)) == ("LeaseEnded", "stalled")
    assert keeper_of(quick.ctx).held == 0


async def test_a_fact_makes_the_question_come_at_once(world: World) -> None:
    from services.catalog.delivery.subscriptions import SUBSCRIPTIONS

    assert all(subscription.broadcast for subscription in SUBSCRIPTIONS)
    version_id = await world.released({"big.bin": BIG})
    decision = new_id()
    reader = read(world, version_id, "big.bin", decision=decision)
    reader.take(1)
    await until(lambda: reader.taken)
    world.access.dead[decision] = ["membership-ended"]
    began = asyncio.get_running_loop().time()
    await SUBSCRIPTIONS[0].handler(world.ctx, None, None)  # pyright: ignore[reportArgumentType] - the fact itself is not looked at
    error = await reader.ended(5)
    assert str(error) == "membership-ended"
    assert asyncio.get_running_loop().time() - began < world.settings.lease_poll_s / 2


async def test_those_who_come_while_a_question_is_under_way_share_the_next() -> None:
    asked: list[list[object]] = []
    gate = asyncio.Event()

    async def ask(ids: list[object], _deadline_s: float) -> dict[object, Answer]:
        asked.append(ids)
        await gate.wait()
        return {decision: Answer(decision != dead, ("grant-revoked",)) for decision in ids}

    keeper = LeaseKeeper(ask, poll_s=1, silence_s=5)  # pyright: ignore[reportArgumentType]
    decisions = [new_id() for _ in range(20)]
    dead = decisions[7]
    checks = [asyncio.create_task(keeper.check(decisions[0]))]
    await until(lambda: asked)
    checks += [asyncio.create_task(keeper.check(decision)) for decision in decisions[1:]]
    checks += [asyncio.create_task(keeper.check(decisions[1])) for _ in range(5)]
    await asyncio.sleep(0)
    checks[3].cancel()
    gate.set()
    answers = await asyncio.gather(*checks, return_exceptions=True)
    assert [len(ids) for ids in asked] == [1, 19]
    live = [answer.live for answer in answers if isinstance(answer, Answer)]
    assert (live.count(True), live.count(False)) == (23, 1)
    await keeper.close()


async def test_an_answer_that_leaves_a_decision_out_ends_it() -> None:
    decision = new_id()

    async def ask(_ids: object, _deadline_s: float) -> dict[object, Answer]:
        return {}

    keeper = LeaseKeeper(ask, poll_s=0.02, silence_s=5)  # pyright: ignore[reportArgumentType]
    async with keeper.hold(decision, asyncio.get_running_loop().time()) as lease:
        await asyncio.wait_for(lease.ended.wait(), 2)
        assert lease.why == "not-live"
    await keeper.close()


async def test_a_question_that_hangs_does_not_outlast_patience() -> None:
    async def ask(_ids: object, deadline_s: float) -> dict[object, Answer]:
        await asyncio.sleep(deadline_s)
        raise unavailable("access")

    keeper = LeaseKeeper(ask, poll_s=0.05, silence_s=0.4)  # pyright: ignore[reportArgumentType]
    began = asyncio.get_running_loop().time()
    async with keeper.hold(new_id(), began) as lease:
        await asyncio.wait_for(lease.ended.wait(), 3)
        assert lease.why == "silence"
        assert asyncio.get_running_loop().time() - began < 0.8
    await keeper.close()


@pytest.mark.parametrize("action", ["read", "annotate", "train", "deploy", "share-derivative", "prepare"])
async def test_whoever_may_work_on_a_released_version_may_read_it(world: World, action: str) -> None:
    version_id = await world.released({"images/1.png": b"one", "images/2.png": b"two"})
    permit = world.permit(world.researcher, version_id, action=action, paths=["images/1.png"])
    answer = await world.researcher.download(version_id, "images/1.png", permit)
    assert (answer.status_code, answer.content) == (200, b"one")
    other = await world.researcher.download(version_id, "images/2.png", permit)
    assert (other.status_code, other.json()["code"]) == (403, "permit-mismatch")
