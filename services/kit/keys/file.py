"""Key-encryption keys as files of one folder: fit for one machine, and for backing up apart from the data."""

import asyncio
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.kit.crypto import bind
from services.kit.keys.port import (
    KeyDestroyed,
    KeyStoreRefused,
    KeyStoreUnavailable,
    KeyUnknown,
    UnwrapFailed,
    check_key_id,
)

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_FORMAT = b"\x01"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class FileKeyStore:
    """`<folder>/kek/<key id>.key` holds 32 random bytes, mode 0600, in a folder of mode 0700.

    Destroying overwrites the file, removes it and leaves `<key id>.destroyed`, which no longer lets the id be made:
    keys put back from an old backup stay destroyed as long as the marks are kept. Overwriting reaches the bytes of a
    file system that writes in place; on one that copies (btrfs, ZFS) or on flash, put the folder on an encrypted disk.
    """

    def __init__(self, folder: Path, *, data_dir: Path) -> None:
        """Open or make the folder. Raises KeyStoreRefused if others may enter it, or if it and the data share one."""
        self._folder = folder.absolute() / "kek"
        own, data = folder.resolve(), data_dir.resolve()
        if own == data or own.is_relative_to(data) or data.is_relative_to(own):
            raise KeyStoreRefused("keys and data must not lie in each other: a copy of one would open the other")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for path in (folder, self._folder):
            found = path.stat()
            if found.st_mode & OTHERS:
                raise KeyStoreRefused(f"the folder of keys is open to others (mode {stat.S_IMODE(found.st_mode):o})")
            if found.st_uid != os.geteuid():
                raise KeyStoreRefused("the folder of keys belongs to somebody else")

    async def create(self, key_id: str) -> None:
        await asyncio.to_thread(self._create, check_key_id(key_id))

    async def wrap(self, key_id: str, secret: bytes, aad: bytes) -> bytes:
        return await asyncio.to_thread(self._wrap, check_key_id(key_id), secret, aad)

    async def unwrap(self, key_id: str, wrapped: bytes, aad: bytes) -> bytes:
        return await asyncio.to_thread(self._unwrap, check_key_id(key_id), wrapped, aad)

    async def destroy(self, key_id: str) -> None:
        await asyncio.to_thread(self._destroy, check_key_id(key_id))

    async def exists(self, key_id: str) -> bool:
        return await asyncio.to_thread(self._exists, check_key_id(key_id))

    async def check(self) -> None:
        if not await asyncio.to_thread(os.access, self._folder, os.R_OK | os.W_OK | os.X_OK):
            raise KeyStoreUnavailable("the folder of keys cannot be used")

    async def aclose(self) -> None:
        """Nothing is held between calls."""

    # --- in a worker thread ---------------------------------------------------------------------------------------

    def _create(self, key_id: str) -> None:
        if self._mark(key_id).exists():
            raise KeyDestroyed(key_id)
        if self._file(key_id).exists():
            return
        temporary = self._folder / f".{secrets.token_hex(8)}.new"
        self._write(temporary, os.urandom(KEY_BYTES))
        try:
            # A link fails where a rename would replace: of two who make the same key, one wins and both use it.
            os.link(temporary, self._file(key_id))
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        self._sync()

    def _wrap(self, key_id: str, secret: bytes, aad: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        body = AESGCM(self._key(key_id)).encrypt(nonce, secret, bind(WRAPPED_FORMAT, key_id, aad))
        return WRAPPED_FORMAT + nonce + body

    def _unwrap(self, key_id: str, wrapped: bytes, aad: bytes) -> bytes:
        key = self._key(key_id)
        if len(wrapped) < 1 + NONCE_BYTES + TAG_BYTES or wrapped[:1] != WRAPPED_FORMAT:
            raise UnwrapFailed("not a wrapped secret")
        nonce, body = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, body, bind(WRAPPED_FORMAT, key_id, aad))
        except InvalidTag as error:
            raise UnwrapFailed("the wrapped secret does not open") from error

    def _destroy(self, key_id: str) -> None:
        # The mark comes first: from here on a crash cannot bring the key back, and repeating finishes the work.
        if not self._mark(key_id).exists():
            temporary = self._folder / f".{secrets.token_hex(8)}.new"
            self._write(temporary, b"")
            os.replace(temporary, self._mark(key_id))
            self._sync()
        try:
            descriptor = os.open(self._file(key_id), os.O_WRONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        try:
            os.write(descriptor, os.urandom(KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._file(key_id).unlink(missing_ok=True)
        self._sync()

    def _exists(self, key_id: str) -> bool:
        return self._file(key_id).exists() and not self._mark(key_id).exists()

    def _key(self, key_id: str) -> bytes:
        if self._mark(key_id).exists():
            raise KeyDestroyed(key_id)
        try:
            descriptor = os.open(self._file(key_id), os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError as error:
            raise (KeyDestroyed if self._mark(key_id).exists() else KeyUnknown)(key_id) from error
        except OSError as error:
            raise KeyStoreUnavailable("the file of a key cannot be read") from error
        try:
            if os.fstat(descriptor).st_mode & OTHERS:
                raise KeyStoreRefused(f"the file of key {key_id} is open to others")
            key = os.read(descriptor, KEY_BYTES + 1)
        finally:
            os.close(descriptor)
        # Read while it was destroyed, the bytes may be those it was overwritten with.
        if self._mark(key_id).exists():
            raise KeyDestroyed(key_id)
        if len(key) != KEY_BYTES:
            raise KeyStoreUnavailable(f"the file of key {key_id} is damaged")
        return key

    def _write(self, path: Path, content: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _sync(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _file(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.key"

    def _mark(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.destroyed"
