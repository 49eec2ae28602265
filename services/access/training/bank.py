"""The courses there are: lessons in Markdown and questions in JSON, beside this file, in Swedish and English."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.kit.texts import Language

FOLDER = Path(__file__).parent / "courses"


@dataclass(frozen=True)
class Option:
    """A possible answer."""

    id: str
    text: dict[Language, str]


@dataclass(frozen=True)
class Question:
    """A question with one right option, and why it is the right one."""

    id: str
    chapter: int
    text: dict[Language, str]
    options: tuple[Option, ...]
    right: str
    explanation: dict[Language, str]


@dataclass(frozen=True)
class Course:
    """A course. `edition` is the SHA-256 of its questions, by which an attempt knows what it was drawn from."""

    id: str
    title: dict[Language, str]
    lesson: dict[Language, str]
    questions: tuple[Question, ...]
    edition: str

    def question(self, question_id: str) -> Question:
        """Return one question; KeyError if there is none of that id."""
        for question in self.questions:
            if question.id == question_id:
                return question
        raise KeyError(question_id)


@cache
def courses() -> dict[str, Course]:
    """Return every course by id."""
    return {path.name.removesuffix(".questions.json"): _load(path) for path in sorted(FOLDER.glob("*.questions.json"))}


def _load(path: Path) -> Course:
    course_id = path.name.removesuffix(".questions.json")
    raw = path.read_text(encoding="utf-8")
    lesson: dict[Language, str] = {
        "sv": (FOLDER / f"{course_id}.sv.md").read_text(encoding="utf-8"),
        "en": (FOLDER / f"{course_id}.en.md").read_text(encoding="utf-8"),
    }
    questions = tuple(
        Question(
            id=q["id"],
            chapter=q["chapter"],
            text=q["text"],
            options=tuple(Option(o["id"], o["text"]) for o in q["options"]),
            right=q["right"],
            explanation=q["explanation"],
        )
        for q in json.loads(raw)
    )
    title: dict[Language, str] = {
        "sv": lesson["sv"].splitlines()[0].lstrip("# "),
        "en": lesson["en"].splitlines()[0].lstrip("# "),
    }
    return Course(course_id, title, lesson, questions, hashlib.sha256(raw.encode()).hexdigest())
