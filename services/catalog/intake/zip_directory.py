"""The table of contents of a zip archive, read strictly: what two programs could understand differently is refused.

Format: PKWARE APPNOTE 6.3.10 (https://pkware.cachefly.net/webdocs/APPNOTE/APPNOTE-6.3.10.TXT). The overlapping entries
that are looked for here: D. Fifield, "A better zip bomb", USENIX WOOT 2019.
"""

import stat
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from services.catalog.intake.unpack_refusals import UnpackRefused, showable

STORED, DEFLATED = 0, 8
_END = struct.Struct("<4s4H2IH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_DEFERRED = 0x0008
_PATCHED = 0x0020
_UTF8 = 0x0800
_DEFLATE_OPTIONS = 0x0006
_DOS_FOLDER, _DOS_VOLUME, _DOS_REPARSE = 0x10, 0x08, 0x400
_EXTRA_ZIP64, _EXTRA_UNICODE_PATH = 0x0001, 0x7075
_MAX_NAME_BYTES = 4096
_WINDOW_BYTES = 256 * 1024


class Reader(Protocol):
    """A seekable file, plain or decrypting, raw or buffered."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def read(self, size: int = -1, /) -> bytes | None: ...


class Source:
    """Bytes of the archive at any position. Several threads may ask; each request is served whole."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._turn = threading.Lock()
        self._window, self._window_start = b"", 0
        self.size = reader.seek(0, 2)

    def read(self, start: int, length: int) -> bytes:
        """Return exactly these bytes. Raises UnpackRefused when the archive ends before them."""
        with self._turn:
            offset = start - self._window_start
            if offset < 0 or offset + length > len(self._window):
                self._window, self._window_start, offset = self._fill(start, max(length, _WINDOW_BYTES)), start, 0
            data = self._window[offset : offset + length]
        if len(data) != length:
            raise UnpackRefused("archive-damaged")
        return data

    def _fill(self, start: int, length: int) -> bytes:
        self._reader.seek(start)
        pieces: list[bytes] = []
        while length and (piece := self._reader.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


@dataclass
class ZipEntry:
    """One entry, as the table of contents tells it. Sizes and positions in bytes."""

    name: str
    raw_name: bytes = field(repr=False)
    is_folder: bool
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    start: int
    data_start: int = 0

    def refused(self, code: str, **params: object) -> UnpackRefused:
        """Return the refusal of this entry."""
        return UnpackRefused(code, showable(self.name), params)


@dataclass(frozen=True)
class _Table:
    start: int
    size: int
    count: int


def read_directory(source: Source, *, max_entries: int) -> list[ZipEntry]:
    """Return the entries in the order in which they lie in the file, each compared with its local header.

    Raises UnpackRefused. Memory grows with the number of entries only, which `max_entries` bounds beforehand.
    """
    table = _find_table(source)
    if table.count > max_entries:
        raise UnpackRefused("archive-too-many-entries", params={"limit": max_entries})
    entries = sorted(_central_entries(source, table), key=lambda entry: entry.start)
    end = 0
    for entry in entries:
        if entry.start < end:
            raise entry.refused("archive-entries-overlap")
        end = _check_local(source, entry, table.start)
    return entries


# --- the end of the archive -------------------------------------------------------------------------------------------


def _find_table(source: Source) -> _Table:
    tail_start = max(0, source.size - _END.size - _FULL16)
    tail = source.read(tail_start, source.size - tail_start)
    # The comment must reach the end of the file. Where two places fit, the comment hides a second table.
    ends = [p for p in _occurrences(tail, b"PK\x05\x06") if _reaches_the_end(tail, p)]
    if not ends:
        raise UnpackRefused("archive-not-zip")
    if len(ends) > 1:
        raise UnpackRefused("archive-ambiguous")
    position = tail_start + ends[0]
    _, disk, table_disk, disk_count, count, size, start, _ = _END.unpack_from(tail, ends[0])
    table = _Table(start, size, count)
    stop = position
    locator = (
        source.read(position - _END64_LOCATOR.size, _END64_LOCATOR.size) if position >= _END64_LOCATOR.size else b""
    )
    if locator.startswith(b"PK\x06\x07"):
        table, stop = _read_end64(source, position - _END64_LOCATOR.size, table)
    elif disk or table_disk or disk_count != count:
        raise UnpackRefused("archive-multi-volume")
    if table.start + table.size != stop:
        raise UnpackRefused("archive-ambiguous" if table.start + table.size < stop else "archive-damaged")
    return table


def _read_end64(source: Source, locator_start: int, short: _Table) -> tuple[_Table, int]:
    """Return the table as the ZIP64 record tells it, and where that record begins."""
    _, disk, start, disks = _END64_LOCATOR.unpack(source.read(locator_start, _END64_LOCATOR.size))
    if disk or disks > 1:
        raise UnpackRefused("archive-multi-volume")
    if start + _END64.size > locator_start:
        raise UnpackRefused("archive-damaged")
    fields = _END64.unpack(source.read(start, _END64.size))
    signature, length, _, _, disk, table_disk, disk_count, count, size, table_start = fields
    if signature != b"PK\x06\x06" or start + 12 + length != locator_start:
        raise UnpackRefused("archive-damaged")
    if disk or table_disk or disk_count != count:
        raise UnpackRefused("archive-multi-volume")
    for small, large, full in (
        (short.start, table_start, _FULL32),
        (short.size, size, _FULL32),
        (short.count, count, _FULL16),
    ):
        if small not in (large, full):
            raise UnpackRefused("archive-ambiguous")
    return _Table(table_start, size, count), start


def _occurrences(data: bytes, signature: bytes) -> Iterator[int]:
    position = data.find(signature)
    while position >= 0:
        yield position
        position = data.find(signature, position + 1)


def _reaches_the_end(tail: bytes, position: int) -> bool:
    if position + _END.size > len(tail):
        return False
    comment = _END.unpack_from(tail, position)[-1]
    return position + _END.size + comment == len(tail)


# --- the table of contents --------------------------------------------------------------------------------------------


def _central_entries(source: Source, table: _Table) -> Iterator[ZipEntry]:
    position, stop = table.start, table.start + table.size
    for _ in range(table.count):
        if position + _CENTRAL.size > stop:
            raise UnpackRefused("archive-damaged")
        fields = _CENTRAL.unpack(source.read(position, _CENTRAL.size))
        signature, _, _, flags, method, _, _, crc, packed, size, names, extras, comments, disk, _, attributes, start = (
            fields
        )
        if signature != b"PK\x01\x02" or names > _MAX_NAME_BYTES:
            raise UnpackRefused("archive-damaged")
        position += _CENTRAL.size
        if position + names + extras + comments > stop:
            raise UnpackRefused("archive-damaged")
        raw_name = source.read(position, names)
        extra = _extra_fields(source.read(position + names, extras))
        position += names + extras + comments
        wide = _Wide(extra.get(_EXTRA_ZIP64, b""))
        size, packed, start = wide.take(size), wide.take(packed), wide.take(start)
        name = _decode_name(raw_name, flags, extra)
        entry = ZipEntry(name, raw_name, name.endswith("/"), flags, method, crc, packed, size, start)
        if disk not in (0, _FULL16):
            raise UnpackRefused("archive-multi-volume")
        _check_kind(entry, attributes)
        yield entry
    if position != stop:
        raise UnpackRefused("archive-damaged")


class _Wide:
    """The ZIP64 field: holds, in order, only those values whose 32-bit place says "look there"."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, value: int) -> int:
        if value != _FULL32:
            return value
        if len(self._data) < 8:
            raise UnpackRefused("archive-damaged")
        wide, self._data = int.from_bytes(self._data[:8], "little"), self._data[8:]
        return wide


def _extra_fields(data: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    position = 0
    # Fewer than four bytes at the end are the padding that aligners leave.
    while position + 4 <= len(data):
        kind, length = struct.unpack_from("<2H", data, position)
        if position + 4 + length > len(data) or (kind in fields and kind in (_EXTRA_ZIP64, _EXTRA_UNICODE_PATH)):
            raise UnpackRefused("archive-damaged")
        fields[kind] = data[position + 4 : position + 4 + length]
        position += 4 + length
    return fields


def _decode_name(raw: bytes, flags: int, extra: dict[int, bytes]) -> str:
    """Return an entry's name: UTF-8 where it says so or is so, else Info-ZIP's field, else code page 437.

    Swedish letters are the same bytes in code pages 437 and 850. Raises UnpackRefused for UTF-8 that is none.
    """
    unicode_path = extra.get(_EXTRA_UNICODE_PATH, b"")
    if not flags & _UTF8 and unicode_path[:5] == b"\x01" + zlib.crc32(raw).to_bytes(4, "little"):
        raw, flags = unicode_path[5:], flags | _UTF8
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if flags & _UTF8:
            raise UnpackRefused("archive-name-undecodable", showable(raw.decode("cp437"))) from None
        return raw.decode("cp437")


def _check_kind(entry: ZipEntry, attributes: int) -> None:
    """Refuse what is neither a plain file nor a plain folder, by Unix mode (upper half) or DOS attributes (lower)."""
    kind = stat.S_IFMT(attributes >> 16)
    if kind == stat.S_IFLNK or attributes & _DOS_REPARSE:
        raise entry.refused("archive-link")
    allowed = (0, stat.S_IFDIR if entry.is_folder else stat.S_IFREG)
    looks_like_folder = bool(attributes & _DOS_FOLDER)
    if kind not in allowed or attributes & _DOS_VOLUME or (looks_like_folder and not entry.is_folder):
        raise entry.refused("archive-special-entry")
    if entry.flags & _ENCRYPTED:
        raise entry.refused("archive-encrypted")
    if entry.method not in (STORED, DEFLATED) or entry.flags & _PATCHED:
        raise entry.refused("archive-method-unsupported", method=entry.method)
    if entry.is_folder and entry.size:
        raise entry.refused("archive-special-entry")
    if entry.method == STORED and entry.size != entry.packed:
        raise entry.refused("archive-size-mismatch")


# --- the entries themselves -------------------------------------------------------------------------------------------


def _check_local(source: Source, entry: ZipEntry, table_start: int) -> int:
    """Compare `entry` with its local header, note where its data begin, and return where it ends."""
    if entry.start + _LOCAL.size > table_start:
        raise entry.refused("archive-entries-overlap")
    header = _LOCAL.unpack(source.read(entry.start, _LOCAL.size))
    signature, _, flags, method, _, _, crc, packed, size, names, extras = header
    entry.data_start = entry.start + _LOCAL.size + names + extras
    end = entry.data_start + entry.packed
    if end > table_start:
        raise entry.refused("archive-entries-overlap")
    rest = source.read(entry.start + _LOCAL.size, names + extras)
    wide = _Wide(_extra_fields(rest[names:]).get(_EXTRA_ZIP64, b""))
    size, packed = wide.take(size), wide.take(packed)
    deferred = bool(flags & _DEFERRED)
    told = ((crc, entry.crc), (packed, entry.packed), (size, entry.size))
    agree = all(here == there or (deferred and here == 0) for here, there in told)
    same_flags = (flags | _DEFLATE_OPTIONS) == (entry.flags | _DEFLATE_OPTIONS)
    if (
        signature != b"PK\x03\x04"
        or not agree
        or not same_flags
        or method != entry.method
        or rest[:names] != entry.raw_name
    ):
        raise entry.refused("archive-headers-disagree")
    return end + (_descriptor_size(source, entry, end, table_start) if deferred else 0)


def _descriptor_size(source: Source, entry: ZipEntry, start: int, table_start: int) -> int:
    """Return the length of the data descriptor at `start`, which repeats what the table of contents says."""
    found = source.read(start, min(24, table_start - start))
    for signature in (b"PK\x07\x08", b""):
        for width in (4, 8):
            if entry.packed >> (8 * width) or entry.size >> (8 * width):
                continue
            sizes = entry.packed.to_bytes(width, "little") + entry.size.to_bytes(width, "little")
            expected = signature + entry.crc.to_bytes(4, "little") + sizes
            if found.startswith(expected):
                return len(expected)
    raise entry.refused("archive-headers-disagree")
