"""Reading versions: their manifests, opened and kept in memory up to a bound; and writing new manifests."""

import asyncio
import hashlib
from collections import OrderedDict
from typing import cast
from uuid import UUID

from services.catalog.datasets.manifest import Manifest, read, write
from services.catalog.datasets.models import Version
from services.catalog.datasets.vault import Secrets, blob_name
from services.kit.blobs import BlobStore
from services.kit.context import Context
from services.kit.crypto import DataKey, decrypt_stream, encrypt_bytes


def blobs_of(ctx: Context) -> BlobStore:
    """Return the service's blob store."""
    return cast(BlobStore, ctx.components["blobs"])


async def store_manifest(ctx: Context, secrets: Secrets, manifest: Manifest) -> tuple[str, bytes, int]:
    """Encrypt and store a manifest; return its object's name, its wrapped data key and its size in plaintext bytes."""

    def work() -> tuple[str, bytes, bytes, int]:
        raw = write(manifest)
        name = secrets.object_name(hashlib.sha256(raw).hexdigest())
        key = DataKey.generate()
        ciphertext = encrypt_bytes(key.secret, secrets.object_aad(name), raw)
        return name, secrets.wrap_object_key(name, key), ciphertext, len(raw)

    name, wrapped, ciphertext, size = await asyncio.to_thread(work)
    await blobs_of(ctx).put(blob_name(manifest.dataset_id, name), ciphertext, size=len(ciphertext))
    return name, wrapped, size


class ManifestCache:
    """Opened manifests, the least recently used dropped first, up to `limit` bytes of JSON."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._kept: OrderedDict[UUID, tuple[int, Manifest]] = OrderedDict()

    def get(self, version_id: UUID) -> Manifest | None:
        """Return an opened manifest."""
        found = self._kept.get(version_id)
        if found is None:
            return None
        self._kept.move_to_end(version_id)
        return found[1]

    def put(self, manifest: Manifest, size: int) -> None:
        """Keep a manifest of `size` bytes, unless it is larger than everything that may be kept."""
        self.forget(manifest.version_id)
        if size > self._limit:
            return
        self._kept[manifest.version_id] = (size, manifest)
        self._held += size
        while self._held > self._limit:
            _, (dropped, _manifest) = self._kept.popitem(last=False)
            self._held -= dropped

    def forget(self, version_id: UUID) -> None:
        """Drop a manifest whose key is destroyed."""
        size, _ = self._kept.pop(version_id, (0, None))
        self._held -= size


def manifests_of(ctx: Context) -> ManifestCache:
    """Return the service's cache of manifests."""
    return cast(ManifestCache, ctx.components["manifests"])


async def load_manifest(ctx: Context, secrets: Secrets, version: Version) -> Manifest:
    """Return the manifest of `version`, from memory or opened anew. DecryptionFailed when its bytes were changed."""
    cache = manifests_of(ctx)
    found = cache.get(version.id)
    if found is not None:
        return found
    key = secrets.open_object_key(version.manifest_object, version.manifest_key)
    name = blob_name(version.dataset_id, version.manifest_object)
    store = blobs_of(ctx)

    async def read_at(start: int, length: int) -> bytes:
        return await store.read_at(name, start, length)

    aad = secrets.object_aad(version.manifest_object)
    pieces = [p async for p in decrypt_stream(key.secret, aad, read_at, size=version.manifest_bytes)]
    manifest = await asyncio.to_thread(lambda: read(b"".join(pieces)))
    cache.put(manifest, version.manifest_bytes)
    return manifest
