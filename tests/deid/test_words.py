"""What recipes and runs say: every refusal and every reason has a text in both languages."""

import ast
from pathlib import Path
from string import Formatter

import pytest

import services.deid
from services.deid.reasons import reason_text, reasons
from services.deid.runs.worker import rules as run_rules
from services.deid.texts import TEXTS
from services.kit.texts import KIT_TEXTS

FOLDER = Path(str(services.deid.__file__)).parent
ROOMS = ("recipes", "runs", "sources", "pool", "lists.py", "reasons.py", "remembered.py")
# Which argument of a call is the code.
CODES = {"conflict": 0, "forbidden": 0, "invalid": 1, "Problem": 1, "FieldError": 1, "PydanticCustomError": 0}
REASONS = {"withheld": 0, "_withheld": 0, "Ended": 0}


def said(which: dict[str, int]) -> set[str]:
    """Every code that these calls give in the rooms."""
    found: set[str] = set()
    modules = [p for room in ROOMS for p in ((FOLDER / room).rglob("*.py") if "." not in room else [FOLDER / room])]
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in which:
                position = which[node.func.id]
                if len(node.args) > position and isinstance(argument := node.args[position], ast.Constant):
                    found.add(str(argument.value))
    return found


def test_every_refusal_has_a_text() -> None:
    codes = said(CODES)
    assert {"run-active", "recipe-outdated", "operator-unknown", "param-range", "file-unknown"} <= codes
    assert codes - TEXTS.keys() - KIT_TEXTS.keys() == set()


def test_every_reason_has_a_text() -> None:
    codes = said(REASONS) | {"not-accepted", "stopped-by-steward", "dataset-withdrawn", "key-destroyed"}
    codes |= {"catalogue-refused", "internal-error"}
    assert {"worker-died", "took-too-long", "unreadable", "file-too-large", "nothing-treated"} <= codes
    assert codes - TEXTS.keys() == set()


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_both_languages_say_the_same_with_the_same_figures(code: str) -> None:
    text = TEXTS[code]
    assert set(text) == {"sv", "en"} and all(text.values()) and text["sv"] != text["en"]
    fields = [{name for _, name, _, _ in Formatter().parse(text[lang]) if name} for lang in ("sv", "en")]
    assert fields[0] == fields[1]


def test_families_do_not_say_different_things_by_one_code() -> None:
    from importlib import import_module

    from services.deid.reasons import _MODULES

    seen: dict[str, tuple[str, str]] = {}
    for module in _MODULES:
        for code, text in import_module(module).REASONS.items():
            assert seen.setdefault(code, text) == text, code


def test_a_reason_that_nobody_explains_is_shown_as_it_is() -> None:
    assert reason_text("something-new", "sv") == "something-new"
    assert reason_text(None, "sv") is None
    assert reason_text("worker-died", "sv") == reasons()["worker-died"]["sv"]


def test_states_are_those_of_the_api() -> None:
    from typing import get_args

    from services.deid.runs.schemas import RunOut

    states = set(get_args(RunOut.model_fields["state"].annotation))
    assert set(run_rules.ACTIVE) < states == {"queued", "running", "finished", "failed", "stopped"}
