"""Finds names of people in text, by lists and by what stands around a capitalised word.

Each word of a run of capitalised words is given a role by the lists; a name begins at a word that is known (or that its
neighbours tell), and goes on as long as the words can be parts of a name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.deid.engine.text.names import words
from services.deid.engine.text.names.lexicon import Lexicon, lexicon
from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_WORD = re.compile(r"[^\W\d_]+(?:(?:['’-]|-\r?\n)[^\W\d_]+)*")
_PARTICLES = frozenset(
    "af von de van der den du di la le del della da dos das do al el ter ten zu zur bin ibn bint abu y e und".split()
)
_OPENS = frozenset(".:!?–—-\"”“'»«…•*#>|;\n\t")
"""Characters after which a capital says nothing: a sentence, a quotation or an item begins."""
_LONGEST = 5
_LINK = re.compile(r"[ \t]{1,2}|\.[ ]?|[ \t]{0,4}\r?\n[ \t]{0,8}")


@dataclass(slots=True)
class _Word:
    """A capitalised word of a text (or a particle between two)."""

    text: str
    start: int
    end: int
    role: str = ""
    """F first name, f foreign first name, L last name, l foreign last name, I initial, p particle, U unknown;
    and what no name is made of: O ordinary word, X place or organisation, A acronym."""
    opens: bool = False
    """Whether a sentence begins with it, so that its capital tells nothing."""


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield names; `normal` is in lower case, without a genitive's s."""
    return find_with(scan, lexicon())


def find_with(scan: Scan, known: Lexicon) -> Iterator[Candidate]:
    """Yield names by a lexicon, not in order; they may overlap."""
    text = scan.text
    parts: set[str] = set()
    unknown: list[_Word] = []
    for run in _runs(text, known):
        covered = -1
        for first, last in _names(text, run, known):
            covered = run[last].end
            yield _candidate(text, run[first].start, covered, known)
            if last > first:
                parts.update(
                    _bare(word.text) for word in run[first : last + 1] if word.role in "UlfL" and len(word.text) > 3
                )
        unknown += (word for word in run if word.role == "U" and word.start >= covered)
    # Whoever was named in full is often called by one name in the rest of the text.
    for word in unknown:
        if _bare(word.text) in parts:
            yield _candidate(text, word.start, word.end, known)
    for sign in _COLON.finditer(text):
        if _LABEL.search(text, max(0, sign.start() - _LABEL_AT_MOST), sign.start()):
            value = _VALUE.match(text, sign.end())
            if value:
                yield _candidate(text, *value.span("name"), known)


def _candidate(text: str, start: int, end: int, known: Lexicon) -> Candidate:
    return Candidate(start, end, "name", normal_form(text[start:end], known))


def _bare(word: str) -> str:
    """Return a word in lower case without a last s, which may be a genitive's."""
    return word.lower().removesuffix("s")


_COLON = re.compile("[:=]")
_LABEL_AT_MOST = 40
_LABEL = re.compile(
    r"\b(?:(?:för|efter|mellan|tilltals|full|för- och efter|hela )?namn|(?:first|last|full|given|middle|family|"
    r"sur)[ _-]?name|"
    r"name|patient(?:ens)?(?: namn)?|målsman|vårdnadshavare)[\"']?[ \t]{0,3}$",
    re.IGNORECASE,
)
"""A label after which the whole value is somebody's name, in whatever case: of a form, a column, a JSON key."""
_VALUE = re.compile(
    r"[ \t]{0,3}[\"']?(?P<name>[^\W\d_]{2,40}(?:(?:[ '’-]|"
    r"\.[ ]?)[^\W\d_]{1,40}){0,4})(?=\.?[ \t]{0,9}(?:[\n\r,;|<\"'(]|$)|\.)"
)


