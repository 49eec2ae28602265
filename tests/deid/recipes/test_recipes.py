"""Recipes: written, numbered, and refused with where and what would be right."""

import asyncio
from typing import Any

import pytest

from services.deid.engine.catalogue import operators
from services.deid.engine.operator import Operator
from services.kit.ids import new_id
from tests.deid.support import TEXT_RECIPE, World


async def refused(world: World, *steps: dict[str, Any], language: str = "en") -> dict[str, tuple[str, str]]:
    """What is wrong with a recipe of these steps, by pointer."""
    body = {"name": "wrong", "description": "Wrong.", "operators": list(steps)}
    answer = await world.steward.post("/recipes", json=body, headers={"Accept-Language": language})
    assert answer.status_code == 422, answer.text
    return {e["pointer"]: (e["code"], e["detail"]) for e in answer.json()["errors"]}


async def test_operators_tell_what_they_take(world: World) -> None:
    items = (await world.donor.get("/operators")).json()["items"]
    names = [item["name"] for item in items]
    assert names == sorted(names) and "text.personal-number" in names
    for item in items:
        assert item["summary"] and item["source"] and item["misses"] and item["finds"] is not None
        assert item["schema"]["type"] == "object"
        assert item["schema"]["additionalProperties"] is False


async def test_a_recipe_is_kept_with_every_parameter_filled_in(world: World) -> None:
    body = {"name": "standard", "description": "For journals.", "operators": TEXT_RECIPE}
    answer = await world.steward.post("/recipes", json=body)
    assert answer.status_code == 201, answer.text
    recipe = answer.json()
    assert recipe["number"] == 1
    assert recipe["operators"][0] == {
        "operator": "text.personal-number",
        "version": operators().get("text.personal-number").version,  # pyright: ignore[reportOptionalMemberAccess]
        "params": {"action": "label"},
    }
    assert recipe["allowed_actions"] == [
        {"action": "test", "allowed": True, "reason": None},
        {"action": "run", "allowed": True, "reason": None},
    ]
    assert (await world.outsider.get(f"/recipes/{recipe['id']}")).json()["digest"] == recipe["digest"]
    assert (await world.steward.get(f"/recipes/{new_id()}")).status_code == 404
    assert (await world.donor.get(f"/recipes/{recipe['id']}")).status_code == 403


async def test_the_same_name_again_is_the_next_number(world: World) -> None:
    first = await world.recipe()
    changed = [{"operator": "text.email", "params": {}}]
    second = await world.recipe(changed)
    other = await world.recipe(changed, name="other")
    items = (await world.steward.get("/recipes")).json()["items"]
    assert [(r["id"], r["name"], r["number"]) for r in items] == [
        (other, "other", 1),
        (second, "standard", 2),
        (first, "standard", 1),
    ]
    assert items[0]["digest"] == items[1]["digest"] != items[2]["digest"]
    named = (await world.steward.get("/recipes?name=other")).json()["items"]
    assert [r["id"] for r in named] == [other]
    page = (await world.steward.get("/recipes?limit=2")).json()
    rest = (await world.steward.get(f"/recipes?limit=2&after={page['next_cursor']}")).json()
    assert [r["id"] for r in rest["items"]] == [first]


async def test_numbers_are_given_once_whoever_is_quicker(world: World) -> None:
    await asyncio.gather(*(world.recipe() for _ in range(4)))
    items = (await world.steward.get("/recipes")).json()["items"]
    assert sorted(r["number"] for r in items) == [1, 2, 3, 4]


async def test_what_is_wrong_is_said_with_what_would_be_right(world: World) -> None:
    wrong = await refused(
        world,
        {"operator": "text.personal-numbers"},
        {"operator": "text.email", "params": {"action": "erase", "loud": True}},
        {"operator": "text.phone", "params": {"action": 3}},
        {"operator": "text.custom", "params": {"pattern": "(", "kind": "case"}},
        {"operator": "text.custom", "params": {"kind": "case"}},
    )
    assert wrong["/operators/0/operator"][0] == "operator-unknown"
    assert "text.personal-number" in wrong["/operators/0/operator"][1]
    assert wrong["/operators/1/params/action"][0] == "param-choice"
    assert '"pseudonymise"' in wrong["/operators/1/params/action"][1]
    assert wrong["/operators/1/params/loud"][0] == "param-unknown"
    assert "action" in wrong["/operators/1/params/loud"][1]
    assert "/operators/2/params/action" in wrong
    assert wrong["/operators/3/params/pattern"][0] == "param-invalid"
    assert wrong["/operators/4/params/pattern"][0] == "param-missing"


async def test_refusals_are_in_the_callers_language(world: World) -> None:
    wrong = await refused(world, {"operator": "nothing.at-all"}, language="sv")
    assert wrong["/operators/0/operator"][1].startswith("Det finns ingen sådan operator")


async def test_an_operator_stands_once_but_patterns_as_often_as_wanted(world: World) -> None:
    wrong = await refused(world, {"operator": "text.email"}, {"operator": "text.email", "params": {"action": "mask"}})
    assert wrong == {"/operators/1/operator": ("operator-twice", wrong["/operators/1/operator"][1])}
    custom = [{"operator": "text.custom", "params": {"pattern": f"case {n}", "kind": "case"}} for n in (1, 2)]
    await world.recipe(custom)


@pytest.mark.parametrize("operators", [[], [{"operator": "text.email"}] * 51, "text.email", [{"params": {}}]])
async def test_what_is_no_list_of_operators_is_refused(world: World, operators: Any) -> None:
    body = {"name": "x", "description": "x", "operators": operators}
    assert (await world.steward.post("/recipes", json=body)).status_code == 422


async def test_a_recipe_whose_operators_have_changed_runs_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe_id = await world.recipe()
    known = operators().get("text.email")
    assert known is not None
    newer = Operator(**{**vars(known), "version": known.version + ".1"})
    monkeypatch.setitem(operators()._by_name, "text.email", newer)
    recipe = (await world.steward.get(f"/recipes/{recipe_id}")).json()
    assert {a["reason"] for a in recipe["allowed_actions"]} == {"recipe-outdated"}
    body = {"recipe_id": recipe_id, "version_id": str(world.version({"a": b"x"}))}
    answer = await world.steward.post("/runs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "recipe-outdated")
    assert "text.email" in answer.json()["detail"]


async def test_sent_twice_is_written_once(world: World) -> None:
    body = {"name": "standard", "description": "x", "operators": TEXT_RECIPE}
    answers = [await world.steward.post("/recipes", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await world.steward.get("/recipes")).json()["items"]) == 1


def test_every_schema_takes_its_own_defaults() -> None:
    from jsonschema import Draft202012Validator

    for operator in operators().all():
        schema = operator.schema()
        Draft202012Validator.check_schema(schema)
        required = set(schema.get("required", ()))
        if not required:
            params = operator.params().model_dump(mode="json")
            Draft202012Validator(schema).validate(params)
