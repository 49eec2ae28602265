"""A lease asks the law again: whatever ends a right ends what runs under it, to the second, with the reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from services.access.admission import work
from services.access.decisions import service
from services.access.decisions.gather import Ask
from services.access.decisions.models import Decision
from services.kit.db import RuleSession
from services.kit.events import catalog
from services.kit.ids import new_id
from services.kit.inbox import Event
from tests.access.admission.house import House

END = datetime(2026, 9, 1, tzinfo=UTC)


async def test_what_was_permitted_goes_on(house: House) -> None:
    decision = await house.permitted()
    assert await house.lease(decision["id"]) == (True, set())


async def test_a_grant_holds_to_its_last_second_and_no_further(house: House) -> None:
    decision = await house.permitted()
    house.world.clock.set(END - timedelta(seconds=1))
    assert await house.codes() == set()
    assert await house.lease(decision["id"]) == (True, set())
    house.world.clock.set(END - timedelta(microseconds=1))
    assert await house.lease(decision["id"]) == (True, set())
    house.world.clock.set(END)
    assert await house.codes() == {"grant-expired", "agreement-unsigned"}
    assert await house.lease(decision["id"]) == (False, {"grant-expired", "agreement-unsigned"})


async def test_an_end_asked_for_within_a_second_is_the_same_everywhere(house: House) -> None:
    await house.take_course()
    grant_id = await house.granted(until="2026-09-01T00:00:00.900Z")
    assert (await house.lead.get(f"/grants/{grant_id}")).json()["until"] == "2026-09-01T00:00:00Z"
    house.world.clock.set(END + timedelta(milliseconds=500))
    assert (await house.lead.get(f"/grants/{grant_id}")).json()["state"] == "expired"
    assert "grant-expired" in await house.codes()


async def test_revoking_ends_it(house: House) -> None:
    decision = await house.permitted()
    (grant,) = (await house.lead.get("/grants")).json()["items"]
    answer = await house.steward.post(f"/grants/{grant['id']}/revocation", json={"reason": "Misuse."})
    assert answer.status_code == 200
    assert await house.lease(decision["id"]) == (False, {"grant-revoked", "agreement-unsigned"})


async def test_leaving_the_project_ends_it(house: House) -> None:
    decision = await house.permitted()
    answer = await house.lead.delete(f"/projects/{house.project_id}/members/{house.researcher.id}")
    assert answer.status_code == 204
    assert await house.lease(decision["id"]) == (False, {"membership-ended"})
    assert await house.codes() == {"membership-ended"}


async def test_leaving_the_partner_ends_it(house: House) -> None:
    decision = await house.permitted()
    partner = house.researcher.partner_id
    answer = await house.operator.delete(f"/partners/{partner}/members/{house.researcher.id}")
    assert answer.status_code == 204
    live, codes = await house.lease(decision["id"])
    assert not live and "membership-ended" in codes


async def test_suspending_the_partner_ends_it(house: House) -> None:
    decision = await house.permitted()
    answer = await house.operator.post(f"/partners/{house.researcher.partner_id}/suspension")
    assert answer.status_code == 200
    assert await house.lease(decision["id"]) == (False, {"membership-ended"})


async def test_shutting_the_user_out_ends_it(house: House) -> None:
    decision = await house.permitted()
    assert (await house.operator.post(f"/users/{house.researcher.id}/deactivation")).status_code == 200
    assert await house.lease(decision["id"]) == (False, {"membership-ended"})


async def test_closing_the_project_ends_it(house: House) -> None:
    decision = await house.permitted()
    assert (await house.lead.post(f"/projects/{house.project_id}/closure")).status_code == 200
    assert await house.lease(decision["id"]) == (False, {"membership-ended"})


async def test_the_project_s_last_day_ends_it(house: House) -> None:
    decision = await house.permitted()
    await house.change_project(ends_on="2026-03-31")
    house.world.clock.set(datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC))
    assert await house.lease(decision["id"]) == (True, set())
    house.world.clock.set(datetime(2026, 3, 31, 22, 0, tzinfo=UTC))  # midnight in Stockholm, in summer time
    assert await house.lease(decision["id"]) == (False, {"membership-ended"})


async def test_another_purpose_of_the_project_ends_it(house: House) -> None:
    decision = await house.permitted()
    await house.change_project(purpose="education")
    assert await house.lease(decision["id"]) == (False, {"purpose-not-permitted"})


async def test_a_course_that_lapses_ends_it(house: House) -> None:
    await house.change_project(ends_on="2028-12-31")
    completion = await house.take_course()
    await house.granted(until="2028-01-01T00:00:00Z")
    decision = await house.decision()
    house.world.clock.set(datetime.fromisoformat(completion["valid_until"]) - timedelta(seconds=1))
    assert await house.lease(decision["id"]) == (True, set())
    house.world.clock.advance(seconds=1)
    assert await house.lease(decision["id"]) == (False, {"course-not-valid"})


async def test_a_lapsed_ethics_approval_ends_it(house: House) -> None:
    await house.change_project(ethics_approval={"number": "2026-01234-01", "valid_until": "2026-04-30"})
    decision = await house.permitted()
    house.world.clock.set(datetime(2026, 4, 30, 22, 0, tzinfo=UTC))
    assert await house.lease(decision["id"]) == (False, {"period-not-open"})


async def test_withdrawal_ends_it_as_soon_as_the_catalogue_says_so(house: House) -> None:
    decision = await house.permitted()
    house.catalog.datasets[house.dataset_id]["state"] = "withdrawn"
    house.catalog.versions[house.version_id]["state"] = "withdrawn"
    live, codes = await house.lease(decision["id"])
    assert not live and "dataset-withdrawn" in codes


async def test_withdrawal_ends_it_by_the_fact_too(house: House) -> None:
    decision = await house.permitted()
    await withdrawn(house)
    live, codes = await house.lease(decision["id"])
    assert not live and "grant-revoked" in codes


@pytest.mark.parametrize("state", ["committed", "redacted"])
async def test_a_version_that_is_released_no_longer_ends_it(house: House, state: str) -> None:
    decision = await house.permitted()
    house.catalog.versions[house.version_id]["state"] = state
    assert await house.lease(decision["id"]) == (False, {"version-not-released"})


async def test_a_version_that_is_gone_without_a_trace_ends_it(house: House) -> None:
    decision = await house.permitted()
    del house.catalog.versions[house.version_id]
    assert await house.lease(decision["id"]) == (False, {"version-not-released"})


async def test_a_denial_and_an_unknown_decision_are_not_live(house: House) -> None:
    denied = await house.decision()
    assert await house.lease(denied["id"]) == (False, {"course-not-valid", "grant-absent", "agreement-unsigned"})
    await house.take_course()
    await house.granted()
    assert (await house.lease(denied["id"]))[0] is False, "a no does not become a yes"
    assert await house.lease(str(new_id())) == (False, {"grant-absent"})


async def test_one_that_ends_leaves_the_others_alone(house: House) -> None:
    first = await house.permitted()
    other = await house.world.project(house.lead, members=[house.researcher], purpose="research")
    await house.granted(project_id=other["id"])
    second = await house.decision(project_id=other["id"])
    (grant,) = (await house.lead.get("/grants", params={"project_id": house.project_id})).json()["items"]
    await house.steward.post(f"/grants/{grant['id']}/revocation", json={"reason": "Misuse."})
    answers = await house.leases(first["id"], second["id"])
    assert [answers[first["id"]]["live"], answers[second["id"]]["live"]] == [False, True]


async def test_silence_of_the_catalogue_is_no_lease(house: House) -> None:
    decision = await house.permitted()
    house.catalog.answers = lambda _: {"versions": {}}
    async with house.world.as_service("catalog") as catalog:
        answer = await catalog.post("/leases", json={"decision_ids": [decision["id"]]})
    assert answer.status_code == 503


async def test_only_services_ask_for_leases(house: House) -> None:
    answer = await house.researcher.post("http://access/internal/v1/leases", json={"decision_ids": []})
    assert answer.status_code == 401


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = house.world.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def many_decisions(house: House, count: int) -> list[str]:
    """Permitted decisions of people in as many projects, about as many versions; written straight into the log."""
    rows: list[Decision] = []
    first = UUID((await house.permitted())["id"])
    async with house.world.ctx.unit() as session:
        pattern = await session.get(Decision, first)
        assert pattern is not None
        for _ in range(count):
            version_id = str(new_id())
            house.catalog.versions[version_id] = dict(house.catalog.versions[house.version_id])
            copy = {**pattern.model_dump(exclude={"id"}), "version_id": UUID(version_id)}
            rows.append(Decision(**copy))
        session.add_all(rows)
    return [str(row.id) for row in rows]


async def test_two_hundred_leases_cost_as_many_queries_as_two_and_one_question(house: House) -> None:
    ids = await many_decisions(house, 200)
    house.catalog.asked.clear()
    with counted(house) as few:
        assert all(item["live"] for item in (await house.leases(*ids[:2])).values())
    with counted(house) as many:
        assert all(item["live"] for item in (await house.leases(*ids)).values())
    assert len(many) == len(few) <= 12, "\n".join(many)
    assert [len(question["version_ids"]) for question in house.catalog.asked] == [2, 200]


async def test_more_versions_than_the_catalogue_takes_are_asked_about_in_parts(house: House) -> None:
    ids = await many_decisions(house, 501)
    house.catalog.asked.clear()
    assert all(item["live"] for item in (await house.leases(*ids)).values())
    assert [len(question["version_ids"]) for question in house.catalog.asked] == [500, 1]


async def test_time_that_the_catalogue_takes_counts(house: House) -> None:
    decision = await house.permitted()
    house.world.clock.set(END - timedelta(seconds=1))

    def slowly(answer: Any) -> Any:
        house.world.clock.advance(seconds=2)
        return answer

    house.catalog.answers = slowly
    assert (await house.lease(decision["id"]))[0] is False


async def test_one_thing_asked_twice_is_evaluated_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = await house.permitted()
    again = await house.decision()
    asked: list[int] = []
    evaluate = service.evaluate

    async def counting(ctx: Any, asks: list[Ask]) -> Any:
        asked.append(len(asks))
        return await evaluate(ctx, asks)

    monkeypatch.setattr(service, "evaluate", counting)
    answers = await house.leases(decision["id"], again["id"], decision["id"])
    assert asked == [1] and [a["live"] for a in answers.values()] == [True, True]


async def withdrawn(house: House) -> None:
    """The fact arrives that the dataset was withdrawn."""
    message = catalog.DatasetWithdrawn(dataset_id=house.dataset_id, version_ids=[house.version_id])
    fact = Event(
        id=new_id(), type="factory.catalog.dataset.withdrawn.v1", source="/factory/catalog", subject=house.dataset_id,
        time=house.world.clock.now(), revision=3, message=message, traceparent="",
    )  # fmt: skip
    (subscription,) = work.subscriptions
    async with house.world.ctx.unit() as session:
        assert isinstance(session, RuleSession)
        await subscription.handler(house.world.ctx, session, fact)