def _runs(text: str, known: Lexicon) -> Iterator[list[_Word]]:
    """Yield runs of capitalised words that could be parts of one name, with particles and initials among them."""
    run: list[_Word] = []
    small = ""  # a first name in small letters, if the word before is one
    for match in _WORD.finditer(text):
        start, stop = match.span()
        word = match.group()
        if "\n" in word:  # split by a line end: Anders-, son
            word = re.sub(r"-[\r\n]+(?=[^\W\d_A-ZÀ-Þ])", "", word)
        capital = word[0].isupper() or ("-" in word and word.rsplit("-", 1)[1][0].isupper())
        if not capital:
            if small and word in known.last and word not in known.words and text[stop - len(word) - 1] == " ":
                yield [_Word(small, start - 1 - len(small), start - 1, "F"), _Word(word, start, stop, "L")]
            small = word if word in known.first and word not in known.words else ""
            if word not in _PARTICLES or text[stop : stop + 1] not in (" ", "\t"):
                if run:
                    yield run
                    run = []
                continue
        if run and not _linked(text, run[-1], run[-1].end, start):
            yield run
            run = []
        run.append(_Word(word, start, stop, _role(word, known) if capital else "p", _opens(text, start)))
    if run:
        yield run


def _linked(text: str, before: _Word, end: int, start: int) -> bool:
    """Whether a word goes on from the one before: a space or a line end, or the full stop of an initial."""
    gap = text[end:start]
    if gap == " ":
        return True
    if len(gap) > 14 or not _LINK.fullmatch(gap):
        return False
    return before.role == "I" if gap[0] == "." else True


def _opens(text: str, start: int) -> bool:
    index = start - 1
    while index >= 0 and text[index] == " ":
        index -= 1
    return index < 0 or text[index] in _OPENS


def _role(word: str, known: Lexicon) -> str:
    """Return what the lists say of a word."""
    lower = word.lower()
    if len(word) == 1:
        return "I"
    if lower in words.MONTHS_AND_DAYS:
        return "O"
    if word.isupper() and len(word) <= 4 and lower not in known.first and lower not in known.last:
        return "A"
    if "-" in word:
        return _role_of_compound(word, known)
    role = _listed(lower, known)
    if role in "UOX" and lower[-1] == "s" and len(lower) > 3:
        stem = _listed(lower[:-1], known)
        if stem in "FL" or (role == "U" and stem in "flX"):
            return stem
    return role


def _listed(lower: str, known: Lexicon) -> str:
    if lower in known.first:
        return "F"
    if lower in known.last:
        return "L"
    if lower in known.words:
        return "O"
    if lower in words.PLACES:
        return "X"
    if lower in known.foreign_first:
        return "f"
    if lower in known.others:
        return "X"
    if lower in known.foreign_last:
        return "l"
    if lower.endswith(words.SURNAME_ENDINGS) and len(lower) > 6:
        return "L"
    return "U"


def _role_of_compound(word: str, known: Lexicon) -> str:
    """Anna-Karin is a first name and Adelsohn-Liljeroth a last one; London-truppen and Anna-stipendiet are none."""
    parts = [part for part in word.split("-") if part]
    if not parts[-1][0].isupper():
        return "O"
    roles = [_role(part, known) for part in parts if part.lower() not in _PARTICLES]
    if not roles:
        return "U"
    if all(role in "FfI" for role in roles) and any(role in "Ff" for role in roles):
        return "F"
    if any(role in "Ll" for role in roles):
        return "L"
    return "F" if roles[0] == "F" else "U" if all(role in "UfF" for role in roles) else "X"


def _names(text: str, run: list[_Word], known: Lexicon) -> Iterator[tuple[int, int]]:
    """Yield the names in a run, as the places of their first and last words."""
    index = 0
    while index < len(run):
        if not _begins(text, run, index, known):
            index += 1
            continue
        first, last = index, _reaches(text, run, index)
        while last > first and run[last].role == "p":
            last -= 1
        while first > 0 and run[first - 1].role == "p" and run[first - 1].text in _NOBLE:
            first -= 1
        yield first, last
        index = last + 1


