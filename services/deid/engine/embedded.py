"""Files hidden in text: pictures and documents in Base64, which no operator on words can look into.

Notebooks keep plots and photographs so, HTML and Markdown keep pictures in `data:` addresses, web tokens keep names.
"""

import base64
import binascii
import re

# Long enough that no word, name or checksum is taken for it; line ends, also written out as in JSON, may cut it.
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{60,}(?:(?:\r?\n|\\r\\n|\\n)[A-Za-z0-9+/_-]{16,})*={0,2}")
_BREAKS = re.compile(rb"\r?\n|\\r\\n|\\n")
_LONG = 160
_LOOKED_AT = 4096
_MAGICS = (
    b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b",
    b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"\xd0\xcf\x11\xe0", b"\x28\xb5\x2f\xfd", b"ID3", b"OggS", b"fLaC", b"PAR1",
)  # fmt: skip


# The same in Base64, long enough to be no accident anywhere in a run: something else may stand right before a file.
_WRITTEN = re.compile(
    rb"iVBORw0KGg[o-r]|/9j/(?:4AAQSkZJ|4[Q-T]|2wB)|R0lGODlh|R0lGODdh|UklGR.{11}RUJQ|JVBERi0xL|UEsDB[AB]|H4sIA{4}|UEFSMR[UV]"
)


def holds_encoded_file(content: bytes) -> bool:
    """Whether a text (UTF-8 or another superset of ASCII) has a run of Base64 that holds a file, or text of its own."""
    for found in _RUN.finditer(content):
        raw = _BREAKS.sub(b"", found.group()).rstrip(b"=")
        # A file's mark may come at once, so a short run with a mark counts; text must be long to be no accident.
        if _decoded(raw[:_LOOKED_AT]).startswith(_MAGICS) or _WRITTEN.search(raw):
            return True
        if len(raw) >= _LONG and any(_reads_as_text(_decoded(raw[skip : _LOOKED_AT + skip])) for skip in range(4)):
            return True
    return False


def _decoded(raw: bytes) -> bytes:
    raw = raw[: len(raw) // 4 * 4].translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _reads_as_text(decoded: bytes) -> bool:
    try:
        text = decoded[: len(decoded) - 4].decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in two at the end is no fault.
        if error.start < len(decoded) - 8:
            return False
        text = decoded[: error.start].decode("utf-8")
    return len(text) > 40 and sum(c.isprintable() or c in "\n\r\t" for c in text) == len(text)
