"""Bytes of a text file as UTF-8, and back to what they were."""

import codecs
from dataclasses import dataclass

from services.deid.engine.table.withhold import Withheld
from services.deid.engine.text.encoding import Undecodable, decode_text, encode_text

_PIECE = 8 * 1024**2
_DAMAGED = {0xDC80 + byte: 0xEF00 + byte for byte in range(0x80)}
"""Bytes of a damaged UTF-8 file come as lone surrogates, which UTF-8 cannot hold: the private use area stands in."""
_RESTORED = {private: surrogate for surrogate, private in _DAMAGED.items()}


@dataclass(frozen=True)
class Text:
    """A text file's content as UTF-8 without byte order mark, and how it was written."""

    body: bytes
    encoding: str
    """As `engine.text.encoding` names it; empty for UTF-8 that needs no decoding."""
    mark: bytes = b""
    """A UTF-8 byte order mark that stood first, or nothing."""

    def encode(self, body: bytes) -> bytes:
        """Return UTF-8 in the source's own encoding; in UTF-8 where that cannot hold what treatment wrote."""
        if not self.encoding:
            return self.mark + body
        text = body.decode("utf-8")
        return encode_text(text.translate(_RESTORED) if self.encoding == "utf-8" else text, self.encoding)


def read_text(content: bytes) -> Text:
    """Decode a text file. UTF-8 is checked piece by piece and used as it is: no copy is made of a large table.

    Raises `Withheld("csv-not-text")`.
    """
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    if b"\0" not in content and _is_utf8(content):
        return Text(content[len(mark) :] if mark else content, "", mark)
    try:
        text, encoding = decode_text(content)
        if encoding == "utf-8" and any(private in text for private in map(chr, _RESTORED)):
            raise Withheld("csv-not-text")  # it could not be told from a damaged byte
        return Text(text.translate(_DAMAGED).encode() if encoding == "utf-8" else text.encode(), encoding)
    except (Undecodable, UnicodeError):
        raise Withheld("csv-not-text") from None


def _is_utf8(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(content)
    try:
        for start in range(0, len(view), _PIECE):
            decoder.decode(view[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
