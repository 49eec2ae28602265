"""Courses that terms require, and what the caller has completed."""

from collections.abc import Mapping

from datafactory.errors import Json
from datafactory.transport import Transport


class Courses:
    """Courses, attempts and completions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> list[Json]:
        """Return the courses there are."""
        return list(self._transport.pages("/api/v1/courses"))

    def get(self, course_id: str) -> Json:
        """Return a course with its text."""
        return self._transport.get(f"/api/v1/courses/{course_id}")

    def start(self, course_id: str) -> Json:
        """Draw questions: `{id, questions: [{id, text, options: [{id, text}]}], expires_at}`."""
        return self._transport.post(f"/api/v1/courses/{course_id}/attempts")

    def submit(self, attempt_id: str, answers: Mapping[str, str]) -> Json:
        """Hand in: `{passed, score, pass_mark, valid_until, next_attempt_at, mistakes}`; a mistake explains itself."""
        return self._transport.post(f"/api/v1/attempts/{attempt_id}/answers", {"answers": dict(answers)})

    def completions(self) -> list[Json]:
        """Return the caller's completions and how long they are valid."""
        return list(self._transport.pages("/api/v1/completions"))
