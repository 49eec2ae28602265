"""Uploads as the case sees them: planned by the donor, filled by tus, taken back while the case is a draft."""

import asyncio
import secrets as randomness
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.catalog.datasets.media_types import media_type_of
from services.catalog.datasets.paths import PathRefused, PathSet, collision_key, normalise_path
from services.catalog.datasets.vault import Secrets
from services.catalog.intake import repository, rules
from services.catalog.intake.models import Donation, StagedFile, Upload
from services.catalog.intake.schemas import UploadIn, UploadOut
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.problems import conflict, forbidden, invalid, not_found
from services.kit.tokens import Subject


def mark_of(secrets: Secrets, path: str) -> bytes:
    """Return the keyed hash by which two paths of a donation are found alike."""
    return secrets.path_mark(collision_key(path))


async def plan(
    session: RuleSession, donation: Donation, secrets: Secrets, body: UploadIn, *, limit: int, by: UUID, now: datetime
) -> Upload:
    """Enter a file to come. 422 for a path that no file may have or a size over `limit`, 409 for one that is there."""
    rules.require_state(donation, "draft")
    if body.size > limit:
        raise invalid("/size", "file-too-large", limit=limit)
    try:
        path = normalise_path(body.path)
    except PathRefused as refused:
        raise invalid("/path", refused.code, **refused.params) from None
    mark = mark_of(secrets, path)
    if body.unpack is None and await repository.path_staged(session, donation.id, mark):
        raise conflict("path-taken")
    upload_id = new_id()
    empty = body.size == 0
    said = {"path": path, "sha256": body.sha256, "media_type": body.media_type or media_type_of(path)}
    # The spool's key belongs to this upload alone, and lies under the version's key like everything else of it.
    said["spool_key"] = randomness.token_hex(32)
    values: dict[str, Any] = {
        "id": upload_id,
        "donation_id": donation.id,
        "created_by": by,
        "path_mark": mark,
        "sealed": secrets.seal(upload_id, said),
        "size": body.size,
        "unpack": body.unpack,
        # Nothing is sent for an empty file.
        "state": "received" if empty else "open",
        "received_at": now if empty else None,
        "bytes_done": 0,
        "files": 0,
        "attempts": 0,
        "created_at": now,
        "revision": 1,
    }
    upload = await repository.add_upload(session, values)
    if upload is None:
        raise conflict("path-taken")
    return upload


async def upload_for(
    session: RuleSession, caller: Subject, upload_id: UUID, *, lock: bool = False
) -> tuple[Upload, Donation]:
    """Return an upload of the caller's partner: 404 for others, 403 for colleagues who are no donors."""
    found = await repository.upload(session, upload_id, lock=lock)
    if found is None:
        raise not_found("upload")
    if not rules.is_donor(caller, found[1].partner_id):
        if caller.partner_id == found[1].partner_id:
            raise forbidden("role-required", role="donor")
        raise not_found("upload")
    return found


async def check_paths(secrets: Secrets, staged: Sequence[StagedFile]) -> None:
    """409 when a name is both a file and a folder: no file system could hold the dataset."""

    def work() -> None:
        paths = PathSet()
        for row in staged:
            paths.add(secrets.unseal(row.path_mark, row.sealed)["path"])

    try:
        await asyncio.to_thread(work)
    except PathRefused as refused:
        raise conflict("paths-collide", reason=refused.code) from None


async def cancel(session: RuleSession, upload: Upload, donation: Donation) -> None:
    """Take an upload back, whatever has become of it, while the case is a draft. Its objects are then unneeded."""
    # Held, so that the case is not submitted meanwhile with a file that goes.
    held = await repository.donation(session, donation.id, share=True)
    assert held is not None
    rules.require_state(held, "draft")
    await repository.delete_upload(session, upload.id)


def show(upload: Upload, secrets: Secrets, offset: int) -> UploadOut:
    """Return the upload as the API shows it."""
    said = secrets.unseal(upload.id, upload.sealed)
    return UploadOut(
        id=upload.id,
        donation_id=upload.donation_id,
        path=said["path"],
        size=upload.size,
        sha256=said["sha256"],
        media_type=said["media_type"],
        unpack="zip" if upload.unpack else None,
        state=upload.state,  # pyright: ignore[reportArgumentType] - the table holds only such words
        reason=upload.reason,
        offset=offset,
        bytes_done=upload.bytes_done,
        bytes_total=upload.size,
        files=upload.files,
        upload_url=f"/api/v1/uploads/{upload.id}",
    )
