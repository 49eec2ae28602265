"""Accounts: IBAN (ISO 13616, registry of SWIFT), bankgiro and plusgiro numbers (Bankgirot's and Nordea's manuals)."""

import re
from collections.abc import Iterator
from functools import cache

from services.deid.engine.text.finders.personal_numbers import luhn
from services.deid.engine.text.scan import LETTER, Scan
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


_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_NOT_DIGITS = re.compile(r"[^0-9]+")


@cache
def _iban(length: int) -> re.Pattern[str]:
    return re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:{_BREAK}[A-Za-z0-9]){{{length - 4}}}(?![A-Za-z0-9])")


_BLOCKS = re.compile(r"[A-Za-z0-9]{4}(?:\s{1,12}[A-Za-z0-9]{4})*(?:\s{1,12}[A-Za-z0-9]{1,3})?|\S+")
"""The printed form: blocks of four; or without any space."""


def find_ibans(scan: Scan) -> Iterator[Candidate]:
    """Yield IBANs, also with wrong check digits; `normal` is without spaces, in capitals."""
    text = scan.text
    for head in _HEAD.finditer(scan.shape):
        start = head.start() - 2
        length = IBAN_LENGTHS.get(text[start : start + 2].upper())
        if length is None:
            continue
        match = _iban(length).match(text, start)
        if match is None:
            continue
        normal = _SEPARATORS.sub("", match.group()).upper()
        # Words and other numbers may follow two letters and two digits: the form is the printed one and most of it
        # digits, or the check digits hold.
        formed = _BLOCKS.fullmatch(match.group()) and sum(map(str.isdigit, normal)) * 2 >= length
        if formed or _checks(normal):
            yield Candidate(start, match.end(), "iban", normal)


_HEAD = re.compile(
    rb"99(?:(?<=[^9%(letter)b][a-z]{2}99)|(?<=\A[a-z]{2}99))(?=[\s-]{0,9}[9a-z]{4})" % {b"letter": LETTER}
)
"""Searched in the shape by the check digits, which are rarer in text than two letters."""


def _checks(iban: str) -> bool:
    """Whether the check digits hold (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


_GIRO = re.compile(
    rb"(?:(?P<bankgiro>bank-?)|plus-?|post-?)giro[a-z]*(?:[ -]?(?:nr|nummer|no)\b)?[^9%(letter)b\n]{0,6}(?=9)"
    % {b"letter": LETTER}
)
_SHORT = re.compile(
    rb"(?:(?P<bankgiro>b)|p)g(?<![9%(letter)b]..)(?:[ -]?(?:nr|nummer|no)\b)?[^9%(letter)b\n]{0,6}(?=9)"
    % {b"letter": LETTER}
)
_HINTS = ((b"giro", _GIRO), (b"bg", _SHORT), (b"pg", _SHORT))
_BANKGIRO = re.compile(r"[1-9][0-9]{2,3}-[0-9]{4}(?![0-9])(?!-[0-9])")
_BANKGIRO_AFTER_WORD = re.compile(r"[1-9][0-9]{2,3}[ -]{0,3}[0-9]{2}[ -]?[0-9]{2}(?![0-9])")
_PLUSGIRO = re.compile(r"[1-9][0-9]?(?: [0-9]{2}){1,3} ?- ?[0-9](?![0-9])(?!-[0-9])")
_PLUSGIRO_AFTER_WORD = re.compile(r"[1-9](?:[0-9]| (?=[0-9])){0,9}(?: ?- ?)?[0-9](?![0-9])")
_YEARS = re.compile(r"(?:1[5-9]|20)[0-9]{2}-(?:1[5-9]|20)[0-9]{2}")


def find_giros(scan: Scan) -> Iterator[Candidate]:
    """Yield bankgiro and plusgiro numbers; `normal` is the digits.

    After a word such as `bg` any number of the right length is one; alone it needs the usual form and its check digit.
    """
    text, shape = scan.text, scan.shape
    for hint, pattern in _HINTS:
        at = shape.find(hint)
        while at >= 0:
            word = None
            if pattern is _GIRO:
                word = pattern.match(shape, max(at - 5, 0)) or pattern.match(shape, max(at - 4, 0))
            elif not shape[at - 1 : at].isalpha():
                word = pattern.match(shape, at)
            at = shape.find(hint, at + 2)
            if word is None:
                continue
            kind = "bankgiro" if word["bankgiro"] else "plusgiro"
            number = (_BANKGIRO_AFTER_WORD if word["bankgiro"] else _PLUSGIRO_AFTER_WORD).match(text, word.end())
            if number:
                yield _giro(kind, number)
    for number in _FORMED.finditer(shape):
        start = number.start()
        match = (_BANKGIRO if number["bankgiro"] else _PLUSGIRO).match(text, start)
        if match and not _YEARS.fullmatch(match.group()):
            found = _giro("bankgiro" if number["bankgiro"] else "plusgiro", match)
            if luhn(found.normal):
                yield found


_FORMED = re.compile(rb"9(?<![9-].)(?:(?P<bankgiro>99?9-9999(?![9-]))|9?(?: 99){1,3} ?- ?9(?![9-]))")
"""In the shape: the printed forms, `5050-1055` and `12 34 56-7`."""


def _giro(kind: str, match: re.Match[str]) -> Candidate:
    return Candidate(match.start(), match.end(), kind, _NOT_DIGITS.sub("", match.group()))
