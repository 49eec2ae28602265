"""What the gate says: every refusal in both languages, with the same figures, and never a brace left in it."""

from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deid.gate.rules import Measured, Refusal, Review, Thresholds, refusals, review_of, thresholds_of
from services.deid.gate.texts import REFUSALS, TEXTS, refusal_text
from services.deid.runs.models import Run
from services.kit.texts import KIT_TEXTS
from tests.deid.gate.codes import refused_codes


def test_every_refusal_of_a_request_has_a_text() -> None:
    codes = refused_codes()
    assert {"gate-passed", "gate-being-decided", "second-steward-required", "judgement-does-not-fit"} <= codes
    assert codes - TEXTS.keys() - KIT_TEXTS.keys() == set()


@pytest.mark.parametrize("name", sorted({**TEXTS, **REFUSALS}))
def test_both_languages_say_the_same_with_the_same_figures(name: str) -> None:
    text = {**TEXTS, **REFUSALS}[name]
    assert set(text) == {"sv", "en"} and all(text.values())
    fields = [{field for _, field, _, _ in Formatter().parse(text[lang]) if field} for lang in ("sv", "en")]
    assert fields[0] == fields[1]


def test_numbers_are_written_as_people_write_them() -> None:
    refusal = Refusal("recall-below", 79.5, 80.0, "recall-judge-more", {"more": 12, "missed": 0}).document()
    assert "at least 79.5 %" in refusal_text(refusal, "en") and "ask for 80 %" in refusal_text(refusal, "en")
    assert "minst 79,5 %" in refusal_text(refusal, "sv")


def run_of(mode: str, personal_data: str) -> Run:
    return Run(mode=mode, personal_data=personal_data)  # pyright: ignore[reportCallIssue]


STRATA: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(
        {"sort": st.sampled_from(["treated", "untreated"]), "total": st.integers(1, 10_000), "family": st.just("text")}
    ),
    max_size=4,
)


@st.composite
def reviews(draw: st.DrawFn) -> Review:
    strata: list[dict[str, Any]] = draw(STRATA)
    queue: list[tuple[int, str | None]] = []
    for index, stratum in enumerate(strata):
        fault = "needless" if stratum["sort"] == "treated" else "missed"
        size = draw(st.integers(0, min(20, stratum["total"])))
        queue += [(index, draw(st.sampled_from(["right", fault, None]))) for _ in range(size)]
    return review_of(queue, strata)


MEASURED = st.builds(
    Measured,
    k=st.none() | st.integers(1, 20),
    tables=st.integers(0, 9),
    tables_unknown=st.integers(0, 9),
    recall=st.none() | st.floats(0, 100).map(lambda x: round(x, 1)),
    reviewed=st.integers(0, 60),
    withheld=st.floats(0, 100).map(lambda x: round(x, 1)),
    untreated=st.integers(0, 9),
)


@given(reviews(), MEASURED, st.sampled_from(["treat", "inspect"]), st.sampled_from(["yes", "no", "unknown"]))
def test_whatever_is_measured_every_refusal_can_be_told(
    review: Review, measured: Measured, mode: str, personal_data: str
) -> None:
    for refusal in refusals(run_of(mode, personal_data), measured, review, Thresholds()):
        for language in ("sv", "en"):
            told = refusal_text(refusal.document(), language)
            assert told != refusal.code
            assert "{" not in told and "None" not in told


@given(reviews())
def test_what_counts_is_what_was_judged_from_the_top(review: Review) -> None:
    assert review.counted <= review.judged <= review.drawn
    assert review.counted == sum(stratum.judged for stratum in review.strata)
    assert review.counted + len(review.waiting) == review.drawn
    assert review.judged == review.right + review.missed + review.needless


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, Thresholds()),
        ({"gate_thresholds": {}}, Thresholds()),
        ({"gate_thresholds": None}, Thresholds()),
        ({"gate_thresholds": {"k": 10}}, Thresholds(k=10)),
        ({"gate_thresholds": {"recall": 95, "reviewed": 100, "withheld": 0}}, Thresholds(5, 95, 100, 0)),
        ({"gate_thresholds": {"unheard-of": 1}}, Thresholds()),
    ],
)
def test_terms_state_some_thresholds_and_the_others_have_values_of_their_own(
    terms: dict[str, Any], expected: Thresholds
) -> None:
    assert thresholds_of(terms) == expected
