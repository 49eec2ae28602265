"""docs/deid.md says what the code does: its tables are made from it, its examples and settings are the code's."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from scripts import docs  # noqa: E402
from services.deid.engine.catalogue import operators  # noqa: E402
from services.deid.engine.operator import Keys  # noqa: E402
from services.deid.engine.plan import compile_plan  # noqa: E402
from services.deid.reasons import reasons  # noqa: E402
from services.deid.settings import DeidSettings  # noqa: E402

PAGE = (ROOT / "docs" / "deid.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    made = docs.filled(PAGE, operators=docs.operators_table(), reasons=docs.reasons_table())
    assert made == PAGE, "run `make docs`"


def test_every_operator_stands_there_with_what_it_finds_and_misses() -> None:
    for operator in operators().all():
        [row] = re.findall(rf"^\| `{re.escape(operator.name)}` .*$", PAGE, re.M)
        assert operator.source.replace("|", "\\|") in row and operator.misses.replace("|", "\\|") in row
        assert operator.summary.endswith(".") and len(operator.misses) > 20


def test_every_reason_stands_there() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.split("### Why files are withheld")[1], re.M)) == set(
        reasons()
    )


def test_settings_that_are_named_exist() -> None:
    named = {name.lower() for name in re.findall(r"FACTORY_(\w+)", PAGE)}
    assert len(named) >= 5
    assert named <= DeidSettings.model_fields.keys()


def test_a_page_without_places_for_the_tables_is_refused() -> None:
    try:
        docs.filled("no place", operators="x")
    except SystemExit as refused:
        assert "operators" in str(refused)
    else:
        raise AssertionError("nothing was said")


def test_actions_are_those_of_the_code() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE.split("### Actions of text operators")[1].split("##")[0], re.M)
    text = operators().get("text.email")
    assert text is not None
    assert set(told) == set(text.schema()["properties"]["action"]["enum"])
    keys = Keys("key", bytes(32))
    plan = compile_plan({"operators": [{"operator": "text.personal-number", "params": {}}]}, keys)
    assert plan.text.treat("19811228-9874").text in PAGE
