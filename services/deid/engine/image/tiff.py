"""Writes TIFF files of as many pages as wanted, with the tags that pixels need and no other (TIFF 6.0).

Pages are compressed one by one as they come, so that a file of many pages takes the memory of one and of the compressed
bytes. Pillow cannot write 16-bit colour, OpenCV cannot write pages of different kinds; the baseline is small.
"""

import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP_BYTES = 1 << 20
DEFLATE, HORIZONTAL, NO_PREDICTOR = 8, 2, 1
SHORT, LONG, RATIONAL = 3, 4, 5
LIMIT = 2**32 - 2**24
"""A classic TIFF counts its bytes in 32 bits."""


class TiffWriter:
    """Collects pages; `finish` gives the file. ValueError when it grows past 4 GiB."""

    def __init__(self) -> None:
        self._parts: list[bytes] = [b"II*\0\0\0\0\0"]
        self._size = 8
        self._links: list[tuple[int, int]] = []
        """Where the offset of a directory is to be written: (index of the part, offset in it)."""
        self._directories: list[int] = []
        self._next = (0, 4)

    def add(self, pixels: "NDArray[Any]", *, bilevel: bool = False) -> None:
        """Add a page: height × width (× channels) of uint8, uint16, int32 or float32; the last of 2 or 4 is alpha."""
        import numpy as np

        height, width = pixels.shape[:2]
        channels = 1 if pixels.ndim == 2 else pixels.shape[2]
        kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
        bits = 1 if bilevel else pixels.dtype.itemsize * 8
        if bilevel:
            rows_of_bytes = np.packbits(pixels > 127, axis=1)
        else:
            little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).reshape(height, width, channels)
            rows_of_bytes = little
        predict = not bilevel and kind != 3
        rows = max(1, STRIP_BYTES // max(1, rows_of_bytes[0].nbytes))
        offsets: list[int] = []
        counts: list[int] = []
        for row in range(0, height, rows):
            strip = rows_of_bytes[row : row + rows]
            if predict:
                strip = strip.copy()
                strip[:, 1:] -= strip[:, :-1].copy()
            packed = zlib.compress(np.ascontiguousarray(strip).tobytes(), 6)
            offsets.append(self._put(packed))
            counts.append(len(packed))
        alpha = channels in (2, 4)
        entries: list[tuple[int, int, list[int]]] = [
            (256, LONG, [width]),
            (257, LONG, [height]),
            (258, SHORT, [bits] * channels),
            (259, SHORT, [DEFLATE]),
            (262, SHORT, [2 if channels > 2 else 1]),
            (273, LONG, offsets),
            (277, SHORT, [channels]),
            (278, LONG, [rows]),
            (279, LONG, counts),
            (284, SHORT, [1]),
            (317, SHORT, [HORIZONTAL if predict else NO_PREDICTOR]),
            *([(338, SHORT, [2])] if alpha else []),
            (339, SHORT, [kind] * channels),
        ]
        self._directory(entries)

    def finish(self) -> bytes:
        """Return the file."""
        return b"".join(self._parts)

    def _put(self, content: bytes) -> int:
        """Append bytes at an even offset; return the offset."""
        if self._size % 2:
            self._parts.append(b"\0")
            self._size += 1
        at = self._size
        if at + len(content) > LIMIT:
            raise ValueError("the file is larger than a TIFF can be")
        self._parts.append(content)
        self._size += len(content)
        return at

    def _directory(self, entries: list[tuple[int, int, list[int]]]) -> None:
        """Append a directory, and link it from the one before."""
        fields: list[bytes] = []
        for tag, type_, values in entries:
            packed = struct.pack(f"<{len(values)}{'H' if type_ == SHORT else 'I'}", *values)
            if len(packed) > 4:
                packed = struct.pack("<I", self._put(packed))
            fields.append(struct.pack("<HHI", tag, type_, len(values)) + packed.ljust(4, b"\0"))
        at = self._put(struct.pack("<H", len(fields)) + b"".join(fields) + b"\0\0\0\0")
        part, offset = self._next
        before = self._parts[part]
        self._parts[part] = before[:offset] + struct.pack("<I", at) + before[offset + 4 :]
        self._next = (len(self._parts) - 1, 2 + 12 * len(fields))
