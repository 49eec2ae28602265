"""Questions to the tables of projects. Nobody else asks them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, true, tuple_
from sqlmodel import col, select

from services.access.projects.models import Project, ProjectChange, ProjectMember, ProjectPartner
from services.access.projects.rules import Viewer
from services.kit.db import RuleSession


def _visible(viewer: Viewer) -> list[ColumnElement[bool]]:
    if viewer.everything:
        return []
    mine = select(ProjectMember.project_id).where(
        ProjectMember.user_id == viewer.user_id, col(ProjectMember.ended_at).is_(None)
    )
    seen = [col(Project.id).in_(mine)]
    if viewer.partner_ids:
        administered = select(ProjectPartner.project_id).where(col(ProjectPartner.partner_id).in_(viewer.partner_ids))
        seen.append(col(Project.id).in_(administered))
    return [or_(*seen)]


async def add(session: RuleSession, *rows: Project | ProjectPartner | ProjectMember | ProjectChange) -> None:
    """Write new or changed rows, in the order given."""
    for row in rows:
        session.add(row)
    await session.flush()


async def project(session: RuleSession, project_id: UUID, viewer: Viewer, *, lock: bool = False) -> Project | None:
    """Return one project that the viewer may see; with `lock`, nobody else changes it until the transaction ends."""
    statement = select(Project).where(Project.id == project_id, *_visible(viewer))
    if lock:
        statement = statement.with_for_update(of=Project).execution_options(populate_existing=True)
    return (await session.exec(statement)).one_or_none()


async def page_of_projects(session: RuleSession, viewer: Viewer, after: UUID | None, limit: int) -> Sequence[Project]:
    """Return up to `limit + 1` projects that the viewer may see, in order of id."""
    statement = select(Project).where(*_visible(viewer)).order_by(col(Project.id)).limit(limit + 1)
    if after is not None:
        statement = statement.where(col(Project.id) > after)
    return (await session.exec(statement)).all()


async def projects(session: RuleSession, project_ids: Collection[UUID]) -> Sequence[Project]:
    """Return projects by id, whoever asks; unknown ids are absent."""
    if not project_ids:
        return []
    return (await session.exec(select(Project).where(col(Project.id).in_(project_ids)))).all()


async def partners_of(session: RuleSession, project_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Return the partners of each project, sorted."""
    found: dict[UUID, list[UUID]] = defaultdict(list)
    if project_ids:
        statement = (
            select(ProjectPartner)
            .where(col(ProjectPartner.project_id).in_(project_ids))
            .order_by(col(ProjectPartner.partner_id))
        )
        for row in await session.exec(statement):
            found[row.project_id].append(row.partner_id)
    return found


async def members_of(session: RuleSession, project_ids: Collection[UUID]) -> dict[UUID, list[ProjectMember]]:
    """Return the present members of each project, the longest-standing first."""
    found: dict[UUID, list[ProjectMember]] = defaultdict(list)
    if project_ids:
        statement = (
            select(ProjectMember)
            .where(col(ProjectMember.project_id).in_(project_ids), col(ProjectMember.ended_at).is_(None))
            .order_by(col(ProjectMember.id))
        )
        for row in await session.exec(statement):
            found[row.project_id].append(row)
    return found


async def memberships(
    session: RuleSession, pairs: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], ProjectMember]:
    """Return the present memberships among pairs of (project, user)."""
    if not pairs:
        return {}
    statement = select(ProjectMember).where(
        tuple_(col(ProjectMember.project_id), col(ProjectMember.user_id)).in_(list(pairs)),
        col(ProjectMember.ended_at).is_(None),
    )
    return {(row.project_id, row.user_id): row for row in await session.exec(statement)}


async def of_user(
    session: RuleSession, user_id: UUID, partner_id: UUID, *, closed: bool = False
) -> Iterable[tuple[UUID, str]]:
    """Return (project, role) of open projects that count the user as a member while with this partner.

    With `closed`, of closed ones too.
    """
    statement = (
        select(ProjectMember.project_id, ProjectMember.role)
        .join(Project, col(Project.id) == ProjectMember.project_id)
        .join(ProjectPartner, col(ProjectPartner.project_id) == ProjectMember.project_id)
        .where(
            ProjectMember.user_id == user_id,
            col(ProjectMember.ended_at).is_(None),
            true() if closed else col(Project.closed_at).is_(None),
            ProjectPartner.partner_id == partner_id,
        )
        .order_by(col(ProjectMember.project_id))
    )
    return (await session.exec(statement)).all()


async def set_partners(session: RuleSession, project_id: UUID, partner_ids: Collection[UUID]) -> None:
    """Make these the project's partners."""
    await session.execute(delete(ProjectPartner).where(col(ProjectPartner.project_id) == project_id))
    session.add_all(ProjectPartner(project_id=project_id, partner_id=partner_id) for partner_id in partner_ids)
    await session.flush()


async def page_of_changes(
    session: RuleSession, project_id: UUID, after: UUID | None, limit: int
) -> Sequence[ProjectChange]:
    """Return up to `limit + 1` changes of a project, the oldest first."""
    statement = (
        select(ProjectChange)
        .where(ProjectChange.project_id == project_id)
        .order_by(col(ProjectChange.id))
        .limit(limit + 1)
    )
    if after is not None:
        statement = statement.where(col(ProjectChange.id) > after)
    return (await session.exec(statement)).all()
