"""Queries of admission."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_, true, tuple_
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from services.access.admission.models import AccessRequest, Agreement, Grant, RequestMessage
from services.access.admission.rules import Sight
from services.kit.db import RuleSession

T = TypeVar("T")


def _one(statement: SelectOfScalar[T], lock: bool) -> SelectOfScalar[T]:
    # What was read before the lock was had may be old by then.
    return statement.with_for_update().execution_options(populate_existing=True) if lock else statement


async def add(session: RuleSession, *rows: AccessRequest | RequestMessage | Grant | Agreement) -> None:
    """Write new or changed rows."""
    session.add_all(rows)
    await session.flush()


async def request(session: RuleSession, request_id: UUID, *, lock: bool = False) -> AccessRequest | None:
    """Return a request, locked for change if asked."""
    return (await session.exec(_one(select(AccessRequest).where(AccessRequest.id == request_id), lock))).one_or_none()


async def grant(session: RuleSession, grant_id: UUID, *, lock: bool = False) -> Grant | None:
    """Return a grant, locked for change if asked."""
    return (await session.exec(_one(select(Grant).where(Grant.id == grant_id), lock))).one_or_none()


async def agreement(session: RuleSession, agreement_id: UUID, *, lock: bool = False) -> Agreement | None:
    """Return an agreement, locked for change if asked."""
    return (await session.exec(_one(select(Agreement).where(Agreement.id == agreement_id), lock))).one_or_none()


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


async def grants(session: RuleSession, grant_ids: Iterable[UUID]) -> dict[UUID, Grant]:
    """Return grants by id."""
    rows = await session.exec(select(Grant).where(col(Grant.id).in_(list(grant_ids))))
    return {row.id: row for row in rows}


async def agreements_of_grants(session: RuleSession, grant_ids: Iterable[UUID]) -> dict[UUID, Agreement]:
    """Return agreements by grant id."""
    rows = await session.exec(select(Agreement).where(col(Agreement.grant_id).in_(list(grant_ids))))
    return {row.grant_id: row for row in rows}


async def grants_between(session: RuleSession, pairs: Iterable[tuple[UUID, UUID]]) -> Sequence[tuple[Grant, Agreement]]:
    """Return all grants (and their agreements) of the given (project, dataset) pairs, newest first."""
    rows = await session.exec(
        select(Grant, Agreement)
        .join(Agreement, col(Agreement.grant_id) == Grant.id)
        .where(tuple_(col(Grant.project_id), col(Grant.dataset_id)).in_(list(set(pairs))))
        .order_by(col(Grant.id).desc())
    )
    return rows.all()


def _seen(sight: Sight, of: type[AccessRequest] | type[Grant] | type[Agreement]) -> ColumnElement[bool]:
    if sight.everything:
        return true()
    return or_(
        col(of.project_id).in_(list(sight.projects)),
        col(of.donor_id).in_(list(sight.donors)),
        col(of.donation_id).in_(list(sight.donations)),
    )


async def list_requests(
    session: RuleSession, sight: Sight, *, state: str | None, before: UUID | None, limit: int
) -> Sequence[AccessRequest]:
    """Return up to `limit + 1` requests in sight, newest first, of those before an id."""
    statement = (
        select(AccessRequest).where(_seen(sight, AccessRequest)).order_by(col(AccessRequest.id).desc()).limit(limit + 1)
    )
    if state:
        statement = statement.where(AccessRequest.state == state)
    if before:
        statement = statement.where(col(AccessRequest.id) < before)
    return (await session.exec(statement)).all()


async def list_grants(
    session: RuleSession,
    sight: Sight,
    *,
    project_id: UUID | None,
    dataset_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Grant]:
    """Return up to `limit + 1` grants in sight, newest first, of those before an id."""
    statement = select(Grant).where(_seen(sight, Grant)).order_by(col(Grant.id).desc()).limit(limit + 1)
    if project_id:
        statement = statement.where(Grant.project_id == project_id)
    if dataset_id:
        statement = statement.where(Grant.dataset_id == dataset_id)
    if before:
        statement = statement.where(col(Grant.id) < before)
    return (await session.exec(statement)).all()


async def list_agreements(
    session: RuleSession, sight: Sight, *, before: UUID | None, limit: int
) -> Sequence[Agreement]:
    """Return up to `limit + 1` agreements in sight, newest first, of those before an id."""
    statement = select(Agreement).where(_seen(sight, Agreement)).order_by(col(Agreement.id).desc()).limit(limit + 1)
    if before:
        statement = statement.where(col(Agreement.id) < before)
    return (await session.exec(statement)).all()


async def open_requests_for(session: RuleSession, dataset_id: UUID) -> Sequence[AccessRequest]:
    """Return the requests for a dataset that wait for a decision, locked for change."""
    statement = (
        select(AccessRequest)
        .where(AccessRequest.dataset_id == dataset_id, AccessRequest.state == "submitted")
        .order_by(col(AccessRequest.id))
        .with_for_update()
    )
    return (await session.exec(statement)).all()


async def live_grants_of_dataset(session: RuleSession, dataset_id: UUID) -> Sequence[Grant]:
    """Return the grants on a dataset that are not revoked, locked for change."""
    statement = (
        select(Grant)
        .where(Grant.dataset_id == dataset_id, col(Grant.revoked_at).is_(None))
        .order_by(col(Grant.id))
        .with_for_update()
    )
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
