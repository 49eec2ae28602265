"""Storing the files of a version to come: those that were made, and those of the parent that stay as they are."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from services.catalog.datasets.manifest import Entry, Manifest
from services.catalog.datasets.media_types import media_type_of
from services.catalog.datasets.objects import repository as objects
from services.catalog.datasets.objects.storing import store_many, store_one
from services.catalog.datasets.paths import PathRefused, collision_key, normalise_path
from services.catalog.datasets.service import load_manifest
from services.catalog.datasets.vault import Secrets, vault_of
from services.catalog.derivations import repository, rules, service
from services.catalog.derivations.incoming import Incoming
from services.catalog.derivations.schemas import FileIn
from services.kit.context import Context
from services.kit.crypto import rewrap_many
from services.kit.db import RuleSession
from services.kit.problems import conflict, invalid, not_found
from services.kit.tokens import Subject

# Files that are entered in one transaction, and plaintext that is encrypted at a time.
BATCH_FILES = 1000
BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Desk:
    """An open derivation with what opens its two versions, and the files of the parent."""

    derivation_id: UUID
    parent: Secrets = field(repr=False)
    manifest: Manifest
    secrets: Secrets = field(repr=False)

    @property
    def guard(self) -> Callable[[RuleSession], Any]:
        """What begins each transaction: the derivation is held open."""
        return lambda session: service.guard(session, self.derivation_id)


@dataclass(frozen=True)
class Piece:
    """A file to store: what is said of it, in order, and its content."""

    path: str
    media_type: str
    source: str | None
    content: bytes = field(repr=False)


async def desk_of(ctx: Context, caller: Subject, derivation_id: UUID) -> Desk:
    """Return what is needed to store files; 404, 409 and 410 as `service.guard`."""
    async with ctx.unit() as session:
        work = await service.work_of(session, caller, derivation_id)
        rules.require_open(work.derivation)
        assert work.derivation.version_id is not None
        await service.require_keys(session, work.derivation)
        parent = await vault_of(ctx).open(session, work.parent.id)
        secrets = await vault_of(ctx).open(session, work.derivation.version_id)
    return Desk(derivation_id, parent, await load_manifest(ctx, parent, work.parent), secrets)


def piece_of(desk: Desk, said: FileIn, content: bytes, at: str) -> Piece:
    """Return a file to store; 422, with pointers below `at`, for a path that no file may have or an unknown source."""
    try:
        path = normalise_path(said.path)
    except PathRefused as refused:
        raise invalid(f"{at}/path", refused.code, **refused.params) from None
    if said.source is not None and desk.manifest.find(said.source) is None:
        raise invalid(f"{at}/source", "source-unknown")
    return Piece(path, said.media_type or media_type_of(path), said.source, content)


async def stage_pieces(ctx: Context, desk: Desk, pieces: Sequence[Piece]) -> int:
    """Encrypt and store files, each replacing one of the same path; return how many.

    409 `path-taken` when a file system could take the path of one for that of another.
    """
    for batch in _batches(pieces):
        digests = await asyncio.to_thread(lambda b=batch: [hashlib.sha256(p.content).hexdigest() for p in b])
        named = [(p, d, desk.secrets.object_name(d)) for p, d in zip(batch, digests, strict=True)]
        rows = await asyncio.to_thread(
            lambda n=named: [_row(desk, p.path, d, p.media_type, p.source, len(p.content), name) for p, d, name in n]
        )
        contents = {name: piece.content for piece, _digest, name in named}
        await store_many(ctx, desk.secrets, contents, guard=desk.guard, enter=_entering(rows))
    return len(pieces)


def _batches(pieces: Sequence[Piece]) -> list[list[Piece]]:
    batches: list[list[Piece]] = []
    held = 0
    for piece in pieces:
        if not batches or held + len(piece.content) > BATCH_BYTES or len(batches[-1]) >= BATCH_FILES:
            batches.append([])
            held = 0
        batches[-1].append(piece)
        held += len(piece.content)
    return batches


async def stage_stream(
    ctx: Context, desk: Desk, said: Piece, source: AsyncIterable[bytes], folder: Path, limit: int
) -> tuple[str, int]:
    """Encrypt and store one file of any size in constant memory; return its digest (hex) and size."""
    incoming = await Incoming.receive(source, folder, limit)
    try:
        name = desk.secrets.object_name(incoming.sha256)
        row = _row(desk, said.path, incoming.sha256, said.media_type, said.source, incoming.size, name)
        await store_one(
            ctx, desk.secrets, name, incoming.size, incoming.chunks, guard=desk.guard, enter=_entering([row])
        )
        return incoming.sha256, incoming.size
    finally:
        incoming.close()


async def keep_files(ctx: Context, desk: Desk, paths: Sequence[str]) -> int:
    """Take files of the parent over as they are: the same objects, their keys wrapped anew. 404 for unknown paths."""
    entries: dict[str, Entry] = {}
    for path in paths:
        entry = desk.manifest.find(path)
        if entry is None:
            raise not_found("file")
        entries[entry.path] = entry
    kept = list(entries.values())
    for start in range(0, len(kept), BATCH_FILES):
        await _keep(ctx, desk, kept[start : start + BATCH_FILES])
    return len(kept)


async def _keep(ctx: Context, desk: Desk, entries: Sequence[Entry]) -> None:
    def rewrapped() -> tuple[dict[str, bytes], list[dict[str, Any]]]:
        old, new = desk.parent, desk.secrets
        names = {entry.object: entry.key for entry in entries}
        keys = rewrap_many(
            old.key, new.key, [(key, old.object_key_aad(n), new.object_key_aad(n)) for n, key in names.items()]
        )
        rows = [_row(desk, e.path, e.sha256, e.media_type, e.path, e.size, e.object) for e in entries]
        return dict(zip(names, keys, strict=True)), rows

    keys, rows = await asyncio.to_thread(rewrapped)
    dataset_id = desk.secrets.dataset_id
    async with ctx.unit() as session:
        await service.guard(session, desk.derivation_id, keeping=True)
        there = await objects.lock(session, dataset_id, list(keys))
        if there.keys() != keys.keys():
            raise RuntimeError("the parent's objects are not where its manifest says")
        await objects.add_uses(session, dataset_id, desk.secrets.version_id, keys)
        await _entering(rows)(session)


def _row(
    desk: Desk, path: str, sha256: str, media_type: str, source: str | None, size: int, name: str
) -> dict[str, Any]:
    mark = desk.secrets.path_mark(collision_key(path))
    said = {"path": path, "sha256": sha256, "media_type": media_type, "source": source}
    return {
        "derivation_id": desk.derivation_id,
        "path_mark": mark,
        "exact_mark": desk.secrets.path_mark(path),
        "sealed": desk.secrets.seal(mark, said),
        "object_name": name,
        "size": size,
    }


def _entering(rows: Sequence[dict[str, Any]]) -> Callable[[RuleSession], Any]:
    async def enter(session: RuleSession) -> None:
        if await repository.enter(session, rows) != len(rows):
            raise conflict("path-taken")

    return enter
