"""The port of the key store: key-encryption keys that are made, used and destroyed where they lie."""

import re
from typing import Protocol

_KEY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\Z")


class KeyStoreError(Exception):
    """Something about a key or its store."""


class KeyDestroyed(KeyStoreError):
    """The key was destroyed. What it wrapped can never be opened again."""


class KeyUnknown(KeyStoreError):
    """The store never had this key: the wrong store, perhaps. Nothing follows from it about what it wrapped."""


class KeyIdRefused(KeyStoreError, ValueError):
    """Not a key id."""


class KeyStoreRefused(KeyStoreError):
    """The store must not be used as it is set up."""


class KeyStoreUnavailable(KeyStoreError):
    """The store does not answer, or does not let us in."""


class UnwrapFailed(KeyStoreError):
    """What was given was not wrapped by this key for these associated data."""


class KeyStore(Protocol):
    """Keeps key-encryption keys, outside the database and the data folder. A key never leaves it.

    Key ids are 1 to 100 of `a-z 0-9 -`, the first a letter or digit; others raise KeyIdRefused. Every method raises
    KeyStoreUnavailable when the store is not there.
    """

    async def create(self, key_id: str) -> None:
        """Make the key, durably, unless it is there already. Raises KeyDestroyed: an id never comes back."""
        ...

    async def wrap(self, key_id: str, secret: bytes, aad: bytes) -> bytes:
        """Encrypt a small secret (a key) for the purpose named by `aad`. Raises KeyUnknown, KeyDestroyed."""
        ...

    async def unwrap(self, key_id: str, wrapped: bytes, aad: bytes) -> bytes:
        """Return the secret. Raises KeyDestroyed, KeyUnknown, UnwrapFailed."""
        ...

    async def destroy(self, key_id: str) -> None:
        """Destroy the key for ever; durable when it returns. May be repeated; what never was is marked destroyed."""
        ...

    async def exists(self, key_id: str) -> bool:
        """Say whether the key can be used."""
        ...

    async def check(self) -> None:
        """Raise KeyStoreUnavailable unless the store answers (for readiness)."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


def check_key_id(key_id: str) -> str:
    """Return `key_id`, or raise KeyIdRefused."""
    if not _KEY_ID.match(key_id):
        raise KeyIdRefused("not a key id")
    return key_id
