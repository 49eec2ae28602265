"""HTML (WHATWG): text across inline tags, attributes, comments, scripts and styles; every tag keeps its place.

A scanner of its own, not a parser: what is not treated must come out byte for byte, and whatever a browser would drop
(text in a tag that is never closed, names of attributes) must be looked at as well. It never looks back, so its time is
linear however the markup is broken.
"""

import html
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from services.deid.engine.text.elements import BLOCKS, DRAWING, KNOWN, RAW
from services.deid.engine.text.views import View

_TAG = re.compile(r"<(?P<end>/)?(?P<name>[A-Za-z][A-Za-z0-9:_-]*+)(?=[\s/>]|$)")
_ATTRIBUTE = re.compile(
    r"[\s/]*+(?P<name>[^\s\"'<>/=]++)"
    r"(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"'>][^\s>]*+)|(?=>)))?"
)
_TAG_END = re.compile(r"[\s/]*+>")
_REFERENCE = re.compile(
    r"&(?:\#[0-9]{1,8};?|\#[xX][0-9a-fA-F]{1,7};?|[A-Za-z][A-Za-z0-9]{1,31};|(?:amp|lt|gt|quot|nbsp|shy);?)"
)
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})++")
_ADDRESSES = frozenset("href src action formaction data poster cite srcset longdesc background manifest ping".split())
_GEOMETRY = frozenset(
    "d points viewbox transform gradienttransform patterntransform values keytimes keysplines".split()
)
"""Attributes of drawings that are all figures: none is anybody's, and one that is changed spoils the drawing."""
_NAMES = frozenset("name id itemprop property aria-label placeholder".split())
"""Attributes that say of a tag what its value or content is."""
_DATA_URI = re.compile(r"data:[\w.+-]{1,60}/[\w.+-]{1,60}(?:;[\w=.+-]{1,60}){0,4},", re.IGNORECASE)
EMBEDDED = "embedded-file"
"""Kind of the files inside addresses (`data:image/png;base64,…`): removed, since nothing here looks at them."""


@dataclass
class Parts:
    """What there is to read in a source, each text by itself."""

    main: View = field(default_factory=View)
    """The text that runs through the page, across inline tags."""
    apart: list[View] = field(default_factory=list[View])
    """Comments, scripts and styles, texts of attributes."""
    addresses: list[View] = field(default_factory=list[View])
    """Attributes that are addresses: replacements are written with percent signs."""
    removed: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Files embedded in addresses: [start, end) of the source."""


def read(source: str) -> Parts:
    """Return what there is to read in an HTML text."""
    parts = Parts()
    position = 0
    while position < len(source):
        at = source.find("<", position)
        if at < 0:
            at = len(source)
        read_text(parts.main, source, position, at)
        position = _markup(parts, source, at) if at < len(source) else at
    return parts


def _markup(parts: Parts, source: str, at: int) -> int:
    """Take up what begins with the `<` at `at`; return where it ends."""
    if source.startswith("<!--", at):
        end = source.find("-->", at + 4)
        return _aside(parts, source, at + 4, end, 3)
    if source.startswith(("<!", "<?", "</"), at) and not _TAG.match(source, at):
        return _aside(parts, source, at + 2, source.find(">", at), 1)
    tag = _TAG.match(source, at)
    name = tag["name"].lower() if tag else ""
    if tag is None or not (name in KNOWN or "-" in name or ":" in name):
        parts.main.add("<", at, at + 1)
        return at + 1
    closed, end = read_attributes(parts, source, tag.end(), name)
    if not closed:  # a browser would make something of it or drop it: it is read as text
        read_text(parts.main, source, at, end)
        return end
    if name in BLOCKS:
        parts.main.separate()
    if name in RAW and not tag["end"]:
        close = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(source, end)
        return _aside(parts, source, end, close.start() if close else -1, 0, references=RAW[name])
    return end


def _aside(parts: Parts, source: str, start: int, end: int, skip: int, references: bool = False) -> int:
    """Read [start, end) by itself (to the end of the source for -1); return where to go on."""
    view = View()
    stop = len(source) if end < 0 else end
    if references:
        read_text(view, source, start, stop)
    else:
        view.add(source[start:stop], start, stop)
    if stop > start:
        parts.apart.append(view)
    return min(stop + skip, len(source))


def read_attributes(parts: Parts, source: str, position: int, element: str) -> tuple[bool, int]:
    """Read a tag's attributes from `position`; return whether the tag is well formed, and where it or that ends."""
    found: list[re.Match[str]] = []
    while (close := _TAG_END.match(source, position)) is None:
        attribute = _ATTRIBUTE.match(source, position)
        if attribute is None:
            return False, max(position, 1)
        found.append(attribute)
        position = attribute.end()
    context = next((a["double"] or a["single"] or a["bare"] or "" for a in found if a["name"].lower() in _NAMES), "")
    for attribute in found:
        _attribute(parts, source, attribute, element, context)
    return True, close.end()


