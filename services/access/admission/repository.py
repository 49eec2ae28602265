"""Queries of admission."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col, select

from services.access.admission.models import AccessRequest, Agreement, Grant, RequestMessage
from services.kit.db import RuleSession
from services.kit.paging import PageParams


async def request(session: RuleSession, request_id: UUID, *, lock: bool = False) -> AccessRequest | None:
    """Return a request, locked for change if asked."""
    statement = select(AccessRequest).where(AccessRequest.id == request_id)
    return (await session.exec(statement.with_for_update() if lock else statement)).one_or_none()


async def grant(session: RuleSession, grant_id: UUID, *, lock: bool = False) -> Grant | None:
    """Return a grant, locked for change if asked."""
    statement = select(Grant).where(Grant.id == grant_id)
    return (await session.exec(statement.with_for_update() if lock else statement)).one_or_none()


async def agreement(session: RuleSession, agreement_id: UUID, *, lock: bool = False) -> Agreement | None:
    """Return an agreement, locked for change if asked."""
    statement = select(Agreement).where(Agreement.id == agreement_id)
    return (await session.exec(statement.with_for_update() if lock else statement)).one_or_none()


async def open_request(session: RuleSession, project_id: UUID, dataset_id: UUID) -> AccessRequest | None:
    """Return the request of a project for a dataset that still waits for a decision."""
    return (
        await session.exec(
            select(AccessRequest).where(
                AccessRequest.project_id == project_id,
                AccessRequest.dataset_id == dataset_id,
                AccessRequest.state == "submitted",
            )
        )
    ).first()


async def messages(session: RuleSession, request_ids: Iterable[UUID]) -> dict[UUID, list[RequestMessage]]:
    """Return the messages of requests, oldest first."""
    found: dict[UUID, list[RequestMessage]] = {}
    rows = await session.exec(
        select(RequestMessage)
        .where(col(RequestMessage.request_id).in_(list(request_ids)))
        .order_by(col(RequestMessage.id))
    )
    for row in rows:
        found.setdefault(row.request_id, []).append(row)
    return found


async def grants_of_requests(session: RuleSession, request_ids: Iterable[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Return (grant id, agreement id) by request id, where there is one."""
    rows = await session.exec(
        select(Grant.request_id, Grant.id, Agreement.id)
        .join(Agreement, col(Agreement.grant_id) == Grant.id)
        .where(col(Grant.request_id).in_(list(request_ids)))
    )
    return {request_id: (grant_id, agreement_id) for request_id, grant_id, agreement_id in rows}


async def agreements_of_grants(session: RuleSession, grant_ids: Iterable[UUID]) -> dict[UUID, Agreement]:
    """Return agreements by grant id."""
    rows = await session.exec(select(Agreement).where(col(Agreement.grant_id).in_(list(grant_ids))))
    return {row.grant_id: row for row in rows}


async def grants_between(session: RuleSession, pairs: Iterable[tuple[UUID, UUID]]) -> Sequence[tuple[Grant, Agreement]]:
    """Return all grants (and their agreements) of the given (project, dataset) pairs, newest first."""
    conditions = [and_(col(Grant.project_id) == p, col(Grant.dataset_id) == d) for p, d in set(pairs)]
    rows = await session.exec(
        select(Grant, Agreement)
        .join(Agreement, col(Agreement.grant_id) == Grant.id)
        .where(or_(*conditions) if conditions else false())
        .order_by(col(Grant.id).desc())
    )
    return rows.all()


def _visible(
    project: ColumnElement[UUID],
    donor: ColumnElement[UUID],
    projects: set[UUID],
    donors: set[UUID],
    *,
    everything: bool,
) -> ColumnElement[bool]:
    if everything:
        return true()
    return or_(project.in_(list(projects)), donor.in_(list(donors)))


async def list_requests(
    session: RuleSession,
    page: PageParams,
    *,
    projects: set[UUID],
    donors: set[UUID],
    everything: bool,
    state: str | None,
) -> Sequence[AccessRequest]:
    """Return requests of `projects` or for data of `donors`, newest first."""
    statement = (
        select(AccessRequest)
        .where(
            _visible(
                col(AccessRequest.project_id), col(AccessRequest.donor_id), projects, donors, everything=everything
            )
        )
        .order_by(col(AccessRequest.id).desc())
        .limit(page.limit + 1)
    )
    if state:
        statement = statement.where(AccessRequest.state == state)
    if page.after:
        statement = statement.where(col(AccessRequest.id) < UUID(str(page.after[0])))
    return (await session.exec(statement)).all()


async def list_grants(
    session: RuleSession, page: PageParams, *, projects: set[UUID], donors: set[UUID], everything: bool,
    project_id: UUID | None, dataset_id: UUID | None,
) -> Sequence[Grant]:  # fmt: skip
    """Return grants of `projects` or on data of `donors`, newest first."""
    statement = (
        select(Grant)
        .where(_visible(col(Grant.project_id), col(Grant.donor_id), projects, donors, everything=everything))
        .order_by(col(Grant.id).desc())
        .limit(page.limit + 1)
    )
    if project_id:
        statement = statement.where(Grant.project_id == project_id)
    if dataset_id:
        statement = statement.where(Grant.dataset_id == dataset_id)
    if page.after:
        statement = statement.where(col(Grant.id) < UUID(str(page.after[0])))
    return (await session.exec(statement)).all()


async def list_agreements(
    session: RuleSession, page: PageParams, *, projects: set[UUID], donors: set[UUID], everything: bool
) -> Sequence[Agreement]:
    """Return agreements of `projects` or about data of `donors`, newest first."""
    statement = (
        select(Agreement)
        .where(_visible(col(Agreement.project_id), col(Agreement.donor_id), projects, donors, everything=everything))
        .order_by(col(Agreement.id).desc())
        .limit(page.limit + 1)
    )
    if page.after:
        statement = statement.where(col(Agreement.id) < UUID(str(page.after[0])))
    return (await session.exec(statement)).all()


async def live_grants_of_dataset(session: RuleSession, dataset_id: UUID) -> Sequence[Grant]:
    """Return the grants on a dataset that are not revoked, locked for change."""
    statement = select(Grant).where(Grant.dataset_id == dataset_id, col(Grant.revoked_at).is_(None)).with_for_update()
    return (await session.exec(statement)).all()


async def ended_unannounced(session: RuleSession, now: datetime, limit: int) -> Sequence[Grant]:
    """Return grants that ran out and whose end was not told yet, locked; another instance's are passed over."""
    statement = (
        select(Grant)
        .where(Grant.until <= now, col(Grant.revoked_at).is_(None), col(Grant.end_announced_at).is_(None))
        .order_by(col(Grant.until))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(statement)).all()
