"""The form in which text is searched: look-alikes folded, what nobody sees dropped, and a way back to the original.

Whoever writes `８５0709‑1234`, `8507\u200b09-1234` or `Аnna` (with a Cyrillic А) means the same as in plain letters,
and a finder that only knows plain letters is easily passed by. So every finder looks at the *folded* text (Unicode NFKC
for single characters, Unicode TR 39 for the look-alikes of Latin letters, general categories for what is dropped), and
the offsets of what it finds are carried back to the text as it was written.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache

_ODD = re.compile(r"[^\t\n\r -~¡-¬®-±´-¸º»¿-ÿ]+")
"""Runs of characters that are not searched as they stand: the soft hyphen (U+00AD), U+00A0; not å, ä, ö."""

_LOOK_ALIKES = str.maketrans(
    # Cyrillic, Greek and Armenian letters that are drawn as a Latin letter (the common ones of TR 39's confusables).
    "АВЕЅІЈКМНОРСТУХԌԜҮЁаеѕіјорсухԁԛԝһёΑΒΕΖΗΙΚΜΝΟΡΤΥΧονυϳօոսıſ",
    "ABESIJKMHOPCTYXGWYEaesijopcyxdqwheABEZHIKMNOPTYXovujonuis",
)
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d\u02d7\u1806\u30fc\u058a\u05be"
_LINE_ENDS = "\u0085\u2028\u2029\u000b\u000c"
_BLANKS = "\u2800\u3164\uffa0\u115f\u1160"
"""Letters by category, blank on paper: Braille blank and the Hangul fillers."""
_COMMON = (
    *((dash, "-") for dash in "\u2013\u2014\u2212\u2011\u2010"),
    *((space, " ") for space in "\u2009\u202f\u2002"),
    *((quote, "'") for quote in "\u2018\u2019"),
    *((quote, '"') for quote in "\u201c\u201d\u201e"),
    ("\u2026", "."),
    ("\u2022", "\u00b7"),
    ("\u20ac", "\u00a4"),
)
"""Folded first, one for one, so that no offset moves: dashes, spaces, quotation marks, ellipsis, bullet, euro sign."""
_PLAIN = bytes(byte for byte in range(256) if byte in b"\t\n\r" or (byte >= 0x20 and not _ODD.match(chr(byte))))
"""Latin-1 characters that are searched as they stand."""
_MARKS_AT_MOST = 8
"""Marks of one cluster that are looked at when composing; a letter with more is a joke or an attack."""


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    """Return what one character is searched as: one or a few characters, or nothing."""
    if character in _DASHES:
        return "-"
    if character in _LINE_ENDS:
        return "\n"
    if character in _BLANKS:
        return " "
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category in ("Cf", "Cc", "Cs", "Co", "Mn", "Me"):
        return ""
    digit = unicodedata.digit(character, -1)
    if digit >= 0:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    if folded != character and len(folded) <= 4:
        folded = "".join(c if c.isascii() else _fold_character(c) for c in folded if c != character)
    return folded.translate(_LOOK_ALIKES)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me")


@dataclass(frozen=True)
class Folded:
    """A text as it is searched. `text[i]` came from `original[offset(i)]`.

    The three lists tell of stretches of `text`, in order; they are empty when nothing was folded.
    """

    original: str
    text: str
    starts: list[int] = field(default_factory=list[int])
    """Where in `text` the stretch begins."""
    origins: list[int] = field(default_factory=list[int])
    """Where in `original` it comes from."""
    moves: list[bool] = field(default_factory=list[bool])
    """Whether it goes on character by character there (False: several characters that stand for one)."""

    def offset(self, position: int) -> int:
        """Return where in the original the folded character at `position` begins (the end for the text's length)."""
        if not self.starts:
            return position
        if position >= len(self.text):
            return len(self.original)
        index = bisect_right(self.starts, position) - 1
        return self.origins[index] + (position - self.starts[index] if self.moves[index] else 0)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original's [start, end) of a folded, not empty one: whole characters, with marks on the last."""
        if not self.starts:
            return start, end
        first, last = self.offset(start), self.offset(end - 1) + 1
        while last < len(self.original) and _is_mark(self.original[last]):
            last += 1
        return first, last


def fold(original: str) -> Folded:
    """Return the text as it is searched; in linear time."""
    plain = original.replace("\u00a0", " ")
    if not plain.isascii():
        for odd, folded in _COMMON:
            if odd in plain:
                plain = plain.replace(odd, folded)
    try:
        left = plain.encode("latin-1").translate(None, _PLAIN)
    except UnicodeEncodeError:
        left = b"?"
    match = _ODD.search(plain) if left else None
    if match is None:
        return Folded(original, plain)
    pieces: list[str] = []
    starts, origins, moves = [0], [0], [True]
    length = done = 0

    def put(text: str, origin: int, moving: bool) -> None:
        nonlocal length
        if not (moving and moves[-1] and origin - length == origins[-1] - starts[-1]):
            if starts[-1] == length:
                del starts[-1], origins[-1], moves[-1]
            starts.append(length)
            origins.append(origin)
            moves.append(moving)
        pieces.append(text)
        length += len(text)

    while match is not None:
        position, end = match.span()
        if position > done:
            put(plain[done:position], done, True)
            if _is_mark(plain[position]):
                last = pieces[-1]
                pieces[-1] = last[:-1] + _composed(last[-1], plain[position : position + _MARKS_AT_MOST])
        while position < end:
            folded = _fold_character(plain[position])
            if folded:
                if position + 1 < end and _is_mark(plain[position + 1]):
                    folded = _composed(folded, plain[position + 1 : position + 1 + _MARKS_AT_MOST])
                put(folded, position, len(folded) == 1)
            position += 1
        done = end
        match = _ODD.search(plain, done)
    if done < len(plain):
        put(plain[done:], done, True)
    return Folded(original, "".join(pieces), starts, origins, moves)


def _composed(base: str, following: str) -> str:
    """Return a letter with the marks that follow it as one character where Unicode has it (a + ring: å), else bare."""
    marks = ""
    for character in following:
        if not _is_mark(character):
            break
        marks += character
    for size in range(len(marks), 0, -1):
        whole = unicodedata.normalize("NFC", base + marks[:size])
        if len(whole) == len(base):
            return whole
    return base
