"""What terms ask of the gate: kept exactly, never without a gate, the stricter of two, and nothing for the law."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from services.access.terms import normalise as normalise_module
from services.access.terms.meet import meet
from services.access.terms.normalise import normalise
from services.access.terms.odrl import to_odrl
from services.access.terms.render import summary
from services.access.terms.texts import TEXTS
from services.access.terms.vocabulary import PROFILE, THRESHOLDS, Normal, Refused
from services.deid.gate.rules import Thresholds, thresholds_of
from tests.access.terms.policies import at, constraint, example, kept, normals, policy

QUICK = settings(max_examples=200, deadline=None, derandomize=True)
GATE = constraint("df:gate", "eq", "required")
RIGHT = "/permission/0/constraint/2/rightOperand"


def thresholds(*constraints: dict[str, Any]) -> dict[str, Any]:
    return dict(kept(policy(GATE, *constraints))["gate_thresholds"])


def refused(*constraints: dict[str, Any]) -> set[tuple[str, str]]:
    document = policy(*constraints)
    result = normalise(document)
    assert isinstance(result, Refused), result
    for fault in result.faults:
        at(document, fault.pointer)
        text = TEXTS[fault.code]
        assert all("{" not in text[lang].format(**fault.params) for lang in ("sv", "en"))
    return {(fault.pointer, fault.code) for fault in result.faults}


def test_only_what_is_stated_is_kept() -> None:
    assert thresholds() == {}
    assert thresholds(constraint("df:gateK", "gteq", 7)) == {"k": 7}
    every = [
        constraint("df:gateWithheld", "lteq", 0),
        constraint("df:gateRecall", "gteq", {"@value": 95, "@type": "xsd:integer"}),
        constraint("df:gateReviewed", "gteq", {"@value": "40", "@type": "xsd:integer"}),
        constraint("df:gateK", "gteq", {"@list": [2]}),
    ]
    found = thresholds(*every)
    assert found == {"k": 2, "recall": 95, "reviewed": 40, "withheld": 0}
    assert list(found) == ["k", "recall", "reviewed", "withheld"], "one form for one meaning"
    assert thresholds({"and": [constraint("df:gateK", "gteq", 7)]}) == {"k": 7}
    assert thresholds(constraint(PROFILE + "gateK", "odrl:gteq", 7)) == {"k": 7}


@pytest.mark.parametrize(
    ("left", "operator", "right", "faults"),
    [
        ("df:gateK", "gteq", 1, {(RIGHT, "number-out-of-range")}),
        ("df:gateK", "gteq", 1001, {(RIGHT, "number-out-of-range")}),
        ("df:gateK", "gteq", -5, {(RIGHT, "number-out-of-range")}),
        ("df:gateK", "gteq", 10**30, {(RIGHT, "number-out-of-range")}),
        ("df:gateRecall", "gteq", 0, {(RIGHT, "number-out-of-range")}),
        ("df:gateRecall", "gteq", 100, {(RIGHT, "number-out-of-range")}),
        ("df:gateReviewed", "gteq", 0, {(RIGHT, "number-out-of-range")}),
        ("df:gateWithheld", "lteq", 101, {(RIGHT, "number-out-of-range")}),
        ("df:gateK", "gteq", 5.0, {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", True, {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", "5", {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", {"@value": "5"}, {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", {"@value": "five", "@type": "xsd:integer"}, {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", {"@value": "٥", "@type": "xsd:integer"}, {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", {"@value": 5, "@language": "sv"}, {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", {"@id": "urn:x:5"}, {(RIGHT, "value-type-wrong")}),
        ("df:gateK", "gteq", {"@value": 5, "@type": "xsd:decimal"}, {(f"{RIGHT}/@type", "value-type-wrong")}),
        ("df:gateK", "gteq", [5, 6], {(RIGHT, "one-value-expected")}),
        ("df:gateK", "eq", 5, {("/permission/0/constraint/2/operator", "operator-not-supported")}),
        ("df:gateK", "lteq", 5, {("/permission/0/constraint/2/operator", "operator-not-supported")}),
        ("df:gateWithheld", "gteq", 5, {("/permission/0/constraint/2/operator", "operator-not-supported")}),
        ("df:gateWithheld", "lt", 5, {("/permission/0/constraint/2/operator", "operator-not-supported")}),
        ("df:gateX", "gteq", 5, {("/permission/0/constraint/2/leftOperand", "operand-not-supported")}),
    ],
)
def test_what_makes_no_sense_is_pointed_out(left: str, operator: str, right: Any, faults: set[tuple[str, str]]) -> None:
    assert refused(GATE, constraint(left, operator, right)) == faults


def test_twice_is_once_too_often() -> None:
    twice = constraint("df:gateK", "gteq", 5), constraint("df:gateK", "gteq", 7)
    assert refused(GATE, *twice) == {("/permission/0/constraint/3", "constraint-twice")}


@pytest.mark.parametrize("gate", [(), (constraint("df:gate", "eq", "none"),)])
def test_without_a_gate_nothing_can_be_asked_of_it(gate: tuple[dict[str, Any], ...]) -> None:
    found = refused(*gate, constraint("df:gateK", "gteq", 5), constraint("df:gateWithheld", "lteq", 5))
    first = len(gate) + 1
    assert found == {
        (f"/permission/0/constraint/{n}/rightOperand", "threshold-without-gate") for n in (first, first + 1)
    }


def test_permissions_that_ask_differently_of_the_gate_differ() -> None:
    one, other = policy(GATE, constraint("df:gateK", "gteq", 5)), policy(GATE, constraint("df:gateK", "gteq", 6))
    other["permission"][0]["action"] = ["df:train"]
    one["permission"] += other["permission"]
    result = normalise(one)
    assert isinstance(result, Refused) and [f.code for f in result.faults] == ["permissions-differ"]
    other["permission"][0]["constraint"][2]["rightOperand"] = 5
    assert kept(one)["gate_thresholds"] == {"k": 5}


def effective(normal: Normal, name: str) -> int | None:
    """What a version must reach: what is stated, or the default; None where there is no gate."""
    default = {t.name: t.default for t in THRESHOLDS}[name]
    return normal["gate_thresholds"].get(name, default) if normal["gate"] == "required" else None


@QUICK
@given(normals(), normals())
def test_together_the_stricter_holds(a: Normal, b: Normal) -> None:
    both = meet(a, b)
    if not both["actions"]:
        return
    for threshold in THRESHOLDS:
        asked = [value for x in (a, b) if (value := effective(x, threshold.name)) is not None]
        assert effective(both, threshold.name) == (threshold.stricter(*asked) if asked else None)
    assert set(both["gate_thresholds"]) == {*a["gate_thresholds"], *b["gate_thresholds"]}


def test_who_states_less_than_the_default_does_not_loosen_it_for_others() -> None:
    loose = kept(policy(GATE, constraint("df:gateK", "gteq", 2), constraint("df:gateWithheld", "lteq", 100)))
    silent, free = kept(policy(GATE)), kept(policy())
    assert meet(loose, silent)["gate_thresholds"] == {"k": 5, "withheld": 10}
    assert meet(loose, free)["gate_thresholds"] == {"k": 2, "withheld": 100}
    assert meet(silent, free)["gate_thresholds"] == {}


def test_they_are_told_in_plain_words() -> None:
    normal = kept(
        policy(
            GATE,
            constraint("df:gateK", "gteq", 7),
            constraint("df:gateRecall", "gteq", 95),
            constraint("df:gateReviewed", "gteq", 40),
            constraint("df:gateWithheld", "lteq", 3),
        )
    )
    assert summary(normal, "sv")[-4:] == [
        "Så många personer ska minst dela samma uppgifter i en tabell (k-anonymitet): 7.",
        "Så stor del av personuppgifterna ska minst ha hittats, enligt granskningen (undre gränsen för ett "
        "95-procentigt konfidensintervall): 95 procent.",
        "Så många slumpvis valda ställen ska minst ha granskats av en handläggare: 40.",
        "Så stor del av filerna får högst hållas inne: 3 procent.",
    ]
    assert "withheld: 3 percent" in summary(normal, "en")[-1]
    assert normalise(to_odrl(normal)) == normal
    assert len(summary(kept(example("health-research")), "en")) == 11, "what is not stated is not told"


def test_the_profile_tells_limits_and_defaults() -> None:
    text = (Path(normalise_module.__file__).parent / "PROFILE.md").read_text(encoding="utf-8")
    for t in THRESHOLDS:
        word = "df:" + t.word.removeprefix(PROFILE)
        row = re.search(rf"^\| `{word}` \| `(\w+)` \| xsd:integer, (\d+) to (\d+): .* \| (\d+) \|$", text, re.MULTILINE)
        assert row is not None, word
        assert row.groups() == ("gteq" if t.least else "lteq", str(t.low), str(t.high), str(t.default))


def test_preparation_takes_the_same_defaults() -> None:
    """Two services, one rule: what terms leave unsaid means the same when terms meet and when a gate is judged."""
    ours = {t.name: float(t.default) for t in THRESHOLDS}
    assert asdict(Thresholds()) == ours
    assert asdict(thresholds_of({"gate_thresholds": {"k": 7, "withheld": 3}})) == {**ours, "k": 7, "withheld": 3}
