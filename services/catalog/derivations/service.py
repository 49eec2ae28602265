"""Derivations as their services work with them: opened once, looked up at every call, ended for good."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.catalog.datasets import repository as datasets
from services.catalog.datasets import rules as dataset_rules
from services.catalog.datasets.manifest import Entry, Manifest, build
from services.catalog.datasets.models import Dataset, Version
from services.catalog.datasets.objects import repository as objects
from services.catalog.datasets.objects.storing import take_back
from services.catalog.datasets.paths import PathRefused, PathSet
from services.catalog.datasets.permits import mismatch, missing, require_live, verified_permit
from services.catalog.datasets.service import store_manifest
from services.catalog.datasets.vault import Secrets, vault_of
from services.catalog.derivations import repository, rules
from services.catalog.derivations.models import Derivation, DerivedFile
from services.catalog.derivations.schemas import DerivationIn
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.problems import Problem, conflict, not_found
from services.kit.tokens import Permit, Subject

_BATCH = 1000


@dataclass(frozen=True)
class Work:
    """A derivation with what it reads."""

    derivation: Derivation
    parent: Version
    dataset: Dataset


async def work_of(session: RuleSession, service: Subject, derivation_id: UUID) -> Work:
    """Return a derivation of this service: 404 for others, 410 when what it reads was withdrawn."""
    derivation = await repository.derivation(session, derivation_id)
    if derivation is None or derivation.service != service.name:
        raise not_found("derivation")
    found = await datasets.version(session, derivation.parent_version_id)
    assert found is not None
    dataset_rules.require_alive(*found)
    return Work(derivation, *found)


async def permit_of(ctx: Context, caller: Subject, body: DerivationIn) -> Permit | None:
    """Return the live permit under which a campaign's result is made, None for a recipe; 403 when there is none."""
    if body.source_kind == "recipe":
        return None
    version_id = body.parent_version_id
    permit = await verified_permit(ctx, caller, version_id, body.permit_token)
    if isinstance(permit, Problem):
        raise permit
    if permit is None:
        raise missing(version_id)
    if permit.action != "annotate" or permit.path_digests:
        raise mismatch(version_id)
    await require_live(ctx, version_id, permit)
    return permit


async def open_work(
    ctx: Context, session: RuleSession, service: Subject, caller: Subject, body: DerivationIn, permit: Permit | None
) -> Work:
    """Open a derivation, or return the one that was opened under this id."""
    found = await datasets.version(session, body.parent_version_id)
    if found is None:
        raise not_found("version")
    parent, dataset = found
    rules.check_parent(caller, body.source_kind, parent, dataset, permit)
    # Held, so that whoever withdraws the dataset finds the new version's key, or we find it withdrawn.
    held = await datasets.dataset(session, dataset.id, share=True)
    assert held is not None
    dataset_rules.require_alive(parent, held)
    if not await datasets.hold_keys(session, [parent.id]):
        raise Problem(410, "key-destroyed")
    now = ctx.clock.now()
    version_id = new_id() if body.mode == "treat" else None
    values: dict[str, Any] = {
        **body.model_dump(include={"id", "parent_version_id", "source_kind", "mode"}),
        "dataset_id": dataset.id,
        "version_id": version_id,
        "service": service.name,
        "state": "open",
        "opened_by": caller.id,
        "opened_at": now,
    }
    if await repository.add(session, values) and version_id is not None:
        await vault_of(ctx).plan_next(session, dataset.id, version_id, now)
        await session.flush()
    derivation = await repository.derivation(session, body.id)
    assert derivation is not None
    rules.check_same(derivation, body, service)
    return Work(derivation, parent, held)


async def guard(session: RuleSession, derivation_id: UUID, *, keeping: bool = False) -> Derivation:
    """Hold a derivation open until the transaction ends; 409 when it takes no more files, 410 when it was withdrawn.

    `keeping` holds the parent's key too: its objects stay, and so do their data keys.
    """
    derivation = await repository.derivation(session, derivation_id, share=True)
    assert derivation is not None
    rules.require_open(derivation)
    await require_keys(session, derivation, keeping=keeping)
    return derivation


async def require_keys(session: RuleSession, derivation: Derivation, *, keeping: bool = False) -> None:
    """Hold the new version's key (and the parent's); 410 when it is to be destroyed."""
    assert derivation.version_id is not None
    wanted = {derivation.version_id, derivation.parent_version_id} if keeping else {derivation.version_id}
    gone = wanted - await datasets.hold_keys(session, sorted(wanted))
    if derivation.version_id in gone:
        # It is planned and not abandoned: only those who withdraw the dataset take its key.
        raise Problem(410, "dataset-withdrawn")
    if gone:
        raise Problem(410, "key-destroyed")


