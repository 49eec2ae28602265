"""Every decision is on record with all that the law was told, for those it concerns, and can be put to it again."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.access.decisions.engine import CODES, RULES, PolicyResult
from services.kit.tokens import Role
from tests.access.admission.house import House, refusal


async def test_the_log_holds_the_whole_input_and_no_names(house: House) -> None:
    decision = await house.permitted()
    record = (await house.researcher.get(f"/decisions/{decision['id']}")).json()
    assert (record["permit"], record["codes"]) == (True, [])
    assert record["policy_revision"] == decision["policy_revision"] == house.world.ctx.components["engine"].revision
    facts = record["input"]
    assert set(facts) == {
        *("schema", "request", "subject", "partner", "project", "membership", "dataset", "version"),
        *("terms", "completions", "grants", "environment"),
    }  # fmt: skip
    assert facts["environment"]["now"] == int(house.world.clock.now().timestamp())
    assert facts["subject"] == {"id": str(house.researcher.id), "active": True}
    told = json.dumps(record).lower()
    for name in ("lead", "researcher", "university", "hospital", "digits", "falls", "classifiers"):
        assert f'"{name}' not in told.replace('"role": "lead"', ""), name


async def test_a_decision_is_shown_to_those_it_concerns(house: House) -> None:
    decision = await house.decision()
    path = f"/decisions/{decision['id']}"
    for person in (house.researcher, house.steward, house.operator):
        assert (await person.get(path)).json()["id"] == decision["id"]
        assert [d["id"] for d in (await person.get("/decisions")).json()["items"]] == [decision["id"]]
    for person in (house.lead, house.colleague, house.outsider, house.other_steward, house.donor):
        assert refusal(await person.get(path)) == (404, "not-found")
        assert refusal(await person.post(f"{path}/replay")) == (404, "not-found")
        assert (await person.get("/decisions")).json()["items"] == []


async def test_the_steward_of_the_case_that_a_dataset_came_from_may_look(house: House) -> None:
    decision = await house.decision()
    donation = house.catalog.datasets[house.dataset_id]["donation_id"]
    case = await house.world.as_user("case", roles=[Role("steward", "donation", UUID(donation))])
    assert (await case.get(f"/decisions/{decision['id']}")).status_code == 200
    assert len((await case.get("/decisions")).json()["items"]) == 1


async def test_lists_are_paged_newest_first_without_inputs(house: House) -> None:
    ids = [(await house.decision())["id"] for _ in range(3)]
    first = (await house.researcher.get("/decisions", params={"limit": 2})).json()
    assert [d["id"] for d in first["items"]] == [ids[2], ids[1]]
    assert all("input" not in d for d in first["items"])
    last = (await house.researcher.get("/decisions", params={"limit": 2, "after": first["next_cursor"]})).json()
    assert ([d["id"] for d in last["items"]], last["next_cursor"]) == ([ids[0]], None)
    for cursor in ("nonsense", "WyJ4Il0", "W10", "WzEsMl0"):
        answer = await house.researcher.get("/decisions", params={"after": cursor})
        assert answer.status_code == 422, cursor


async def test_replaying_gives_the_same_answer_later_and_records_nothing(house: House) -> None:
    denied = await house.decision()
    permitted = await house.permitted()
    house.world.clock.advance(days=400)
    for decision in (denied, permitted):
        replayed = (await house.steward.post(f"/decisions/{decision['id']}/replay")).json()
        assert replayed["same"] is True
        assert replayed["permit"] == replayed["recorded"]["permit"] == decision["permit"]
        assert replayed["codes"] == [code["code"] for code in decision["codes"]]
    assert await house.count("decisions") == 2
    assert len(house.catalog.asked) >= 2


async def tamper(house: House, decision_id: str, change: str) -> None:
    """Someone with access to the database changes a record."""
    async with house.world.ctx.unit() as session:
        await session.execute(text(f"UPDATE decisions SET {change} WHERE id = :id"), {"id": decision_id})


CHANGES = [
    "input = jsonb_set(input, '{grants,0,revoked}', 'true')",
    "input = jsonb_set(input, '{membership,active}', 'false')",
    "input = input - 'membership'",
    "input = jsonb_set(input, '{subject,active}', 'null')",
    "input = '{}'",
    "obligations = '[]'",
    "permit = false",
    """codes = '["grant-absent"]'""",
]


async def test_a_record_that_was_changed_does_not_replay(house: House) -> None:
    await house.permitted()
    for change in CHANGES:
        decision = await house.decision()
        await tamper(house, decision["id"], change)
        answer = await house.researcher.post(f"/decisions/{decision['id']}/replay")
        assert (answer.status_code, answer.json()["same"]) == (200, False), change


async def test_a_law_that_has_changed_its_mind_shows(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = await house.permitted()

    class Stricter:
        revision = "f" * 64

        async def evaluate(self, _: Any) -> PolicyResult:
            return PolicyResult(False, RULES[1:], RULES, (CODES[0],), (), self.revision)

    monkeypatch.setitem(house.world.ctx.components, "engine", Stricter())
    replayed = (await house.researcher.post(f"/decisions/{decision['id']}/replay")).json()
    assert (replayed["same"], replayed["permit"], replayed["codes"]) == (False, False, [CODES[0]])
    assert replayed["policy_revision"] == "f" * 64 != replayed["recorded"]["policy_revision"]
    assert replayed["recorded"] == {"permit": True, "codes": [], "policy_revision": decision["policy_revision"]}


async def test_the_log_cannot_be_read_back_in_time(house: House) -> None:
    decision = await house.permitted()
    before = (await house.researcher.get(f"/decisions/{decision['id']}")).json()
    house.world.clock.advance(days=1)
    await house.change_project(purpose="education")
    assert (await house.researcher.get(f"/decisions/{decision['id']}")).json() == before
    assert before["created_at"] == (house.world.clock.now() - timedelta(days=1)).isoformat().replace("+00:00", "Z")
