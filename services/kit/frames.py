"""Several files in one body between services: a frame is a header's length, a JSON header, and the file's bytes.

Layout of a frame: 4 bytes (big endian) length of the header, 8 bytes length of the content, the header (a JSON object,
UTF-8), the content. Made for batches of small files; large ones travel alone.
"""

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any, cast

_LENGTHS = struct.Struct(">IQ")
MEDIA_TYPE = "application/vnd.datafactory.frames"

Header = dict[str, Any]


class BadFrames(ValueError):
    """The bytes are not a sequence of whole frames."""


def write_frames(frames: Iterable[tuple[Header, bytes]]) -> bytes:
    """Return the frames as one body."""
    parts: list[bytes] = []
    for header, content in frames:
        head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        parts += [_LENGTHS.pack(len(head), len(content)), head, content]
    return b"".join(parts)


def read_frames(body: bytes) -> Iterator[tuple[Header, bytes]]:
    """Yield header and content of each frame; BadFrames when something is cut off or no JSON object."""
    view, at = memoryview(body), 0
    while at < len(view):
        if len(view) - at < _LENGTHS.size:
            raise BadFrames("a frame is cut off")
        head_bytes, content_bytes = _LENGTHS.unpack_from(view, at)
        at += _LENGTHS.size
        if len(view) - at < head_bytes + content_bytes:
            raise BadFrames("a frame is cut off")
        try:
            header: object = json.loads(bytes(view[at : at + head_bytes]))
        except ValueError:
            raise BadFrames("a header is not JSON") from None
        if not isinstance(header, dict):
            raise BadFrames("a header is not an object")
        at += head_bytes
        yield cast(Header, header), bytes(view[at : at + content_bytes])
        at += content_bytes
