"""The only place that queries the tables of dataset keys and loans."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.deid.sources.models import DatasetKey, Loan
from services.kit.db import RuleSession


async def dataset_key(session: RuleSession, dataset_id: UUID) -> DatasetKey | None:
    """Return the row of a dataset's key."""
    return (await session.exec(select(DatasetKey).where(DatasetKey.dataset_id == dataset_id))).one_or_none()


async def add_dataset_key(
    session: RuleSession, dataset_id: UUID, key_id: UUID, wrapped: bytes, now: datetime
) -> DatasetKey:
    """Enter a dataset's key unless it has one; return the one it has."""
    values = {"dataset_id": dataset_id, "key_id": key_id, "wrapped": wrapped, "created_at": now}
    await session.execute(insert(DatasetKey).values(**values).on_conflict_do_nothing(index_elements=["dataset_id"]))
    return (await session.exec(select(DatasetKey).where(DatasetKey.dataset_id == dataset_id))).one()


async def request_erasure(session: RuleSession, dataset_id: UUID, now: datetime) -> None:
    """Note that a dataset's key is to be destroyed."""
    await session.execute(
        update(DatasetKey)
        .where(col(DatasetKey.dataset_id) == dataset_id, col(DatasetKey.erasure_requested_at).is_(None))
        .values(erasure_requested_at=now)
    )


async def erasure_due(session: RuleSession) -> DatasetKey | None:
    """Return one key that is to be destroyed, locked; another worker gets another."""
    query = (
        select(DatasetKey)
        .where(col(DatasetKey.erasure_requested_at).is_not(None), col(DatasetKey.erased_at).is_(None))
        .order_by(col(DatasetKey.erasure_requested_at))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(query)).first()


async def borrow(session: RuleSession, derivation_id: UUID, due_at: datetime) -> None:
    """Note that a derivation must be given back from `due_at` on."""
    statement = insert(Loan).values(derivation_id=derivation_id, due_at=due_at)
    await session.execute(statement.on_conflict_do_update(index_elements=["derivation_id"], set_={"due_at": due_at}))


async def settle(session: RuleSession, derivation_id: UUID) -> None:
    """Forget a loan: the derivation is given back, or belongs to a run."""
    await session.execute(delete(Loan).where(col(Loan.derivation_id) == derivation_id))


async def due_loans(session: RuleSession, now: datetime, limit: int = 20) -> Sequence[UUID]:
    """Return derivations that are to be given back now."""
    query = select(Loan.derivation_id).where(col(Loan.due_at) <= now).order_by(col(Loan.due_at)).limit(limit)
    return (await session.exec(query)).all()


async def put_off(session: RuleSession, derivation_id: UUID, due_at: datetime) -> None:
    """Try giving back again later."""
    await session.execute(update(Loan).where(col(Loan.derivation_id) == derivation_id).values(due_at=due_at))
