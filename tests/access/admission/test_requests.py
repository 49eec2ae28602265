"""A project asks, a steward of the donor asks back and decides; what could never be granted is refused at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.kit.ids import new_id
from services.kit.tokens import Role
from tests.access.admission.house import House, allowed, pointers, refusal


async def test_a_member_asks_and_both_sides_see_it(house: House) -> None:
    request = await house.requested()
    assert request["state"] == "submitted" and request["requester_id"] == str(house.researcher.id)
    assert (request["dataset_title"], request["until"]) == ("Handwritten digits", "2026-09-01T00:00:00Z")
    for person in (house.researcher, house.lead, house.steward, house.donor, house.operator):
        answer = await person.get(f"/requests/{request['id']}")
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        assert [r["id"] for r in (await person.get("/requests")).json()["items"]] == [request["id"]]


async def test_others_do_not_know_of_it(house: House) -> None:
    request = await house.requested()
    path = f"/requests/{request['id']}"
    for person in (house.outsider, house.other_steward, house.colleague):
        assert refusal(await person.get(path)) == (404, "not-found")
        assert refusal(await person.post(f"{path}/questions", json={"text": "Why?"})) == (404, "not-found")
        assert refusal(await person.post(f"{path}/answers", json={"text": "So."})) == (404, "not-found")
        assert refusal(await house.decide(request["id"], person)) == (404, "not-found")
        assert (await person.get("/requests")).json()["items"] == []
    assert (await house.world.anonymous.get(path)).status_code == 401


@pytest.mark.parametrize("who", ["outsider", "colleague", "steward", "operator", "donor"])
async def test_only_members_ask_in_a_project_s_name(house: House, who: str) -> None:
    assert refusal(await house.request(getattr(house, who))) == (404, "not-found")
    assert await house.count("access_requests") == 0


async def test_a_member_who_left_asks_no_more_and_sees_nothing(house: House) -> None:
    request = await house.requested()
    await house.lead.delete(f"/projects/{house.project_id}/members/{house.researcher.id}")
    assert refusal(await house.researcher.get(f"/requests/{request['id']}")) == (404, "not-found")
    assert refusal(await house.request()) == (404, "not-found")


@pytest.mark.parametrize("state", ["draft", "withdrawn", None])
async def test_only_a_published_dataset_can_be_asked_for(house: House, state: str | None) -> None:
    if state is None:
        house.catalog.datasets.clear()
    else:
        house.catalog.datasets[house.dataset_id]["state"] = state
    assert refusal(await house.request()) == (404, "not-found")


async def test_a_catalogue_that_cannot_be_believed_takes_no_requests(house: House) -> None:
    for terms_id in (None, "x", house.project_id):
        house.catalog.datasets[house.dataset_id]["terms_id"] = terms_id
        assert refusal(await house.request()) == (503, "unavailable")


async def test_a_closed_project_asks_for_nothing_but_still_sees_what_it_asked(house: House) -> None:
    request = await house.requested()
    await house.lead.post(f"/projects/{house.project_id}/closure")
    assert refusal(await house.request(dataset_id=house.dataset_id)) == (409, "project-closed")
    assert (await house.researcher.get(f"/requests/{request['id']}")).status_code == 200
    assert refusal(await house.decide(request["id"])) == (409, "project-closed")
    assert (await house.decide(request["id"], approve=False)).status_code == 200


NEVER: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"actions": ["deploy"]}, {"/actions/0": "action-never-permitted"}),
    ({"actions": ["read", "deploy"]}, {"/actions/1": "action-never-permitted"}),
    ({"purpose": "public-interest"}, {"/purpose": "purpose-never-permitted"}),
    (
        {"actions": ["deploy"], "purpose": "innovation", "until": "2026-03-02T09:00:00Z"},
        {"/actions/0": "action-never-permitted", "/purpose": "purpose-never-permitted", "/until": "until-passed"},
    ),
    ({"until": "2200-01-01T00:00:01Z"}, {"/until": "until-too-late"}),
    ({"until": "9999-12-31T23:59:59.999-23:59"}, {"/until": "until-too-late"}),
    ({"until": "0001-01-01T00:00:00+23:59"}, {"/until": "until-passed"}),
    ({"until": "2026-09-01T00:00:00"}, {"/until": "timezone-aware"}),
    ({"until": "tomorrow"}, {"/until": "datetime-from-date-parsing"}),
    ({"actions": []}, {"/actions": "too-short"}),
    ({"actions": ["steal"]}, {"/actions/0": "literal-error"}),
    ({"purpose": "Research"}, {"/purpose": "unknown-purpose"}),
    ({"purpose_text": " \n "}, {"/purpose_text": "blank-text"}),
    ({"state": "approved"}, {"/state": "extra-forbidden"}),
]


async def test_what_terms_can_never_permit_is_refused_with_a_pointer(house: House) -> None:
    for changes, expected in NEVER:
        answer = await house.request(**changes)
        assert answer.status_code == 422, changes
        found = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
        # The purpose of the project may be in the way as well.
        assert found - {("/purpose", "purpose-not-of-project")} == set(expected.items()), changes
    assert await house.count("access_requests") == 0


async def test_a_request_lies_within_the_project_s_purpose(house: House) -> None:
    answer = await house.request(purpose="education")
    assert pointers(answer) == {"/purpose": "purpose-not-of-project"}
    assert "research" in answer.json()["errors"][0]["detail"]


async def test_terms_may_exclude_the_recipient_and_end_before_the_request(house: House) -> None:
    house.terms_id = await house.terms("health-research")
    hospital = await house.world.partner("Hospital")
    house.dataset_id, _ = house.catalog.add(partner_id=hospital, terms_id=house.terms_id)
    late = await house.request(purpose="research/health", until="2031-06-01T00:00:00Z")
    assert pointers(late) == {"/until": "until-beyond-terms"}
    assert (await house.request(purpose="research/health")).status_code == 201
    own = await house.world.project(house.outsider, purpose="research")
    answer = await house.request(house.outsider, project_id=own["id"], purpose="research/health")
    assert pointers(answer) == {"/project_id": "recipient-never-permitted"}


async def test_refusals_are_told_in_swedish(house: House) -> None:
    body = house.request_body(actions=["deploy"])
    answer = await house.researcher.post("/requests", json=body, headers={"Accept-Language": "sv"})
    assert answer.json()["errors"][0]["detail"] == "Datamängdens villkor tillåter aldrig den åtgärden."
    request = (
        await house.researcher.post("/requests", json=house.request_body(), headers={"Accept-Language": "sv"})
    ).json()
    reasons = {a["action"]: a["reason"] for a in request["allowed_actions"]}
    assert reasons == {
        "ask": "Det gör en handläggare för givaren.",
        "answer": None,
        "decide": "Det gör en handläggare för givaren.",
    }


async def test_one_open_request_at_a_time(house: House) -> None:
    first = await house.requested()
    assert refusal(await house.request(house.lead)) == (409, "request-pending")
    await house.decide(first["id"], approve=False)
    assert (await house.request()).status_code == 201


async def test_twenty_who_ask_at_once_get_one_request(house: House) -> None:
    answers = await asyncio.gather(*(house.request(person) for person in [house.researcher, house.lead] * 10))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 19
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"request-pending"}
    assert await house.count("access_requests") == 1
    assert await house.types() == ["request.submitted"]


async def test_one_key_makes_one_request(house: House) -> None:
    headers = {"Idempotency-Key": "ask-1"}
    answers = await asyncio.gather(
        *(house.researcher.post("/requests", json=house.request_body(), headers=headers) for _ in range(20))
    )
    assert {a.status_code for a in answers} == {201} and len({a.text for a in answers}) == 1
    other = await house.researcher.post("/requests", json=house.request_body(purpose="research"), headers=headers)
    assert refusal(other) == (409, "idempotency-key-reused")
    assert await house.count("access_requests") == 1


async def test_questions_and_answers_stand_in_order(house: House) -> None:
    request = await house.requested()
    path = f"/requests/{request['id']}"
    assert (await house.steward.post(f"{path}/questions", json={"text": "Which classifiers?"})).status_code == 201
    assert (await house.lead.post(f"{path}/answers", json={"text": "Linear ones."})).status_code == 201
    answer = await house.steward.post(f"{path}/questions", json={"text": "Why?"})
    said = [(m["kind"], m["author_id"], m["text"]) for m in answer.json()["messages"]]
    assert said == [
        ("question", str(house.steward.id), "Which classifiers?"),
        ("answer", str(house.lead.id), "Linear ones."),
        ("question", str(house.steward.id), "Why?"),
    ]
    assert answer.headers["etag"] == '"4"'


async def test_each_side_speaks_for_itself(house: House) -> None:
    path = f"/requests/{(await house.requested())['id']}"
    assert refusal(await house.steward.post(f"{path}/answers", json={"text": "x"})) == (403, "member-required")
    for person in (house.researcher, house.donor, house.operator):
        assert refusal(await person.post(f"{path}/questions", json={"text": "x"})) == (403, "steward-required")


async def test_what_one_may_do_is_said(house: House) -> None:
    path = f"/requests/{(await house.requested())['id']}"
    assert allowed((await house.steward.get(path)).json()) == {"ask": True, "answer": False, "decide": True}
    assert allowed((await house.lead.get(path)).json()) == {"ask": False, "answer": True, "decide": False}
    assert allowed((await house.donor.get(path)).json()) == {"ask": False, "answer": False, "decide": False}


@pytest.mark.parametrize("who", ["researcher", "lead", "donor", "operator"])
async def test_only_a_steward_of_the_donor_decides(house: House, who: str) -> None:
    request = await house.requested()
    assert refusal(await house.decide(request["id"], getattr(house, who))) == (403, "steward-required")
    assert await house.count("access_grants") == 0


async def test_the_steward_of_the_case_decides_too(house: House) -> None:
    donation = UUID(house.catalog.datasets[house.dataset_id]["donation_id"])
    case = await house.world.as_user("case", roles=[Role("steward", "donation", donation)])
    other = await house.world.as_user("case2", roles=[Role("steward", "donation", new_id())])
    request = await house.requested()
    assert refusal(await house.decide(request["id"], other)) == (404, "not-found")
    assert (await house.decide(request["id"], case)).status_code == 200


async def test_nobody_decides_a_request_of_their_own_project(house: House) -> None:
    judge = await house.world.as_user("judge", partner="University", roles=["steward:Hospital"])
    await house.lead.post(f"/projects/{house.project_id}/members", json={"user_id": str(judge.id)})
    request = (await house.request(judge)).json()
    assert refusal(await house.decide(request["id"], judge)) == (403, "own-project")
    assert allowed((await judge.get(f"/requests/{request['id']}")).json())["decide"] is False
    await house.lead.delete(f"/projects/{house.project_id}/members/{judge.id}")
    assert refusal(await house.decide(request["id"], judge)) == (403, "own-project"), "who asked and left"
    await house.decide(request["id"], approve=False)
    request = await house.requested()
    assert (await house.decide(request["id"], judge)).status_code == 200


async def test_approval_makes_an_inert_grant_and_an_agreement(house: House) -> None:
    approved = await house.approved(actions=["train", "read", "train"])
    request = approved["request"]
    assert (request["state"], request["decided_by"]) == ("approved", str(house.steward.id))
    assert request["reasons"] == "The purpose is what the donor meant."
    assert (request["grant_id"], request["agreement_id"]) == (approved["grant_id"], approved["agreement_id"])
    grant = (await house.lead.get(f"/grants/{approved['grant_id']}")).json()
    assert (grant["state"], grant["actions"], grant["purpose"]) == ("inert", ["read", "train"], "research/applied")
    assert (grant["starts_at"], grant["until"]) == ("2026-03-02T09:00:00Z", "2026-09-01T00:00:00Z")
    assert await house.types() == ["request.submitted", "request.decided", "grant.issued"]


async def test_rejection_makes_nothing_but_reasons(house: House) -> None:
    request = await house.requested()
    answer = (await house.decide(request["id"], approve=False, reasons="Too vague.")).json()
    assert (answer["grant_id"], answer["agreement_id"]) == (None, None)
    assert (answer["request"]["state"], answer["request"]["reasons"]) == ("rejected", "Too vague.")
    assert await house.count("access_grants") == 0
    assert await house.types() == ["request.submitted", "request.decided"]


async def test_a_decision_is_made_once(house: House) -> None:
    request = await house.requested()
    answers = await asyncio.gather(*(house.decide(request["id"]) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    assert refusal(await house.decide(request["id"], approve=False)) == (409, "request-decided")
    message = await house.steward.post(f"/requests/{request['id']}/questions", json={"text": "Late?"})
    assert refusal(message) == (409, "request-decided")
    assert await house.count("access_grants") == 1


async def test_a_steward_may_shorten_and_not_lengthen(house: House) -> None:
    request = await house.requested()
    longer = await house.decide(request["id"], until="2026-09-01T00:00:01Z")
    assert pointers(longer) == {"/until": "until-beyond-request"}
    assert pointers(await house.decide(request["id"], until="2026-03-02T09:00:00Z")) == {"/until": "until-passed"}
    no = await house.decide(request["id"], approve=False, until="2026-06-01T00:00:00Z")
    assert pointers(no) == {"/until": "until-of-rejection"}
    approved = (await house.decide(request["id"], until="2026-06-01T00:00:00.7+02:00")).json()
    grant = (await house.lead.get(f"/grants/{approved['grant_id']}")).json()
    assert grant["until"] == "2026-05-31T22:00:00Z"


async def test_a_request_that_waited_too_long_is_not_approved(house: House) -> None:
    request = await house.requested()
    house.world.clock.set(datetime(2026, 9, 1, tzinfo=UTC))
    assert pointers(await house.decide(request["id"])) == {"/until": "until-passed"}
    assert (await house.decide(request["id"], approve=False)).status_code == 200


async def test_a_steward_who_read_an_older_state_is_told(house: House) -> None:
    request = await house.requested()
    path = f"/requests/{request['id']}"
    etag = (await house.steward.get(path)).headers["etag"]
    await house.lead.post(f"{path}/answers", json={"text": "And one more thing."})
    body = {"approve": True, "reasons": "Fine."}
    stale = await house.steward.post(f"{path}/decision", json=body, headers={"If-Match": etag})
    assert refusal(stale) == (412, "if-match-stale")
    fresh = (await house.steward.get(path)).headers["etag"]
    answer = await house.steward.post(f"{path}/decision", json=body, headers={"If-Match": fresh})
    assert answer.status_code == 200 and answer.headers["etag"] == '"3"'


async def test_one_key_decides_once(house: House) -> None:
    request = await house.requested()
    body = {"approve": True, "reasons": "Fine."}
    path, headers = f"/requests/{request['id']}/decision", {"Idempotency-Key": "d1"}
    first = await house.steward.post(path, json=body, headers=headers)
    again = await house.steward.post(path, json=body, headers=headers)
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    assert refusal(await house.steward.post(path, json={**body, "approve": False}, headers=headers)) == (
        409,
        "idempotency-key-reused",
    )


async def test_lists_are_filtered_and_paged_newest_first(house: House) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids.append((await house.requested())["id"])
        await house.decide(ids[-1], approve=False)
        house.world.clock.advance(seconds=1)
    ids.append((await house.requested())["id"])
    page = (await house.steward.get("/requests", params={"limit": 2})).json()
    assert [r["id"] for r in page["items"]] == ids[:1:-1]
    rest = (await house.steward.get("/requests", params={"limit": 2, "after": page["next_cursor"]})).json()
    assert [r["id"] for r in rest["items"]] == ids[1::-1] and rest["next_cursor"] is None
    waiting = (await house.steward.get("/requests", params={"state": "submitted"})).json()["items"]
    assert [r["id"] for r in waiting] == ids[3:]
    assert (await house.steward.get("/requests", params={"state": "open"})).status_code == 422
    assert (await house.steward.get("/requests", params={"after": "WyJ4Il0"})).status_code == 422


async def test_what_is_told_of_a_request_holds_ids_only(house: House) -> None:
    approved = await house.approved()
    submitted, decided, issued = await house.world.emitted("request.submitted", "request.decided", "grant.issued")
    request = approved["request"]
    assert (submitted.subject, submitted.revision) == (request["id"], 1)
    assert (decided.subject, decided.revision) == (request["id"], 2)
    assert (issued.subject, issued.revision) == (approved["grant_id"], 1)
    told = submitted.message.SerializeToString() + decided.message.SerializeToString()
    assert b"classifiers" not in told and b"donor meant" not in told
    (row,) = await house.world.rows("SELECT occurred_at FROM outbox WHERE type LIKE '%request.decided%'")
    assert row.occurred_at - house.world.clock.now() == timedelta(0)
