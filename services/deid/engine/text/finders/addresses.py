"""Swedish postal addresses (SIS, SS 613401:2011): street with number, postal code and town, together or apart."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import LETTER, Scan
from services.deid.engine.text.spans import Candidate

_UPPER, _LETTER = "A-ZÀ-ÖØ-Þ", "A-Za-zÀ-ÖØ-öø-ÿ"
_SUFFIXES = (
    "gatan|gata|gatans|vägen|väg|gränden|gränd|stigen|stig|torget|torg|allén|allé|allen|backen|backe|planen|plan|platsen|"
    "plats|kajen|kaj|leden|esplanaden|stråket|promenaden|ringen|slingan|svängen|liden|höjden|åsen|kroken|trappan|"
    "trappor|gården|parken|brinken|brink|bron|stranden|strand|rundan|krök|vången|lyckan|hagen|dalen|udden|kullen"
)
_STREET = re.compile(
    rf"(?:(?<![{_LETTER}])(?:[{_UPPER}][{_LETTER}.:'’-]{{0,24}}[ ]){{0,2}}"
    rf"[{_UPPER}][{_LETTER}:'’-]{{0,30}}(?:{_SUFFIXES}|{_SUFFIXES.upper()})"
    rf"|(?<![{_LETTER}])(?:[{_UPPER}][{_LETTER}:'’-]{{1,24}}[ ]){{1,3}}(?:gata|väg|gränd|torg|allé|plats|plan|"
    rf"backe|stig|kaj)"
    rf"|\b(?:Box|Boks|PL|Postbox))[ \t]{{1,2}}(?:nr\.?[ ])?$"
)
_NUMBER = re.compile(
    r"[1-9][0-9]{0,3}(?:[ ]?[A-Za-z](?![A-Za-zÀ-ÿ0-9]))?"
    r"(?:[ ]?[-–/][ ]?[0-9]{1,3}(?![0-9 ]*[0-9])[A-Za-z]?(?![A-Za-zÀ-ÿ]))?"
    r"(?:,?[ ](?:lgh|läg|apt|rum|vån)\.?[ ]?[0-9]{1,4}|,?[ ][0-9]{1,2}[ ]?(?:tr|vån|nb|og|ög)\b\.?)?",
    re.IGNORECASE,
)
_ANY_STREET = re.compile(
    rf"(?<![{_LETTER}])(?:[{_UPPER}][{_LETTER}:.'’-]{{1,30}}[ ]){{1,3}}[1-9][0-9]{{0,3}}(?:[ ]?[A-Za-z])?"
    r"(?:,?[ ](?:lgh|läg|apt)\.?[ ]?[0-9]{1,4}|,?[ ][0-9]{1,2}[ ]?tr\b\.?)?[ \t]{0,2}(?:,|\r?\n|,[ ]?\r?\n|\|)?\s{0,3}$"
)
_COUNTRY = re.compile(r"(?:\bSE?[ ]?-[ ]?)$")
_CODE = re.compile(r"[1-9][0-9]{2}[ ]{0,2}(?:\r?\n)?[0-9]{2}(?![0-9])")
_TOWN = re.compile(
    rf"[ \t]{{1,3}}(?:\r?\n)?(?P<town>[{_UPPER}][{_LETTER}'’-]{{1,30}}(?:[ ][{_UPPER}][{_LETTER}-]{{1,20}})?)"
)
_WORD = re.compile(r"\b(?:post(?:nr|nummer|kod|adress)|adress|address|zip)\b\W{0,6}(?:\w{1,8}\W{1,3})?$", re.IGNORECASE)
_NO_TOWN = frozenset(
    "Kronor Kr SEK Euro EUR Dollar USD Personer Människor Invånare Januari Februari Mars April Maj Juni Juli Augusti "
    "September Oktober November December".split()
)
_BEFORE = 96
_ENDINGS = tuple(
    form for word in (*_SUFFIXES.split("|"), "nr", "nr.", "box", "Box", "PL") for form in (word, word.upper())
)


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield addresses; `normal` is in lower case with single spaces. What overlaps is one address."""
    text, shape = scan.text, scan.shape
    done = 0
    for match in _START.finditer(shape):
        start = match.start()
        if start < done or text[start] == "0":
            continue
        if match.lastgroup:
            found = _by_code(text, start, done)
        elif shape[start - 4 : start - 1] in _LAST or shape[start - 3 : start - 1] in _LAST:
            found = _by_street(text, start, done)
        else:
            continue
        if found:
            yield found
            done = found.end


_LAST = frozenset(word[-3:].lower().encode("latin-1") for word in _ENDINGS)
_START = re.compile(
    rb"9(?<![9%(letter)b].)(?:(?P<code>99[ ]{0,2}(?:\r?\n)?99(?!9))|(?<=[%(last)b.][ \t].)9{0,3}(?!9))"
    % {b"letter": LETTER, b"last": b"".join(sorted({word[-1:] for word in _LAST} - {b"."}))}
)
"""In the shape: a postal code, or a number behind a word (which must end like a street's)."""


def _by_street(text: str, start: int, done: int) -> Candidate | None:
    """Return the address whose street number begins at `start`."""
    if not text.endswith(_ENDINGS, max(0, start - 14), start - 1):
        return None
    street = _STREET.search(text, max(done, start - _BEFORE), start)
    number = street and _NUMBER.match(text, start)
    if not street or not number:
        return None
    rest = _code_and_town(text, _skip(text, number.end()))
    return _candidate(text, street.start(), rest or number.end())


def _by_code(text: str, start: int, done: int) -> Candidate | None:
    """Return the address whose postal code begins at `start`, with the street before it if one is there."""
    low = max(done, start - _BEFORE)
    stop = _code_and_town(text, start)
    if stop is None and _WORD.search(text, low, start):
        code = _CODE.match(text, start)
        stop = code.end() if code else None
    if stop is None:
        return None
    country = _COUNTRY.search(text, max(low, start - 6), start)
    begin = country.start() if country else start
    street = _ANY_STREET.search(text, low, begin) or _STREET.search(text, low, begin)
    return _candidate(text, street.start() if street else begin, stop)


def _code_and_town(text: str, position: int) -> int | None:
    """Return where a postal code and its town end that begin at `position`, or None."""
    code = _CODE.match(text, position)
    town = code and _TOWN.match(text, code.end())
    if not code or not town or town["town"].split()[0] in _NO_TOWN:
        return None
    return town.end()


_BETWEEN = re.compile(r"[ \t]{0,2}(?:,|\||;)?[ \t]{0,2}(?:\r?\n[ \t]{0,4})?(?:SE?[ ]?-[ ]?)?")


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _candidate(text: str, start: int, end: int) -> Candidate:
    return Candidate(start, end, "address", " ".join(re.sub(r"[,|;]", " ", text[start:end]).lower().split()))
