"""Dates of birth: a date, in figures or words, that something before it (or behind it) says somebody was born on."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import LETTER, Scan
from services.deid.engine.text.spans import Candidate

_MONTHS = (
    "jan(?:uari|uary)?",
    "feb(?:ruari|ruary)?",
    "mars|mar(?:ch)?",
    "apr(?:il)?",
    "maj|may",
    "jun[ie]?",
    "jul[iy]?",
    "aug(?:usti|ust)?",
    "sep(?:t(?:ember)?)?",
    "o[kc]t(?:ober)?",
    "nov(?:ember)?",
    "dec(?:ember)?",
)
_MONTH = "|".join(_MONTHS)
_YEAR = r"(?:(?:1[89]|20)[0-9]{2}|[-'’]?[0-9]{2})"
_D, _M = r"(?:0?[1-9]|[12][0-9]|3[01])", r"(?:0?[1-9]|1[0-2])"
_GAP = r"\s{1,3}"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?P<y>(?:1[89]|20)[0-9]{{2}})(?P<s>[-/.]|\s?[-/.]\s?|\s)(?P<m>{_M})(?P=s)(?P<d>{_D})(?![0-9])",
        r"(?P<y>(?:1[89]|20)?[0-9]{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12][0-9]|3[01])(?![0-9])",
        rf"(?P<d>{_D})(?P<s>[-/.]|\s)(?P<m>{_M})(?P=s)(?P<y>(?:1[89]|20)[0-9]{{2}}|[0-9]{{2}})(?![0-9])",
        r"(?P<y>[0-9]{2})(?P<s>[-/.])(?P<m>0[1-9]|1[0-2])(?P=s)(?P<d>0[1-9]|[12][0-9]|3[01])(?![0-9])",
        rf"(?P<d>{_D})\s?/\s?(?P<m>{_M})(?:(?:\s|,\s)?(?P<y>{_YEAR}))?(?![0-9/])",
        rf"(?P<d>{_D})(?::?[ae]|st|nd|rd|th|"
        rf"\.)?{_GAP}(?:of\s)?(?P<w>{_MONTH})\b\.?(?:,?{_GAP}(?P<y>{_YEAR})(?![0-9]))?",
        rf"(?P<y>(?:1[89]|20)[0-9]{{2}}),?{_GAP}(?P<w>{_MONTH})\b\.?{_GAP}(?P<d>{_D})(?![0-9])",
    )
)
_MONTH_FIRST = re.compile(rf"\b(?P<w>{_MONTH})\b\.?{_GAP}$", re.IGNORECASE)
_DAY_YEAR = re.compile(rf"(?P<d>{_D})(?:st|nd|rd|th)?,?{_GAP}(?P<y>(?:1[89]|20)[0-9]{{2}})(?![0-9])", re.IGNORECASE)
_BORN = re.compile(
    # The first letter stands apart: a pattern that begins with a set is searched for several times faster.
    rb"[fbdgsn*\xb7](?<![9%(letter)b].)(?:"
    rb"(?<=f)(?:\xf6d(?:d[as]?|des|else(?:datum(?:et)?|dag(?:en)?|tid|data))\b|\xf6dd?\.|yll(?:er|de)\b|"
    rb"\.[ ]?d\.|\.|dat\b|"
    rb"-?datum\b|\xf8dselsdato\b|\xf8dt\b)|(?<=b)(?:orn\b|irth(?:[ _-]?(?:date|day))?\b)|"
    rb"(?<=d)(?:ate[ _]of[ _]birth\b|\.?o\.?b\b\.?)|(?<=g)eb(?:oren|urtsdatum)?\b|(?<=s)yntynyt\b|"
    rb"(?<=n)(?:\xe9|\xe9e)[ ]le\b|(?<=\*))"
    rb"[^9\n.;]{0,24}(?:\n[^9\n.;]{0,8})?$" % {b"letter": LETTER}
)
_BEFORE = 48
_DATE = re.compile(
    rb"9(?<!9.)(?:9{5}(?:99)?(?!9)|9{3}(?:\s?[-/.]\s?|\s)99?(?:\s?[-/.]\s?|\s)99?(?!9)|9?\s?/\s?99?(?![9/])|"
    rb"9?(?:[-/. ]99?){2}(?:99)?(?!9)|(?:9{0,3}(?::?[ae]|st|nd|rd|th|\.)?,?\s{1,3}(?:of\s)?"
    rb"(?:jan|feb|mar|apr|ma[jy]|jun|jul|aug|sep|o[kc]t|nov|dec))|9?(?:st|nd|rd|th)?,\s{1,3}9{4}(?!9))"
)
"""In the shape: what a date may begin like; what it is, the forms tell."""
_BLOTTED = re.compile(rb"\s?[-+]?\s?(?:x{4}|\*{4}|\?{4}|_{4}|\xb7{4})(?![9%(letter)b])" % {b"letter": LETTER})
"""In the shape: the last four of a personal number blotted out; what stands before them is a date of birth."""


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield dates of birth; `normal` is `1985-07-09`, with `85` or nothing for a year not (fully) written."""
    text, shape = scan.text, scan.shape
    done = 0
    for date in _DATE.finditer(shape):
        start = date.start()
        if start < done or not _BORN.search(shape, max(done, start - _BEFORE), start):
            continue
        found = _date_at(text, start, max(done, start - 16))
        if found:
            yield found
            done = found.end
    for cluster in scan.clusters:
        if 6 <= cluster.digits <= 8 and _BLOTTED.match(shape, cluster.end):
            found = _date_at(text, cluster.start, cluster.start)
            if found:
                yield found


def _date_at(text: str, start: int, low: int) -> Candidate | None:
    """Return the date that begins at the digit at `start`, or with the name of a month between `low` and there."""
    for form in _FORMS:
        match = form.match(text, start)
        if match:
            groups = match.groupdict()
            month = _month_number(groups["w"]) if groups.get("w") else int(groups["m"])
            return _date(start, match, month)
    before = _MONTH_FIRST.search(text, max(low, start - 16), start)
    match = before and _DAY_YEAR.match(text, start)
    return _date(before.start(), match, _month_number(before["w"])) if before and match else None


def _date(begin: int, match: re.Match[str], month: int) -> Candidate:
    year = (match["y"] or "").strip("-'’")
    return Candidate(begin, match.end(), "birth-date", f"{year}-{month:02}-{int(match['d']):02}")


def _month_number(word: str) -> int:
    return next(n for n, form in enumerate(_MONTHS, 1) if re.fullmatch(form, word, re.IGNORECASE))
