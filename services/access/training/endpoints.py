"""Courses, attempts and completions over HTTP."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path

from services.access.training import repository, rules, service
from services.access.training.bank import Course, courses
from services.access.training.models import Completion
from services.access.training.schemas import (
    AnswersIn,
    AttemptOut,
    AttemptResult,
    CompletionOut,
    CourseOut,
    CourseWithLesson,
    Mistake,
    OptionOut,
    QuestionOut,
)
from services.kit.db import RuleSession
from services.kit.paging import Paged
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, Lang, Session, factory_router

router = factory_router(tags=["training"])
CourseId = Annotated[str, Path(max_length=100, description="The course, such as `using-donated-data`.")]


async def _shown(
    session: RuleSession, caller: Subject, taught: list[Course], now: datetime, language: Lang
) -> list[dict[str, Any]]:
    done = await repository.completions(session, [caller.id])
    again = await service.next_attempts(session, caller.id, now)

    def until(course: Course) -> datetime | None:
        valid = [c.valid_until for c in done if c.course == course.id and c.valid_until > now]
        return max(valid, default=None)

    return [
        {
            "id": course.id,
            "title": course.title[language],
            "questions": rules.QUESTIONS,
            "pass_mark": rules.PASS_PERCENT,
            "time_limit_minutes": int(rules.TIME_LIMIT.total_seconds() // 60),
            "valid_days": rules.VALID.days,
            "valid_until": until(course),
            "next_attempt_at": again[course.id],
            "lesson": course.lesson[language],
        }
        for course in taught
    ]


@router.get("/courses", operation_id="list_courses", summary="Courses there are")
async def list_courses(caller: Caller, session: Session, ctx: Ctx, language: Lang) -> Paged[CourseOut]:
    """With how long your own completion holds, and when you may try again."""
    shown = await _shown(session, caller, list(courses().values()), ctx.clock.now(), language)
    return Paged(items=[CourseOut.model_validate(course) for course in shown])


@router.get("/courses/{course_id}", operation_id="get_course", summary="A course with its lesson")
async def get_course(
    course_id: CourseId, caller: Caller, session: Session, ctx: Ctx, language: Lang
) -> CourseWithLesson:
    """In Swedish or English by Accept-Language; the lesson is Markdown."""
    shown = await _shown(session, caller, [service.course(course_id)], ctx.clock.now(), language)
    return CourseWithLesson.model_validate(shown[0])


@router.post("/courses/{course_id}/attempts", operation_id="start_attempt", status_code=201, summary="Take the course")
async def start_attempt(course_id: CourseId, caller: Caller, session: Session, ctx: Ctx, language: Lang) -> AttemptOut:
    """Draws questions at random. After three failed attempts within a day the next one has to wait (429)."""
    taught, attempt = await service.start(session, caller, course_id, ctx.clock.now())
    questions: list[QuestionOut] = []
    for drawn in attempt.drawn:
        question = taught.question(drawn["question"])
        texts = {option.id: option.text[language] for option in question.options}
        options = [OptionOut(id=option, text=texts[option]) for option in drawn["options"]]
        questions.append(QuestionOut(id=question.id, text=question.text[language], options=options))
    return AttemptOut(id=attempt.id, course_id=taught.id, questions=questions, expires_at=attempt.expires_at)


@router.post("/attempts/{attempt_id}/answers", operation_id="submit_attempt", summary="Answer an attempt")
async def submit_attempt(
    attempt_id: UUID, body: AnswersIn, caller: Caller, session: Session, ctx: Ctx, language: Lang
) -> AttemptResult:
    """Marks it at once. A fail is an answer (200), recorded, with an explanation of each mistake; only once each."""
    now = ctx.clock.now()
    taught, attempt, mark, completion = await service.submit(session, caller, attempt_id, body.answers, now)
    again = (await service.next_attempts(session, caller.id, now))[taught.id]
    return AttemptResult(
        attempt_id=attempt.id,
        course_id=taught.id,
        passed=mark.passed,
        score=mark.score,
        pass_mark=rules.PASS_PERCENT,
        valid_until=completion.valid_until if completion else None,
        next_attempt_at=again,
        mistakes=[_mistake(taught, question, language) for question in mark.mistakes],
    )


def _mistake(taught: Course, question_id: str, language: Lang) -> Mistake:
    question = taught.question(question_id)
    return Mistake(
        question_id=question_id,
        text=question.text[language],
        right_option_id=question.right,
        right_option=next(option.text[language] for option in question.options if option.id == question.right),
        explanation=question.explanation[language],
    )


@router.get("/completions", operation_id="list_completions", summary="Courses you have passed")
async def list_completions(caller: Caller, session: Session, ctx: Ctx) -> Paged[CompletionOut]:
    """Newest first, lapsed ones included."""
    now = ctx.clock.now()
    rows = await repository.completions(session, [caller.id])
    return Paged(items=[_shown_completion(row, now) for row in rows])


def _shown_completion(row: Completion, now: datetime) -> CompletionOut:
    return CompletionOut(
        id=row.id,
        course=row.course,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        valid=row.valid_from <= now < row.valid_until,
    )