def _begins(text: str, run: list[_Word], index: int, known: Lexicon) -> bool:
    """Whether a name begins with the word at `index`."""
    word = run[index]
    follower = run[index + 1] if index + 1 < len(run) else None
    then = follower.role if follower and not _breaks(text, word, follower) else ""
    lower = word.text.lower()
    ordinary = lower in known.words
    match word.role:
        case "F":
            sure = not ordinary or not (word.opens or word.text.isupper())
            return sure or then in _PARTS or _told(text, word)
        case "f":
            return not ordinary and (then in _PARTS or (lower not in known.others and not word.text.isupper()))
        case "L":
            return not ordinary or not word.opens
        case "l":
            return not ordinary
        case "I":
            return then in tuple("FLfl") or (then == "U" and text[word.end] == ".")
        case "U":
            if then in ("f", "F") and follower and _bare(follower.text) in known.foreign_last:
                then = "l"
            if then == "L" or (then in ("l", "U") and not word.opens):
                return True
            if then in ("l", "U") and not lower.endswith(_INFLECTED) and word.text[1:].islower():
                return then == "l" or len(run) == 2
            return _told(text, word)
        case "p":
            return lower in _NOBLE and then in ("U", "L", "l", "p")
        case _:
            return False


_PARTS = tuple("FLflUIp")
_NOBLE = frozenset({"af", "von", "van", "zu", "bin", "ibn"})
"""Particles that are hardly anything else, unlike Swedish `de`, `den`, `van` before a small letter."""
_INFLECTED = (
    "en",
    "et",
    "ens",
    "ets",
    "are",
    "arna",
    "erna",
    "orna",
    "aren",
    "an",
    "ska",
    "isk",
    "iska",
    "ing",
    "s",
    "t",
)
"""Ends of Swedish words that begin sentences far more often than unknown first names do."""


def _breaks(text: str, word: _Word, follower: _Word) -> bool:
    """Whether a line ends between two words and the second is not known as part of a name."""
    return "\n" in text[word.end : follower.start] and follower.role not in "FL"


def _reaches(text: str, run: list[_Word], first: int) -> int:
    """Return the last word of the name that begins at `first`."""
    last = first
    while last + 1 < len(run) and last - first < _LONGEST - 1:
        word, follower = run[last], run[last + 1]
        of_a_name = follower.role not in "OXA" or follower.text.lower() in _PARTICLES
        if not of_a_name or _breaks(text, word, follower):
            break
        last += 1
    return last


def _told(text: str, word: _Word) -> bool:
    """Whether the words around say that this is somebody: a title or a verb of saying."""
    before = _BEFORE.search(text, max(0, word.start - 40), word.start)
    if before:
        title = before["word"].lower()
        if (
            title in words.TITLES
            or title in words.SPEECH
            or title in words.BEFORE
            or title.endswith(words.TITLE_ENDINGS)
        ):
            return True
    after = _AFTER.match(text, word.end)
    return after is not None and after["word"].lower() in words.SPEECH


_BEFORE = re.compile(r"(?P<word>[^\W\d_]+(?::n)?)[.:,!]?[ \t]$")
_AFTER = re.compile(r"[ \t](?P<word>[^\W\d_]+)")


def normal_form(written: str, known: Lexicon | None = None) -> str:
    """Return a name in lower case with single spaces and without the s of a genitive: `Anna  Svenssons` too."""
    name = " ".join(re.sub(r"[^\w'’-]+", " ", written).lower().split())
    last = name.rsplit(" ", 1)[-1]
    return name[:-1] if is_genitive(last, known or lexicon()) else name


def is_genitive(lower: str, known: Lexicon) -> bool:
    """Whether a name's last s is a genitive's: not in Lars or Mats, but in Annas and Svenssons."""
    if len(lower) < 3 or lower[-1] != "s" or lower[-2] == "s":
        return False
    stem = lower[:-1]
    if stem in known.first or stem in known.last:
        return True
    return not any(lower in names for names in (known.first, known.last, known.foreign_first, known.foreign_last))
