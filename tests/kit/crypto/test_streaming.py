"""Objects are encrypted as Tink's AES256_GCM_HKDF_1MB does it, a range decrypts alone, and no change goes unseen."""

import hashlib
import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit import crypto
from services.kit.crypto import streaming
from services.kit.crypto.errors import DecryptionFailed
from tests.kit.crypto import tink_oracle

KEY = bytes(range(32))
AAD = b"version 7, object 3"
FIRST = streaming.FIRST_PLAIN_BYTES
REST = streaming.PLAIN_BYTES
MIB = 1024 * 1024
BOUNDARIES = [0, 1, 15, 16, FIRST - 1, FIRST, FIRST + 1, FIRST + REST - 1, FIRST + REST, FIRST + REST + 1, 3 * MIB]

near_a_boundary = st.builds(
    lambda base, off: max(0, base + off),
    st.sampled_from([0, FIRST, FIRST + REST, FIRST + 2 * REST]),
    st.integers(-40, 40),
)


def pattern(size: int) -> bytes:
    """Bytes in which every position is recognisable."""
    return hashlib.shake_256(b"pattern").digest(size)


class Stored:
    """A ciphertext at rest, which remembers what was read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[tuple[int, int]] = []

    async def read_at(self, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        return self.data[start : start + length]

    async def plain(self, size: int, start: int = 0, length: int | None = None, aad: bytes = AAD) -> bytes:
        chunks = crypto.decrypt_range(KEY, aad, self.read_at, size=size, start=start, length=length)
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("size", BOUNDARIES)
def test_tink_opens_what_is_written_here(size: int) -> None:
    plain = pattern(size)
    assert tink_oracle.decrypt(KEY, AAD, crypto.encrypt_bytes(KEY, AAD, plain)) == plain


@pytest.mark.parametrize("size", BOUNDARIES)
async def test_what_tink_writes_opens_here_whole_and_by_range(size: int) -> None:
    plain = pattern(size)
    ciphertext = tink_oracle.encrypt(KEY, AAD, plain)
    assert crypto.decrypt_bytes(KEY, AAD, ciphertext) == plain
    assert await Stored(ciphertext).plain(size) == plain
    assert crypto.ciphertext_size(size) == len(ciphertext)
    assert crypto.plaintext_size(len(ciphertext)) == size


@settings(max_examples=20, deadline=None)
@given(size=near_a_boundary, pieces=st.lists(st.integers(1, 700_000), min_size=1, max_size=6))
def test_the_size_of_the_pieces_does_not_matter(size: int, pieces: list[int]) -> None:
    plain = pattern(size)
    encryptor, ciphertext, position, turn = crypto.StreamEncryptor(KEY, AAD), b"", 0, 0
    while position < size:
        step = pieces[turn % len(pieces)]
        ciphertext += encryptor.update(plain[position : position + step])
        position, turn = position + step, turn + 1
    ciphertext += encryptor.finish()
    assert len(ciphertext) == crypto.ciphertext_size(size)
    decryptor, opened, position = crypto.StreamDecryptor(KEY, AAD), b"", 0
    while position < len(ciphertext):
        opened += decryptor.update(ciphertext[position : position + pieces[0]])
        position += pieces[0]
    assert opened + decryptor.finish() == plain


@settings(max_examples=200, deadline=None)
@given(size=st.one_of(near_a_boundary, st.integers(0, 2**50)))
def test_sizes_convert_both_ways(size: int) -> None:
    assert crypto.plaintext_size(crypto.ciphertext_size(size)) == size


@pytest.mark.parametrize("size", [0, 39, 40, 55, MIB + 1, MIB + 16])
def test_a_size_no_ciphertext_has_is_refused(size: int) -> None:
    with pytest.raises(DecryptionFailed):
        crypto.plaintext_size(size)


LARGE = pattern(4 * MIB + 12345)
LARGE_CIPHERTEXT = crypto.encrypt_bytes(KEY, AAD, LARGE)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
async def test_any_range_is_the_same_slice_of_the_plaintext(data: st.DataObject) -> None:
    edge = st.one_of(st.integers(0, len(LARGE)), near_a_boundary.filter(lambda n: n <= len(LARGE)))
    start, stop = sorted((data.draw(edge), data.draw(edge)))
    assert await Stored(LARGE_CIPHERTEXT).plain(len(LARGE), start, stop - start) == LARGE[start:stop]


async def test_a_range_reads_only_the_header_and_its_own_segments() -> None:
    stored = Stored(LARGE_CIPHERTEXT)
    assert await stored.plain(len(LARGE), start=3 * MIB, length=10) == LARGE[3 * MIB : 3 * MIB + 10]
    assert sum(length for _, length in stored.reads) == streaming.HEADER_BYTES + MIB
    stored.reads.clear()
    await stored.plain(len(LARGE), start=5, length=10)
    assert stored.reads == [(0, MIB)]


async def test_no_read_and_no_chunk_grows_with_the_object() -> None:
    stored = Stored(LARGE_CIPHERTEXT)
    chunks = [len(c) async for c in crypto.decrypt_range(KEY, AAD, stored.read_at, size=len(LARGE))]
    assert max(chunks) <= MIB and max(length for _, length in stored.reads) <= 2 * MIB


@pytest.mark.parametrize(("start", "length"), [(-1, 5), (0, len(LARGE) + 1), (len(LARGE) + 1, 0), (10, -1)])
async def test_a_range_outside_the_object_is_refused(start: int, length: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        await Stored(LARGE_CIPHERTEXT).plain(len(LARGE), start, length)


async def must_not_open(ciphertext: bytes, size: int = len(LARGE), aad: bytes = AAD) -> None:
    """Neither as a stream nor as a range does `ciphertext` open."""
    with pytest.raises(DecryptionFailed):
        crypto.decrypt_bytes(KEY, aad, ciphertext)
    with pytest.raises(DecryptionFailed):
        await Stored(ciphertext).plain(size, aad=aad)


@pytest.mark.parametrize("position", [0, 1, 33, 39, 40, MIB - 1, MIB, 3 * MIB + 7, len(LARGE_CIPHERTEXT) - 1])
async def test_one_changed_bit_anywhere_is_noticed(position: int) -> None:
    changed = bytearray(LARGE_CIPHERTEXT)
    changed[position] ^= 1
    await must_not_open(bytes(changed))


@pytest.mark.parametrize("length", [0, 10, 40, 60, MIB, 2 * MIB, len(LARGE_CIPHERTEXT) - 1])
async def test_a_cut_anywhere_is_noticed(length: int) -> None:
    await must_not_open(LARGE_CIPHERTEXT[:length])


async def test_a_cut_at_a_segment_is_noticed_even_if_the_recorded_size_is_cut_with_it() -> None:
    await must_not_open(LARGE_CIPHERTEXT[: 2 * MIB], size=FIRST + REST)


async def test_a_reader_who_was_told_another_size_opens_nothing_of_the_end() -> None:
    for wrong in (len(LARGE) - 1, len(LARGE) + 1, FIRST):
        with pytest.raises(DecryptionFailed):
            await Stored(LARGE_CIPHERTEXT).plain(wrong)


async def test_segments_swapped_repeated_or_dropped_are_noticed() -> None:
    first, rest = (
        LARGE_CIPHERTEXT[:MIB],
        [LARGE_CIPHERTEXT[i : i + MIB] for i in range(MIB, len(LARGE_CIPHERTEXT), MIB)],
    )
    for order in ([1, 0, 2, 3], [0, 0, 2, 3], [0, 2, 3]):
        await must_not_open(first + b"".join(rest[i] for i in order))


async def test_what_is_appended_is_noticed_by_the_stream_and_never_read_by_a_range() -> None:
    for appended in (b"x", LARGE_CIPHERTEXT[-MIB:]):
        with pytest.raises(DecryptionFailed):
            crypto.decrypt_bytes(KEY, AAD, LARGE_CIPHERTEXT + appended)
        assert await Stored(LARGE_CIPHERTEXT + appended).plain(len(LARGE)) == LARGE


async def test_a_segment_of_another_object_under_the_same_key_is_noticed() -> None:
    other = crypto.encrypt_bytes(KEY, AAD, LARGE)
    await must_not_open(LARGE_CIPHERTEXT[:MIB] + other[MIB : 2 * MIB] + LARGE_CIPHERTEXT[2 * MIB :])


async def test_another_associated_data_or_key_opens_nothing() -> None:
    await must_not_open(LARGE_CIPHERTEXT, aad=b"version 8, object 3")
    with pytest.raises(DecryptionFailed):
        crypto.decrypt_bytes(bytes(32), AAD, LARGE_CIPHERTEXT)


async def test_an_empty_object_is_proved_empty() -> None:
    await must_not_open(crypto.encrypt_bytes(bytes(32), AAD, b""), size=0)
    assert await Stored(crypto.encrypt_bytes(KEY, AAD, b"")).plain(0) == b""


async def test_an_asynchronous_source_is_encrypted_in_pieces_of_about_a_segment() -> None:
    async def source() -> AsyncIterator[bytes]:
        for start in range(0, len(LARGE), 100_000):
            yield LARGE[start : start + 100_000]

    pieces = [piece async for piece in crypto.encrypt_stream(KEY, AAD, source())]
    assert max(map(len, pieces)) <= 2 * MIB
    assert crypto.decrypt_bytes(KEY, AAD, b"".join(pieces)) == LARGE
    assert crypto.decrypt_bytes(KEY, AAD, b"".join(crypto.encrypt_chunks(KEY, AAD, [b"ab", b"", b"c"]))) == b"abc"


async def test_many_small_objects_are_encrypted_in_one_go() -> None:
    objects = [(os.urandom(32), str(n).encode(), pattern(n)) for n in range(50)]
    sealed = await crypto.encrypt_many(objects)
    assert [crypto.decrypt_bytes(k, a, c) for (k, a, _), c in zip(objects, sealed, strict=True)] == [
        p for _, _, p in objects
    ]


def test_a_finished_stream_takes_no_more() -> None:
    encryptor = crypto.StreamEncryptor(KEY, AAD)
    encryptor.finish()
    with pytest.raises(ValueError, match="finished"):
        encryptor.update(b"x")
