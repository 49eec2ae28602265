"""Telephone numbers: Swedish forms by the national plan (PTS), others by libphonenumber's metadata (Apache-2.0)."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_SEPARATED = r"[ \t./()-]{0,3}"
_ACROSS = r"[ \t]{0,2}[-./()]{0,2}[ \t]{0,2}(?:(?:\r\n?|\n)[ \t]{0,4})?"
_FORMS = tuple(re.compile(rf"(?:\(?\+ ?|\()?[0-9]+(?:{gap}[0-9]+){{0,8}}") for gap in (_SEPARATED, _ACROSS))
_BARE = re.compile(rf"[0-9]+(?:{_SEPARATED}[0-9]+){{0,6}}")
_CONTEXT = re.compile(
    r"(?:tel|tfn|telefon\w*|telnr|mobil\w*|phone|mobile|cell|ring|fax|sms:?a?|swish\w*|nås på|whatsapp)\b[^0-9\n]{0,12}$",
    re.IGNORECASE,
)
_SWEDISH = re.compile(
    # mobile and other seven-series, two-figure and other areas; 5 to 8 figures follow the area code
    r"7[0-9][0-9]{7}|10[0-9]{7}|8[0-9]{6,8}|20[0-9]{4,7}|77[0-9]{5,8}|[1-69][0-9]{6,9}"
)
_DATE = re.compile(r"(?:0[1-9]|[12][0-9]|3[01])([-./ ])(?:0?[1-9]|1[0-2])\1(?:19|20)[0-9]{2}(?![0-9])")
_PREFIX = re.compile(r"(?:\(?\+ ?|\()$")
_NOT_DIGITS = re.compile(r"[^0-9]+")


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield telephone numbers; `normal` is E.164 (`+46701740605`), or the digits alone where that cannot be told."""
    text = scan.text
    for cluster in scan.clusters:
        if cluster.digits < 5:
            continue
        done = -1
        for start, _ in cluster.runs:
            if start < done:
                continue
            found = _phone_at(text, start)
            if found:
                yield found
                done = found.end


def _phone_at(text: str, start: int) -> Candidate | None:
    """Return the number whose first digit is at `start`, if one is there."""
    prefix = _PREFIX.search(text, max(0, start - 3), start)
    begin = prefix.start() if prefix else start
    if text[start] != "0" and "+" not in text[begin:start]:
        return _without_prefix(text, start)
    in_context = _CONTEXT.search(text, max(0, begin - 40), begin) is not None
    if not in_context and _DATE.match(text, start):
        return None
    found = None
    for form in _FORMS:
        match = form.match(text, begin)
        if match is None:
            continue
        longer = _longest(text, begin, match.end(), in_context)
        if longer and (found is None or (longer.end > found.end and len(longer.normal) <= 12)):
            found = longer
    return found


def _longest(text: str, begin: int, end: int, in_context: bool) -> Candidate | None:
    """Return the longest number that begins at `begin` and ends with a run of digits before `end`."""
    ends = [m.end() for m in re.finditer(r"[0-9]+", text[begin:end])]
    for stop in reversed(ends):
        normal = normal_form(text[begin : begin + stop], in_context)
        if normal:
            return Candidate(begin, begin + stop, "phone", normal)
    return None


def normal_form(written: str, in_context: bool = False) -> str | None:
    """Return E.164 for a number as written, or None when it is none."""
    digits = _NOT_DIGITS.sub("", written)
    if written.lstrip("( ").startswith("+"):
        international = digits
    elif digits.startswith("00"):
        international = digits[2:]
    elif digits.startswith("0"):
        national = digits[1:]
        separated = len(digits) < len(written) and re.match(r"\(?0[0-9]{1,3}[^0-9]", written)
        if _SWEDISH.fullmatch(national) and (separated or in_context or _is_valid(national)):
            return "+46" + national
        return "+46" + national if in_context and 4 <= len(national) <= 11 else None
    else:
        return digits if in_context and 5 <= len(digits) <= 15 else None
    if international.startswith("46"):
        national = international[2:].removeprefix("0")
        return "+46" + national if _SWEDISH.fullmatch(national) else None
    if not 7 <= len(international) <= 15:
        return None
    return "+" + international if in_context or _is_possible("+" + international) else None


def _without_prefix(text: str, start: int) -> Candidate | None:
    """Return a number that begins with neither 0 nor +: `46701740605`, or after a word such as `tel`."""
    match = _BARE.match(text, start)
    if match is None:
        return None
    digits = _NOT_DIGITS.sub("", match.group())
    if re.fullmatch(r"467[02369][0-9]{7}", digits):
        return Candidate(start, match.end(), "phone", "+" + digits)
    if 5 <= len(digits) <= 12 and _CONTEXT.search(text, max(0, start - 40), start):
        return Candidate(start, match.end(), "phone", digits)
    return None


def _is_valid(national: str) -> bool:
    """Whether the digits after the 0 are a number of the Swedish plan."""
    import phonenumbers

    return phonenumbers.is_valid_number(phonenumbers.PhoneNumber(country_code=46, national_number=int(national)))


def _is_possible(number: str) -> bool:
    """Whether an international number has a country's code and a possible length."""
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
