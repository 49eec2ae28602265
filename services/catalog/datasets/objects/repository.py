"""The only place that queries the tables of objects and of their uses."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.catalog.datasets.models import ObjectUse, StoredObject, VersionKey
from services.kit.db import RuleSession

# Core and many sets of parameters: compiled once, however many rows there are.
_OBJECTS = cast(Table, StoredObject.__table__)  # pyright: ignore[reportAttributeAccessIssue] - SQLModel does not declare it
_USES = cast(Table, ObjectUse.__table__)  # pyright: ignore[reportAttributeAccessIssue]


async def lock(session: RuleSession, dataset_id: UUID, names: Sequence[str]) -> dict[str, bool]:
    """Lock the rows of these objects, in one order; return by name, of those that are there, whether it is stored."""
    query = select(StoredObject.name, StoredObject.stored).where(
        StoredObject.dataset_id == dataset_id, col(StoredObject.name).in_(names)
    )
    return dict((await session.exec(query.order_by(col(StoredObject.name)).with_for_update())).all())


async def hold(session: RuleSession, dataset_id: UUID, sizes: Mapping[str, int], now: datetime) -> dict[str, bool]:
    """Enter objects (size by name) unless they are there, and lock them; return by name whether it is stored.

    One that somebody deleted in between is left out: the caller then undoes this transaction and begins again. (To
    enter it here, holding others that came later in the order, could make two wait for each other.)
    """
    rows = [
        {"dataset_id": dataset_id, "name": name, "size": size, "stored": False, "created_at": now}
        for name, size in sorted(sizes.items())
    ]
    if not rows:
        return {}
    await session.execute(insert(_OBJECTS).on_conflict_do_nothing(), rows)
    return await lock(session, dataset_id, list(sizes))


async def live_uses(session: RuleSession, dataset_id: UUID, names: Sequence[str]) -> Sequence[tuple[str, UUID, bytes]]:
    """Return (name, version, wrapped data key) for each use of these objects by a version that is not to be erased."""
    query = (
        select(ObjectUse.name, ObjectUse.version_id, ObjectUse.wrapped_key)
        .join(VersionKey, col(VersionKey.version_id) == col(ObjectUse.version_id))
        .where(
            ObjectUse.dataset_id == dataset_id,
            col(ObjectUse.name).in_(names),
            col(VersionKey.erasure_requested_at).is_(None),
        )
    )
    return (await session.exec(query)).all()


async def add_uses(session: RuleSession, dataset_id: UUID, version_id: UUID, keys: Mapping[str, bytes]) -> None:
    """Note that the version uses these objects (wrapped data key by name). Their rows are locked."""
    rows: list[dict[str, Any]] = [
        {"dataset_id": dataset_id, "name": name, "version_id": version_id, "wrapped_key": wrapped}
        for name, wrapped in sorted(keys.items())
    ]
    if rows:
        await session.execute(insert(_USES).on_conflict_do_nothing(), rows)


async def renew(session: RuleSession, dataset_id: UUID, names: Sequence[str]) -> None:
    """Make these objects, locked, as if they had never been stored: what used them is being erased."""
    await session.execute(
        delete(ObjectUse).where(col(ObjectUse.dataset_id) == dataset_id, col(ObjectUse.name).in_(names))
    )
    await session.execute(
        update(StoredObject)
        .where(col(StoredObject.dataset_id) == dataset_id, col(StoredObject.name).in_(names))
        .values(stored=False)
    )


async def mark_stored(session: RuleSession, dataset_id: UUID, version_id: UUID, names: Sequence[str]) -> set[str]:
    """Note that these objects are durable in the store; return those that are (still) there and used by the version."""
    await lock(session, dataset_id, names)
    query = select(ObjectUse.name).where(
        ObjectUse.dataset_id == dataset_id, ObjectUse.version_id == version_id, col(ObjectUse.name).in_(names)
    )
    used = set((await session.exec(query)).all())
    await session.execute(
        update(StoredObject)
        .where(
            col(StoredObject.dataset_id) == dataset_id,
            col(StoredObject.name).in_(used),
            col(StoredObject.stored).is_(False),
        )
        .values(stored=True)
    )
    return used


async def drop_uses(session: RuleSession, dataset_id: UUID, version_id: UUID, names: Sequence[str]) -> None:
    """End the version's use of these objects. Those that nothing uses any more are then the sweeper's to delete."""
    locked = await lock(session, dataset_id, names)
    await session.execute(
        delete(ObjectUse).where(
            col(ObjectUse.dataset_id) == dataset_id,
            col(ObjectUse.version_id) == version_id,
            col(ObjectUse.name).in_(locked),
        )
    )
    unused = await _unused(session, dataset_id, list(locked))
    await session.execute(
        update(StoredObject)
        .where(col(StoredObject.dataset_id) == dataset_id, col(StoredObject.name).in_(unused))
        .values(stored=False)
    )


async def _unused(session: RuleSession, dataset_id: UUID, names: Sequence[str]) -> list[str]:
    """Return those of these objects, locked, that no version uses."""
    query = select(ObjectUse.name).where(ObjectUse.dataset_id == dataset_id, col(ObjectUse.name).in_(names))
    used = set((await session.exec(query.distinct())).all())
    return [name for name in names if name not in used]


async def lock_unused(session: RuleSession, limit: int) -> tuple[UUID, list[str]] | None:
    """Return a dataset and up to `limit` of its objects that nothing uses, locked; None when there are none.

    Objects that others have locked are left to them.
    """
    used = select(ObjectUse.name).where(
        ObjectUse.dataset_id == StoredObject.dataset_id, ObjectUse.name == StoredObject.name
    )
    query = select(StoredObject.dataset_id, StoredObject.name).where(
        col(StoredObject.stored).is_(False), ~used.exists()
    )
    query = query.order_by(col(StoredObject.dataset_id), col(StoredObject.name)).limit(limit)
    found = (await session.exec(query.with_for_update(skip_locked=True))).all()
    if not found:
        return None
    dataset_id = found[0][0]
    # Asked again now that the rows are ours: somebody may have come to use one of them before we had it.
    return dataset_id, await _unused(session, dataset_id, [name for of, name in found if of == dataset_id])


async def forget(session: RuleSession, dataset_id: UUID, names: Sequence[str]) -> None:
    """Delete the rows of objects that are no longer in the store, and that nothing uses."""
    await session.execute(
        delete(StoredObject).where(col(StoredObject.dataset_id) == dataset_id, col(StoredObject.name).in_(names))
    )


async def adopt_orphans(session: RuleSession, dataset_id: UUID, names: Sequence[str]) -> list[str]:
    """Return those of these blobs that no row names any more, with rows made for them: they are ours to delete.

    Until this transaction ends, whoever wants to store the same content waits for it.
    """
    rows = [
        {"dataset_id": dataset_id, "name": name, "size": 0, "stored": False}
        | {"created_at": datetime.fromtimestamp(0, UTC)}
        for name in sorted(names)
    ]
    if not rows:
        return []
    statement = insert(StoredObject).values(rows).on_conflict_do_nothing().returning(col(StoredObject.name))
    return list((await session.execute(statement)).scalars())


async def keys_of(session: RuleSession, version_id: UUID) -> dict[str, bytes]:
    """Return the data keys of the objects that a version uses, wrapped by its key, by object name."""
    query = select(ObjectUse.name, ObjectUse.wrapped_key).where(ObjectUse.version_id == version_id)
    return dict((await session.exec(query)).all())


async def names_of(session: RuleSession, version_id: UUID, limit: int) -> Sequence[str]:
    """Return up to `limit` names of objects that a version uses, in order."""
    query = select(ObjectUse.name).where(ObjectUse.version_id == version_id)
    return (await session.exec(query.order_by(col(ObjectUse.name)).limit(limit))).all()
