"""A recipe's own pattern: checked, bounded in time."""

import time

import pytest
from pydantic import ValidationError

from services.deid.engine.operator import REGISTRY, Step
from services.deid.engine.text.formats import treat_plain
from services.deid.engine.text.pipeline import TextPlan, build_text_plan
from tests.deid.engine.text.planted import ACTIONS, KEYS


def plan(pattern: str, action: str = "label", **params: object) -> TextPlan:
    operator = REGISTRY.get("text.custom")
    assert operator is not None
    checked = operator.params.model_validate({"pattern": pattern, "kind": "case-number", "action": action, **params})
    made = build_text_plan([Step(operator, checked)], KEYS)
    assert made is not None
    return made


def test_finds_what_it_matches() -> None:
    text = "Ärende DNR-2012/17 och dnr-2013/4."
    assert plan(r"DNR-\d{4}/\d+").treat(text).text == "Ärende [CASE-NUMBER] och dnr-2013/4."
    assert plan(r"DNR-\d{4}/\d+", ignore_case=True).treat(text).text == "Ärende [CASE-NUMBER] och [CASE-NUMBER]."


@pytest.mark.parametrize("pattern", ["(", "[", "(?P<x", "*", "", "a" * 1001, r"(?<=a+"])
def test_an_invalid_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        plan(pattern)


@pytest.mark.parametrize("kind", ["name", "person", "Case", "case number", "x", "case1"])
def test_a_kind_must_be_a_word_of_its_own(kind: str) -> None:
    with pytest.raises(ValidationError):
        plan("x", kind=kind)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){25}x", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_pattern_that_backtracks_for_ever_withholds_the_file(pattern: str) -> None:
    started = time.perf_counter()
    treated = treat_plain(b"a" * 5000 + b"!", "text/plain", plan(pattern))
    assert time.perf_counter() - started < 30
    if treated.content is None:
        assert treated.withheld == "pattern-timeout"
    result = plan(r"(a+)+$").treat("a" * 5000 + "!")
    assert (result.text, result.withheld) == ("", "pattern-timeout")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "pattern", [r".+", r"\w+", r"\S", r"ab", r"\[.*?\]", r"[A-Z-]+", r"█+", r"x*", r"(?s).*", r"^", r"CASE"]
)
def test_treating_twice_changes_nothing_whatever_the_pattern(pattern: str, action: str) -> None:
    made = plan(pattern, action)
    for text in ("aabb ab [PERSON] x", "aaaaaaaabbbbbbbb", "[CASE-NUMBER] CASE-NUMBER", "", "rad\nrad två\n", "█ a"):
        once = made.treat(text)
        assert once.withheld is None
        assert made.treat(once.text).text == once.text
