"""Terms over HTTP: who publishes them, what is refused with which pointer, who reads them."""

import asyncio
import hashlib
import json
from typing import Any
from uuid import UUID

import pytest

from services.kit.ids import new_id
from services.kit.tokens import Role
from tests.access.support import Person, World
from tests.access.terms.policies import example, kept, policy


@pytest.fixture
async def donor(world: World) -> Person:
    return await world.as_user("donor", partner="Hospital", roles=["donor"])


async def test_terms_are_stored_with_their_meaning_and_read_by_everyone(world: World, donor: Person) -> None:
    document = example("health-research")
    answer = await donor.post("/terms", json=document)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    normal = kept(document)
    text = json.dumps(normal, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert made["normal"] == normal
    assert made["odrl"] == document
    assert made["number"] == 1
    assert made["partner_id"] == str(donor.partner_id)
    assert made["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert "Bara i dessa länder: Sverige." in made["summary"]["sv"]
    assert "Only in these countries: Sweden." in made["summary"]["en"]

    outsider = await world.as_user("outsider", partner="Elsewhere")
    assert (await outsider.get(f"/terms/{made['id']}")).json() == made
    assert (await outsider.get("/terms")).json()["items"] == [made]
    assert (await outsider.get(f"/terms/{new_id()}")).status_code == 404
    (published,) = await world.emitted("terms.published")
    assert published.subject == made["id"]
    message: Any = published.message
    assert (message.partner_id, message.number, message.digest) == (made["partner_id"], 1, made["digest"])


async def test_terms_are_numbered_per_partner_also_when_many_come_at_once(world: World, donor: Person) -> None:
    other = await world.as_user("other", partner="University", roles=["partner-admin"])
    answers = await asyncio.gather(
        *(donor.post("/terms", json=policy()) for _ in range(6)), other.post("/terms", json=policy())
    )
    assert [a.status_code for a in answers] == [201] * 7
    assert sorted(a.json()["number"] for a in answers[:6]) == [1, 2, 3, 4, 5, 6]
    assert answers[6].json()["number"] == 1
    assert len({a.json()["digest"] for a in answers}) == 1
    page = (await donor.get("/terms", params={"partner_id": str(donor.partner_id), "limit": 4})).json()
    rest = await donor.get(
        "/terms", params={"partner_id": str(donor.partner_id), "limit": 4, "after": page["next_cursor"]}
    )
    assert len(page["items"]) == 4
    assert len(rest.json()["items"]) == 2
    assert rest.json()["next_cursor"] is None


async def test_one_key_gives_one_terms(world: World, donor: Person) -> None:
    key = {"Idempotency-Key": "terms-1"}
    answers = await asyncio.gather(*(donor.post("/terms", json=policy(), headers=key) for _ in range(10)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    again = await donor.post("/terms", json=policy(action="df:train"), headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "idempotency-key-reused")


async def test_what_cannot_be_kept_is_pointed_out_and_nothing_is_stored(world: World, donor: Person) -> None:
    document = policy({"leftOperand": "odrl:count", "operator": "lteq", "rightOperand": 5})
    document["permission"][0]["assignee"] = "urn:x:alice"
    answer = await donor.post("/terms", json=document, headers={"Accept-Language": "sv"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/permission/0/assignee", "assignee-not-supported"),
        ("/permission/0/constraint/1/leftOperand", "operand-not-supported"),
    ]
    assert answer.json()["errors"][1]["detail"] == "count går inte att begränsa på här."
    assert (await donor.get("/terms")).json()["items"] == []
    assert await world.emitted("terms.published") == []


async def test_a_course_that_does_not_exist_is_refused(donor: Person) -> None:
    document = policy({"leftOperand": "df:course", "operator": "eq", "rightOperand": "no-such-course"})
    answer = await donor.post("/terms", json=document)
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/permission/0/constraint/1/rightOperand", "course-unknown")
    ]


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b'{"@type": "Offer", "@type": "Offer"}', "application/ld+json", 422, "member-twice"),
        (b"{", "application/json", 422, "policy-not-json"),
        (b"[" * 1000, "application/json", 422, "policy-too-deep"),
        (b"{}", "text/turtle", 415, "policy-media-type"),
        (b'{"a": "' + b"x" * 70_000 + b'"}', "application/json", 413, "body-too-large"),
    ],
)
async def test_bodies_that_are_no_policy(donor: Person, body: bytes, media_type: str, status: int, code: str) -> None:
    answer = await donor.post("/terms", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == status
    problem = answer.json()
    assert code in {problem["code"], *(e["code"] for e in problem.get("errors", []))}


async def test_html_is_text_and_control_characters_are_refused(donor: Person) -> None:
    kept_as_text = policy(duty={"action": "attribute", "df:text": "<script>alert(1)</script>"})
    answer = await donor.post("/terms", json=kept_as_text)
    assert answer.json()["normal"]["attribution"] == "<script>alert(1)</script>"
    for text in ("a\u0000b", "a\u001bb", "\u202eb", "a\nb"):
        answer = await donor.post("/terms", json=policy(duty={"action": "attribute", "df:text": text}))
        assert answer.status_code == 422, text


async def test_who_publishes_terms(world: World, donor: Person) -> None:
    hospital = UUID(str(donor.partner_id))
    admin = await world.as_user("admin", partner="Hospital", roles=["partner-admin"])
    steward = await world.as_user("steward", partner="Factory", roles=["steward:Hospital"])
    of_two = await world.as_user("of-two", partner="Factory", roles=["steward:Hospital", "steward:University"])
    member = await world.as_user("member", partner="Hospital")
    stranger = await world.as_user("stranger", partner="University", roles=["donor"])
    case_steward = await world.as_user("case", partner="Factory", roles=[Role("steward", "donation", new_id())])

    for person in (admin, steward):
        answer = await person.post("/terms", json=policy())
        assert (answer.status_code, answer.json()["partner_id"]) == (201, str(hospital))
    answer = await of_two.post("/terms", json=policy())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "partner-ambiguous")
    answer = await of_two.post("/terms", json=policy(), params={"partner_id": str(hospital)})
    assert (answer.status_code, answer.json()["partner_id"]) == (201, str(hospital))
    answer = await stranger.post("/terms", json=policy(), params={"partner_id": str(hospital)})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    for person, params in ((member, {}), (member, {"partner_id": str(hospital)}), (case_steward, {})):
        answer = await person.post("/terms", json=policy(), params=params)
        assert (answer.status_code, answer.json()["code"]) == (403, "role-required")
    assert (await world.anonymous.post("/terms", content=b"not even json")).status_code == 401


async def test_services_read_what_they_need(world: World, donor: Person) -> None:
    made = (await donor.post("/terms", json=example("benchmarking"))).json()
    catalog = world.as_service("catalog")
    answer = await catalog.get(f"/terms/{made['id']}")
    assert answer.status_code == 200
    assert answer.json() == {k: made[k] for k in ("id", "partner_id", "number", "digest", "normal", "summary")}
    assert (await catalog.get(f"/terms/{new_id()}")).status_code == 404


async def test_the_examples_in_openapi_are_policies_that_are_kept(world: World) -> None:
    operation = world.app.openapi()["paths"]["/api/v1/terms"]["post"]
    for content in operation["requestBody"]["content"].values():
        assert set(content["examples"]) == {"benchmarking", "health-research", "open-research"}
        for shown in content["examples"].values():
            kept(shown["value"])
