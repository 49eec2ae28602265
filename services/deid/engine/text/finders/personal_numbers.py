"""Personnummer and samordningsnummer (Folkbokföringslagen 1991:481, 18 and 18 a §§; SKV 704; SKV 707), however written.

The date part must be plausible; the check digit may be wrong, since a mistyped number still points at somebody.
"""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_BREAK = r"(?:[\x20\t]{0,8}-?[\x20\t]{0,8}(?:\r\n?|\n)[\x20\t]{0,8})"
"""A line end that splits a number, with indentation and a hyphen; bounded, so that it cannot backtrack for long."""


def _digits(*choices: str) -> str:
    """Return a pattern for digits that may be split by a line end: `_digits("0[1-9]", "1[0-2]")`."""
    split = [rf"{_BREAK}?".join(re.findall(r"\[[^]]+\]|\d", choice)) for choice in choices]
    return f"(?:{'|'.join(split)})"


_GAP = r"(?:[\x20\t]{0,4}(?:(?:\r\n?|\n)[\x20\t]{0,8})?)"
_BETWEEN = rf"{_BREAK}|[-./\x20]|"
_NUMBER = re.compile(
    rf"""(?:(?P<century>{_digits("1[6-9]", "2[01]")}){_BREAK}?)?
    (?P<year>{_digits("[0-9][0-9]")})
    (?P<first>{_BETWEEN})
    (?P<month>{_digits("0[1-9]", "1[0-2]")})
    (?P<second>{_BETWEEN})
    (?P<day>{_digits("0[1-9]", "[12][0-9]", "3[01]", "6[1-9]", "[78][0-9]", "9[01]")})
    (?P<sign>(?:{_GAP}[-+./_:]{{1,2}}){{0,2}}{_GAP})
    (?P<serial>{_digits("[0-9][0-9][0-9][0-9]")})(?![0-9])""",
    re.VERBOSE,
)
_USUAL = re.compile(
    r"(?:1[6-9]|2[01])?(?P<date>[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01]))[-+ ]?"
    r"(?P<serial>[0-9]{4})(?![0-9])"
)
"""Nearly all numbers: `850709-1234`, `19850709 1234`, `8507091234`."""
_SPELLED = re.compile(
    r"(?<![0-9] )[0-9](?: [0-9]){5}(?: [0-9] [0-9])? ?[-+]? ?[0-9](?: [0-9]){3}(?![0-9])(?! [0-9](?![0-9]))"
)
"""Digit by digit: `8 5 0 7 0 9 - 1 2 3 4`."""
_PLAIN = re.compile(
    r"(?:1[6-9]|2[01])?[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01])[0-9]{4}"
)
_VAT = re.compile(r"(?<![A-Za-z])SE[ -]?$")
_LINE_ENDS = re.compile(r"[\r\n]+")
_NOT_DIGITS = re.compile(r"[^0-9]+")


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield the personal and coordination numbers of a text; `normal` is the ten digits without century."""
    text = scan.text
    for cluster in scan.clusters:
        if cluster.digits < 10:
            continue
        done = -1
        for start, end in cluster.runs:
            if start < done:
                continue
            found = _number_at(text, start, end)
            if found:
                yield found
                done = found.end


def _number_at(text: str, start: int, end: int) -> Candidate | None:
    """Return the number that begins with the run [start, end) of digits, if one does."""
    plain = _USUAL.match(text, start)
    if plain is not None:
        ten = plain["date"] + plain["serial"]
        weak = plain.end() - start == 10 and ten[0] == "0" and not luhn(ten)
        return Candidate(start, plain.end(), _kind(ten), ten, weak)
    match = _NUMBER.match(text, start)
    if match is not None:
        digits = _NOT_DIGITS.sub("", match.group())
        ten = digits[-10:]
        between = match["first"], match["second"]
        parted = any(gap and "\n" not in gap and "\r" not in gap for gap in between)
        breaks = len(_LINE_ENDS.findall(match.group()))
        sign = match["sign"]
        clear = not parted and breaks < 2
        if clear or "-" in sign or "+" in sign or luhn(ten):
            # Ten digits in a row that begin with 0 are a phone as often as a birth date of this century.
            weak = match.end() - start == 10 and ten[0] == "0" and not luhn(ten)
            return Candidate(start, match.end(), _kind(ten), ten, weak)
    if end - start == 12 and text.startswith("01", end - 2):
        ten = text[start : start + 10]  # the VAT number of a sole trader: SE, personal number, 01
        sign = _VAT.search(text, max(0, start - 4), start)
        if sign and _PLAIN.fullmatch(ten):
            return Candidate(sign.start(), end, _kind(ten), ten)
    if end - start == 1:
        spelled = _SPELLED.match(text, start)
        if spelled is not None:
            digits = _NOT_DIGITS.sub("", spelled.group())
            if _PLAIN.fullmatch(digits):
                return Candidate(start, spelled.end(), _kind(digits[-10:]), digits[-10:])
    return None


def _kind(ten: str) -> str:
    """Return the kind by the day, which is 60 higher in a coordination number."""
    return "coordination-number" if ten[4:6] > "60" else "personal-number"
