"""How a course is examined: drawn at random, marked at once, limited by time. Pure; randomness is handed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from services.access.training.bank import Course, Question

QUESTIONS = 8
PASS_PERCENT = 80
VALID = timedelta(days=365)
TIME_LIMIT = timedelta(minutes=30)
MOST_FAILED = 3
FAILED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Drawn:
    """A question as it is shown: its options in this attempt's order."""

    question: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """What an attempt came to. `mistakes` are ids of questions answered wrongly or not at all."""

    score: int
    passed: bool
    mistakes: tuple[str, ...]


def draw(course: Course, chance: Random) -> list[Drawn]:
    """Draw an attempt's questions and shuffle their options; every chapter that can be is asked about."""
    chapters: dict[int, list[Question]] = {}
    for question in course.questions:
        chapters.setdefault(question.chapter, []).append(question)
    chosen = [chance.choice(questions) for _, questions in sorted(chapters.items())]
    chance.shuffle(chosen)
    chosen = chosen[:QUESTIONS]
    rest = [question for question in course.questions if question not in chosen]
    chosen += chance.sample(rest, QUESTIONS - len(chosen))
    chance.shuffle(chosen)
    drawn: list[Drawn] = []
    for question in chosen:
        options = [option.id for option in question.options]
        chance.shuffle(options)
        drawn.append(Drawn(question.id, tuple(options)))
    return drawn


def unfit_answers(drawn: Sequence[Mapping[str, Any]], answers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (pointer, code) for answers to questions that were not asked, and options that were not offered."""
    offered = {d["question"]: d["options"] for d in drawn}
    problems: list[tuple[str, str]] = []
    for question, option in answers.items():
        pointer = "/answers/" + question.replace("~", "~0").replace("/", "~1")
        if question not in offered:
            problems.append((pointer, "question-not-asked"))
        elif option not in offered[question]:
            problems.append((pointer, "option-not-offered"))
    return problems


def mark(course: Course, drawn: Sequence[Mapping[str, Any]], answers: Mapping[str, str]) -> Mark:
    """Mark an attempt; the score is in percent, rounded down."""
    mistakes = tuple(d["question"] for d in drawn if answers.get(d["question"]) != course.question(d["question"]).right)
    score = (len(drawn) - len(mistakes)) * 100 // len(drawn)
    return Mark(score, score >= PASS_PERCENT, mistakes)


def next_attempt_at(failed: Sequence[datetime], now: datetime) -> datetime | None:
    """Return when the next attempt may begin, or None when it may now. `failed`: when attempts failed or lapsed."""
    recent = sorted(moment for moment in failed if moment > now - FAILED_WITHIN)
    return recent[-MOST_FAILED] + FAILED_WITHIN if len(recent) >= MOST_FAILED else None
