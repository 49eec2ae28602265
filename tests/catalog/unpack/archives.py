"""Zip archives made by hand, byte by byte, so that each can lie in its own way."""

import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

UTF8 = 0x0800


@dataclass
class Part:
    """One entry. What is None is told truthfully; `local_…` is what only the local header says."""

    name: bytes
    data: bytes = b""
    method: int = 8
    flags: int = UTF8
    attributes: int = 0o100644 << 16
    made_by: int = 3 << 8 | 20
    extra: bytes = b""
    local_extra: bytes = b""
    crc: int | None = None
    size: int | None = None
    packed_data: bytes | None = None
    packed: int | None = None
    offset: int | None = None
    descriptor: bytes | None = None
    local: dict[str, Any] = field(default_factory=dict[str, Any])

    def but(self, **changes: Any) -> "Part":
        return replace(self, **changes)


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def build(
    parts: list[Part],
    *,
    prefix: bytes = b"",
    comment: bytes = b"",
    count: int | None = None,
    disk: int = 0,
    table_shift: int = 0,
    zip64: bool = False,
    before_table: bytes = b"",
    after_table: bytes = b"",
) -> bytes:
    """Return an archive of `parts`."""
    out = bytearray(prefix)
    table = bytearray()
    for part in parts:
        packed_data = part.packed_data
        if packed_data is None:
            packed_data = deflated(part.data) if part.method == 8 else part.data
        crc = zlib.crc32(part.data) if part.crc is None else part.crc
        size = len(part.data) if part.size is None else part.size
        packed = len(packed_data) if part.packed is None else part.packed
        start = len(out) if part.offset is None else part.offset
        here = {"crc": crc, "size": size, "packed": packed, "name": part.name, "flags": part.flags} | part.local
        if part.offset is None:
            method = here.get("method", part.method)
            name = here["name"]
            out += struct.pack("<4s5H", b"PK\x03\x04", 20, here["flags"], method, 0, 0x5B21)
            out += struct.pack("<3I2H", here["crc"], here["packed"], here["size"], len(name), len(part.local_extra))
            out += name + part.local_extra + packed_data + (part.descriptor or b"")
        table += struct.pack("<4s6H", b"PK\x01\x02", part.made_by, 20, part.flags, part.method, 0, 0x5B21)
        table += struct.pack("<3I5H", crc, packed, size, len(part.name), len(part.extra), 0, 0, 0)
        table += struct.pack("<2I", part.attributes & 0xFFFFFFFF, start) + part.name + part.extra
    out += before_table
    table_start = len(out) + table_shift
    out += table + after_table
    number = len(parts) if count is None else count
    small = (number, len(table), table_start)
    if zip64:
        end64 = len(out)
        out += struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, number, number, len(table), table_start)
        out += struct.pack("<4sIQI", b"PK\x06\x07", 0, end64, 1)
        small = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    out += struct.pack("<4s4H2IH", b"PK\x05\x06", disk, disk, small[0], small[0], small[1], small[2], len(comment))
    return bytes(out + comment)


def unicode_path(raw: bytes, name: str, crc: int | None = None) -> bytes:
    """Return Info-ZIP's Unicode Path extra field."""
    body = b"\x01" + (zlib.crc32(raw) if crc is None else crc).to_bytes(4, "little") + name.encode()
    return struct.pack("<2H", 0x7075, len(body)) + body


def wide(*values: int) -> bytes:
    """Return the ZIP64 extra field."""
    return struct.pack("<2H", 1, 8 * len(values)) + b"".join(value.to_bytes(8, "little") for value in values)
