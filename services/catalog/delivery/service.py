"""Whether somebody may have a file now: permit, bearer, version and path agree, and access says that it still holds."""

import asyncio
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from services.catalog.datasets import repository, rules
from services.catalog.datasets.manifest import Entry, Manifest
from services.catalog.datasets.models import Dataset, Version
from services.catalog.datasets.permits import may_read_path, mismatch, missing, require_live, verified_permit
from services.catalog.datasets.service import load_manifest
from services.catalog.datasets.vault import Secrets, vault_of
from services.kit.context import Context
from services.kit.problems import Problem, forbidden, not_found
from services.kit.tokens import Permit, Subject


@dataclass(frozen=True)
class Opened:
    """A version that may be read now: what opens it, and since when (the loop's time) its lease is known to hold."""

    version: Version
    dataset: Dataset
    secrets: Secrets
    permit: Permit | None
    asked_at: float


def normal(path: str) -> str:
    """Return the path as manifests spell it."""
    return unicodedata.normalize("NFC", path)


async def open_for_download(ctx: Context, caller: Subject, version_id: UUID, token: str | None) -> Opened:
    """Return the version when the caller may read its files now.

    404 for those who may not know of it, 410 with the tombstone when it was withdrawn, 403 without a permit that is
    good for it and live, 503 when access does not answer.
    """
    permit = await verified_permit(ctx, caller, version_id, token)
    version, dataset, secrets = await _read(ctx, caller, version_id, isinstance(permit, Permit))
    if isinstance(permit, Problem):
        raise permit
    if permit is None:
        raise missing(version_id)
    _require_state(version, permit)
    return Opened(version, dataset, secrets, permit, await require_live(ctx, version_id, permit))


async def open_for_listing(ctx: Context, caller: Subject, version_id: UUID, token: str | None) -> Opened:
    """Return the version when the caller may see the names of its files: its donor and stewards, everyone when it is
    published and its class is open, and whoever holds a live permit."""
    permit = await verified_permit(ctx, caller, version_id, token)
    version, dataset, secrets = await _read(ctx, caller, version_id, isinstance(permit, Permit))
    asked_at = asyncio.get_running_loop().time()
    public = dataset.state == "published" and dataset.integrity_class == "open" and version.state == "released"
    if public or rules.is_insider(caller, dataset):
        return Opened(version, dataset, secrets, None, asked_at)
    if isinstance(permit, Problem):
        raise permit
    if permit is None:
        raise missing(version_id)
    _require_state(version, permit)
    return Opened(version, dataset, secrets, permit, await require_live(ctx, version_id, permit))


async def _read(ctx: Context, caller: Subject, version_id: UUID, permitted: bool) -> tuple[Version, Dataset, Secrets]:
    async with ctx.unit() as session:
        found = await repository.version(session, version_id)
        # Whoever holds a permit for it knows of it.
        if found is None or not (permitted or rules.sees_version(caller, *found)):
            raise not_found("version")
        version, dataset = found
        rules.require_alive(version, dataset)
        return version, dataset, await vault_of(ctx).open(session, version_id)


def _require_state(version: Version, permit: Permit) -> None:
    """403 for raw data under any other action than prepare, whatever the permit says."""
    if version.state != "released" and permit.action != "prepare":
        raise forbidden("version-not-released")


async def manifest_of(ctx: Context, opened: Opened) -> Manifest:
    """Return the manifest of an opened version."""
    return await load_manifest(ctx, opened.secrets, opened.version)


async def entry_of(ctx: Context, opened: Opened, path: str) -> Entry:
    """Return a file of an opened version; 403 when the permit is for other files, 404 when there is none."""
    path = normal(path)
    if not may_read_path(opened.permit, path):
        raise mismatch(opened.version.id)
    entry = (await manifest_of(ctx, opened)).find(path)
    if entry is None:
        raise not_found("file")
    return entry
