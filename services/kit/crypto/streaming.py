"""Streaming encryption of objects (Tink's AES256-GCM-HKDF, ciphertext segments of 1 MiB): a range decrypts alone.

The format is that of Tink's key template `AES256_GCM_HKDF_1MB`
(https://developers.google.com/tink/wire-format#streaming_aead and Hoang, Reyhanitabar, Rogaway, Vizár, "Online
Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015):

    ciphertext = header ‖ segment 0 ‖ segment 1 ‖ … ‖ segment n
    header     = length of the header in one byte (40) ‖ salt (32 bytes) ‖ nonce prefix (7 bytes)
    key        = HKDF-SHA256(object key, salt, info = associated data), 32 bytes
    segment i  = AES-256-GCM(key, nonce = prefix ‖ uint32 i ‖ (1 if i = n else 0)), 16 bytes of tag last

Each segment is 1 MiB of ciphertext, tag included; the first is shorter by the header, the last is what is left. The
position and the "last" mark are in the nonce: segments cannot be swapped, dropped or cut off unnoticed. Sizes are
bytes.
"""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.kit.crypto.errors import DecryptionFailed

KEY_BYTES = 32
SEGMENT_BYTES = 1024 * 1024
TAG_BYTES = 16
SALT_BYTES = 32
PREFIX_BYTES = 7
HEADER_BYTES = 1 + SALT_BYTES + PREFIX_BYTES
FIRST_PLAIN_BYTES = SEGMENT_BYTES - HEADER_BYTES - TAG_BYTES
PLAIN_BYTES = SEGMENT_BYTES - TAG_BYTES
MAX_SEGMENTS = 2**32

ReadAt = Callable[[int, int], Awaitable[bytes]]
"""Reads `length` bytes of ciphertext at `start`; fewer only at the end."""


def segment_count(plaintext_size: int) -> int:
    """Return how many segments hold a plaintext of this size (at least one)."""
    if plaintext_size < 0:
        raise ValueError("a size is never negative")
    return 1 if plaintext_size <= FIRST_PLAIN_BYTES else 1 + -(-(plaintext_size - FIRST_PLAIN_BYTES) // PLAIN_BYTES)


def ciphertext_size(plaintext_size: int) -> int:
    """Return the size of the ciphertext of a plaintext of this size."""
    return HEADER_BYTES + plaintext_size + TAG_BYTES * segment_count(plaintext_size)


def plaintext_size(size: int) -> int:
    """Return the size of the plaintext in a ciphertext of `size`; raise DecryptionFailed for a size none has."""
    segments = -(-size // SEGMENT_BYTES)
    plain = size - HEADER_BYTES - TAG_BYTES * segments
    if plain < 0 or ciphertext_size(plain) != size:
        raise DecryptionFailed("no plaintext has a ciphertext of this size")
    return plain


class SegmentCipher:
    """The derived key of one ciphertext. Stateless after that: segments can be opened in any order."""

    def __init__(self, key: bytes, aad: bytes, header: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"an object key has {KEY_BYTES} bytes")
        if len(header) != HEADER_BYTES or header[0] != HEADER_BYTES:
            raise DecryptionFailed("the header is not one of this format")
        salt = header[1 : 1 + SALT_BYTES]
        self._prefix = header[1 + SALT_BYTES :]
        self._gcm = AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=aad).derive(key))

    def _nonce(self, index: int, last: bool) -> bytes:
        if not 0 <= index < MAX_SEGMENTS:
            raise ValueError("the format ends at 2^32 segments")
        return self._prefix + index.to_bytes(4, "big") + (b"\x01" if last else b"\x00")

    def encrypt(self, index: int, last: bool, plain: bytes | memoryview) -> bytes:
        """Encrypt segment `index`."""
        return self._gcm.encrypt(self._nonce(index, last), plain, None)

    def decrypt(self, index: int, last: bool, segment: bytes | memoryview) -> bytes:
        """Open segment `index`, or raise DecryptionFailed."""
        try:
            return self._gcm.decrypt(self._nonce(index, last), segment, None)
        except InvalidTag as error:
            raise DecryptionFailed(f"segment {index} does not open") from error


