"""What a subject holds now, read where it is kept."""

from dataclasses import replace

from services.access.tokens import service
from services.kit.db import Database
from services.kit.problems import Problem, unauthenticated
from services.kit.tokens import Subject


class LocalSubjects:
    """The `SubjectSource` of access itself: reads its own tables, so nothing is ever old."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def live(self, subject: Subject, *, fresh: bool = False) -> Subject:
        """Return `subject` with the roles, partner and projects of now; 401 when it is no longer active."""
        async with self._db.unit() as session:
            try:
                held = await service.held(session, subject.id)
            except Problem:
                raise unauthenticated("token-invalid") from None
        if not held.active:
            raise unauthenticated("token-invalid")
        return replace(held.subject(subject.token), name=subject.name)
