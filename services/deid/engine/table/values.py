"""Reading and coarsening single values: dates, numbers, postal codes. Everything comes as text and goes as text."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

DateUnit = Literal["month", "quarter", "year", "five-years", "decade"]
UNITS: tuple[DateUnit, ...] = ("month", "quarter", "year", "five-years", "decade")
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", ".", "saknas", "uppgift saknas", "missing"})
"""What stands for no value at all, casefolded and stripped."""
SUPPRESSED = "*"
"""What stands where a value is held back (Samarati and Sweeney 1998 write it so)."""

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_COMPACT = re.compile(r"((?:1[89]|20)\d{2})(\d{2})(\d{2})")
_SHORT = re.compile(r"(\d{2})(\d{2})(\d{2})")
_EUROPEAN = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?: \d{1,2}:\d{2}.*)?")
_YEAR_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_YEAR = re.compile(r"(1[89]\d{2}|20\d{2})")
_YEARS = re.compile(r"(\d{4})/(\d{4})")
_PIVOT = 30
"""Two-digit years below it are of this century."""


def is_missing(value: str | None) -> bool:
    """Whether a value says that there is none."""
    return value is None or value.strip().casefold() in MISSING


@dataclass(frozen=True)
class Span:
    """A stretch of time that a written date stands for: a day, or what an earlier generalisation left of it."""

    first: date
    years: int = 0
    """0 for a part of a year, else how many years it covers."""
    months: int = 0
    """0 for a day, 1 for a month, 3 for a quarter, 12 or more for years."""


def month_first(values: Sequence[str]) -> bool:
    """Whether dates with slashes are American: the second number of one is above 12, the first of none."""
    pairs = [m for v in values if (m := _EUROPEAN.fullmatch(v.strip()))]
    return any(int(m[2]) > 12 for m in pairs) and not any(int(m[1]) > 12 for m in pairs)


def parse_date(value: str, american: bool = False) -> Span | None:
    """Read a date in any of its usual forms, or what a generalised one looks like; None for anything else."""
    text = value.strip()
    try:
        if found := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
            return Span(date(int(found[1]), int(found[2]), int(found[3])))
        if found := _EUROPEAN.fullmatch(text):
            day, month = (found[2], found[1]) if american else (found[1], found[2])
            return Span(date(int(found[3]), int(month), int(day)))
        if found := _SHORT.fullmatch(text):
            year = int(found[1])
            return Span(date(year + (2000 if year < _PIVOT else 1900), int(found[2]), int(found[3])))
        if found := _YEAR_MONTH.fullmatch(text):
            return Span(date(int(found[1]), int(found[2]), 1), months=1)
        if found := _QUARTER.fullmatch(text):
            return Span(date(int(found[1]), 3 * int(found[2]) - 2, 1), months=3)
        if found := _YEAR.fullmatch(text):
            return Span(date(int(found[1]), 1, 1), 1, 12)
        if (found := _YEARS.fullmatch(text)) and int(found[2]) >= int(found[1]):
            years = int(found[2]) - int(found[1]) + 1
            return Span(date(int(found[1]), 1, 1), years, 12 * years)
    except ValueError:
        return None
    return None


_MONTHS: dict[DateUnit, int] = {"month": 1, "quarter": 3, "year": 12, "five-years": 60, "decade": 120}


def date_label(span: Span, unit: DateUnit, value: str) -> str:
    """Write a date as coarse as `unit` (ISO 8601: `1981-12`, `1981`, `1980/1989`); what is coarser stays as it is."""
    if span.months >= _MONTHS[unit]:
        return value.strip()
    year = span.first.year
    if unit == "month":
        return f"{year:04}-{span.first.month:02}"
    if unit == "quarter":
        return f"{year:04}-Q{(span.first.month + 2) // 3}"
    if unit == "year":
        return f"{year:04}"
    size = 5 if unit == "five-years" else 10
    return f"{year - year % size:04}/{year - year % size + size - 1:04}"


def date_share(unit: DateUnit, days: float) -> float:
    """What part of a range of so many days a unit covers."""
    return min(1.0, _MONTHS[unit] * 30.44 / days) if days > 0 else 0.0


_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?")
_PLAIN = re.compile(r"[+\-\u2212]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")


def parse_number(value: str) -> float | None:
    """Read a number with decimal point or comma, thousands grouped by spaces; None for anything else."""
    text = value.strip()
    if _GROUPED.fullmatch(text):
        text = re.sub(r"\s", "", text)
    elif not _PLAIN.fullmatch(text):
        return None
    number = float(text.replace(",", ".").replace("\u2212", "-"))
    return number if math.isfinite(number) else None


def band(number: float, width: float, origin: float = 0.0) -> float:
    """Return the lower end of the band of `width` that a number lies in."""
    return origin + math.floor((number - origin) / width + 1e-9) * width


def band_label(low: float, width: float, whole: bool) -> str:
    """Write a band: `20-29` for whole numbers from 0 up, else the half-open interval `[-20, -10)`."""
    if whole and low >= 0 and float(width).is_integer() and float(low).is_integer():
        return f"{int(low)}-{int(low + width) - 1}" if width > 1 else f"{int(low)}"
    return f"[{low:.10g}, {low + width:.10g})"


_POSTAL = re.compile(r"(?:[A-Za-z]{1,2}[- ]?)?(\d[\d ]*\d|\d)\**")


def postal_label(value: str, digits: int) -> str | None:
    """Keep the first digits of a postal code: `123 45` at 3 is `123**`. None for what is none."""
    found = _POSTAL.fullmatch(value.strip())
    if found is None:
        return None
    kept = found[1].replace(" ", "")
    length = len(kept) + value.count("*")
    if not 3 <= length <= 10:
        return None
    return kept[:digits] + "*" * max(0, length - min(digits, len(kept)))
