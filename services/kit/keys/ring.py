"""Keys of versions: one key-encryption key a version in the key store, and under it the version's own key."""

from uuid import UUID

from services.kit.crypto import DataKey, bind
from services.kit.keys.port import KeyStore


class KeyRing:
    """Makes, opens and destroys the keys of versions.

    Under a version's key lie the data keys of its objects and of its manifest (`services.kit.crypto.wrap` with
    `object_aad`). The wrapped version key is kept in the version's row; the key that opens it lives in the key store
    under the version's id, and destroying that one erases the version, backups included.
    """

    def __init__(self, store: KeyStore) -> None:
        self.store = store

    async def make(self, version_id: UUID) -> tuple[DataKey, bytes]:
        """Make a version's key. Returns it and, for the version's row, its wrapped form."""
        await self.store.create(str(version_id))
        key = DataKey.generate()
        return key, await self.store.wrap(str(version_id), key.secret, version_aad(version_id))

    async def open(self, version_id: UUID, wrapped: bytes) -> DataKey:
        """Return a version's key. Raises KeyDestroyed, KeyUnknown, UnwrapFailed, KeyStoreUnavailable."""
        return DataKey(await self.store.unwrap(str(version_id), wrapped, version_aad(version_id)))

    async def destroy(self, version_id: UUID) -> None:
        """Erase a version: nothing that lies under its key opens again. May be repeated."""
        await self.store.destroy(str(version_id))


def version_aad(version_id: UUID) -> bytes:
    """Return what a version's wrapped key is bound to."""
    return bind("version-key", version_id)


def object_aad(version_id: UUID, object_name: str) -> bytes:
    """Return what an object's wrapped data key is bound to, in this version."""
    return bind("object-key", version_id, object_name)
