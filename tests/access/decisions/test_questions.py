"""Who may ask about what; many at once; in one's own language."""

import json
import unicodedata
from typing import Any

from services.access.decisions.texts import CODE_TEXTS
from services.kit.ids import new_id
from services.kit.texts import Language
from tests.access.admission.house import EXAMPLES, House, pointers, refusal


async def test_without_a_token_nothing_is_said(house: House) -> None:
    answer = await house.world.anonymous.post("/decisions", content=b"{")
    assert answer.status_code == 401
    assert house.catalog.asked == []


async def test_what_does_not_exist_is_not_found(house: House) -> None:
    assert refusal(await house.ask(version_id=str(new_id()))) == (404, "not-found")
    assert refusal(await house.ask(project_id=str(new_id()))) == (404, "not-found")
    assert await house.count("decisions") == 0


async def test_a_project_of_other_partners_is_not_found(house: House) -> None:
    assert refusal(await house.ask(house.outsider)) == (404, "not-found")
    assert refusal(await house.ask(house.operator)) == (404, "not-found")
    assert await house.count("decisions") == 0


async def test_before_publication_only_the_donor_and_stewards_know_of_a_dataset(house: House) -> None:
    house.catalog.datasets[house.dataset_id]["state"] = "draft"
    assert refusal(await house.ask()) == (404, "not-found")
    own = await house.world.project(house.donor, purpose="research")
    assert "version-not-released" in await house.codes(house.donor, project_id=own["id"])


async def test_a_withdrawn_dataset_can_be_asked_about(house: House) -> None:
    house.catalog.datasets[house.dataset_id]["state"] = "withdrawn"
    assert "dataset-withdrawn" in await house.codes()


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"action": "delete"}, "/action"),
    ({"action": None}, "/action"),
    ({"purpose": "research/secret"}, "/purpose"),
    ({"purpose": ""}, "/purpose"),
    ({"version_id": "1"}, "/version_id"),
    ({"paths": [""]}, "/paths/0"),
    ({"paths": ["a", "x" * 1025]}, "/paths/1"),
    ({"paths": ["\ud800"]}, "/paths/0"),
    ({"cluster": {"kind": "local"}}, "/cluster"),
    ({"subject_id": str(new_id())}, "/subject_id"),
]


async def test_a_malformed_question_is_told_where(house: House) -> None:
    for changes, pointer in MALFORMED:
        body = json.dumps(house.ask_body(**changes))
        answer = await house.researcher.post("/decisions", content=body, headers={"Content-Type": "application/json"})
        assert list(pointers(answer)) == [pointer], changes
    assert house.catalog.asked == []


async def test_answers_come_in_the_order_of_the_questions_about_one_instant(house: House) -> None:
    await house.permitted()
    house.catalog.asked.clear()
    actions = ["read", "train", "read", "annotate", *["read"] * 96]
    items = [house.ask_body(action=action) for action in actions]
    answer = await house.researcher.post("/decision-batches", json={"items": items})
    assert answer.status_code == 200, answer.text
    permits = [item["permit"] for item in answer.json()["items"]]
    assert permits[:4] == [True, False, True, False] and all(permits[4:])
    assert len(house.catalog.asked) == 1
    ids = [item["id"] for item in answer.json()["items"]]
    rows = await house.world.rows("SELECT id, action, created_at FROM decisions ORDER BY id DESC LIMIT 100")
    assert {str(row.id): row.action for row in rows} == dict(zip(ids, actions, strict=True))
    assert len({row.created_at for row in rows}) == 1


async def test_a_batch_holds_one_to_a_hundred_questions(house: House) -> None:
    for count in (0, 101):
        answer = await house.researcher.post("/decision-batches", json={"items": [house.ask_body()] * count})
        assert list(pointers(answer)) == ["/items"]


async def test_one_question_that_may_not_be_asked_spoils_the_batch_and_is_named(house: House) -> None:
    items = [house.ask_body(), house.ask_body(version_id=str(new_id()))]
    answer = await house.researcher.post("/decision-batches", json={"items": items})
    assert refusal(answer) == (404, "not-found")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/items/1"]
    assert await house.count("decisions") == 0