async def ensure_commit(
    ctx: Context, service: Subject, derivation_id: UUID, details: Mapping[str, Any], now: datetime
) -> Version:
    """Make the version of the derivation's files, and return it; the same again when it exists already."""
    async with ctx.unit() as session:
        done = await _committed(session, service, derivation_id)
        if done is not None:
            return done
        secrets, manifest = await _prepare(ctx, session, derivation_id)
    # The manifest goes into the store before the transaction that names it; if that fails, nobody knows of it.
    stored_as = await store_manifest(ctx, secrets, manifest)
    try:
        async with ctx.unit() as session:
            version = await _enter(session, derivation_id, manifest, stored_as, details, now)
    except Exception:
        await take_back(ctx, secrets.dataset_id, [stored_as[0]])
        raise
    if version.manifest_object != stored_as[0]:
        await take_back(ctx, secrets.dataset_id, [stored_as[0]])
    return version


async def _committed(session: RuleSession, service: Subject, derivation_id: UUID) -> Version | None:
    await work_of(session, service, derivation_id)
    # Locked: another request may be committing it now.
    derivation = await repository.derivation(session, derivation_id, lock=True)
    assert derivation is not None
    if derivation.state != "committed" or derivation.version_id is None:
        return None
    found = await datasets.version(session, derivation.version_id)
    assert found is not None
    return found[0]


async def _prepare(ctx: Context, session: RuleSession, derivation_id: UUID) -> tuple[Secrets, Manifest]:
    """Take no more files, and return the manifest of those that are there."""
    derivation = await repository.derivation(session, derivation_id, lock=True)
    assert derivation is not None
    if derivation.state != "committing":
        rules.require_open(derivation)
    await require_keys(session, derivation)
    assert derivation.version_id is not None
    files = await repository.files(session, derivation.id)
    if not files:
        raise conflict("derivation-empty")
    secrets = await vault_of(ctx).open(session, derivation.version_id)
    keys = await objects.keys_of(session, derivation.version_id)
    try:
        manifest = await asyncio.to_thread(_manifest, derivation, secrets, files, keys)
    except PathRefused as refused:
        raise conflict("paths-collide", reason=refused.code) from None
    derivation.state = "committing"
    session.add(derivation)
    await session.flush()
    while names := await repository.unneeded(session, derivation.id, derivation.version_id, _BATCH):
        await objects.drop_uses(session, derivation.dataset_id, derivation.version_id, names)
    return secrets, manifest


def _manifest(
    derivation: Derivation, secrets: Secrets, files: Sequence[DerivedFile], keys: Mapping[str, bytes]
) -> Manifest:
    paths = PathSet()

    def entry(row: DerivedFile) -> Entry:
        said = secrets.unseal(row.path_mark, row.sealed)
        path = paths.add(said["path"])
        return Entry(path, row.size, said["sha256"], said["media_type"], row.object_name, keys[row.object_name])

    assert derivation.version_id is not None
    parents = (derivation.parent_version_id,)
    return build(derivation.dataset_id, derivation.version_id, parents, map(entry, files))


async def _enter(
    session: RuleSession,
    derivation_id: UUID,
    manifest: Manifest,
    stored_as: tuple[str, bytes, int],
    details: Mapping[str, Any],
    now: datetime,
) -> Version:
    dataset = await datasets.dataset(session, manifest.dataset_id, lock=True)
    derivation = await repository.derivation(session, derivation_id, lock=True)
    assert dataset is not None and derivation is not None
    if derivation.state == "committed":
        # Another request was quicker; its version is this one.
        found = await datasets.version(session, manifest.version_id)
        assert found is not None
        return found[0]
    if derivation.state != "committing":
        raise conflict("derivation-not-open", state=derivation.state)
    parent = await datasets.version(session, derivation.parent_version_id)
    assert parent is not None
    dataset_rules.require_alive(parent[0], dataset)
    await require_keys(session, derivation)
    version = await dataset_rules.commit_version(
        session,
        dataset,
        manifest,
        stored_as=stored_as,
        source=(derivation.source_kind, derivation.id),
        by=derivation.opened_by,
        now=now,
        details=details,
    )
    await repository.clear(session, derivation.id)
    derivation.state, derivation.ended_at = "committed", now
    session.add(derivation)
    return version


async def abandon(session: RuleSession, service: Subject, derivation_id: UUID, now: datetime) -> None:
    """Give a derivation up: its files go, and the key that opens them is destroyed. Twice changes nothing."""
    derivation = await repository.derivation(session, derivation_id, lock=True)
    if derivation is None or derivation.service != service.name:
        raise not_found("derivation")
    if derivation.state == "committed":
        raise conflict("derivation-committed")
    if derivation.state != "abandoned":
        await set_abandoned(session, derivation, "derivation-abandoned", now)


async def set_abandoned(session: RuleSession, derivation: Derivation, reason: str, now: datetime) -> None:
    """Record that nothing comes of a derivation, locked."""
    derivation.state, derivation.ended_at = "abandoned", now
    session.add(derivation)
    await session.flush()
    await repository.clear(session, derivation.id)
    if derivation.version_id is not None:
        await dataset_rules.erase_versions(session, [derivation.version_id], reason, now)
