"""Items are handed out: never beyond their overlap, never twice to one person, and back when somebody is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from services.annotation.campaigns.models import Item
from services.annotation.tasks import pool
from services.annotation.tasks.models import Task
from services.annotation.tasks.watch import Watch
from services.kit.tokens import Role
from tests.annotation.support import Person, World, annotation_world, mark
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres
from tests.support.wait import until


def pictures(number: int) -> dict[str, bytes]:
    return {f"{n:04}.png": b"" for n in range(number)}


@pytest.fixture
async def quick(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """A service that asks often, and is soon impatient."""
    async with annotation_world(postgres, tmp_path, clock, lease_poll_s=0.1, lease_silence_s=0.6) as world:
        yield world


@pytest.fixture
async def crowded(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """A service with a connection for each of fifty people: they meet at the rows, not at the pool."""
    async with annotation_world(postgres, tmp_path, clock, database_pool=50) as world:
        yield world


async def places(world: World) -> list[tuple[int, int, int, int]]:
    """Of each item: free, claimed and submitted as its row says, and how many tasks there are of it."""
    async with world.ctx.unit() as session:
        items = (await session.execute(select(Item).order_by(Item.number))).scalars().all()  # pyright: ignore
        tasks = (await session.execute(select(Task))).scalars().all()
    held = Counter(task.item_id for task in tasks if task.state in ("claimed", "submitted"))
    return [(item.free, item.claimed, item.submitted, held[item.id]) for item in items]


def crowd(world: World, number: int) -> list[Person]:
    return [world.person(f"annotator {n}") for n in range(number)]


@pytest.mark.parametrize("overlap", [1, 3])
async def test_fifty_at_once_are_given_nothing_twice(crowded: World, overlap: int) -> None:
    world = crowded
    people = crowd(world, 50)
    campaign_id = await world.campaign(pictures(60), overlap=overlap, annotators=people)
    given: list[tuple[str, UUID]] = []

    async def work(person: Person) -> None:
        while task := await person.claim(campaign_id):
            given.append((task["item"]["path"], person.id))
            await person.submit(task, mark("cat"))

    await asyncio.gather(*map(work, people))
    assert len(given) == len(set(given)), "nobody had an item twice"
    assert Counter(path for path, _person in given) == {path: overlap for path in pictures(60)}
    assert await places(world) == [(0, 0, overlap, overlap)] * 60
    assert (await world.items(campaign_id))["accepted"] == 60


async def test_fifty_at_once_want_the_last_items(crowded: World) -> None:
    world = crowded
    people = crowd(world, 50)
    campaign_id = await world.campaign(pictures(3), overlap=5, annotators=people)
    tasks = await asyncio.gather(*(person.claim(campaign_id) for person in people))
    paths = Counter(task["item"]["path"] for task in tasks if task is not None)
    # Whoever is told that nothing is left was told so when nothing was.
    assert paths == {"0000.png": 5, "0001.png": 5, "0002.png": 5}
    assert await places(world) == [(0, 5, 0, 5)] * 3


async def test_two_windows_of_one_person_get_two_items(world: World) -> None:
    campaign_id = await world.campaign(pictures(20), overlap=3)
    tasks = await asyncio.gather(*(world.anna.claim(campaign_id) for _ in range(20)))
    assert sorted(task["item"]["path"] for task in tasks if task) == sorted(pictures(20))
    assert await places(world) == [(2, 1, 0, 1)] * 20


async def test_all_go_through_the_items_in_one_order(world: World) -> None:
    campaign_id = await world.campaign(pictures(4), overlap=2)
    first = [await world.anna.claim(campaign_id), await world.bo.claim(campaign_id), await world.cia.claim(campaign_id)]
    assert [task["item"]["path"] for task in first if task] == ["0000.png", "0000.png", "0001.png"]


async def test_a_lost_annotators_task_goes_to_somebody_else(world: World) -> None:
    campaign_id = await world.campaign(pictures(1), annotators=[world.anna, world.bo])
    task = await world.anna.claim(campaign_id)
    assert task is not None
    await world.anna.save(task, [mark("cat")])
    assert await world.bo.claim(campaign_id) is None
    world.clock.advance(seconds=901)
    taken = await world.bo.claim(campaign_id)
    assert taken is not None and taken["item"]["id"] == task["item"]["id"]
    assert (taken["marks"], taken["comment"]) == ([], ""), "somebody else's draft is nobody's business"
    late = await world.anna.save(task, [mark("dog")], revision=2)
    assert (late.status_code, late.json()["code"]) == (409, "claim-ended")
    assert (await world.anna.post(f"/tasks/{task['id']}/submission")).json()["code"] == "claim-ended"
    shown = (await world.anna.get(f"/tasks/{task['id']}")).json()
    assert (shown["state"], shown["reason"], shown["permit_token"]) == ("ended", "deadline", None)
    assert shown["marks"] == [mark("cat") | {"geometry": None}]
    assert await places(world) == [(0, 1, 0, 1)]


async def test_whoever_comes_back_finds_the_draft(world: World) -> None:
    campaign_id = await world.campaign(pictures(2))
    task = await world.anna.claim(campaign_id)
    assert task is not None
    await world.anna.save(task, [mark("cat")], "half done")
    world.clock.advance(seconds=901)
    await Watch(world.ctx).look()
    assert (await world.items(campaign_id))["waiting"] == 2
    again = await world.anna.claim(campaign_id)
    assert again is not None
    assert (again["id"], again["comment"], again["state"]) == (task["id"], "half done", "claimed")
    stale = await world.anna.save(task, [], revision=2)
    assert stale.status_code == 412, "the window from before does not overwrite what the new one has"
    assert await places(world) == [(0, 1, 0, 1), (1, 0, 0, 0)]


async def test_saving_keeps_a_task(world: World) -> None:
    campaign_id = await world.campaign(pictures(1))
    task = await world.anna.claim(campaign_id)
    assert task is not None
    for label in ("cat", "dog", "cat"):
        world.clock.advance(seconds=800)
        saved = await world.anna.save(task, [mark(label)])
        assert saved.status_code == 200
        task = saved.json()
    await Watch(world.ctx).look()
    assert (await world.items(campaign_id))["in_work"] == 1


async def test_what_is_returned_is_for_others(world: World) -> None:
    campaign_id = await world.campaign(pictures(1), annotators=[world.anna, world.bo])
    task = await world.anna.claim(campaign_id)
    assert task is not None
    returned = await world.anna.post(f"/tasks/{task['id']}/return")
    assert (returned.status_code, returned.json()["state"]) == (200, "returned")
    assert (await world.anna.post(f"/tasks/{task['id']}/return")).status_code == 200
    assert await world.anna.claim(campaign_id) is None
    assert (await world.anna.save(task, [])).json()["code"] == "claim-ended"
    assert await world.bo.claim(campaign_id) is not None
    assert await places(world) == [(0, 1, 0, 1)]


async def test_the_law_is_asked_for_each_item_and_a_denial_is_passed_on(world: World) -> None:
    campaign_id = await world.campaign(pictures(1))
    before = len(world.access.decisions)
    code = {"code": "course-required", "message": "Take it.", "cures": [{"operation_id": "start_attempt"}]}
    world.access.denied[world.anna.id] = [code]
    answer = await world.anna.post(f"/campaigns/{campaign_id}/claims", headers={"Accept-Language": "sv"})
    assert (answer.status_code, answer.json()["code"]) == (403, "decision-denied")
    assert answer.json()["codes"] == [code] and answer.json()["cures"] == code["cures"]
    assert answer.json()["detail"].startswith("Villkoren")
    assert await places(world) == [(1, 0, 0, 0)]
    asked = list(world.access.decisions.values())[before:]
    assert [(d["action"], d["purpose"], d["paths"]) for d in asked] == [("annotate", "research/applied", ["0000.png"])]
    world.access.denied.clear()
    task = await world.anna.claim(campaign_id)
    assert task is not None and task["permit_token"] and task["permit_expires_at"] == "2026-03-02T09:10:00Z"
    assert task["file_url"].endswith("/files/0000.png")


async def test_no_answer_from_the_law_takes_no_item(world: World) -> None:
    campaign_id = await world.campaign(pictures(1))
    world.access.answers = False
    answer = await world.anna.post(f"/campaigns/{campaign_id}/claims")
    assert answer.status_code == 503
    assert await places(world) == [(1, 0, 0, 0)]
    async with world.ctx.unit() as session:
        assert (await session.execute(select(Task))).first() is None


async def test_a_repeated_claim_takes_one_item(world: World) -> None:
    campaign_id = await world.campaign(pictures(2))
    key = {"Idempotency-Key": "one"}
    answers = [await world.anna.post(f"/campaigns/{campaign_id}/claims", headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await places(world) == [(0, 1, 0, 1), (1, 0, 0, 0)]


async def test_a_process_that_died_while_the_law_was_asked_holds_nothing_for_long(world: World) -> None:
    campaign_id = await world.campaign(pictures(1), annotators=[world.anna, world.bo])
    subject = world.anna.subject
    async with world.ctx.unit() as session:
        assert await pool.reserve(session, subject, UUID(campaign_id), most=10, now=world.clock.now())
    assert await world.bo.claim(campaign_id) is None
    world.clock.advance(seconds=61)
    assert await world.bo.claim(campaign_id) is not None


async def test_nobody_hoards(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> None:
    async with annotation_world(postgres, tmp_path, clock, task_open_max=2) as world:
        campaign_id = await world.campaign(pictures(5))
        first = await world.anna.claim(campaign_id)
        assert first is not None and await world.anna.claim(campaign_id)
        answer = await world.anna.post(f"/campaigns/{campaign_id}/claims")
        assert (answer.status_code, answer.json()["code"]) == (409, "too-many-open-tasks")
        await world.anna.submit(first, mark("cat"))
        assert await world.anna.claim(campaign_id)


async def test_a_task_ends_when_the_law_says_no(quick: World) -> None:
    campaign_id = await quick.campaign(pictures(2), annotators=[quick.anna, quick.bo])
    task, other = await quick.anna.claim(campaign_id), await quick.bo.claim(campaign_id)
    assert task is not None and other is not None
    watching = Watch(quick.ctx)
    await watching.look()
    quick.access.dead[decision_of(quick, quick.anna)] = ["grant-revoked"]

    async def ended() -> bool:
        return (await quick.anna.get(f"/tasks/{task['id']}")).json()["state"] == "ended"

    await until(ended)
    answer = await quick.anna.save(task, [])
    assert (answer.json()["code"], "grant-revoked" in answer.json()["detail"]) == ("claim-ended", True)
    assert (await quick.bo.save(other, [mark("cat")])).status_code == 200
    # Both were asked about in one question.
    assert any(len(asked) == 2 for asked in quick.access.asked)
    assert await places(quick) == [(1, 0, 0, 0), (0, 1, 0, 1)]
    await watching.close()


async def test_a_task_ends_when_nobody_answers(quick: World) -> None:
    campaign_id = await quick.campaign(pictures(1))
    task = await quick.anna.claim(campaign_id)
    assert task is not None
    watching = Watch(quick.ctx)
    await watching.look()
    quick.access.answers = False

    async def returned() -> bool:
        return await places(quick) == [(1, 0, 0, 0)]

    await until(returned)
    assert (await quick.anna.get(f"/tasks/{task['id']}")).json()["reason"] == "silence"
    await watching.close()


async def test_a_watch_that_stops_ends_nothing(quick: World) -> None:
    campaign_id = await quick.campaign(pictures(1))
    assert await quick.anna.claim(campaign_id)
    watching = Watch(quick.ctx)
    await watching.look()
    await watching.close()
    await quick.ctx.components["leases"].close()
    assert await places(quick) == [(0, 1, 0, 1)]


async def test_a_permit_about_to_end_is_renewed(quick: World) -> None:
    campaign_id = await quick.campaign(pictures(1))
    task = await quick.anna.claim(campaign_id)
    assert task is not None
    quick.clock.advance(seconds=300)
    same = (await quick.anna.get(f"/tasks/{task['id']}")).json()
    assert same["permit_token"] == task["permit_token"]
    quick.clock.advance(seconds=250)
    renewed = (await quick.anna.get(f"/tasks/{task['id']}")).json()
    assert renewed["permit_token"] != task["permit_token"]
    assert (await quick.anna.get(f"/tasks/{task['id']}")).json()["permit_token"] == renewed["permit_token"]
    # From now on the task rests on the new decision.
    watching = Watch(quick.ctx)
    await watching.look()
    quick.access.dead[decision_of(quick, quick.anna)] = ["grant-revoked"]

    async def returned() -> bool:
        return await places(quick) == [(1, 0, 0, 0)]

    await until(returned)
    await watching.close()


async def test_a_role_that_is_taken_back_frees_what_was_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.subjects.KEEP_S", 0.0)
    campaign_id = await world.campaign(pictures(2), annotators=[world.anna, world.bo])
    task, kept = await world.anna.claim(campaign_id), await world.anna.claim(campaign_id)
    assert task is not None and kept is not None
    await world.anna.submit(kept, mark("cat"))
    answer = await world.lead.ask("DELETE", f"/campaigns/{campaign_id}/members/{world.anna.id}/annotator")
    assert answer.status_code == 204
    assert (await world.anna.save(task, [mark("cat")])).json()["code"] == "claim-ended"
    assert (await world.anna.post(f"/campaigns/{campaign_id}/claims")).status_code == 403
    assert (await world.items(campaign_id)) | {"accepted": 1, "waiting": 1} == await world.items(campaign_id)
    members = (await world.lead.get(f"/campaigns/{campaign_id}/members")).json()
    assert [(m["name"], m["roles"]) for m in members] == [
        ("annotator-1", []),
        ("annotator-2", ["annotator"]),
        ("annotator-3", ["reviewer"]),
    ]


async def test_only_annotators_claim(world: World) -> None:
    campaign_id = await world.campaign(pictures(1))
    other = world.person("other", "member", Role("annotator", "campaign", UUID(int=1)))
    for person, status in ((world.outsider, 404), (world.member, 403), (other, 403), (world.lead, 403)):
        answer = await person.post(f"/campaigns/{campaign_id}/claims")
        assert answer.status_code == status, answer.text
    assert (await world.steward.post(f"/campaigns/{campaign_id}/claims")).status_code == 403


async def test_annotators_are_blind(world: World) -> None:
    campaign_id = await world.campaign(pictures(2), overlap=2, annotators=[world.anna, world.bo])
    task = await world.anna.claim(campaign_id)
    assert task is not None
    await world.anna.submit(task, mark("cat"), comment="obvious")
    for person in (world.bo, world.lead, world.reviewer, world.outsider):
        assert (await person.get(f"/tasks/{task['id']}")).status_code == 404
        assert (await person.save(task, [])).status_code == 404
        assert (await person.post(f"/tasks/{task['id']}/return")).status_code == 404
        assert (await person.post(f"/tasks/{task['id']}/submission")).status_code == 404
        assert (await person.get("/tasks")).json()["items"] == []
    theirs = await world.bo.claim(campaign_id)
    assert theirs is not None and "obvious" not in str(theirs) and theirs["marks"] == []
    export = await world.bo.get(f"/campaigns/{campaign_id}/export?format=csv")
    assert (export.status_code, export.json()["code"]) == (403, "still-blind")
    assert (await world.bo.get(f"/reviews?campaign_id={campaign_id}")).status_code == 403
    mine = (await world.anna.get(f"/tasks?campaign_id={campaign_id}&state=submitted")).json()["items"]
    assert [t["id"] for t in mine] == [task["id"]]


def decision_of(world: World, person: Person) -> UUID:
    """The last decision for somebody."""
    return [d for d, said in world.access.decisions.items() if said["subject_id"] == person.id][-1]
