"""API shapes of training."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from services.kit.schemas import Body, Instant, Resource


class CourseOut(Resource):
    """A course and how it is examined."""

    id: str
    title: str
    questions: int
    pass_mark: int
    time_limit_minutes: int
    valid_days: int
    valid_until: Instant | None = Field(description="Until when your own completion holds, if you have one.")
    next_attempt_at: Instant | None = Field(description="When you may try again; null: now.")


class CourseWithLesson(CourseOut):
    """A course with its lesson, in Markdown, in your language."""

    lesson: str


class OptionOut(Resource):
    """A possible answer."""

    id: str
    text: str


class QuestionOut(Resource):
    """A question of an attempt."""

    id: str
    text: str
    options: list[OptionOut]


class AttemptOut(Resource):
    """An attempt: answer its questions before `expires_at`, once."""

    id: UUID
    course_id: str
    questions: list[QuestionOut]
    expires_at: Instant


class AnswersIn(Body):
    """The chosen option of each question; a question left out counts as wrong."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"answers": {"purpose-limit": "b"}}]})

    answers: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=100)]], Field(max_length=100)
    ]


class Mistake(Resource):
    """A question that was not answered rightly, and why."""

    question_id: str
    text: str
    right_option_id: str = Field(description="The right option, now that the attempt is closed.")
    right_option: str
    explanation: str


class AttemptResult(Resource):
    """What an attempt came to. A failed one is recorded too."""

    attempt_id: UUID
    course_id: str
    passed: bool
    score: int = Field(description="Percent.")
    pass_mark: int = Field(description="Percent.")
    valid_until: Instant | None
    next_attempt_at: Instant | None
    mistakes: list[Mistake]


class CompletionOut(Resource):
    """A course you have passed."""

    id: UUID
    course: str
    valid_from: Instant
    valid_until: Instant
    valid: bool
