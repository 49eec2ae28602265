"""Bytes that somebody sent, to text and to JSON, within bounds that hold before memory is spent. Pure.

What JSON leaves open is closed here: no NaN and no Infinity, no member twice in an object (readers disagree on which
counts), no depth without end, and no number so long that reading it takes time.
"""

import codecs
import json
from typing import Any, Final

from services.annotation.campaigns.reader import BadShape, Fault, child, shown

MAX_BYTES: Final = 64 * 1024 * 1024
"""The largest file read. The largest of COCO's own validation sets is 20 MB, for 5,000 images."""
MAX_VALUES: Final = 8_000_000
"""The most values in a file: a few hundred megabytes once they are Python's."""
MAX_DEPTH: Final = 16
"""Levels of lists and objects; the deepest of the formats, a polygon of JSONL, is at the sixth."""
MAX_DIGITS: Final = 40


class BadAnnotationFile(BadShape):
    """A file of annotations that cannot be taken as it is. `faults`: at least one, each with its place."""


class _Twice(dict[str, Any]):
    """An object in which a member stands twice; kept until its place is known."""


def text_of(content: bytes) -> str:
    """Return a file's text: UTF-8, with or without a byte order mark, of at most `MAX_BYTES`."""
    if len(content) > MAX_BYTES:
        raise BadAnnotationFile([Fault("", "file-too-large", {"bytes": len(content), "limit": MAX_BYTES})])
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadAnnotationFile([Fault("", "file-not-utf8", {"line": 1})])
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadAnnotationFile([Fault(f"line {line}", "file-not-utf8", {"line": line})]) from None


def count_values(text: str, marks: str) -> None:
    """Refuse a text that has more values than `MAX_VALUES`, counted by the characters that begin or part them."""
    count = sum(text.count(mark) for mark in marks)
    if count > MAX_VALUES:
        raise BadAnnotationFile([Fault("", "file-too-many-values", {"limit": MAX_VALUES})])


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Twice(members)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_whole)


def json_of(text: str, place: str = "") -> Any:
    """Return the JSON value of a text; `place`: what stands before every pointer, such as `line 3`."""
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        # Within a file of lines the place names the line already.
        where = place or f"line {error.lineno}"
        raise BadAnnotationFile([Fault(where, "not-json", {"column": error.colno})]) from None
    except RecursionError:
        raise BadAnnotationFile([Fault(place, "too-deep", {"limit": MAX_DEPTH})]) from None
    _look_through(value, place)
    return value


def _look_through(value: Any, place: str) -> None:
    """Refuse what the decoder lets pass. Walks without recursion: the depth is what is being measured."""
    waiting: list[tuple[Any, str, int]] = [(value, place, 0)]
    while waiting:
        here, pointer, depth = waiting.pop()
        if isinstance(here, _Twice):
            raise BadAnnotationFile([Fault(pointer, "member-twice")])
        if isinstance(here, float) and not -1e300 < here < 1e300:
            raise BadAnnotationFile([Fault(pointer, "number-not-finite")])
        if not isinstance(here, dict | list):
            continue
        if depth >= MAX_DEPTH:
            raise BadAnnotationFile([Fault(pointer, "too-deep", {"limit": MAX_DEPTH})])
        inner = here.items() if isinstance(here, dict) else enumerate(here)
        # Numbers of a long list are looked at where they stand; only what is wrong or has more inside is queued.
        for name, entry in inner:
            if isinstance(entry, dict | list | float) and not (type(entry) is float and -1e300 < entry < 1e300):
                waiting.append((entry, child(pointer, shown(name) if isinstance(name, str) else name), depth + 1))
