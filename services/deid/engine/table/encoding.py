"""Bytes of a text file as UTF-8, and back to what they were."""

import codecs
from dataclasses import dataclass

from services.deid.engine.table.withhold import Withheld

_PIECE = 8 * 1024**2
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Text:
    """A text file's content as UTF-8 without byte order mark, and how it was written."""

    body: bytes
    encoding: str
    """`utf-8`, `utf-16-le`, `cp1252`, … as Python's codecs name it."""
    mark: bytes
    """The byte order mark that stood first, or nothing."""

    def encode(self, body: bytes) -> bytes:
        """Return UTF-8 in the source's own encoding; in UTF-8 where that cannot hold what treatment wrote."""
        if self.encoding == "utf-8":
            return self.mark + body
        text = body.decode("utf-8")
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError:
            return body


def read_text(content: bytes) -> Text:
    """Tell the encoding (by mark, by UTF-8 being valid, by zero bytes, else Latin script in one byte) and decode.

    Raises `Withheld("csv-not-text")` for what is marked as an encoding that it is not.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding, mark)
    if guess := _wide(content):
        return _decoded(content, guess, b"")
    if _is_utf8(content):
        return Text(content, "utf-8", b"")
    # Windows writes cp1252; five of its bytes are undefined, and what holds them is taken as Latin-1, which has all.
    try:
        return _decoded(content, "cp1252", b"")
    except Withheld:
        return _decoded(content, "latin-1", b"")


def _decoded(content: bytes, encoding: str, mark: bytes) -> Text:
    if encoding == "utf-8" and _is_utf8(content):
        return Text(content, encoding, mark)
    try:
        return Text(content.decode(encoding).encode(), encoding, mark)
    except UnicodeError:
        raise Withheld("csv-not-text") from None


def _is_utf8(content: bytes) -> bool:
    """Whether it is UTF-8, decided piece by piece: the whole string is never made."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(content)
    try:
        for start in range(0, len(view), _PIECE):
            decoder.decode(bytes(view[start : start + _PIECE]))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark: text of Latin letters in it has zeros at every other byte, on one side only."""
    head = content[:4096]
    if len(head) < 4 or len(content) % 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None
