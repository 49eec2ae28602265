"""The only place that queries the tables of datasets and versions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col, select

from services.catalog.datasets.models import Dataset, DatasetSecret, Lineage, Version, VersionKey
from services.kit.db import RuleSession


async def dataset(session: RuleSession, dataset_id: UUID, *, lock: bool = False, share: bool = False) -> Dataset | None:
    """Return a dataset: locked for change, or (`share`) held as it is while others may hold it too."""
    query = select(Dataset).where(Dataset.id == dataset_id)
    if lock or share:
        query = query.with_for_update(read=not lock).execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def version(session: RuleSession, version_id: UUID, *, lock: bool = False) -> tuple[Version, Dataset] | None:
    """Return a version with its dataset; `lock` holds the version's row."""
    query = select(Version, Dataset).join(Dataset, col(Version.dataset_id) == col(Dataset.id))
    query = query.where(Version.id == version_id)
    return (await session.exec(query.with_for_update(of=Version) if lock else query)).one_or_none()


async def versions_of(
    session: RuleSession, dataset_id: UUID, *, released_only: bool, after: int | None, limit: int
) -> Sequence[Version]:
    """Return versions of a dataset by number, `limit + 1` of them so that the caller sees whether more follow."""
    query = select(Version).where(Version.dataset_id == dataset_id)
    if released_only:
        query = query.where(col(Version.released_at).is_not(None))
    if after is not None:
        query = query.where(Version.number > after)
    return (await session.exec(query.order_by(col(Version.number)).limit(limit + 1))).all()


async def latest_version(session: RuleSession, dataset_id: UUID, *, released_only: bool) -> UUID | None:
    """Return the id of the newest version, or of the newest that was released."""
    query = select(Version.id).where(Version.dataset_id == dataset_id)
    if released_only:
        query = query.where(col(Version.released_at).is_not(None))
    return (await session.exec(query.order_by(col(Version.number).desc()).limit(1))).first()


async def next_number(session: RuleSession, dataset_id: UUID) -> int:
    """Return the number of the dataset's next version; the dataset's row must be locked or new."""
    highest = (
        await session.exec(select(func.max(Version.number)).where(Version.dataset_id == dataset_id))
    ).one_or_none()
    return (highest or 0) + 1


async def lineage_of(session: RuleSession, version_id: UUID) -> Sequence[Lineage]:
    """Return how a version came to be."""
    return (await session.exec(select(Lineage).where(Lineage.version_id == version_id))).all()


async def children_of(session: RuleSession, version_id: UUID, *, released_only: bool) -> Sequence[Lineage]:
    """Return what was made from a version: all of it, or what was released."""
    query = select(Lineage).where(Lineage.parent_id == version_id)
    if released_only:
        query = query.join(Version, col(Version.id) == col(Lineage.version_id))
        query = query.where(col(Version.released_at).is_not(None))
    return (await session.exec(query.order_by(col(Lineage.id)))).all()


async def facts(
    session: RuleSession, version_ids: Sequence[UUID], dataset_ids: Sequence[UUID]
) -> tuple[Sequence[Version], Sequence[Dataset], Sequence[tuple[UUID, UUID]]]:
    """Return the versions asked for, the datasets asked for and theirs, and (dataset id, version id) of the latter."""
    versions = (await session.exec(select(Version).where(col(Version.id).in_(version_ids)))).all()
    wanted = {*dataset_ids, *(version.dataset_id for version in versions)}
    datasets = (await session.exec(select(Dataset).where(col(Dataset.id).in_(wanted)))).all()
    pairs = (
        await session.exec(
            select(Version.dataset_id, Version.id)
            .where(col(Version.dataset_id).in_(wanted))
            .order_by(col(Version.number))
        )
    ).all()
    return versions, datasets, pairs


async def keys_of(session: RuleSession, version_id: UUID) -> tuple[VersionKey | None, DatasetSecret | None]:
    """Return the wrapped keys of a version and of its dataset."""
    found = (
        await session.exec(
            select(VersionKey, DatasetSecret)
            .join(DatasetSecret, col(DatasetSecret.dataset_id) == col(VersionKey.dataset_id))
            .where(VersionKey.version_id == version_id)
        )
    ).one_or_none()
    return found if found is not None else (None, None)


async def request_erasure(session: RuleSession, version_ids: Sequence[UUID], reason: str, now: datetime) -> None:
    """Note that these versions' keys are to be destroyed."""
    query = select(VersionKey.version_id).where(col(VersionKey.version_id).in_(version_ids))
    # Whoever stores files for one of these holds its key, and is waited for.
    await session.exec(query.order_by(col(VersionKey.version_id)).with_for_update())
    await session.execute(
        update(VersionKey)
        .where(col(VersionKey.version_id).in_(version_ids), col(VersionKey.erasure_requested_at).is_(None))
        .values(erasure_requested_at=now, erasure_reason=reason)
    )


async def version_ids_of(session: RuleSession, dataset_id: UUID) -> Sequence[UUID]:
    """Return the ids of all versions of a dataset that have a key, also planned ones."""
    return (await session.exec(select(VersionKey.version_id).where(VersionKey.dataset_id == dataset_id))).all()


async def withdraw_versions(session: RuleSession, dataset_id: UUID) -> None:
    """Withdraw every version of a dataset that is not already redacted."""
    await session.execute(
        update(Version)
        .where(col(Version.dataset_id) == dataset_id, col(Version.state) != "redacted")
        .values(state="withdrawn", revision=col(Version.revision) + 1)
    )


async def hold_keys(session: RuleSession, version_ids: Sequence[UUID]) -> set[UUID]:
    """Hold versions' keys as they are until the transaction ends; return those that are there and stay."""
    query = select(VersionKey.version_id, VersionKey.erasure_requested_at).where(
        col(VersionKey.version_id).in_(version_ids)
    )
    # In one order everywhere, as in `request_erasure`.
    found = (await session.exec(query.order_by(col(VersionKey.version_id)).with_for_update(read=True))).all()
    return {version_id for version_id, requested_at in found if requested_at is None}


async def erasure_due(session: RuleSession) -> VersionKey | None:
    """Return one key that is to be destroyed, locked; another worker gets another."""
    return (
        await session.exec(
            select(VersionKey)
            .where(col(VersionKey.erasure_requested_at).is_not(None), col(VersionKey.erased_at).is_(None))
            .order_by(col(VersionKey.erasure_requested_at))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
    ).first()


async def secret_of(session: RuleSession, dataset_id: UUID) -> DatasetSecret | None:
    """Return the wrapped naming secret of a dataset."""
    return (await session.exec(select(DatasetSecret).where(DatasetSecret.dataset_id == dataset_id))).one_or_none()


async def keys_left(session: RuleSession, dataset_id: UUID) -> bool:
    """Whether any version of the dataset, planned ones included, still has its key."""
    query = select(VersionKey.version_id).where(
        VersionKey.dataset_id == dataset_id, col(VersionKey.wrapped).is_not(None)
    )
    return (await session.exec(query.limit(1))).first() is not None
