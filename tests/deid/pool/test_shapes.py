"""What worker processes answer is read with suspicion: they have just read what strangers made."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deid.engine.operator import Finding, Place
from services.deid.pool.shapes import Outcome, clean
from services.deid.runs.recording import numbers

TEXT = st.text(st.characters(), max_size=20)
FINDINGS = st.builds(Finding, TEXT, TEXT, st.booleans(), TEXT, TEXT, TEXT)
PLACES = st.builds(Place, st.sampled_from(["treated", "untreated"]), TEXT, TEXT, TEXT, TEXT, st.binary(max_size=20))


@given(st.lists(FINDINGS, max_size=3), st.lists(PLACES, max_size=3), st.one_of(st.none(), TEXT))
def test_what_is_answered_comes_over_and_can_be_encoded(
    findings: list[Finding], places: list[Place], withheld: str | None
) -> None:
    sent = Outcome("text/plain", withheld, {"name": {"found": 2, "treated": 1}}, findings, places, {"treated": 3})
    read = Outcome.read(json.loads(json.dumps(sent.header())), b"x")
    json.dumps(read.header(), ensure_ascii=False).encode()
    assert [f.treated for f in read.findings] == [f.treated for f in findings]
    assert [(p.sort, p.picture) for p in read.places] == [(p.sort, p.picture) for p in places]
    assert (read.counts, read.totals, read.content) == (sent.counts, sent.totals, b"x")
    if all("\ud800" > c or c > "\udfff" for f in findings for c in f.after):
        assert [f.after for f in read.findings] == [f.after for f in findings]


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": {"name": {"found": "many", "treated": 0}}},
        {"counts": {"name": 3}},
        {"findings": [{"kind": "name"}]},
        {"places": [{"sort": "other", "kind": "", "place": "", "before": "", "after": "", "picture": ""}]},
        {"places": [3]},
        {"seconds": "long"},
        {"totals": None},
    ],
)
def test_what_is_no_outcome_is_refused(changes: dict[str, Any]) -> None:
    header = Outcome("text/plain").header() | changes
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Outcome.read(header)


def test_half_characters_are_replaced() -> None:
    assert clean("a\ud800b") == "a?b"
    assert clean("å👩") == "å👩"


def test_only_numbers_stand_in_the_clear() -> None:
    measures = {"k_min": 5, "share": 0.5, "none": None, "yes": True, "column": "namn", "more": {"namn": 1}, "list": [1]}
    measures |= {"nan": float("nan"), "inf": float("inf")}
    assert numbers(measures) == {"k_min": 5, "share": 0.5, "none": None, "yes": True, "nan": None, "inf": None}
