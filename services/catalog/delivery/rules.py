"""What a range request gets (RFC 9110 §13, §14), and how a file is named on its way out (RFC 6266, RFC 8187)."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})\Z")


@dataclass(frozen=True)
class Span:
    """Bytes [start, start+length) of a file of `size` bytes; `partial` says whether the answer is 206."""

    start: int
    length: int
    size: int
    partial: bool

    @property
    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


class RangeNotSatisfiable(ValueError):
    """The range lies behind the end of the file."""


def span_of(range_header: str | None, if_range: str | None, etag: str, size: int) -> Span:
    """Return the bytes that a request asks for.

    One range of bytes gives a part. More than one, another unit, or what cannot be read gives the whole (RFC 9110
    §14.2 lets a server ignore a Range), as does an If-Range that names another entity. Raises RangeNotSatisfiable.
    """
    whole = Span(0, size, size, False)
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return whole
    found = _RANGE.match(range_header.replace(" ", "").lower())
    if found is None or found.group() == "bytes=-":
        return whole
    first, last = found.groups()
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise RangeNotSatisfiable
        return Span(size - length, length, size, True)
    start = int(first)
    if last and int(last) < start:
        return whole
    if start >= size:
        raise RangeNotSatisfiable
    stop = min(int(last) + 1, size) if last else size
    return Span(start, stop - start, size, True)


def matches_none(if_none_match: str | None, etag: str) -> bool:
    """Whether If-None-Match says that the client has this entity (weak comparison, RFC 9110 §13.1.2)."""
    if if_none_match is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag in tags


def disposition(path: str) -> str:
    """Return a Content-Disposition that saves the file under its name: ASCII for old clients, RFC 8187 for others."""
    name = path.rsplit("/", 1)[-1]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()+-]", "_", plain).strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
