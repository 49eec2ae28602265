"""What every key store promises, over each one there is; the transit server is played by a few lines below."""

import asyncio
import json
import os
import stat
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.kit.crypto import DataKey, DecryptionFailed, unwrap, wrap
from services.kit.keys import (
    FileKeyStore,
    KeyDestroyed,
    KeyIdRefused,
    KeyRing,
    KeyStore,
    KeyStoreRefused,
    KeyStoreUnavailable,
    KeyUnknown,
    TransitKeyStore,
    UnwrapFailed,
    make_key_store,
    object_aad,
)

SECRET = bytes(range(32))


class TransitServer:
    """OpenBao's transit engine at mount `transit`, as far as its documented HTTP API is used; token `s.token`."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.failures = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.method, request.url.path))
        if self.failures:
            self.failures -= 1
            raise httpx.ConnectError("refused", request=request)
        if request.headers.get("X-Vault-Token") != "s.token":
            return httpx.Response(403, json={"errors": ["permission denied"]})
        body = json.loads(request.content) if request.content else {}
        match request.method, request.url.path.removeprefix("/v1/transit/").split("/"):
            case "POST", ["keys", name]:
                assert body == {"type": "aes256-gcm96", "exportable": False, "allow_plaintext_backup": False}
                self.keys.setdefault(name, {"key": os.urandom(32), "deletion_allowed": False})
                return httpx.Response(200, json={"data": {"name": name}})
            case "GET", ["keys", name]:
                found = name in self.keys
                return httpx.Response(200 if found else 404, json={"data": {"name": name}} if found else {"errors": []})
            case "POST", ["keys", name, "config"]:
                if name not in self.keys:
                    return httpx.Response(400, json={"errors": [f"no existing key named {name} could be found"]})
                self.keys[name] |= body
                return httpx.Response(204)
            case "DELETE", ["keys", name]:
                if not self.keys.get(name, {}).get("deletion_allowed"):
                    return httpx.Response(400, json={"errors": ["deletion is not allowed for this key"]})
                del self.keys[name]
                return httpx.Response(204)
            case "POST", ["encrypt", name]:
                # As the real one does for a token that may: encrypting makes a missing key.
                key = self.keys.setdefault(name, {"key": os.urandom(32), "deletion_allowed": False})["key"]
                nonce = os.urandom(12)
                sealed = AESGCM(key).encrypt(nonce, b64decode(body["plaintext"]), b64decode(body["associated_data"]))
                text = "vault:v1:" + b64encode(nonce + sealed).decode()
                return httpx.Response(200, json={"data": {"ciphertext": text, "key_version": 1}})
            case "POST", ["decrypt", name]:
                return self._decrypt(name, body)
            case _:
                return httpx.Response(404, json={"errors": ["no handler for route"]})

    def _decrypt(self, name: str, body: dict[str, str]) -> httpx.Response:
        if name not in self.keys:
            return httpx.Response(400, json={"errors": ["encryption key not found"]})
        try:
            raw = b64decode(body["ciphertext"].removeprefix("vault:v1:"))
            plain = AESGCM(self.keys[name]["key"]).decrypt(raw[:12], raw[12:], b64decode(body["associated_data"]))
        except (InvalidTag, ValueError):
            return httpx.Response(400, json={"errors": ["cipher: message authentication failed"]})
        return httpx.Response(200, json={"data": {"plaintext": b64encode(plain).decode()}})


def transit(tmp_path: Path, server: TransitServer, token: str = "s.token") -> TransitKeyStore:
    (tmp_path / "token").write_text(f"{token}\n")
    return TransitKeyStore("https://keys.example", "transit", tmp_path / "token", transport=httpx.MockTransport(server))


@pytest.fixture(params=["file", "transit"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeyStore]:
    if request.param == "file":
        store = make_key_store(f"file://{tmp_path}/keys", "local", tmp_path / "data")
    else:
        store = transit(tmp_path, TransitServer())
    yield store
    await store.aclose()


async def test_a_key_unwraps_what_it_wrapped(store: KeyStore) -> None:
    await store.create("k1")
    wrapped = await store.wrap("k1", SECRET, b"ids")
    assert SECRET not in wrapped and await store.unwrap("k1", wrapped, b"ids") == SECRET
    assert await store.wrap("k1", SECRET, b"ids") != wrapped


async def test_another_key_other_ids_or_a_changed_byte_unwrap_nothing(store: KeyStore) -> None:
    await store.create("k1")
    await store.create("k2")
    wrapped = await store.wrap("k1", SECRET, b"ids")
    changed = wrapped[:20] + bytes([wrapped[20] ^ 1]) + wrapped[21:]
    attempts = [("k2", wrapped, b"ids"), ("k1", wrapped, b"other"), ("k1", changed, b"ids"), ("k1", b"", b"ids")]
    for key_id, value, aad in (*attempts, ("k1", b"\xff\xfe" * 30, b"ids"), ("k1", wrapped[:-4], b"ids")):
        with pytest.raises(UnwrapFailed):
            await store.unwrap(key_id, value, aad)


async def test_making_a_key_again_keeps_it_also_when_many_make_it_at_once(store: KeyStore) -> None:
    await store.create("k1")
    wrapped = await store.wrap("k1", SECRET, b"")
    await asyncio.gather(*(store.create("k1") for _ in range(8)), *(store.create("k2") for _ in range(8)))
    assert await store.unwrap("k1", wrapped, b"") == SECRET
    both = await asyncio.gather(*(store.wrap("k2", bytes([n]), b"") for n in range(4)))
    assert [await store.unwrap("k2", w, b"") for w in both] == [bytes([n]) for n in range(4)]


async def test_a_destroyed_key_is_gone_for_ever(store: KeyStore) -> None:
    await store.create("k1")
    await store.create("k2")
    wrapped, other = await store.wrap("k1", SECRET, b""), await store.wrap("k2", SECRET, b"")
    assert await store.exists("k1")
    await store.destroy("k1")
    assert not await store.exists("k1")
    for call in (store.unwrap("k1", wrapped, b""), store.wrap("k1", SECRET, b""), store.create("k1")):
        with pytest.raises(KeyDestroyed):
            await call
    await store.destroy("k1")
    assert await store.unwrap("k2", other, b"") == SECRET


async def test_a_key_destroyed_before_it_was_made_is_never_made(store: KeyStore) -> None:
    await store.destroy("k1")
    with pytest.raises(KeyDestroyed):
        await store.create("k1")


async def test_a_key_that_never_was_is_unknown_which_is_not_destroyed(store: KeyStore) -> None:
    assert not await store.exists("never")
    for call in (store.unwrap("never", b"\x01" + bytes(60), b""), store.wrap("never", SECRET, b"")):
        with pytest.raises(KeyUnknown):
            await call
    assert not await store.exists("never"), "wrapping made the key"


@pytest.mark.parametrize("key_id", ["", "..", "a/b", "../x", "A", "a.key", "a b", "a\n", "é", "-a", "a" * 101, "a%2f"])
async def test_an_odd_key_id_is_refused(store: KeyStore, key_id: str) -> None:
    calls = (store.create(key_id), store.wrap(key_id, b"", b""), store.unwrap(key_id, b"", b""))
    for call in (*calls, store.destroy(key_id), store.exists(key_id)):
        with pytest.raises(KeyIdRefused):
            await call


async def test_a_version_erased_by_its_key_takes_its_objects_along_and_no_others(store: KeyStore) -> None:
    ring, one, two = KeyRing(store), UUID(int=1), UUID(int=2)
    (key, wrapped), (other_key, other_wrapped) = await ring.make(one), await ring.make(two)
    object_key = DataKey.generate()
    in_row = wrap(key, object_key, object_aad(one, "o1"))
    assert unwrap(await ring.open(one, wrapped), in_row, object_aad(one, "o1")) == object_key
    with pytest.raises(DecryptionFailed):
        unwrap(other_key, in_row, object_aad(one, "o1"))
    with pytest.raises(UnwrapFailed):
        await ring.open(two, wrapped)
    await ring.destroy(one)
    with pytest.raises(KeyDestroyed):
        await ring.open(one, wrapped)
    assert await ring.open(two, other_wrapped) == other_key


async def test_a_store_that_is_there_says_so(store: KeyStore) -> None:
    await store.check()


# --- files ------------------------------------------------------------------------------------------------------------


def files(tmp_path: Path) -> FileKeyStore:
    return FileKeyStore(tmp_path / "keys", data_dir=tmp_path / "data")


async def test_key_files_are_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        await files(tmp_path).create("k1")
    finally:
        os.umask(old)
    for folder in ("keys", "keys/kek"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
    assert os.listdir(tmp_path / "keys" / "kek") == ["k1.key"]
    key = tmp_path / "keys" / "kek" / "k1.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and len(key.read_bytes()) == 32


async def test_a_destroyed_key_was_overwritten_before_it_was_removed(tmp_path: Path) -> None:
    store = files(tmp_path)
    await store.create("k1")
    key = tmp_path / "keys" / "kek" / "k1.key"
    before = key.read_bytes()
    os.link(key, tmp_path / "same-bytes-on-disk")
    await store.destroy("k1")
    assert (tmp_path / "same-bytes-on-disk").read_bytes() != before and not key.exists()


async def test_a_key_put_back_from_a_backup_stays_destroyed(tmp_path: Path) -> None:
    store = files(tmp_path)
    await store.create("k1")
    wrapped, key = await store.wrap("k1", SECRET, b""), tmp_path / "keys" / "kek" / "k1.key"
    backup = key.read_bytes()
    await store.destroy("k1")
    key.touch(0o600)
    key.write_bytes(backup)
    with pytest.raises(KeyDestroyed):
        await store.unwrap("k1", wrapped, b"")
    assert not await store.exists("k1")
    await store.destroy("k1")
    assert not key.exists()


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777, 0o720])
def test_a_folder_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys").chmod(mode)
    with pytest.raises(KeyStoreRefused, match="open to others"):
        files(tmp_path)


async def test_a_key_file_open_to_others_is_refused(tmp_path: Path) -> None:
    store = files(tmp_path)
    await store.create("k1")
    (tmp_path / "keys" / "kek" / "k1.key").chmod(0o640)
    with pytest.raises(KeyStoreRefused, match="open to others"):
        await store.wrap("k1", SECRET, b"")


async def test_a_damaged_or_linked_key_file_is_no_key(tmp_path: Path) -> None:
    store = files(tmp_path)
    await store.create("k1")
    key = tmp_path / "keys" / "kek" / "k1.key"
    key.write_bytes(b"short")
    with pytest.raises(KeyStoreUnavailable, match="damaged"):
        await store.wrap("k1", SECRET, b"")
    key.unlink()
    (tmp_path / "elsewhere").write_bytes(bytes(32))
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyStoreUnavailable):
        await store.wrap("k1", SECRET, b"")


@pytest.mark.parametrize(("keys", "data"), [("d/keys", "d"), ("d", "d"), ("d", "d/data"), ("link/keys", "d")])
def test_keys_and_data_never_lie_in_each_other(tmp_path: Path, keys: str, data: str) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "d")
    with pytest.raises(KeyStoreRefused, match="each other"):
        FileKeyStore(tmp_path / keys, data_dir=tmp_path / data)


# --- transit ----------------------------------------------------------------------------------------------------------


async def test_a_server_that_is_gone_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    server = TransitServer()
    store = transit(tmp_path, server)
    server.failures = 1
    await store.create("k1")
    server.failures = 99
    for call in (store.create("k2"), store.wrap("k1", SECRET, b""), store.exists("k1"), store.check()):
        with pytest.raises(KeyStoreUnavailable):
            await call


async def test_a_server_that_is_gone_never_looks_like_a_destroyed_key(tmp_path: Path) -> None:
    server = TransitServer()
    store = transit(tmp_path, server)
    await store.create("k1")
    wrapped = await store.wrap("k1", SECRET, b"")
    (tmp_path / "token").write_text("s.expired")
    for call in (store.unwrap("k1", wrapped, b""), store.wrap("k1", SECRET, b""), store.destroy("k1"), store.check()):
        with pytest.raises(KeyStoreUnavailable, match="403"):
            await call
    (tmp_path / "token").write_text("s.token")
    assert await store.unwrap("k1", wrapped, b"") == SECRET, "a renewed token is read from its file"
    (tmp_path / "token").unlink()
    with pytest.raises(KeyStoreUnavailable, match="token"):
        await store.exists("k1")


# --- by URL -----------------------------------------------------------------------------------------------------------


def test_production_keeps_no_keys_in_files_and_sends_none_over_http(tmp_path: Path) -> None:
    token = f"?token_file={tmp_path}/token"
    for url in (f"file://{tmp_path}/keys", f"transit+http://127.0.0.1:8200/transit{token}"):
        with pytest.raises(KeyStoreRefused):
            make_key_store(url, "production", tmp_path / "data")
    with pytest.raises(KeyStoreRefused):
        make_key_store(f"transit+http://keys.example/transit{token}", "local", tmp_path / "data")
    for url in (f"transit+https://keys.example/transit{token}",):
        assert isinstance(make_key_store(url, "production", tmp_path / "data"), TransitKeyStore)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "keys",
        "memory:///",
        "file://host/keys",
        "file:///",
        "transit+https://host/mount",
        "transit+https:///mount?token_file=/t",
        "transit+https://host/?token_file=/t",
        "transit+https://user:secret@host/mount?token_file=/t",
    ],
)
def test_a_url_that_names_no_store_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match=r"given as|no key store"):
        make_key_store(url, "local", tmp_path)