async def test_reasons_and_cures_are_told_in_swedish(house: House) -> None:
    swedish = (await house.ask(headers={"Accept-Language": "sv-SE"})).json()
    english = (await house.ask(headers={"Accept-Language": "en"})).json()
    answers: list[tuple[Any, Language]] = [(swedish, "sv"), (english, "en")]
    for told, language in answers:
        assert {c["code"]: c["message"] for c in told["codes"]} == {
            c["code"]: CODE_TEXTS[c["code"]][language] for c in told["codes"]
        }
    assert swedish["codes"][0]["cures"][0]["text"] != english["codes"][0]["cures"][0]["text"]
    assert all(unicodedata.is_normalized("NFC", c["message"]) for c in swedish["codes"])


async def test_one_key_makes_one_decision(house: House) -> None:
    headers = {"Idempotency-Key": "decide-1"}
    first = await house.ask(headers=headers)
    again = await house.ask(headers=headers)
    assert first.json() == again.json() and await house.count("decisions") == 1
    other = await house.ask(headers=headers, purpose="education")
    assert refusal(other) == (409, "idempotency-key-reused")


async def test_training_needs_a_cluster_that_nobody_can_name_here(house: House) -> None:
    await house.take_course()
    await house.granted(actions=["read", "train"])
    assert await house.codes(action="read") == set()
    assert await house.codes(action="train") == {"integrity-class-not-met"}


async def test_sensitive_versions_need_a_passed_gate(house: House) -> None:
    await house.permitted()
    house.catalog.versions[house.version_id] |= {"personal_data": "unknown", "gate": "required"}
    assert await house.codes() == {"version-not-released"}
    house.catalog.versions[house.version_id]["gate"] = "passed"
    assert await house.codes() == set()


async def test_what_terms_ask_of_the_gate_is_not_for_the_law(house: House) -> None:
    policy = json.loads((EXAMPLES / "open-research.json").read_text())
    (permission,) = policy["permission"]
    permission["constraint"] += [
        {"leftOperand": "df:gate", "operator": "eq", "rightOperand": "required"},
        {"leftOperand": "df:gateK", "operator": "gteq", "rightOperand": 7},
    ]
    answer = await house.donor.post("/terms", json=policy)
    assert answer.status_code == 201, answer.text
    assert answer.json()["normal"]["gate_thresholds"] == {"k": 7}
    house.catalog.datasets[house.dataset_id]["terms_id"] = answer.json()["id"]
    house.catalog.versions[house.version_id] |= {"gate": "passed"}
    await house.permitted()
    rows = await house.world.rows("SELECT input FROM decisions")
    assert all("gate_thresholds" not in row.input["terms"] and row.input["terms"]["gate"] == "required" for row in rows)


async def test_who_may_annotate_may_see_what_is_annotated(house: House) -> None:
    house.catalog.datasets[house.dataset_id]["terms_id"] = await house.terms("health-research")
    health: dict[str, Any] = {"purpose": "research/health"}
    await house.take_course()
    await house.granted(actions=["annotate"], **health)
    house.catalog.versions[house.version_id] |= {"gate": "passed", "personal_data": "yes"}
    assert await house.codes(action="annotate", **health) == set()
    assert "grant-absent" in await house.codes(action="read", **health)
    decision = await house.decision(action="annotate", paths=["images/1.png"], **health)
    permit = await house.world.ctx.verifier.permit(decision["permit_token"])
    assert (permit.action, len(permit.path_digests)) == ("annotate", 1)
    house.catalog.versions[house.version_id] |= {"state": "committed", "gate": "required"}
    assert "version-not-released" in await house.codes(action="annotate", **health)


async def test_raw_versions_are_prepared_and_nothing_else(house: House) -> None:
    house.catalog.datasets[house.dataset_id]["terms_id"] = await house.terms("health-research")
    health: dict[str, Any] = {"purpose": "research/health"}
    await house.take_course()
    await house.granted(actions=["prepare", "read"], **health)
    house.catalog.versions[house.version_id] |= {"state": "committed", "gate": "required", "personal_data": "yes"}
    assert await house.codes(action="prepare", **health) == set()
    assert await house.codes(action="read", **health) == {"version-not-released"}
