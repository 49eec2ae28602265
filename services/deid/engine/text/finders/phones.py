"""Telephone numbers: Swedish forms by the national plan (PTS), others by libphonenumber's metadata (Apache-2.0)."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import LETTER, Scan
from services.deid.engine.text.spans import Candidate

_SEPARATED = r"[ \t./()-]{0,3}"
_ACROSS = r"[ \t]{0,2}[-./()]{0,2}[ \t]{0,2}(?:(?:\r\n?|\n)[ \t]{0,4}[-./()]{0,2}[ \t]?)?"
_FORMS = tuple(re.compile(rf"(?:\(?\+ ?|\()?[0-9]+(?:{gap}[0-9]+){{0,8}}") for gap in (_SEPARATED, _ACROSS))
_BARE = re.compile(rf"[0-9]+(?:{_SEPARATED}[0-9]+){{0,6}}")
_WORD = re.compile(
    # The first letter stands apart: a pattern that begins with a set is searched for several times faster.
    rb"[tmpcrfsnw](?<![9%(letter)b].)(?:(?<=t)(?:el|fn|elefon[%(letter)b]*|elnr)|(?<=m)ob(?:il[%(letter)b]*)?|"
    rb"(?<=p)hone|(?<=c)ell|"
    rb"(?<=r)ing(?:a|er)?|(?<=f)ax|(?<=s)(?:ms(?::?a)?|wish[%(letter)b]*)|(?<=n)(?:\xe5s[ ]p\xe5|umret)|(?<=w)hatsapp)"
    rb"(?![%(letter)b])[^9\n]{0,12}$" % {b"letter": LETTER}
)
"""Words before a number that say that it is one to call."""
_SWEDISH = re.compile(
    # mobile and other seven-series, two-figure and other areas; 5 to 8 figures follow the area code
    r"7[0-9][0-9]{7}|10[0-9]{7}|8[0-9]{6,8}|20[0-9]{4,7}|77[0-9]{5,8}|[1-69][0-9]{6,9}"
)
_DATE = re.compile(r"(?:0[1-9]|[12][0-9]|3[01])([-./ ])(?:0?[1-9]|1[0-2])\1(?:19|20)[0-9]{2}(?![0-9])")
_PLAIN = re.compile(
    r"0(?:[1-9][0-9]{0,2}(?P<sign>-|/| - )[0-9]{2,3}(?: ?[0-9]{2,3}){1,3}|"
    r"[1-9][0-9]{0,2} [0-9]{2,3}(?: [0-9]{2,3}){1,2}|"
    r"7[02369][0-9]{7})(?![0-9])(?![ \t./()-]{0,3}[0-9])(?!\s{1,6}[0-9]{1,3}(?![0-9]))"
)
_PLAIN_ABROAD = re.compile(
    r"46 ?(?:\(0\) ?)?[1-9][0-9]{0,2}[- ]?[0-9]{2,7}(?: ?[0-9]{2,3}){0,3}(?![0-9])"
    r"(?![ \t./()-]{0,3}[0-9])(?!\s{1,6}[0-9]{1,3}(?![0-9]))"
)
"""The usual Swedish forms, by themselves: `08-123 45 67`, `070 123 45 67`, `0701234567`."""
_BEFORE = 40
_MOBILE = re.compile(r"467[02369][0-9]{7}")
_AREA = re.compile(r"\(?0[0-9]{1,3}[^0-9]")
_WITH_SIGN = re.compile(r"0[1-9][0-9]{0,2}[-/ ]")
_RUN = re.compile(r"[0-9]+")
_PREFIX = re.compile(r"(?:\(?\+ ?|\()$")
_NOT_DIGITS = re.compile(r"[^0-9]+")


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield telephone numbers; `normal` is E.164 (`+46701740605`), or the digits alone where that cannot be told."""
    text, shape = scan.text, scan.shape
    for cluster in scan.clusters:
        done = low = cluster.start
        worded = _WORD.search(shape, max(0, low - _BEFORE), low) is not None
        for start, end in cluster.runs:
            if start < done:
                continue
            found = None
            if text[start] == "0" or shape[start - 1 : start] == b"+" or shape[start - 2 : start] == b"+ ":
                # Among more figures than a number has (those of an account), only what is written like one is tried.
                usual = cluster.digits <= 15 or start == done or _WITH_SIGN.match(text, start)
                if usual and (cluster.digits >= 7 or worded):
                    found = _phone_at(text, start, start == done, worded and start - low < 4)
            elif start == low and (worded or end - start == 11 or text[start] == "4"):
                found = _without_prefix(text, start, worded)
            if found:
                yield found
                done = _next(text, found.end)


def _next(text: str, end: int) -> int:
    """Return where, after a number, the next one may begin."""
    match = _GAP.match(text, end)
    return match.end() if match else end


_GAP = re.compile(r"[^0-9A-Za-z]*")


def _phone_at(text: str, start: int, free: bool, worded: bool) -> Candidate | None:
    """Return the number whose first digit is at `start`; not `free`: other figures stand before it."""
    before = text[start - 1 : start]
    plain, start_of_sign, area = None, start, "+46"
    if before == "+":
        plain = _PLAIN_ABROAD.match(text, start)
        start_of_sign, area = start - 1, ""
    elif before not in ("-", "/", "."):
        plain = _PLAIN.match(text, start)
        start_of_sign = start - (before == "(")
    if plain:
        digits = _NOT_DIGITS.sub("", plain.group().replace("(0)", ""))
        national = digits[1:] if area else digits[2:]
        if 7 <= len(national) <= 9 and not (area and _DATE.match(text, start)):
            return Candidate(start_of_sign, plain.end(), "phone", "+46" + national)
    prefix = _PREFIX.search(text, max(0, start - 3), start)
    begin = prefix.start() if prefix else start
    if (
        not (free or prefix or _WITH_SIGN.match(text, start))
        or text.startswith("000", start)
        or (not worded and _DATE.match(text, start))
    ):
        return None
    found = None
    for form in _FORMS:
        match = form.match(text, begin)
        if match is None or (found and match.end() == found.end):
            continue
        longer = _longest(text, begin, match.end(), worded)
        if longer and (found is None or (longer.end > found.end and len(longer.normal) <= 12)):
            found = longer
    return found


def _longest(text: str, begin: int, end: int, in_context: bool) -> Candidate | None:
    """Return the longest number that begins at `begin` and ends with a run of digits before `end`."""
    ends = [run.end() - begin for run in _RUN.finditer(text, begin, end)]
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
        separated = len(digits) < len(written) and _AREA.match(written)
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


def _without_prefix(text: str, start: int, worded: bool) -> Candidate | None:
    """Return a number that begins with neither 0 nor +: `46701740605`, or after a word such as `tel`."""
    if not worded and text[start] != "4":
        return None
    match = _BARE.match(text, start)
    if match is None:
        return None
    digits = _NOT_DIGITS.sub("", match.group())
    if _MOBILE.fullmatch(digits):
        return Candidate(start, match.end(), "phone", "+" + digits)
    if worded and 5 <= len(digits) <= 12:
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