def _attribute(parts: Parts, source: str, attribute: re.Match[str], element: str, context: str) -> None:
    """Read an attribute: its value, and its name, which may be anything."""
    name = attribute["name"].lower()
    if not name.replace("-", "").replace(":", "").isalpha():
        names = View()
        names.add(attribute["name"], *attribute.span("name"))
        parts.apart.append(names)
    which = next((group for group in ("double", "single", "bare") if attribute[group]), None)
    if which is None or (name in _GEOMETRY and element in DRAWING):
        return
    start, end = attribute.span(which)
    if name in _ADDRESSES:
        read_address(parts, source, start, end)
        return
    view = View(context[:60] if name in ("value", "content") else "")
    read_text(view, source, start, end)
    parts.apart.append(view)


def read_apart(parts: Parts, source: str, start: int, end: int) -> None:
    """Take up [start, end) of the source as a text by itself."""
    view = View()
    read_text(view, source, start, end)
    parts.apart.append(view)


def read_address(parts: Parts, source: str, start: int, end: int) -> None:
    """Take up [start, end) of the source as an address; a file embedded in one is removed."""
    data = _DATA_URI.match(source, start, end)
    if data and data.end() < end:
        parts.removed.append((data.end(), end))
    elif not data:
        view = View()
        _address(view, source, start, end)
        parts.addresses.append(view)


def read_text(view: View, source: str, start: int, end: int) -> None:
    """Add text in which characters may be written as references."""
    position = start
    at = source.find("&", start, end)
    while at >= 0:
        reference = _REFERENCE.match(source, at, end)
        if reference:
            if at > position:
                view.add(source[position:at], position, at)
            view.add(html.unescape(reference.group()), at, reference.end())
            position = reference.end()
        at = source.find("&", max(position, at + 1), end)
    if end > position:
        view.add(source[position:end], position, end)


def _address(view: View, source: str, start: int, end: int) -> None:
    """Add an address, in which characters may be written with percent signs (RFC 3986)."""
    position = start
    for written in _PERCENT.finditer(source, start, end):
        read_text(view, source, position, written.start())
        # As UTF-8 the bytes of one character stand together; each character is taken apart from the next.
        at = written.start()
        for character in unquote(written.group(), errors="replace"):
            size = 3 * len(character.encode("utf-8"))
            size = min(size, written.end() - at) or 3
            view.add(character, at, at + size)
            at += size
        position = written.end()
    read_text(view, source, position, end)


def escaped(after: str, _start: int, _end: int) -> str:
    """Return a replacement as text of HTML, in an attribute of either quotation mark too."""
    return html.escape(after, quote=True)


def percent(after: str, _start: int, _end: int) -> str:
    """Return a replacement as a part of an address."""
    return quote(after, safe="@:/.+-")


def plain(after: str, _start: int, _end: int) -> str:
    """Return a replacement as it is."""
    return after
