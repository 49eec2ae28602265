"""People learn the rules and prove it; a failed attempt is recorded like a passed one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from random import SystemRandom
from typing import Any
from uuid import UUID

from services.access.training import events, repository, rules
from services.access.training.bank import Course, courses
from services.access.training.models import Completion, CourseAttempt
from services.kit.db import RuleSession
from services.kit.problems import FieldError, Problem, conflict, not_found
from services.kit.schemas import epoch
from services.kit.tokens import Subject


def course(course_id: str) -> Course:
    """Return a course, or 404."""
    found = courses().get(course_id)
    if found is None:
        raise not_found("course")
    return found


async def next_attempts(session: RuleSession, user_id: UUID, now: datetime) -> dict[str, datetime | None]:
    """Return, by course, when the user may try again; None: now."""
    failed = await repository.failures(session, user_id, now - rules.FAILED_WITHIN, now)
    return {course_id: rules.next_attempt_at(failed.get(course_id, []), now) for course_id in courses()}


async def start(session: RuleSession, caller: Subject, course_id: str, now: datetime) -> tuple[Course, CourseAttempt]:
    """Begin an attempt, or go on with the one that is open: asking again draws no new questions."""
    taught = course(course_id)
    await repository.lock_user(session, caller.id)
    going = await repository.open_attempt(session, caller.id, course_id, now)
    if going is not None and going.edition == taught.edition:
        return taught, going
    wait = (await next_attempts(session, caller.id, now))[course_id]
    if wait is not None:
        raise Problem(
            429,
            "attempts-used-up",
            params={"most": rules.MOST_FAILED, "at": wait.isoformat()},
            headers={"Retry-After": str(max(1, int((wait - now).total_seconds())))},
            extra={"next_attempt_at": wait.isoformat().replace("+00:00", "Z")},
        )
    attempt = CourseAttempt(
        user_id=caller.id,
        course=course_id,
        edition=taught.edition,
        drawn=[{"question": d.question, "options": list(d.options)} for d in rules.draw(taught, SystemRandom())],
        started_at=now,
        expires_at=now + rules.TIME_LIMIT,
    )
    session.add(attempt)
    await session.flush()
    return taught, attempt


async def submit(
    session: RuleSession, caller: Subject, attempt_id: UUID, answers: Mapping[str, str], now: datetime
) -> tuple[Course, CourseAttempt, rules.Mark, Completion | None]:
    """Mark an attempt. A pass makes a completion; either way it is answered for good."""
    attempt = await repository.attempt(session, attempt_id)
    if attempt is None or attempt.user_id != caller.id:
        raise not_found("attempt")
    taught = course(attempt.course)
    if attempt.answered_at is not None:
        raise conflict("attempt-answered")
    if now >= attempt.expires_at or attempt.edition != taught.edition:
        raise conflict("attempt-lapsed")
    problems = rules.unfit_answers(attempt.drawn, answers)
    if problems:
        raise Problem(422, "invalid-request", errors=[FieldError(pointer, code) for pointer, code in problems])
    result = rules.mark(taught, attempt.drawn, answers)
    attempt.answers = dict(answers)
    attempt.score = result.score
    attempt.passed = result.passed
    attempt.answered_at = now
    session.add(attempt)
    await session.flush()
    if not result.passed:
        return taught, attempt, result, None
    completion = Completion(
        user_id=caller.id, course=attempt.course, attempt_id=attempt.id, valid_from=now, valid_until=now + rules.VALID
    )
    session.add(completion)
    await session.flush()
    events.course_completed(session, completion)
    return taught, attempt, result, completion


async def valid_completions(session: RuleSession, user_ids: Iterable[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Return, by user, every completion as a decision's input has it (the law looks at the dates). One query."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in await repository.completions(session, user_ids):
        found.setdefault(row.user_id, []).append(
            {"course": row.course, "from": epoch(row.valid_from), "until": epoch(row.valid_until)}
        )
    return found


async def announce_lapsed(session: RuleSession, now: datetime, limit: int = 200) -> int:
    """Tell the bus of completions that ran out; return how many."""
    lapsed = await repository.lapsed_unannounced(session, now, limit)
    for completion in lapsed:
        completion.expiry_announced_at = now
        session.add(completion)
        events.completion_expired(session, completion)
    await session.flush()
    return len(lapsed)
