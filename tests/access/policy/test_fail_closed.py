"""Every field of the input is removed, nulled and retyped, one at a time: the law never permits, schema or not.

The law is asked directly here, so that it is seen to hold where the JSON Schema was not.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.access.decisions.engine.inputs import check_input
from services.access.decisions.engine.port import InvalidDecisionInput
from tests.access.policy.facts import PERMITTED, Facts, Path, at, paths_of, value_at, with_value, without
from tests.access.policy.law import ask


def other_types(value: Any) -> list[Any]:
    """Values of other JSON types than `value`, among them those that careless code takes for the same."""
    if isinstance(value, bool):
        return [str(value).lower(), int(value), [value], {"value": value}]
    if isinstance(value, int):
        return [str(value), value + 0.5, True, [value], {"value": value}]
    if isinstance(value, str):
        return [0, 1, True, [value], {"value": value}, list(value)]
    if isinstance(value, list):
        return [{str(i): inner for i, inner in enumerate(value)}, json.dumps(value), len(value), True]
    return [list(value.values()), list(value.items()), json.dumps(value), 1, True]


def damaged(facts: Facts) -> Iterator[tuple[str, Path, Facts]]:
    """Each input that has one field removed, nulled or retyped. An element of a list is no field: it is not removed."""
    for path in paths_of(facts):
        if isinstance(path[-1], str):
            yield "removed", path, without(facts, path)
        yield "nulled", path, with_value(facts, path, None)
        for value in other_types(value_at(facts, path)):
            yield f"retyped to {type(value).__name__}", path, with_value(facts, path, value)


@pytest.mark.parametrize("kind", PERMITTED)
def test_no_damaged_field_is_permitted_by_the_law_itself(kind: str) -> None:
    facts = PERMITTED[kind]()
    assert ask(facts)["permit"] is True
    tried = 0
    for how, path, changed in damaged(facts):
        result = ask(changed)
        assert result["permit"] is False, f"{how}: {path}"
        assert "shape" not in result["passed"], f"{how}: {path}"
        assert result["codes"] == [], "a malformed input is no state of the world, so it has no code"
        tried += 1
    assert tried > 400


@pytest.mark.parametrize("kind", PERMITTED)
def test_no_damaged_field_gets_past_the_schema(kind: str) -> None:
    facts = PERMITTED[kind]()
    check_input(facts)
    for how, path, changed in damaged(facts):
        try:
            check_input(changed)
        except InvalidDecisionInput as error:
            assert error.pointer == "" or error.pointer.startswith("/")
        else:
            pytest.fail(f"{how}: {path} is valid to the schema")


@pytest.mark.parametrize("kind", PERMITTED)
def test_an_added_field_is_refused_anywhere(kind: str) -> None:
    facts = PERMITTED[kind]()
    objects = [path for path in [(), *paths_of(facts)] if isinstance(value_at(facts, path), dict)]
    assert len(objects) > 10
    for path in objects:
        changed = copy.deepcopy(facts)
        value_at(changed, path)["note"] = "by the way"
        assert ask(changed)["permit"] is False, path
        with pytest.raises(InvalidDecisionInput):
            check_input(changed)


@pytest.mark.parametrize("value", [None, {}, [], "", "{}", 0, 1, True, False, [{}], {"permit": True}, {"input": {}}])
def test_what_is_no_input_at_all_is_refused(value: Any) -> None:
    # A bare string would be taken by the evaluator for JSON text, so it goes in as JSON text itself.
    result = ask(json.dumps(value))
    assert result["permit"] is False
    assert "shape" not in result["passed"]
    with pytest.raises(InvalidDecisionInput):
        check_input(value)


def test_every_id_is_held_to_its_form() -> None:
    facts = PERMITTED["train"]()
    ids = [path for path in paths_of(facts) if is_id(value_at(facts, path))]
    assert len(ids) >= 10
    for path in ids:
        for bad in ("", " ", "Karin Lind", value_at(facts, path) + "\n", value_at(facts, path)[:-1] + "G"):
            changed = with_value(facts, path, bad)
            assert ask(changed)["permit"] is False, (path, bad)
            with pytest.raises(InvalidDecisionInput):
                check_input(changed)


OUT_OF_FORM: list[tuple[str, str, list[Any]]] = [
    ("read", "schema", [0, 2]),
    ("read", "request/action", ["", "Read", "write", "read\n"]),
    ("read", "request/purpose", ["", "research/", "research/unheard-of", "espionage"]),
    ("read", "request/paths_digest", ["0" * 63, "0" * 65, "G" * 64, "0" * 64 + "\n"]),
    ("read", "partner/sector", ["", "military"]),
    ("read", "partner/country", ["", "se", "SWE", "S1", "SE\n"]),
    ("train", "environment/cluster/country", ["", "no", "NOR"]),
    ("read", "membership/role", ["", "owner"]),
    ("read", "environment/now", [-1, 253_402_300_800, 10**30]),
    ("read", "grants/0/until", [-1, 253_402_300_800, 10**30]),
    ("read", "terms/courses/0", ["", "Using donated data", "-x", "x" * 101, "using-donated-data\n"]),
    ("read", "completions/0/course", ["", "Using donated data"]),
    ("read", "terms/deletion_days", [-2, 36_501]),
    ("read", "terms/countries_stated", [None]),
    ("train", "terms/countries_stated", [False]),
    ("train", "terms/countries", [{"any": True, "list": ["NO"]}, {"any": False, "list": []}]),
    ("read", "terms/purposes", [{"any": True, "list": ["research"]}, {"any": False, "list": []}]),
    ("train", "terms/recipients/any", [True]),
    ("read", "terms/recipients/any", [False]),
    ("train", "environment/cluster/kind", ["none", "", "cloud"]),
    ("train", "environment/cluster/audit/kind", ["none", ""]),
]


@pytest.mark.parametrize(("kind", "path", "values"), OUT_OF_FORM, ids=[path for _, path, _ in OUT_OF_FORM])
def test_a_value_of_the_right_type_and_the_wrong_form_is_refused(kind: str, path: str, values: list[Any]) -> None:
    for value in values:
        changed = with_value(PERMITTED[kind](), at(path), value)
        result = ask(changed)
        assert result["permit"] is False, value
        assert "shape" not in result["passed"], value
        with pytest.raises(InvalidDecisionInput):
            check_input(changed)


def is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4
