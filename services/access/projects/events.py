"""Facts of projects, as protobuf. Ids only."""

from collections.abc import Sequence
from uuid import UUID

from services.access.projects.models import Project
from services.kit.db import RuleSession
from services.kit.events import access
from services.kit.outbox import emit


def opened(session: RuleSession, project: Project, partner_ids: Sequence[UUID]) -> None:
    """A project exists, with a purpose and partners. Told again, with a higher revision, when either has changed."""
    message = access.ProjectOpened(
        project_id=str(project.id),
        partner_ids=[str(partner_id) for partner_id in partner_ids],
        purpose=project.purpose,
        collaborative=project.collaborative,
    )
    emit(session, "factory.access.project.opened.v1", str(project.id), message, revision=project.revision)


def closed(session: RuleSession, project: Project, by: UUID) -> None:
    """A project has ended."""
    message = access.ProjectClosed(project_id=str(project.id), closed_by=str(by))
    emit(session, "factory.access.project.closed.v1", str(project.id), message, revision=project.revision)


def member_added(session: RuleSession, project: Project, user_id: UUID, role: str) -> None:
    """A user is a member of a project, in this role."""
    message = access.MemberAdded(project_id=str(project.id), user_id=str(user_id), role=role)
    emit(session, "factory.access.member.added.v1", str(project.id), message, revision=project.revision)


def member_removed(session: RuleSession, project: Project, user_id: UUID) -> None:
    """A user is no longer a member of a project."""
    message = access.MemberRemoved(project_id=str(project.id), user_id=str(user_id))
    emit(session, "factory.access.member.removed.v1", str(project.id), message, revision=project.revision)
