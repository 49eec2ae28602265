"""What each text operator says of itself."""

import jsonschema
import pytest

from services.deid.engine.operator import REGISTRY, Operator
from services.deid.engine.text import operators as _  # noqa: F401 - enters them in the registry
from services.deid.engine.text.kinds import LABELS

TEXT = [operator for operator in REGISTRY.all() if operator.family == "text"]


def test_all_operators_are_there() -> None:
    assert [operator.name for operator in TEXT] == [
        "text.address", "text.birth-date", "text.custom", "text.email", "text.giro", "text.iban", "text.ip",
        "text.name", "text.personal-number", "text.phone", "text.plate",
    ]  # fmt: skip


@pytest.mark.parametrize("operator", TEXT, ids=lambda operator: operator.name)
def test_each_says_what_it_finds_whence_the_rule_and_what_it_misses(operator: Operator) -> None:
    assert operator.summary and operator.source and operator.misses and operator.finds and operator.version
    assert operator.name == "text.custom" or set(operator.finds) <= set(LABELS)
    schema = operator.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["action"]["enum"] == [
        "remove", "mask", "label", "generalise", "pseudonymise", "surrogate",
    ]  # fmt: skip


def test_every_kind_has_an_operator() -> None:
    assert {kind for operator in TEXT for kind in operator.finds if operator.name != "text.custom"} == set(LABELS)
