"""Reading the version that a derivation is made from: its paths, many small files at once, large ones in ranges."""

import asyncio
import unicodedata
from collections.abc import Sequence
from uuid import UUID

from services.catalog.datasets.manifest import Entry, Manifest
from services.catalog.datasets.service import blobs_of, load_manifest
from services.catalog.datasets.vault import Secrets, blob_name, vault_of
from services.catalog.derivations.service import work_of
from services.kit.context import Context
from services.kit.crypto import DecryptionFailed, ciphertext_size, decrypt_bytes, decrypt_range
from services.kit.frames import Header
from services.kit.problems import Problem, not_found
from services.kit.tokens import Subject

MAX_BYTES = 32 * 1024 * 1024
_PARALLEL = 8


async def parent_of(ctx: Context, service: Subject, derivation_id: UUID) -> tuple[Secrets, Manifest]:
    """Return what opens the parent, and its manifest; 404 and 410 as `work_of`."""
    async with ctx.unit() as session:
        work = await work_of(session, service, derivation_id)
        secrets = await vault_of(ctx).open(session, work.parent.id)
    return secrets, await load_manifest(ctx, secrets, work.parent)


def entry_of(manifest: Manifest, path: str) -> Entry:
    """Return a file of the parent, or 404."""
    entry = manifest.find(unicodedata.normalize("NFC", path))
    if entry is None:
        raise not_found("file")
    return entry


async def read_files(
    ctx: Context, secrets: Secrets, manifest: Manifest, paths: Sequence[str]
) -> list[tuple[Header, bytes]]:
    """Return files with their contents; 413 when they are larger than 32 MiB together."""
    entries = [entry_of(manifest, path) for path in paths]
    if sum(entry.size for entry in entries) > MAX_BYTES:
        raise Problem(413, "files-too-large", params={"limit": MAX_BYTES})
    turn = asyncio.Semaphore(_PARALLEL)

    async def fetch(entry: Entry) -> bytes:
        async with turn:
            name = blob_name(secrets.dataset_id, entry.object)
            return await blobs_of(ctx).read_at(name, 0, ciphertext_size(entry.size))

    sealed = await asyncio.gather(*map(fetch, entries))

    def opened() -> list[tuple[Header, bytes]]:
        return [({"path": e.path}, _open(secrets, e, blob)) for e, blob in zip(entries, sealed, strict=True)]

    return await asyncio.to_thread(opened)


def _open(secrets: Secrets, entry: Entry, blob: bytes) -> bytes:
    key = secrets.open_object_key(entry.object, entry.key)
    content = decrypt_bytes(key.secret, secrets.object_aad(entry.object), blob)
    if len(content) != entry.size:
        raise DecryptionFailed("the object has another size than the manifest says")
    return content


async def read_range(ctx: Context, secrets: Secrets, entry: Entry, start: int, length: int) -> bytes:
    """Return bytes [start, start+length) of a file, fewer at its end; 416 for a start behind it."""
    if start > entry.size:
        headers = {"Content-Range": f"bytes */{entry.size}"}
        raise Problem(416, "range-not-satisfiable", params={"size": entry.size}, headers=headers)
    key = secrets.open_object_key(entry.object, entry.key)
    name = blob_name(secrets.dataset_id, entry.object)

    async def read_at(begin: int, count: int) -> bytes:
        return await blobs_of(ctx).read_at(name, begin, count)

    aad, length = secrets.object_aad(entry.object), min(length, entry.size - start)
    pieces = decrypt_range(key.secret, aad, read_at, size=entry.size, start=start, length=length, batch=8)
    return b"".join([piece async for piece in pieces])
