"""A key opens only under the key above it and for the ids it was wrapped for; sealed values only in their own row."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.crypto import (
    DataKey,
    DecryptionFailed,
    Sealer,
    SeekableCipher,
    bind,
    rewrap_many,
    unwrap,
    wrap,
    wrap_many,
)
from services.kit.crypto.sealer import XAes256Gcm

VERSION = DataKey(b"v" * 32)
OBJECT = DataKey(b"o" * 32)


def test_a_wrapped_key_opens_under_its_key_and_ids() -> None:
    assert unwrap(VERSION, wrap(VERSION, OBJECT, b"ids"), b"ids") == OBJECT


def test_another_key_other_ids_or_one_changed_bit_open_nothing() -> None:
    wrapped = wrap(VERSION, OBJECT, b"ids")
    attempts = [(DataKey(b"w" * 32), wrapped, b"ids"), (VERSION, wrapped, b"other"), (VERSION, b"", b"ids")]
    attempts += [
        (VERSION, wrapped[:i] + bytes([wrapped[i] ^ 1]) + wrapped[i + 1 :], b"ids") for i in range(len(wrapped))
    ]
    for kek, value, aad in attempts:
        with pytest.raises(DecryptionFailed):
            unwrap(kek, value, aad)


def test_the_same_key_never_wraps_to_the_same_bytes() -> None:
    assert len({wrap(VERSION, OBJECT, b"ids") for _ in range(100)}) == 100


def test_a_new_version_rewraps_what_it_keeps_and_the_old_key_opens_none_of_it() -> None:
    after = DataKey(b"n" * 32)
    kept = wrap_many(VERSION, [(OBJECT, b"v1/a"), (after, b"v1/b")])
    moved = rewrap_many(VERSION, after, [(kept[0], b"v1/a", b"v2/a"), (kept[1], b"v1/b", b"v2/b")])
    assert unwrap(after, moved[0], b"v2/a") == OBJECT
    for kek, aad in ((VERSION, b"v2/a"), (VERSION, b"v1/a"), (after, b"v1/a")):
        with pytest.raises(DecryptionFailed):
            unwrap(kek, moved[0], aad)


def test_a_key_never_shows_itself() -> None:
    assert "secret" not in repr(DataKey(b"s" * 32)) and "sss" not in repr(DataKey(b"s" * 32))
    assert DataKey.generate() != DataKey.generate()
    with pytest.raises(ValueError, match="32"):
        DataKey(b"short")


parts = st.lists(st.one_of(st.text(max_size=6), st.binary(max_size=6), st.uuids()), max_size=4)


def _as_bytes(part: str | bytes | UUID) -> bytes:
    return part.bytes if isinstance(part, UUID) else part.encode() if isinstance(part, str) else part


@given(parts, parts)
def test_two_lists_of_ids_never_bind_alike(one: list[str | bytes | UUID], two: list[str | bytes | UUID]) -> None:
    assert (bind(*one) == bind(*two)) == ([_as_bytes(p) for p in one] == [_as_bytes(p) for p in two])


@pytest.mark.parametrize(
    ("key", "aad", "expected"),
    [
        (b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (b"\x03" * 32, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ],
)
def test_sealing_is_xaes_256_gcm_by_its_published_vectors(key: bytes, aad: bytes, expected: str) -> None:
    nonce, plain = b"ABCDEFGHIJKLMNOPQRSTUVWX", b"XAES-256-GCM"
    assert XAes256Gcm(key).encrypt(nonce, plain, aad).hex() == expected
    assert XAes256Gcm(key).decrypt(nonce, bytes.fromhex(expected), aad) == plain


def test_sealing_agrees_with_the_accumulated_vectors_of_c2sp() -> None:
    """10,000 messages of random lengths drawn from SHAKE-128, as C2SP's test of implementations does."""
    source, answers = hashlib.shake_128(), hashlib.shake_128()
    stream = source.digest(10_000 * (32 + 24 + 1 + 1 + 255 + 255))
    position = 0

    def take(count: int) -> bytes:
        nonlocal position
        position += count
        return stream[position - count : position]

    for _ in range(10_000):
        key, nonce = take(32), take(24)
        plain = take(take(1)[0])
        aad = take(take(1)[0])
        sealed = XAes256Gcm(key).encrypt(nonce, plain, aad)
        assert XAes256Gcm(key).decrypt(nonce, sealed, aad) == plain
        answers.update(sealed)
    assert answers.hexdigest(32) == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_a_sealed_value_opens_in_its_own_row_only(value: bytes, aad: bytes) -> None:
    sealer = Sealer(b"k" * 32)
    sealed = sealer.seal(value, aad)
    assert sealer.open(sealed, aad) == value and sealed != sealer.seal(value, aad)
    for wrong in (lambda: sealer.open(sealed, aad + b"x"), lambda: sealer.open(sealed[:-1], aad)):
        with pytest.raises(DecryptionFailed):
            wrong()
    with pytest.raises(DecryptionFailed):
        Sealer(b"l" * 32).open(sealed, aad)


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 2**45))
def test_the_seekable_cipher_begins_anywhere_and_keeps_the_length(data: bytes, cut: int, base: int) -> None:
    cipher, cut = SeekableCipher(b"c" * 32), min(cut, len(data))
    whole = cipher.apply(base, data)
    assert len(whole) == len(data)
    assert cipher.apply(base, data[:cut]) + cipher.apply(base + cut, data[cut:]) == whole
    assert cipher.apply(base, whole) == data


def test_the_seekable_cipher_is_aes_256_in_counter_mode() -> None:
    """NIST SP 800-38A, F.5.5 (CTR-AES256.Encrypt), at the byte offset that its first counter block stands for."""
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    counter = int("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", 16)
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    expected = "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
    assert SeekableCipher(key).apply(16 * counter, plain).hex() == expected
