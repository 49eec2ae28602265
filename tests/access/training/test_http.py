"""Courses over HTTP: read, taken, failed, passed, renewed; a failure is recorded like a pass."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.access.training import service
from services.access.training.bank import courses
from services.kit.ids import new_id
from services.kit.schemas import epoch
from tests.access.support import Person, World

COURSE = courses()["using-donated-data"]
ATTEMPTS = "/courses/using-donated-data/attempts"


@pytest.fixture
async def learner(world: World) -> Person:
    return await world.as_user("learner", partner="University")


def right(attempt: dict[str, Any]) -> dict[str, str]:
    return {q["id"]: COURSE.question(q["id"]).right for q in attempt["questions"]}


def wrong(attempt: dict[str, Any]) -> dict[str, str]:
    answers = right(attempt)
    return {q["id"]: next(o["id"] for o in q["options"] if o["id"] != answers[q["id"]]) for q in attempt["questions"]}


async def start(person: Person) -> dict[str, Any]:
    answer = await person.post(ATTEMPTS)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def submit(person: Person, attempt: dict[str, Any], answers: dict[str, str]) -> dict[str, Any]:
    answer = await person.post(f"/attempts/{attempt['id']}/answers", json={"answers": answers})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_course_is_read_in_both_languages(world: World, learner: Person) -> None:
    (shown,) = (await learner.get("/courses", headers={"Accept-Language": "sv"})).json()["items"]
    assert (shown["id"], shown["title"]) == ("using-donated-data", "Att använda donerade data i den här fabriken")
    assert (shown["questions"], shown["pass_mark"], shown["time_limit_minutes"], shown["valid_days"]) == (
        8,
        80,
        30,
        365,
    )
    english = (await learner.get("/courses/using-donated-data", headers={"Accept-Language": "en"})).json()
    assert english["lesson"] == COURSE.lesson["en"]
    assert (await learner.get("/courses/nowhere")).status_code == 404
    assert (await learner.post("/courses/nowhere/attempts")).status_code == 404
    assert (await world.anonymous.get("/courses")).status_code == 401


async def test_an_attempt_tells_nothing_of_what_is_right(learner: Person) -> None:
    answer = await learner.post(ATTEMPTS, headers={"Accept-Language": "en"})
    attempt = answer.json()
    assert set(attempt) == {"id", "course_id", "questions", "expires_at"}
    assert len(attempt["questions"]) == 8
    for question in attempt["questions"]:
        assert set(question) == {"id", "text", "options"}
        assert all(set(option) == {"id", "text"} for option in question["options"])
        assert COURSE.question(question["id"]).explanation["en"] not in answer.text
    assert attempt["expires_at"] == "2026-03-02T09:30:00Z"


async def test_a_failure_is_an_answer_that_explains_and_is_recorded(world: World, learner: Person) -> None:
    attempt = await start(learner)
    outcome = await submit(learner, attempt, wrong(attempt))
    assert (outcome["passed"], outcome["score"], outcome["pass_mark"], outcome["valid_until"]) == (False, 0, 80, None)
    assert {m["question_id"] for m in outcome["mistakes"]} == {q["id"] for q in attempt["questions"]}
    assert all(m["explanation"] == COURSE.question(m["question_id"]).explanation["en"] for m in outcome["mistakes"])
    assert outcome["next_attempt_at"] is None
    assert (await learner.get("/completions")).json()["items"] == []
    assert await world.emitted("course.completed") == []
    (row,) = await world.rows("SELECT passed, score, answers FROM course_attempts")
    assert (row.passed, row.score, row.answers) == (False, 0, wrong(attempt))


async def test_a_pass_counts_for_a_year(world: World, learner: Person) -> None:
    outcome = await submit(learner, attempt := await start(learner), right(attempt))
    assert (outcome["passed"], outcome["score"], outcome["mistakes"]) == (True, 100, [])
    assert outcome["valid_until"] == "2027-03-02T09:00:00Z"
    (completion,) = (await learner.get("/completions")).json()["items"]
    assert (completion["course"], completion["valid"]) == ("using-donated-data", True)
    (fact,) = await world.emitted("course.completed")
    message: Any = fact.message
    assert (fact.subject, message.user_id, message.course) == (completion["id"], str(learner.id), "using-donated-data")
    begins = epoch(world.clock.now())
    async with world.ctx.unit() as session:
        found = await service.valid_completions(session, {learner.id, new_id()})
    assert found[learner.id] == [{"course": "using-donated-data", "from": begins, "until": begins + 365 * 24 * 3600}]

    world.clock.advance(days=365, seconds=-1)
    assert (await learner.get("/completions")).json()["items"][0]["valid"] is True
    world.clock.advance(seconds=1)
    assert (await learner.get("/completions")).json()["items"][0]["valid"] is False


async def test_a_pass_can_be_renewed_before_it_ends(world: World, learner: Person) -> None:
    await submit(learner, attempt := await start(learner), right(attempt))
    world.clock.advance(days=300)
    await submit(learner, attempt := await start(learner), right(attempt))
    items = (await learner.get("/completions")).json()["items"]
    assert len(items) == 2
    assert max(i["valid_until"] for i in items) == "2027-12-27T09:00:00Z"


async def test_answers_are_taken_once_also_when_sent_together(world: World, learner: Person) -> None:
    attempt = await start(learner)
    body = {"answers": right(attempt)}
    answers = await asyncio.gather(*(learner.post(f"/attempts/{attempt['id']}/answers", json=body) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    assert {a.json().get("code") for a in answers} == {None, "attempt-answered"}
    assert len((await learner.get("/completions")).json()["items"]) == 1
    assert len(await world.emitted("course.completed")) == 1


async def test_one_key_gives_one_outcome(learner: Person) -> None:
    attempt = await start(learner)
    body, key = {"answers": right(attempt)}, {"Idempotency-Key": "answers-1"}
    answers = [await learner.post(f"/attempts/{attempt['id']}/answers", json=body, headers=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


async def test_an_open_attempt_is_given_again_so_that_nobody_leafs_through_the_bank(
    world: World, learner: Person
) -> None:
    attempts = await asyncio.gather(*(start(learner) for _ in range(5)))
    assert len({a["id"] for a in attempts}) == 1
    assert all(a["questions"] == attempts[0]["questions"] for a in attempts)
    other = await world.as_user("other", partner="University")
    assert (await start(other))["id"] != attempts[0]["id"]


async def test_time_is_up_after_half_an_hour(world: World, learner: Person) -> None:
    in_time = await start(learner)
    world.clock.advance(minutes=30, seconds=-1)
    assert (await submit(learner, in_time, right(in_time)))["passed"] is True
    late = await start(learner)
    world.clock.advance(minutes=30)
    answer = await learner.post(f"/attempts/{late['id']}/answers", json={"answers": right(late)})
    assert (answer.status_code, answer.json()["code"]) == (409, "attempt-lapsed")


async def test_after_three_failures_the_next_attempt_waits(world: World, learner: Person) -> None:
    began = world.clock.now()
    for number in range(3):
        attempt = await start(learner)
        if number == 1:
            world.clock.advance(minutes=31)  # left lying: that is a failure too
        else:
            outcome = await submit(learner, attempt, wrong(attempt))
    again = (began + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert outcome["next_attempt_at"] == again  # pyright: ignore[reportPossiblyUnboundVariable]
    refused = await learner.post(ATTEMPTS)
    assert (refused.status_code, refused.json()["code"]) == (429, "attempts-used-up")
    assert refused.json()["next_attempt_at"] == again
    assert int(refused.headers["Retry-After"]) == 24 * 3600 - 31 * 60
    assert (await learner.get("/courses")).json()["items"][0]["next_attempt_at"] == again
    other = await world.as_user("other", partner="University")
    await start(other)

    world.clock.set(began + timedelta(days=1))
    attempt = await start(learner)
    assert (await submit(learner, attempt, right(attempt)))["passed"] is True


async def test_answers_that_do_not_fit_are_pointed_out_and_cost_no_attempt(learner: Person) -> None:
    attempt = await start(learner)
    question = attempt["questions"][0]["id"]
    bad = {"answers": {**right(attempt), question: "z", "no/such": "a"}}
    answer = await learner.post(f"/attempts/{attempt['id']}/answers", json=bad)
    assert answer.status_code == 422
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {
        (f"/answers/{question}", "option-not-offered"),
        ("/answers/no~1such", "question-not-asked"),
    }
    assert (await submit(learner, attempt, right(attempt)))["passed"] is True


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'{"answers": []}', b'{"answers": {"x": 1}}', b'{"answers": {}, "more": 1}',
     b'{"answers": {"' + b"x" * 101 + b'": "a"}}',
     b'{"answers": {"\\u0000": "a"}}', b'{"answers": {"\\ud800": "a"}}'],
)  # fmt: skip
async def test_bodies_that_are_no_answers(learner: Person, body: bytes) -> None:
    attempt = await start(learner)
    answer = await learner.post(
        f"/attempts/{attempt['id']}/answers", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_another_persons_attempt_and_completions_are_out_of_sight(world: World, learner: Person) -> None:
    attempt = await start(learner)
    other = await world.as_user("other", partner="University", roles=["operator", "partner-admin"])
    answer = await other.post(f"/attempts/{attempt['id']}/answers", json={"answers": right(attempt)})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    await submit(learner, attempt, right(attempt))
    assert (await other.get("/completions")).json()["items"] == []
    answer = await other.post(f"/attempts/{new_id()}/answers", json={"answers": {}})
    assert answer.status_code == 404


async def test_the_end_of_a_completion_is_told_once(world: World, learner: Person) -> None:
    await submit(learner, attempt := await start(learner), right(attempt))
    ends = world.clock.now() + timedelta(days=365)

    async def tell() -> int:
        async with world.ctx.unit() as session:
            return await service.announce_lapsed(session, world.clock.now())

    world.clock.set(ends - timedelta(seconds=1))
    assert await tell() == 0
    world.clock.set(ends)
    assert await asyncio.gather(tell(), tell()) in ([0, 1], [1, 0])
    assert await tell() == 0
    (fact,) = await world.emitted("completion.expired")
    message: Any = fact.message
    assert UUID(message.user_id) == learner.id
    assert message.expired_at.ToDatetime(ends.tzinfo) == ends
