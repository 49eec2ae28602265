"""A grant holds until its end or until someone takes it back, and the world is told once."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.access.admission import service, work
from services.kit.events import catalog
from services.kit.ids import new_id
from services.kit.inbox import Event
from tests.access.admission.house import House, allowed, pointers, refusal
from tests.support.wait import until

END = datetime(2026, 9, 1, tzinfo=UTC)


async def test_it_is_shown_to_the_project_and_to_those_who_answer_for_the_data(house: House) -> None:
    grant_id = await house.granted()
    for person in (house.researcher, house.lead, house.steward, house.donor, house.operator):
        assert (await person.get(f"/grants/{grant_id}")).json()["state"] == "active"
        assert [g["id"] for g in (await person.get("/grants")).json()["items"]] == [grant_id]
    for person in (house.outsider, house.colleague, house.other_steward):
        assert refusal(await person.get(f"/grants/{grant_id}")) == (404, "not-found")
        revocation = await person.post(f"/grants/{grant_id}/revocation", json={"reason": "x"})
        assert refusal(revocation) == (404, "not-found")
        assert (await person.get("/grants")).json()["items"] == []


async def test_lists_narrow_by_project_and_dataset(house: House) -> None:
    grant_id = await house.granted()
    for params, found in (
        ({"project_id": house.project_id}, [grant_id]),
        ({"dataset_id": house.dataset_id}, [grant_id]),
        ({"project_id": house.dataset_id}, []),
        ({"project_id": house.project_id, "dataset_id": str(new_id())}, []),
    ):
        items = (await house.donor.get("/grants", params=params)).json()["items"]
        assert [g["id"] for g in items] == found
    assert (await house.donor.get("/grants", params={"project": "x"})).status_code == 422


@pytest.mark.parametrize("who", ["steward", "donor", "lead"])
async def test_the_donor_its_stewards_and_the_lead_take_it_back(house: House, who: str) -> None:
    grant_id = await house.granted()
    person = getattr(house, who)
    assert allowed((await person.get(f"/grants/{grant_id}")).json()) == {"revoke": True}
    grant = (await person.post(f"/grants/{grant_id}/revocation", json={"reason": "Enough."})).json()
    assert (grant["state"], grant["revoke_reason"]) == ("revoked", "Enough.")
    assert grant["revoked_at"] == "2026-03-02T09:00:00Z" and allowed(grant) == {"revoke": False}
    (told,) = await house.world.emitted("grant.revoked")
    assert (told.subject, told.revision) == (grant_id, 2)
    assert b"Enough" not in told.message.SerializeToString()


@pytest.mark.parametrize("who", ["researcher", "operator"])
async def test_others_who_see_it_do_not(house: House, who: str) -> None:
    grant_id = await house.granted()
    person = getattr(house, who)
    assert allowed((await person.get(f"/grants/{grant_id}")).json()) == {"revoke": False}
    answer = await person.post(f"/grants/{grant_id}/revocation", json={"reason": "x"})
    assert refusal(answer) == (403, "revoker-required")


async def test_taking_it_back_again_changes_nothing(house: House) -> None:
    grant_id = await house.granted()
    reasons = [f"Reason {n}." for n in range(6)]
    answers = await asyncio.gather(
        *(house.steward.post(f"/grants/{grant_id}/revocation", json={"reason": r}) for r in reasons)
    )
    assert {a.status_code for a in answers} == {200}
    assert len({a.json()["revoke_reason"] for a in answers}) == 1
    assert (await house.types()).count("grant.revoked") == 1
    assert pointers(await house.steward.post(f"/grants/{grant_id}/revocation", json={})) == {"/reason": "missing"}


async def test_an_older_reading_is_told(house: House) -> None:
    grant_id = await house.granted()
    path = f"/grants/{grant_id}/revocation"
    stale = await house.steward.post(path, json={"reason": "x"}, headers={"If-Match": '"9"'})
    assert refusal(stale) == (412, "if-match-stale")


async def test_its_state_follows_the_clock_to_the_second(house: House) -> None:
    grant_id = await house.granted()
    house.world.clock.set(END.replace(year=2026, month=8, day=31, hour=23, minute=59, second=59))
    assert (await house.lead.get(f"/grants/{grant_id}")).json()["state"] == "active"
    house.world.clock.set(END)
    grant = (await house.lead.get(f"/grants/{grant_id}")).json()
    assert grant["state"] == "expired" and allowed(grant) == {"revoke": False}


async def test_its_end_is_told_once_by_however_many_workers(house: House) -> None:
    grant_id = await house.granted()
    house.world.clock.set(END)
    stop = asyncio.Event()
    workers = [asyncio.create_task(work.announce_ends(house.world.ctx, stop)) for _ in range(2)]
    try:
        await until(lambda: house.world.emitted("grant.expired"))
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*workers), 5)
    (told,) = await house.world.emitted("grant.expired")
    assert (told.subject, told.revision) == (grant_id, 2)


async def test_many_that_end_together_are_each_told_once(house: House) -> None:
    grants: set[str] = set()
    for _ in range(4):
        project = await house.world.project(house.lead, members=[house.researcher], purpose="research")
        grants.add((await house.approved(project_id=project["id"]))["grant_id"])
    house.world.clock.set(END)

    async def once() -> int:
        async with house.world.ctx.unit() as session:
            return await service.announce_ended(session, house.world.clock.now(), limit=3)

    told = [*await asyncio.gather(once(), once(), once()), await once()]
    assert sum(told) == 4
    assert sorted(e.subject for e in await house.world.emitted("grant.expired")) == sorted(grants)


async def test_one_that_was_revoked_does_not_run_out(house: House) -> None:
    grant_id = await house.granted()
    await house.steward.post(f"/grants/{grant_id}/revocation", json={"reason": "Enough."})
    house.world.clock.set(END)
    async with house.world.ctx.unit() as session:
        assert await service.announce_ended(session, house.world.clock.now()) == 0


async def test_none_is_told_before_its_end(house: House) -> None:
    await house.granted()
    async with house.world.ctx.unit() as session:
        assert await service.announce_ended(session, house.world.clock.now()) == 0


async def withdraw(house: House, dataset_id: str) -> None:
    """The fact arrives that a dataset was withdrawn."""
    (subscription,) = work.subscriptions
    assert subscription.topic == "factory.catalog.v1"
    assert subscription.types == {"factory.catalog.dataset.withdrawn.v1"}
    fact = Event(
        id=new_id(), type="factory.catalog.dataset.withdrawn.v1", source="/factory/catalog", subject=dataset_id,
        time=house.world.clock.now(), revision=3, message=catalog.DatasetWithdrawn(dataset_id=dataset_id),
        traceparent="",
    )  # fmt: skip
    async with house.world.ctx.unit() as session:
        await subscription.handler(house.world.ctx, session, fact)


async def test_withdrawal_ends_every_grant_and_every_request_that_waits(house: House) -> None:
    grant_id = await house.granted()
    waiting = await house.requested()
    await withdraw(house, str(new_id()))
    assert (await house.lead.get(f"/grants/{grant_id}")).json()["state"] == "active", "another dataset's withdrawal"
    await withdraw(house, house.dataset_id)
    grant = (await house.lead.get(f"/grants/{grant_id}")).json()
    assert (grant["state"], grant["revoke_reason"]) == ("revoked", "dataset-withdrawn")
    request = (await house.lead.get(f"/requests/{waiting['id']}")).json()
    assert (request["state"], request["reasons"], request["decided_by"]) == ("rejected", "dataset-withdrawn", None)
    assert (await house.types())[-2:] == ["grant.revoked", "request.decided"]
    facts = len(await house.types())
    await withdraw(house, house.dataset_id)
    assert len(await house.types()) == facts, "a fact that comes again has no further effect"


async def test_what_had_run_out_before_the_withdrawal_ran_out(house: House) -> None:
    grant_id = await house.granted()
    house.world.clock.set(END)
    await withdraw(house, house.dataset_id)
    assert (await house.lead.get(f"/grants/{grant_id}")).json()["state"] == "expired"
