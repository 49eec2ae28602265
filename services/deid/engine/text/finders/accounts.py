"""Accounts: IBAN (ISO 13616, registry of SWIFT), bankgiro and plusgiro numbers (Bankgirot's and Nordea's manuals)."""

import re
from collections.abc import Iterator
from functools import cache

from services.deid.engine.text.finders.personal_numbers import luhn
from services.deid.engine.text.scan import Cluster, Scan
from services.deid.engine.text.spans import Candidate

IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "SD", "FK"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "XK", "MN"), 20),
    **dict.fromkeys(("CH", "CR", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL", "OM", "SO"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32,
    "RU": 33,
}
"""Characters of an IBAN by country (registry release 99)."""
_BREAK = r"(?:[ \t-]?[ \t]?(?:\r\n?|\n)[ \t]{0,8}|[ \t-])?"


@cache
def _iban(length: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:{_BREAK}[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])")


def find_ibans(scan: Scan) -> Iterator[Candidate]:
    """Yield IBANs, also with wrong check digits; `normal` is without spaces, in capitals."""
    text = scan.text
    for cluster in scan.clusters:
        start = cluster.start - 2
        first, last = cluster.runs[0]
        if start < 0 or last - first < 2 or not text[start : cluster.start].isalpha():
            continue
        length = IBAN_LENGTHS.get(text[start : cluster.start].upper())
        if length is None or (start > 0 and text[start - 1].isalnum()):
            continue
        match = _iban(length).match(text, start)
        if match is None:
            continue
        normal = re.sub(r"[^A-Za-z0-9]", "", match.group()).upper()
        # Words may follow two letters and two digits; an account has mostly digits, or its check digits hold.
        if sum(c.isdigit() for c in normal) * 2 >= length or _checks(normal):
            yield Candidate(start, match.end(), "iban", normal)


def _checks(iban: str) -> bool:
    """Whether the check digits hold (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


_BANKGIRO_WORD = re.compile(r"(?:bankgiro\w*|bank-giro|\bbg)(?:[ -]?(?:nr|nummer|no)\b)?[^\w\n]{0,6}$", re.IGNORECASE)
_PLUSGIRO_WORD = re.compile(
    r"(?:(?:plus|post)giro\w*|plus-giro|\bpg)(?:[ -]?(?:nr|nummer|no)\b)?[^\w\n]{0,6}$", re.IGNORECASE
)
_BANKGIRO = re.compile(r"[1-9][0-9]{2,3}-[0-9]{4}(?![0-9])(?!-[0-9])")
_BANKGIRO_AFTER_WORD = re.compile(r"[1-9][0-9]{2,3}[ -]{0,3}[0-9]{2}[ -]?[0-9]{2}(?![0-9])")
_PLUSGIRO = re.compile(r"[1-9][0-9]?(?: [0-9]{2}){1,3} ?- ?[0-9](?![0-9])(?!-[0-9])")
_PLUSGIRO_AFTER_WORD = re.compile(r"[1-9](?:[0-9]| (?=[0-9])){0,9}(?: ?- ?)?[0-9](?![0-9])")
_YEARS = re.compile(r"(?:1[5-9]|20)[0-9]{2}-(?:1[5-9]|20)[0-9]{2}")
_BEFORE = 32


def find_giros(scan: Scan) -> Iterator[Candidate]:
    """Yield bankgiro and plusgiro numbers; `normal` is the digits.

    After a word such as `bg` any number of the right length is one; alone it needs the usual form and its check digit.
    """
    text = scan.text
    for cluster in scan.clusters:
        if cluster.digits < 2:
            continue
        yield from _giros_in(text, cluster)


def _giros_in(text: str, cluster: Cluster) -> Iterator[Candidate]:
    done = -1
    for start, _ in cluster.runs:
        if start < done or text[start] == "0":
            continue
        found = _giro_at(text, start, start == cluster.start)
        if found:
            yield found
            done = found.end


def _giro_at(text: str, start: int, first: bool) -> Candidate | None:
    low = max(0, start - _BEFORE)
    if first and text[low:start].strip():
        if _BANKGIRO_WORD.search(text, low, start):
            match = _BANKGIRO_AFTER_WORD.match(text, start)
            if match:
                return _giro("bankgiro", match)
        elif _PLUSGIRO_WORD.search(text, low, start):
            match = _PLUSGIRO_AFTER_WORD.match(text, start)
            if match:
                return _giro("plusgiro", match)
    match = _BANKGIRO.match(text, start)
    if match and not _YEARS.fullmatch(match.group()):
        found = _giro("bankgiro", match)
        if luhn(found.normal):
            return found
    match = _PLUSGIRO.match(text, start)
    if match:
        found = _giro("plusgiro", match)
        if luhn(found.normal):
            return found
    return None


def _giro(kind: str, match: re.Match[str]) -> Candidate:
    return Candidate(match.start(), match.end(), kind, re.sub(r"[^0-9]", "", match.group()))