class StreamEncryptor:
    """Encrypts piece by piece; holds at most one segment. Not safe for use by two threads at once."""

    def __init__(self, key: bytes, aad: bytes) -> None:
        header = bytes([HEADER_BYTES]) + os.urandom(SALT_BYTES + PREFIX_BYTES)
        self._cipher = SegmentCipher(key, aad, header)
        self._ready = [header]
        self._held = bytearray()
        self._index = 0
        self._finished = False

    def update(self, plain: bytes | bytearray | memoryview) -> bytes:
        """Take the next piece and return the ciphertext that is ready (often nothing)."""
        if self._finished:
            raise ValueError("the stream is finished")
        rest = memoryview(plain)
        # A full segment is kept back until a byte follows it: only then is it known not to be the last.
        while len(rest) > (room := self._capacity() - len(self._held)):
            if self._held:
                self._held += rest[:room]
                self._emit(bytes(self._held), last=False)
                self._held.clear()
            else:
                self._emit(rest[:room], last=False)
            rest = rest[room:]
        self._held += rest
        return self._take()

    def finish(self) -> bytes:
        """Return the rest of the ciphertext. Without it nothing can be opened as a whole."""
        if self._finished:
            raise ValueError("the stream is finished")
        self._finished = True
        self._emit(bytes(self._held), last=True)
        self._held.clear()
        return self._take()

    def _capacity(self) -> int:
        return PLAIN_BYTES if self._index else FIRST_PLAIN_BYTES

    def _emit(self, plain: bytes | memoryview, *, last: bool) -> None:
        self._ready.append(self._cipher.encrypt(self._index, last, plain))
        self._index += 1

    def _take(self) -> bytes:
        ready = self._ready[0] if len(self._ready) == 1 else b"".join(self._ready)
        self._ready.clear()
        return ready


class StreamDecryptor:
    """Opens piece by piece. What `update` returns is authentic; that it is *all* is known only after `finish`."""

    def __init__(self, key: bytes, aad: bytes) -> None:
        self._key, self._aad = key, aad
        self._cipher: SegmentCipher | None = None
        self._held = bytearray()
        self._index = 0

    def update(self, ciphertext: bytes | bytearray | memoryview) -> bytes:
        """Take the next piece and return the plaintext that is ready. Raises DecryptionFailed."""
        self._held += ciphertext
        if self._cipher is None:
            if len(self._held) < HEADER_BYTES:
                return b""
            self._cipher = SegmentCipher(self._key, self._aad, bytes(self._held[:HEADER_BYTES]))
            del self._held[:HEADER_BYTES]
        ready: list[bytes] = []
        while len(self._held) > (full := self._capacity()):
            ready.append(self._cipher.decrypt(self._index, False, bytes(self._held[:full])))
            del self._held[:full]
            self._index += 1
        return b"".join(ready)

    def finish(self) -> bytes:
        """Return the rest of the plaintext, having proved that the stream ends here. Raises DecryptionFailed."""
        if self._cipher is None:
            raise DecryptionFailed("the stream ends inside its header")
        plain = self._cipher.decrypt(self._index, True, bytes(self._held))
        if self._index and not plain:
            raise DecryptionFailed("an empty last segment: not of this format")
        self._held.clear()
        return plain

    def _capacity(self) -> int:
        return SEGMENT_BYTES if self._index else SEGMENT_BYTES - HEADER_BYTES


def encrypt_bytes(key: bytes, aad: bytes, plain: bytes) -> bytes:
    """Encrypt a whole small object. Blocking: call it in a worker thread."""
    encryptor = StreamEncryptor(key, aad)
    return encryptor.update(plain) + encryptor.finish()


def decrypt_bytes(key: bytes, aad: bytes, ciphertext: bytes) -> bytes:
    """Open a whole small object or raise DecryptionFailed. Blocking: call it in a worker thread."""
    decryptor = StreamDecryptor(key, aad)
    return decryptor.update(ciphertext) + decryptor.finish()


async def encrypt_many(objects: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes]:
    """Encrypt many small objects, given as (key, aad, plaintext), with one visit to a worker thread."""
    return await asyncio.to_thread(lambda: [encrypt_bytes(key, aad, plain) for key, aad, plain in objects])


