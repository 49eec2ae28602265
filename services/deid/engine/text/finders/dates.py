"""Dates of birth: a date, in figures or words, that something before it (or behind it) says somebody was born on."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import Scan
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
        rf"(?P<d>{_D})(?::?[ae]|st|nd|rd|th|\.)?{_GAP}(?:of\s)?(?P<w>{_MONTH})\b\.?(?:,?{_GAP}(?P<y>{_YEAR})(?![0-9]))?",
        rf"(?P<y>(?:1[89]|20)[0-9]{{2}}),?{_GAP}(?P<w>{_MONTH})\b\.?{_GAP}(?P<d>{_D})(?![0-9])",
    )
)
_MONTH_FIRST = re.compile(rf"\b(?P<w>{_MONTH})\b\.?{_GAP}$", re.IGNORECASE)
_DAY_YEAR = re.compile(rf"(?P<d>{_D})(?:st|nd|rd|th)?,?{_GAP}(?P<y>(?:1[89]|20)[0-9]{{2}})(?![0-9])", re.IGNORECASE)
_BORN = re.compile(
    r"(?:\bfödd[as]?\b|\bföddes\b|\bfödelse(?:datum|dag|tid|data|dagen|datumet)\b|\bfyll(?:er|de)\b|\bf\.?[ ]?d\.|\bf\.|"
    r"\bf[öo]dd?\.|\bfdat\w*|\bf-?datum\b|\bborn\b|\bdate[ _]of[ _]birth\b|\bbirth[ _-]?(?:date|day)?\b|\bd\.?o\.?b\b|"
    r"\bgeb(?:oren|urtsdatum)?\b|\bfødt\b|\bfødselsdato\b|\bsyntynyt\b|\bné?e?[ ]le\b|[*★])"
    r"[^0-9\n.;]{0,24}(?:\n[^0-9\n.;]{0,8})?$",
    re.IGNORECASE,
)
_MASKED = re.compile(r"\s?[-+]?\s?(?:[xX]{4}|\*{4}|█{4}|•{4}|_{4})")
"""The last four of a personal number, blotted out: what stands before them is a date of birth."""
_BEHIND = re.compile(r"[^\w\n]{1,3}(?:födelsedatum|född\b|birth|dob\b)", re.IGNORECASE)
_BEFORE = 60


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield dates of birth; `normal` is `1985-07-09`, with `85` or nothing for a year not (fully) written."""
    text = scan.text
    for cluster in scan.clusters:
        done = -1
        for start, _ in cluster.runs:
            if start < done:
                continue
            found = _date_at(text, start)
            if found:
                yield found
                done = found.end


def _date_at(text: str, start: int) -> Candidate | None:
    begin = start
    match = None
    for form in _FORMS:
        match = form.match(text, start)
        if match:
            break
    else:
        before = _MONTH_FIRST.search(text, max(0, start - 16), start)
        match = before and _DAY_YEAR.match(text, start)
        if not before or not match:
            return None
        begin = before.start()
        word = before["w"]
        return _born(text, begin, match, _month_number(word))
    groups = match.groupdict()
    return _born(text, begin, match, _month_number(groups["w"]) if groups.get("w") else int(groups["m"]))


def _born(text: str, begin: int, match: re.Match[str], month: int) -> Candidate | None:
    """Return the date as a candidate if what stands around it says that somebody was born on it."""
    end = match.end()
    if not (_BORN.search(text, max(0, begin - _BEFORE), begin) or _MASKED.match(text, end) or _BEHIND.match(text, end)):
        return None
    year = (match["y"] or "").strip("-'’")
    return Candidate(begin, end, "birth-date", f"{year}-{month:02}-{int(match['d']):02}")


def _month_number(word: str) -> int:
    return next(n for n, form in enumerate(_MONTHS, 1) if re.fullmatch(form, word, re.IGNORECASE))
