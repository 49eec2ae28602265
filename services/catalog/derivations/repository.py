"""The only place that queries the tables of derivations."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.catalog.datasets.models import ObjectUse, VersionKey
from services.catalog.derivations.models import Derivation, DerivedFile
from services.kit.db import RuleSession

# Core and many sets of parameters: compiled once, however many rows there are.
_FILES = cast(Table, DerivedFile.__table__)  # pyright: ignore[reportAttributeAccessIssue] - SQLModel does not declare it


async def add(session: RuleSession, values: dict[str, Any]) -> bool:
    """Enter a derivation; False when there is one of this id already (whoever else enters it now is waited for)."""
    statement = insert(Derivation).values(**values).on_conflict_do_nothing(index_elements=["id"])
    return (await session.execute(statement.returning(col(Derivation.id)))).first() is not None


async def derivation(
    session: RuleSession, derivation_id: UUID, *, lock: bool = False, share: bool = False
) -> Derivation | None:
    """Return a derivation: locked for change, or (`share`) held so that files are added and its state stays."""
    query = select(Derivation).where(Derivation.id == derivation_id)
    if lock or share:
        query = query.with_for_update(read=not lock).execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def enter(session: RuleSession, rows: Sequence[dict[str, Any]]) -> int:
    """Enter stored files, replacing those of the very same path; return how many were entered.

    Fewer than given: another path stands there that some file systems would take for the same.
    """
    if not rows:
        return 0
    statement = insert(_FILES)
    statement = statement.on_conflict_do_update(
        index_elements=["derivation_id", "path_mark"],
        set_={name: statement.excluded[name] for name in ("sealed", "object_name", "size")},
        where=_FILES.c.exact_mark == statement.excluded.exact_mark,
    )
    # In one order everywhere: two batches of one derivation wait for each other, never in a circle.
    ordered = sorted(rows, key=lambda row: row["path_mark"])
    return len((await session.execute(statement.returning(_FILES.c.path_mark), ordered)).all())


async def count(session: RuleSession, derivation_id: UUID) -> int:
    """Return how many files are stored."""
    query = select(func.count()).select_from(DerivedFile).where(DerivedFile.derivation_id == derivation_id)
    return (await session.exec(query)).one()


async def files(session: RuleSession, derivation_id: UUID) -> Sequence[DerivedFile]:
    """Return all files of a derivation."""
    return (await session.exec(select(DerivedFile).where(DerivedFile.derivation_id == derivation_id))).all()


async def clear(session: RuleSession, derivation_id: UUID) -> None:
    """Delete the files of a derivation that has ended: the manifest has them now, or nothing does."""
    await session.execute(delete(DerivedFile).where(col(DerivedFile.derivation_id) == derivation_id))


async def unneeded(session: RuleSession, derivation_id: UUID, version_id: UUID, limit: int) -> Sequence[str]:
    """Return up to `limit` names of objects that the version uses and no file needs: their files were replaced.

    The derivation's row is locked: nobody comes to need them.
    """
    needed = select(DerivedFile.object_name).where(
        DerivedFile.derivation_id == derivation_id, DerivedFile.object_name == ObjectUse.name
    )
    query = select(ObjectUse.name).where(ObjectUse.version_id == version_id, ~needed.exists())
    return (await session.exec(query.order_by(col(ObjectUse.name)).limit(limit))).all()


async def bereft(session: RuleSession, limit: int) -> Sequence[Derivation]:
    """Return unfinished derivations, locked, whose version's key is to be destroyed: their dataset was withdrawn."""
    query = (
        select(Derivation)
        .join(VersionKey, col(VersionKey.version_id) == col(Derivation.version_id))
        .where(
            col(Derivation.state).in_(("open", "committing")),
            col(VersionKey.erasure_requested_at).is_not(None),
        )
        .limit(limit)
    )
    return (await session.exec(query.with_for_update(of=Derivation, skip_locked=True))).all()
