"""Facts of training, as protobuf, into the outbox."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.access.training.models import Completion
from services.kit.db import RuleSession
from services.kit.events import access
from services.kit.outbox import emit
from services.kit.schemas import epoch


def course_completed(session: RuleSession, completion: Completion) -> None:
    """Someone passed a course."""
    message = access.CourseCompleted(
        completion_id=str(completion.id),
        user_id=str(completion.user_id),
        course=completion.course,
        valid_until=Timestamp(seconds=epoch(completion.valid_until)),
    )
    emit(session, "factory.access.course.completed.v1", str(completion.id), message, revision=1)


def completion_expired(session: RuleSession, completion: Completion) -> None:
    """A completion must be renewed."""
    message = access.CompletionExpired(
        completion_id=str(completion.id),
        user_id=str(completion.user_id),
        course=completion.course,
        expired_at=Timestamp(seconds=epoch(completion.valid_until)),
    )
    emit(session, "factory.access.completion.expired.v1", str(completion.id), message, revision=2)
