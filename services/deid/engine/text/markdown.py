"""Markdown (CommonMark): what a reader sees, without the marks of emphasis that may split an identifier."""

import re

from services.deid.engine.text import html_text
from services.deid.engine.text.elements import KNOWN
from services.deid.engine.text.html_text import Parts

_MARK = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|\]\((?P<address>[^()\s]{0,2000})(?=[ \t)])(?P<title>[ \t]{1,9}\"[^\"\n]{0,500}\")?\)"
    r"|(?P<comment><!--)"
    r"|<(?P<end>/)?(?P<tag>[A-Za-z][A-Za-z0-9:-]{0,30}+)(?=[\s/>])"
    r"|&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
    r"|\*{1,3}|~~|`{1,3}|(?<![^\W_])_{1,3}(?=[^\W_])|(?<=[^\W_])_{1,3}(?![^\W_])|(?<=[0-9])_{1,3}(?=[0-9])"
)
_BRACKETS = re.compile(r"[\[\]]")


def read(source: str) -> Parts:
    """Return what there is to read in a Markdown text: its text, addresses of links, comments, attributes of tags."""
    parts = Parts()
    position = 0
    comments = True  # whether one may still be closed
    while (mark := _MARK.search(source, position)) is not None:
        start, end = mark.span()
        parts.main.add(source[position:start], position, start)
        position = end
        if mark["escaped"]:
            parts.main.add(mark["escaped"], start, end)
        elif mark["address"] is not None:
            # What follows a link's text goes on behind its address: [1985](x)0709-1234
            html_text.read_address(parts, source, *mark.span("address"))
            if mark["title"]:
                html_text.read_apart(parts, source, *mark.span("title"))
        elif mark["comment"]:
            close = source.find("-->", end) if comments else -1
            comments = close >= 0
            if comments:
                html_text.read_apart(parts, source, end, close)
                position = close + 3
            else:
                parts.main.add(source[start:end], start, end)
        elif mark["tag"]:
            name = mark["tag"].lower()
            closed, position = html_text.read_attributes(parts, source, end, name) if name in KNOWN else (False, end)
            if not closed:
                parts.main.add(source[start:position], start, position)
        elif mark.group()[0] == "&":
            html_text.read_text(parts.main, source, start, end)
    parts.main.add(source[position:], position, len(source))
    return parts


def writer(source: str):
    """Return what writes a replacement so that its brackets make no link with what stands behind it."""

    def write(after: str, _start: int, end: int) -> str:
        return _BRACKETS.sub(r"\\\g<0>", after) if source[end : end + 1] in ("(", "[", ":") else after

    return write
