"""The only place that queries the tables of donations, uploads and staged files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, delete, func, or_, update
from sqlalchemy import select as core_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.catalog.datasets.models import ObjectUse
from services.catalog.datasets.objects import repository as objects
from services.catalog.intake.models import Donation, StagedFile, Upload
from services.kit.db import RuleSession

# --- donations --------------------------------------------------------------------------------------------------------


async def donation(
    session: RuleSession, donation_id: UUID, *, lock: bool = False, share: bool = False
) -> Donation | None:
    """Return a donation: locked for change, or (`share`) locked so that others may add to it but nobody changes it."""
    query = select(Donation).where(Donation.id == donation_id)
    if lock or share:
        query = query.with_for_update(read=not lock).execution_options(populate_existing=True)
    return (await session.exec(query)).one_or_none()


async def donations(
    session: RuleSession,
    *,
    partners: set[UUID] | None,
    cases: set[UUID],
    state: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Donation]:
    """Return donations of these partners (None: of all) or with these ids, newest first, one more than `limit`."""
    query = select(Donation)
    if partners is not None:
        query = query.where(or_(col(Donation.partner_id).in_(partners), col(Donation.id).in_(cases)))
    if state is not None:
        query = query.where(Donation.state == state)
    if before is not None:
        query = query.where(col(Donation.id) < before)
    return (await session.exec(query.order_by(col(Donation.id).desc()).limit(limit + 1))).all()


# --- uploads ----------------------------------------------------------------------------------------------------------


async def add_upload(session: RuleSession, values: dict[str, Any]) -> Upload | None:
    """Enter an upload; None when the donation has one at the same path already."""
    statement = insert(Upload).values(**values).on_conflict_do_nothing(index_elements=["donation_id", "path_mark"])
    return (await session.execute(statement.returning(Upload))).scalar_one_or_none()


async def upload(session: RuleSession, upload_id: UUID, *, lock: bool = False) -> tuple[Upload, Donation] | None:
    """Return an upload with its donation; `lock` holds the upload's row."""
    query = select(Upload, Donation).join(Donation, col(Upload.donation_id) == col(Donation.id))
    query = query.where(Upload.id == upload_id)
    return (await session.exec(query.with_for_update(of=Upload) if lock else query)).one_or_none()


async def uploads_of(
    session: RuleSession, donation_id: UUID, *, state: str | None, after: UUID | None, limit: int
) -> Sequence[Upload]:
    """Return uploads of a donation in the order in which they were made, one more than `limit`."""
    query = select(Upload).where(Upload.donation_id == donation_id)
    if state is not None:
        query = query.where(Upload.state == state)
    if after is not None:
        query = query.where(col(Upload.id) > after)
    return (await session.exec(query.order_by(col(Upload.id)).limit(limit + 1))).all()


async def upload_totals(
    session: RuleSession, donation_ids: Sequence[UUID]
) -> dict[UUID, dict[str, tuple[int, int, int]]]:
    """Return, by donation and state, number of uploads, files in them and bytes declared."""
    rows = await session.execute(
        core_select(
            col(Upload.donation_id), col(Upload.state), func.count(), func.sum(Upload.files), func.sum(Upload.size)
        )
        .where(col(Upload.donation_id).in_(donation_ids))
        .group_by(col(Upload.donation_id), col(Upload.state))
    )
    totals: dict[UUID, dict[str, tuple[int, int, int]]] = {}
    for donation_id, state, number, files, size in rows:
        totals.setdefault(donation_id, {})[state] = (number, int(files or 0), int(size or 0))
    return totals


async def path_staged(session: RuleSession, donation_id: UUID, path_mark: bytes) -> bool:
    """Whether a verified file of the donation has this path."""
    query = select(StagedFile.upload_id).where(StagedFile.donation_id == donation_id, StagedFile.path_mark == path_mark)
    return (await session.exec(query)).first() is not None


async def marks_taken(session: RuleSession, donation_id: UUID, marks: Sequence[bytes], but: UUID) -> bool:
    """Whether any of these paths belongs to another plain upload of the donation (verified or not)."""
    query = select(Upload.id).where(
        Upload.donation_id == donation_id,
        Upload.id != but,
        col(Upload.unpack).is_(None),
        col(Upload.state) != "refused",
        col(Upload.path_mark).in_(marks),
    )
    return (await session.exec(query.limit(1))).first() is not None


async def set_received(session: RuleSession, upload_id: UUID, now: datetime) -> bool:
    """All bytes are here: let a worker take it. False when it was so already."""
    changed = await session.execute(
        update(Upload)
        .where(col(Upload.id) == upload_id, col(Upload.state) == "open")
        .values(state="received", received_at=now, claimed_until=None, revision=Upload.revision + 1)
        .returning(col(Upload.id))
    )
    return changed.first() is not None


