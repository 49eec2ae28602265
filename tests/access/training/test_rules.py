"""How an attempt is drawn, marked and limited."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.access.training import rules
from services.access.training.bank import courses

COURSE = courses()["using-donated-data"]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUICK = settings(max_examples=100, deadline=None, derandomize=True)


def drawn(seed: int) -> list[dict[str, Any]]:
    return [{"question": d.question, "options": list(d.options)} for d in rules.draw(COURSE, Random(seed))]


def right(questions: list[dict[str, Any]]) -> dict[str, str]:
    return {d["question"]: COURSE.question(d["question"]).right for d in questions}


@QUICK
@given(st.integers())
def test_eight_different_questions_of_all_chapters_with_all_their_options(seed: int) -> None:
    questions = drawn(seed)
    assert len({d["question"] for d in questions}) == len(questions) == 8
    asked = [COURSE.question(d["question"]) for d in questions]
    assert {q.chapter for q in asked} == {q.chapter for q in COURSE.questions}
    for question, shown in zip(asked, questions, strict=True):
        assert sorted(shown["options"]) == sorted(option.id for option in question.options)


def test_draws_differ_and_leave_nothing_out() -> None:
    draws = [drawn(seed) for seed in range(200)]
    assert len({tuple(d["question"] for d in questions) for questions in draws}) > 190
    assert {d["question"] for questions in draws for d in questions} == {q.id for q in COURSE.questions}
    places = {d["options"].index(COURSE.question(d["question"]).right) for questions in draws for d in questions}
    assert places == {0, 1, 2, 3}


@QUICK
@given(st.integers(), st.integers(0, 8), st.integers(0, 8))
def test_a_pass_is_four_fifths(seed: int, wrong: int, missing: int) -> None:
    questions = drawn(seed)
    answers = right(questions)
    spoilt = [d for d in questions][: max(wrong, missing)]
    for d in spoilt[:wrong]:
        answers[d["question"]] = next(o for o in d["options"] if o != answers[d["question"]])
    for d in spoilt[:missing]:
        answers.pop(d["question"])
    mark = rules.mark(COURSE, questions, answers)
    mistakes = max(wrong, missing)
    assert set(mark.mistakes) == {d["question"] for d in spoilt}
    assert mark.score == (8 - mistakes) * 100 // 8
    assert mark.passed == (mistakes <= 1)


def test_answers_to_what_was_not_asked_are_pointed_out() -> None:
    questions = drawn(1)
    known = questions[0]["question"]
    answers = {known: "z", "a/b~c": "a", questions[1]["question"]: questions[1]["options"][0]}
    assert sorted(rules.unfit_answers(questions, answers)) == [
        ("/answers/a~1b~0c", "question-not-asked"),
        (f"/answers/{known}", "option-not-offered"),
    ]


def test_three_failures_within_a_day_use_the_attempts_up() -> None:
    hours = [NOW - timedelta(hours=h) for h in (23, 5, 1)]
    assert rules.next_attempt_at(hours[1:], NOW) is None
    assert rules.next_attempt_at(hours, NOW) == NOW + timedelta(hours=1)
    assert rules.next_attempt_at([NOW - timedelta(hours=24), *hours[1:]], NOW) is None
    assert rules.next_attempt_at([*hours, NOW], NOW) == NOW + timedelta(hours=19)


@QUICK
@given(st.lists(st.integers(0, 100_000), max_size=8))
def test_the_next_attempt_is_never_in_the_past_and_then_it_is_open(seconds: list[int]) -> None:
    failed = [NOW - timedelta(seconds=s) for s in seconds]
    again = rules.next_attempt_at(failed, NOW)
    if again is not None:
        assert again > NOW
        assert rules.next_attempt_at(failed, again) is None
        assert rules.next_attempt_at(failed, again - timedelta(seconds=1)) is not None
