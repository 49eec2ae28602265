"""Swedish postal addresses (SIS, SS 613401:2011): street with number, postal code and town, together or apart."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_UPPER, _LETTER = "A-ZÀ-ÖØ-Þ", "A-Za-zÀ-ÖØ-öø-ÿ"
_SUFFIXES = (
    "gatan|gata|gatans|vägen|väg|gränden|gränd|stigen|stig|torget|torg|allén|allé|allen|backen|backe|planen|plan|platsen|"
    "plats|kajen|kaj|leden|esplanaden|stråket|promenaden|ringen|slingan|svängen|liden|höjden|åsen|kroken|trappan|"
    "trappor|gården|parken|brinken|brink|bron|stranden|strand|rundan|krök|vången|lyckan|hagen|dalen|udden|kullen"
)
_STREET = re.compile(
    rf"(?:(?<![{_LETTER}])(?:[{_UPPER}][{_LETTER}.:'’-]{{0,24}}[ ]){{0,2}}"
    rf"[{_UPPER}][{_LETTER}:'’-]{{0,30}}(?:{_SUFFIXES})"
    rf"|(?<![{_LETTER}])(?:[{_UPPER}][{_LETTER}:'’-]{{1,24}}[ ]){{1,3}}(?:gata|väg|gränd|torg|allé|plats|plan|backe|stig|kaj)"
    rf"|\b(?:Box|Boks|PL|Postbox))[ \t]{{1,2}}(?:nr\.?[ ])?$"
)
_NUMBER = re.compile(
    r"[1-9][0-9]{0,3}(?:[ ]?[A-Za-z](?![A-Za-zÀ-ÿ0-9]))?(?:[ ]?[-–/][ ]?[0-9]{1,3}(?![0-9 ]*[0-9])[A-Za-z]?(?![A-Za-zÀ-ÿ]))?"
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
_ENDINGS = tuple(_SUFFIXES.split("|")) + ("box", "boks", "pl", "nr", "nr.")


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield addresses; `normal` is in lower case with single spaces."""
    text = scan.text
    done = -1
    for cluster in scan.clusters:
        for start, end in cluster.runs:
            if start < done:
                continue
            found = _address_at(text, start, end, max(done, 0))
            if found:
                yield found
                done = found.end


def _address_at(text: str, start: int, end: int, done: int) -> Candidate | None:
    """Return the address whose street number, or else whose postal code, begins at `start`."""
    if end - start <= 4 and start > 4 and text[max(0, start - 14) : start].rstrip(" \t").lower().endswith(_ENDINGS):
        street = _STREET.search(text, max(done, start - _BEFORE), start)
        number = street and _NUMBER.match(text, start)
        if street and number:
            rest = _code_and_town(text, _skip(text, number.end()))
            return _candidate(text, street.start(), rest or number.end())
    if end - start in (3, 5):
        stop = _code_and_town(text, start)
        low = max(done, start - _BEFORE)
        if stop is None and _CODE.match(text, start) and _WORD.search(text, low, start):
            stop = _CODE.match(text, start).end()  # pyright: ignore[reportOptionalMemberAccess]
        if stop is not None:
            country = _COUNTRY.search(text, low, start)
            begin = country.start() if country else start
            street = _ANY_STREET.search(text, low, begin)
            return _candidate(text, street.start() if street else begin, stop)
    return None


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