async def delete_upload(session: RuleSession, upload_id: UUID) -> None:
    """Delete an upload and the files it became."""
    await session.execute(delete(StagedFile).where(col(StagedFile.upload_id) == upload_id))
    await session.execute(delete(Upload).where(col(Upload.id) == upload_id))


async def live_upload_ids(session: RuleSession, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these uploads whose bytes are still wanted in the spool."""
    query = select(Upload.id).where(col(Upload.id).in_(ids), col(Upload.state).in_(("open", "received")))
    return set((await session.exec(query)).all())


async def open_uploads(session: RuleSession, ids: Sequence[UUID]) -> Sequence[Upload]:
    """Return those of these uploads that are still open."""
    return (await session.exec(select(Upload).where(col(Upload.id).in_(ids), Upload.state == "open"))).all()


# --- ingest -----------------------------------------------------------------------------------------------------------


async def claim_upload(
    session: RuleSession, claim: UUID, now: datetime, until: datetime
) -> tuple[Upload, Donation] | None:
    """Take one upload that waits, or whose worker has gone silent, until `until`."""
    query = (
        select(Upload, Donation)
        .join(Donation, col(Upload.donation_id) == col(Donation.id))
        .where(
            Upload.state == "received",
            or_(col(Upload.claimed_until).is_(None), col(Upload.claimed_until) < now),
        )
        .order_by(col(Upload.attempts), col(Upload.id))
        .limit(1)
        .with_for_update(of=Upload, skip_locked=True)
    )
    found = (await session.exec(query)).first()
    if found is not None:
        row = found[0]
        row.claim, row.claimed_until = claim, until
        row.attempts += 1
        session.add(row)
    return found


async def hold_claim(session: RuleSession, upload_id: UUID, claim: UUID, until: datetime, done: int) -> bool:
    """Extend a claim and note the bytes done; False when another worker has it, or the upload is gone."""
    changed = await session.execute(
        update(Upload)
        .where(col(Upload.id) == upload_id, col(Upload.claim) == claim, col(Upload.state) == "received")
        .values(claimed_until=until, bytes_done=done)
        .returning(col(Upload.id))
    )
    return changed.first() is not None


async def claimed(session: RuleSession, upload_id: UUID, claim: UUID) -> Upload | None:
    """Return the upload, locked, if the claim still holds."""
    query = select(Upload).where(Upload.id == upload_id, Upload.claim == claim, Upload.state == "received")
    return (await session.exec(query.with_for_update())).one_or_none()


async def stage_files(session: RuleSession, rows: Sequence[dict[str, Any]]) -> int:
    """Enter verified files; return how many were new (a path that is there already counts as not)."""
    if not rows:
        return 0
    # Core and many sets of parameters: compiled once, however many rows there are.
    table = cast(Table, StagedFile.__table__)  # pyright: ignore[reportAttributeAccessIssue] - SQLModel does not declare it
    statement = insert(table).on_conflict_do_nothing().returning(table.c.path_mark)
    return len((await session.execute(statement, list(rows))).all())


async def unstage(session: RuleSession, upload_id: UUID) -> None:
    """Delete the files that an upload became so far."""
    await session.execute(delete(StagedFile).where(col(StagedFile.upload_id) == upload_id))


async def unneeded_objects(
    session: RuleSession, donation_id: UUID, version_id: UUID, limit: int
) -> tuple[UUID, list[str]] | None:
    """Return the dataset and up to `limit` of the version's objects that no staged file needs, locked; None: none."""
    needed = select(StagedFile.object_name).where(
        StagedFile.donation_id == donation_id, StagedFile.object_name == ObjectUse.name
    )
    query = select(ObjectUse.dataset_id, ObjectUse.name).where(ObjectUse.version_id == version_id, ~needed.exists())
    found = (await session.exec(query.limit(limit))).all()
    if not found:
        return None
    dataset_id = found[0][0]
    locked = await objects.lock(session, dataset_id, [name for _dataset, name in found])
    # Asked again now that the rows are ours: while we waited for them, somebody may have come to need them.
    again = select(StagedFile.object_name).where(
        StagedFile.donation_id == donation_id, col(StagedFile.object_name).in_(locked)
    )
    used = set((await session.exec(again.distinct())).all())
    gone = [name for name in locked if name not in used]
    return (dataset_id, gone) if gone else None


async def staged_files(session: RuleSession, donation_id: UUID) -> Sequence[StagedFile]:
    """Return all verified files of a donation."""
    return (await session.exec(select(StagedFile).where(StagedFile.donation_id == donation_id))).all()


async def clear_staged(session: RuleSession, donation_id: UUID) -> None:
    """Delete the staged files of a decided donation: the manifest has them now, or nothing does."""
    await session.execute(delete(StagedFile).where(col(StagedFile.donation_id) == donation_id))
