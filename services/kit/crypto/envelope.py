"""Envelope encryption: a key wrapped by the key above it.

An object's data key is wrapped by its version's key; the version's key is wrapped by a key-encryption key of that
version, which never leaves the key store (`services.kit.keys`). The ids of what a key belongs to are bound in as
associated data, so that a wrapped key put into another row does not open.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.kit.crypto.errors import DecryptionFailed

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_FORMAT = b"\x01"


@dataclass(frozen=True)
class DataKey:
    """32 random bytes that encrypt data or other keys. Never shown: not in a repr, a log line or an error."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a data key has {KEY_BYTES} bytes")

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the operating system's randomness."""
        return cls(os.urandom(KEY_BYTES))


def bind(*parts: str | bytes | UUID) -> bytes:
    """Return associated data that names `parts` in this order; no two different lists give the same bytes."""
    encoded = [
        part.bytes if isinstance(part, UUID) else part.encode() if isinstance(part, str) else part for part in parts
    ]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def wrap(kek: DataKey, key: DataKey, aad: bytes) -> bytes:
    """Encrypt `key` under `kek` for the purpose named by `aad`: format byte, 12-byte nonce, 32 bytes, 16-byte tag.

    AES-256-GCM (NIST SP 800-38D) with random nonces: one `kek` may wrap up to 2^32 keys.
    """
    nonce = os.urandom(NONCE_BYTES)
    return WRAPPED_FORMAT + nonce + AESGCM(kek.secret).encrypt(nonce, key.secret, WRAPPED_FORMAT + aad)


def unwrap(kek: DataKey, wrapped: bytes, aad: bytes) -> DataKey:
    """Open what `wrap` made with the same `kek` and `aad`, or raise DecryptionFailed."""
    if len(wrapped) != 1 + NONCE_BYTES + KEY_BYTES + TAG_BYTES or wrapped[:1] != WRAPPED_FORMAT:
        raise DecryptionFailed("not a wrapped key")
    nonce, body = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
    try:
        return DataKey(AESGCM(kek.secret).decrypt(nonce, body, WRAPPED_FORMAT + aad))
    except InvalidTag as error:
        raise DecryptionFailed("the wrapped key does not open") from error


def wrap_many(kek: DataKey, keys: Sequence[tuple[DataKey, bytes]]) -> list[bytes]:
    """Wrap many (key, aad) under one `kek`: microseconds each, so call it once in a worker thread, not once a key."""
    return [wrap(kek, key, aad) for key, aad in keys]


def rewrap_many(old: DataKey, new: DataKey, keys: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes]:
    """Move wrapped keys, given as (wrapped, old aad, new aad), from one version's key to the next one's."""
    return [wrap(new, unwrap(old, wrapped, old_aad), new_aad) for wrapped, old_aad, new_aad in keys]