def encrypt_chunks(key: bytes, aad: bytes, source: Iterable[bytes]) -> Iterator[bytes]:
    """Encrypt a plain iterable, lazily. Blocking: for worker threads."""
    encryptor = StreamEncryptor(key, aad)
    for chunk in source:
        if ready := encryptor.update(chunk):
            yield ready
    yield encryptor.finish()


async def encrypt_stream(key: bytes, aad: bytes, source: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Encrypt an asynchronous source; the cipher runs in a worker thread, about once per MiB."""
    encryptor = StreamEncryptor(key, aad)
    pending = bytearray()
    async for chunk in source:
        pending += chunk
        if len(pending) >= SEGMENT_BYTES:
            taken, pending = pending, bytearray()
            if ready := await asyncio.to_thread(encryptor.update, taken):
                yield ready
    ready = await asyncio.to_thread(lambda: encryptor.update(pending) + encryptor.finish())
    yield ready


async def decrypt_range(
    key: bytes,
    aad: bytes,
    read_at: ReadAt,
    *,
    size: int,
    start: int = 0,
    length: int | None = None,
    batch: int = 2,
) -> AsyncIterator[bytes]:
    """Yield plaintext bytes [start, start+length) of an object whose plaintext has `size` bytes, at most 1 MiB a time.

    `size` must come from a place that is trusted (the manifest), for it says which segment is the last: a ciphertext
    that was cut does not open, and what was appended is never read. Reads and opens only the segments needed, `batch`
    of them per visit to a worker thread. An empty object is still proved to be empty. Raises DecryptionFailed;
    ValueError for a range outside the object.
    """
    stop = size if length is None else start + length
    if not 0 <= start <= stop <= size:
        raise ValueError("the range lies outside the object")
    if start == stop and size:
        return
    last = segment_count(size) - 1
    first_index, stop_index = _segment_of(start), min(last, _segment_of(max(start, stop - 1))) + 1
    total = ciphertext_size(size)
    cipher: SegmentCipher | None = None
    if first_index > 0:
        cipher = SegmentCipher(key, aad, await read_at(0, HEADER_BYTES))
    for index in range(first_index, stop_index, batch):
        indices = range(index, min(index + batch, stop_index))
        # Segment boundaries in the ciphertext are multiples of 1 MiB; the header is part of the first.
        begin, end = index * SEGMENT_BYTES, min(indices.stop * SEGMENT_BYTES, total)
        ciphertext = await read_at(begin, end - begin)
        if len(ciphertext) != end - begin:
            raise DecryptionFailed("the ciphertext is shorter than the object")
        if cipher is None:
            cipher = SegmentCipher(key, aad, ciphertext[:HEADER_BYTES])
        for number, plain in zip(
            indices, await asyncio.to_thread(_open_segments, cipher, ciphertext, indices, last), strict=True
        ):
            offset = _offset_of(number)
            low, high = max(0, start - offset), min(len(plain), stop - offset)
            if low < high:
                yield plain if (low, high) == (0, len(plain)) else plain[low:high]


def decrypt_stream(key: bytes, aad: bytes, read_at: ReadAt, *, size: int) -> AsyncIterator[bytes]:
    """Yield the whole plaintext of `size` bytes; an object that is not exactly this long raises DecryptionFailed."""
    return decrypt_range(key, aad, read_at, size=size)


def _open_segments(cipher: SegmentCipher, ciphertext: bytes, indices: range, last: int) -> list[bytes]:
    view = memoryview(ciphertext)
    opened: list[bytes] = []
    for position, index in enumerate(indices):
        low = position * SEGMENT_BYTES + (0 if index else HEADER_BYTES)
        opened.append(cipher.decrypt(index, index == last, view[low : (position + 1) * SEGMENT_BYTES]))
    return opened


def _segment_of(position: int) -> int:
    """Return the segment that holds the plaintext byte at `position`."""
    return 0 if position < FIRST_PLAIN_BYTES else 1 + (position - FIRST_PLAIN_BYTES) // PLAIN_BYTES


def _offset_of(index: int) -> int:
    """Return the plaintext position at which segment `index` begins."""
    return 0 if index == 0 else FIRST_PLAIN_BYTES + (index - 1) * PLAIN_BYTES
