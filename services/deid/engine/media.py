"""What a file is, found out by looking into it. Its name and its donor's word only choose among kinds of text.

Signatures: PNG (ISO/IEC 15948), JPEG (ISO/IEC 10918-1), TIFF 6.0 and BigTIFF, WebP (RFC 9649), Apache Parquet's `PAR1`.
What looks like text but is a program for another reader (PDF, PostScript, RTF, XML, mail with encoded parts) is not
text here: treated letter by letter, it would still show its contents to that reader.
"""

import json
import re
from pathlib import PurePosixPath
from typing import Literal

from services.deid.engine.operator import Family

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
CSV = "text/csv"
TSV = "text/tab-separated-values"
PARQUET = "application/vnd.apache.parquet"
JPEG = "image/jpeg"
PNG = "image/png"
TIFF = "image/tiff"
WEBP = "image/webp"
EMPTY = "application/x-empty"
UNKNOWN = "application/octet-stream"

Lane = Literal["text", "table", "image", "other"]

FAMILIES: dict[str, Family] = {
    PLAIN: "text",
    MARKDOWN: "text",
    HTML: "text",
    JSON: "text",
    JSON_LINES: "text",
    CSV: "table",
    TSV: "table",
    PARQUET: "table",
    JPEG: "image",
    PNG: "image",
    TIFF: "image",
    WEBP: "image",
}
"""Media types that are treated, and by whom."""

_BY_NAME: dict[str, str] = {
    "md": MARKDOWN,
    "markdown": MARKDOWN,
    "html": HTML,
    "htm": HTML,
    "xhtml": HTML,
    "json": JSON,
    "geojson": JSON,
    "ipynb": JSON,
    "jsonl": JSON_LINES,
    "ndjson": JSON_LINES,
    "csv": CSV,
    "tsv": TSV,
    "tab": TSV,
    "parquet": PARQUET,
    "jpg": JPEG,
    "jpeg": JPEG,
    "png": PNG,
    "tif": TIFF,
    "tiff": TIFF,
    "webp": WEBP,
    "txt": PLAIN,
    "text": PLAIN,
    "log": PLAIN,
}

_IMAGES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
)

# What is written in letters and read by other programs.
_PROGRAMS = re.compile(
    rb"%PDF-|%!PS|\{\\rtf|<\?xml|<svg[\s>]|<!DOCTYPE\s+(?!html\b)|begin [0-7]{3} |=ybegin |GIF8[79]a|"
    rb"PK\x03\x04|BEGIN:VCALENDAR.{0,40}ENCODING=BASE64",
    re.IGNORECASE,
)
_MAIL = re.compile(rb"^Content-Transfer-Encoding:\s*(?:base64|quoted-printable)", re.IGNORECASE | re.MULTILINE)
_PDF_WITHIN = 1024  # PDF readers take a header anywhere in the first 1,024 bytes (ISO 32000-1, annex H.3.4.1)
_HTML_START = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_TAG_START = re.compile(rb"\s*</?[a-z][a-z0-9:.-]*(?:\s[^<>]{0,500})?/?>", re.IGNORECASE)
_XML_NAMES = frozenset("xml xsd xsl svg kml gpx rdf rss atom xlf plist odt fodt".split())
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\x0b\x0c\x1b\x08")) + b"\x7f"
_HEAD = 64 * 1024
_LINES = 8 * 1024 * 1024
# One unprintable byte in so many is an accident of some old program; more is no text.
_CONTROL_SHARE = 100


def family_of(media_type: str) -> Family | None:
    """Return which family of operators treats a media type, or None."""
    return FAMILIES.get(media_type)


def lane_of(path: str, declared: str) -> Lane:
    """Guess from a file's name and declared media type what sort of work it will be (only for reckoning time)."""
    media_type = _BY_NAME.get(_extension(path)) or declared
    family = FAMILIES.get(media_type)
    if family is None and media_type.startswith(("text/", "image/")):
        family = "text" if media_type.startswith("text/") else "image"
    return family or "other"


def sniff(content: bytes, path: str, declared: str) -> str:
    """Return the media type of `content`: one of FAMILIES, EMPTY, or UNKNOWN for what nobody here can look into."""
    if not content:
        return EMPTY
    for magic, media_type in _IMAGES:
        if content.startswith(magic):
            return media_type
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WEBP
    if content.startswith(b"PAR1"):
        return PARQUET
    head = content[:_HEAD]
    if not _is_text(head):
        return UNKNOWN
    # A UTF-16 text is looked at without its zero bytes: good enough to recognise the marks of programs.
    plain = head.replace(b"\0", b"") if head.startswith(_BOMS[1:]) or b"\0" in head else head
    if plain.startswith(_BOMS):
        plain = plain.removeprefix(_BOMS[0]).removeprefix(_BOMS[1]).removeprefix(_BOMS[2])
    if _PROGRAMS.match(plain.lstrip()) or b"%PDF-" in plain[:_PDF_WITHIN] or _MAIL.search(plain):
        return UNKNOWN
    if _extension(path) in _XML_NAMES or declared.endswith(("/xml", "+xml")):
        return UNKNOWN
    return _kind_of_text(content, plain, path, declared)


def _is_text(head: bytes) -> bool:
    if head.startswith(_BOMS):
        return True
    if b"\0" in head:
        return _is_utf16(head)
    return len(head.translate(None, _CONTROLS)) >= len(head) - len(head) // _CONTROL_SHARE


def _is_utf16(head: bytes) -> bool:
    """Whether bytes with zeros among them read as UTF-16 without a mark: the zeros stand in one half of each pair."""
    even, odd = head[0::2], head[1::2]
    zeros = (even.count(0), odd.count(0))
    if min(zeros) > 0 or max(zeros) < len(head) // 8:
        return False
    text = head[: len(head) // 2 * 2].decode("utf-16-be" if zeros[0] else "utf-16-le", errors="replace")
    return not any(ord(c) < 32 and c not in "\t\n\r\x0b\x0c\x1b\x08" for c in text[:4000])


def _kind_of_text(content: bytes, plain: bytes, path: str, declared: str) -> str:
    named = _BY_NAME.get(_extension(path))
    if named is None and FAMILIES.get(declared) in ("text", "table"):
        named = declared
    if _HTML_START.match(plain):
        return HTML
    if named in (JSON, JSON_LINES):
        # A broken one is found out by whoever parses it.
        return named
    if named in (HTML, MARKDOWN, CSV, TSV):
        return named
    # Quoted characters (\u0031, &#49;) hide from who reads JSON or HTML as plain text.
    if plain.lstrip()[:1] in (b"{", b"[") and _is_json(content):
        return JSON
    if plain.lstrip()[:1] == b"{" and _is_json_lines(content):
        return JSON_LINES
    return HTML if _TAG_START.match(plain) else PLAIN


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _is_json_lines(content: bytes) -> bool:
    lines = content[:_LINES].split(b"\n", 3)
    # The last one may be cut off; of two the second may be all there is.
    return len(lines) > 1 and all(
        _is_json(line) for line in (lines[:-1] if len(lines) > 2 else lines[:1]) if line.strip()
    )


def _extension(path: str) -> str:
    return PurePosixPath(path).suffix[1:].lower()
