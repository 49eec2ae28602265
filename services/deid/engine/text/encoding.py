"""Bytes to text and back, so that what is not treated keeps its bytes."""

import codecs
import re
import unicodedata

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks (Unicode 23.8), longer ones first: that of UTF-32-LE begins with that of UTF-16-LE."""
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HIGH = re.compile(rb"[\x80-\xff]")
_HEAD = 1 << 16


_SUPPORTED = re.compile(
    r"utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|latin-?1|(?:x-)?(?:cp|windows-?)125[0-8]|iso[-_]?8859-?(?:[1-9]|1[0-6])|"
    r"macintosh|x-mac-roman"
)
"""Encodings that a page may state; in the others (UTF-7, those of East Asia) a byte may be part of many characters."""


class Undecodable(ValueError):
    """The bytes are no text in an encoding that is known here; `code` is the reason why the file is withheld."""

    def __init__(self, why: str, code: str = "text-undecodable") -> None:
        super().__init__(why)
        self.code = code


def decode_text(content: bytes, charset: str | None = None) -> tuple[str, str]:
    """Return a text and its encoding, to be given back to `encode_text`; Undecodable when it is none.

    `charset` is what the file says of itself; a byte order mark, and bytes that are UTF-8, say more.

    Known are UTF-8, -16 and -32 with byte order mark, UTF-8 without, UTF-16 without where the zero bytes tell it, and
    Windows-1252 / Latin-1, which any other bytes are read as unless they hold control characters.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _strictly(content[0 if encoding == "utf-8-sig" else len(mark) :], encoding, f"{encoding}+bom")
    if charset and not _SUPPORTED.fullmatch(charset):
        raise Undecodable(charset, "charset-unsupported")
    zeros = content[:_HEAD].count(0)
    if zeros:
        return _without_mark(content, zeros)
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    if len(_CONTROLS.findall(content[:_HEAD])) * 100 > min(len(content), _HEAD):
        raise Undecodable("control characters")
    text = content.decode("utf-8", "surrogateescape")
    broken = sum(1 for c in text if "\udc80" <= c <= "\udcff")
    if len(_HIGH.findall(content)) > 4 * broken:
        return text, "utf-8"  # UTF-8 with some bytes damaged: they go through as they are
    if charset and not charset.startswith(("utf", "us", "ascii")):
        try:
            return content.decode(charset), charset
        except (LookupError, UnicodeDecodeError):
            raise Undecodable(charset, "charset-unsupported") from None
    try:
        return content.decode("cp1252"), "cp1252"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"


def _strictly(content: bytes, encoding: str, name: str) -> tuple[str, str]:
    try:
        return content.decode(encoding), name
    except UnicodeDecodeError as error:
        raise Undecodable(f"not {encoding}") from error


def _without_mark(content: bytes, zeros: int) -> tuple[str, str]:
    """Read text with zero bytes: UTF-16 without a mark has most of them on one side of each pair."""
    even = content[:_HEAD:2].count(0)
    side = max(even, zeros - even)
    if len(content) % 2 == 0 and side >= 0.9 * zeros and side * 4 >= min(len(content), _HEAD) // 2:
        encoding = "utf-16-be" if even * 2 > zeros else "utf-16-le"
        text, _ = _strictly(content, encoding, encoding)
        if sum(unicodedata.category(c) == "Cc" and not c.isspace() for c in text[:_HEAD]) * 100 <= min(
            len(text), _HEAD
        ):
            return text, encoding
    raise Undecodable("zero bytes")


def encode_text(text: str, encoding: str, references: bool = False) -> bytes:
    """Return the bytes of a text in the encoding that `decode_text` told.

    For a character that the encoding lacks, with `references` an HTML one is written, and else the whole is UTF-8.
    """
    name, _, marked = encoding.partition("+")
    mark = next((mark for mark, known in _BOMS if known == name), b"") if marked and name != "utf-8-sig" else b""
    try:
        return mark + text.encode(name, "surrogateescape" if name == "utf-8" else "strict")
    except UnicodeEncodeError:
        if references:
            return mark + text.encode(name, "xmlcharrefreplace")
        return text.encode("utf-8", "replace")
