"""What a permission's constraints say, one left operand at a time. Pure.

Each left operand may be stated once in a permission (dateTime once with gteq, once with lt): a second statement would
either be without effect or hide the first.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, cast
from uuid import UUID

from services.access.terms.jsonld import Member, Reader, child, items, operands
from services.access.terms.vocabulary import (
    ANY_PURPOSE,
    COUNTRIES,
    COUNTRY_URN,
    COURSE_URN,
    EEA,
    END_OF_TIME,
    MAX_DELETION_DAYS,
    ODRL,
    PARTNER_URN,
    PROFILE,
    PURPOSES,
    SECTOR_URN,
    SECTORS,
    THRESHOLDS,
    WORLDWIDE,
    XSD,
    Threshold,
)

Said = dict[str, Any]
"""What has been said so far, under the normal form's names ("from" and "until" stand alone until the end).

Where some of it was said is under names that end in "place" or "places".
"""

MAX_VALUES: Final = 500
MAX_COURSES: Final = 20

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_DAYS = re.compile(r"P(?:(\d{1,6})W|(\d{1,6})D)", re.ASCII)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_PURPOSE_NAMES: Final = {spelt: p for p in (*PURPOSES, ANY_PURPOSE) for spelt in (p, PROFILE + p)}
_COUNTRY_NAMES: Final = {spelt: c for c in (*sorted(COUNTRIES), "EEA", WORLDWIDE) for spelt in (c, COUNTRY_URN + c)}
_GATE_NAMES: Final = {"none": "none", "required": "required"}


def plain(iri: str) -> str:
    """Return the last part of an IRI, for people."""
    return iri.rpartition("/")[2].rpartition("#")[2]


def _values(reader: Reader, right: Member, operator: str, *, many: str) -> list[Member]:
    """Return the right operands: one for eq, at least one for the operator `many`."""
    found = list(operands(right))
    if operator == ODRL + "eq" and len(found) != 1:
        reader.fault(right.pointer, "one-value-expected")
        return []
    if not found or len(found) > MAX_VALUES:
        reader.fault(right.pointer, "value-count", limit=MAX_VALUES)
        return []
    return found


def _operator(reader: Reader, at: Member, operator: str, *known: str) -> bool:
    if operator in {ODRL + name for name in known}:
        return True
    reader.fault(at.pointer, "operator-not-supported", operator=plain(operator), known=", ".join(known))
    return False


def _distinct(reader: Reader, found: list[tuple[Member, str]], taken: set[str]) -> None:
    """Note values that are there already, which would be without effect."""
    for at, value in found:
        if value in taken:
            reader.fault(at.pointer, "value-redundant", value=value)
        taken.add(value)


def _words(reader: Reader, values: list[Member], names: Mapping[str, str], code: str) -> list[tuple[Member, str]]:
    found: list[tuple[Member, str]] = []
    for at in values:
        word = reader.word(at, names)
        if word is None:
            reader.fault(at.pointer, code, value=at.value if isinstance(at.value, str) else _inner(at.value))
        else:
            found.append((at, word))
    return found


def _inner(value: Any) -> str:
    if isinstance(value, dict):
        return str(next(iter(cast(dict[str, Any], value).values()), ""))
    return type(value).__name__


def _purpose(reader: Reader, operator: str, at: Member, right: Member) -> Said:
    if not _operator(reader, at, operator, "eq", "isAnyOf"):
        return {}
    found = _words(reader, _values(reader, right, operator, many="isAnyOf"), _PURPOSE_NAMES, "purpose-unknown")
    names = {name for _, name in found}
    for place, name in found:
        wider = [w for w in names if (w == ANY_PURPOSE and name != w) or name.startswith(w + "/")]
        if wider:
            reader.fault(place.pointer, "value-redundant", value=name)
    _distinct(reader, found, set())
    if ANY_PURPOSE in names:
        return {"purposes": {"any": True, "list": []}}
    return {"purposes": {"any": False, "list": sorted(names)}}


def _recipient(reader: Reader, operator: str, at: Member, right: Member) -> Said:
    if not _operator(reader, at, operator, "eq", "isAnyOf"):
        return {}
    partners: set[str] = set()
    sectors: set[str] = set()
    for place in _values(reader, right, operator, many="isAnyOf"):
        text = _text(place.value)
        if text.startswith(PARTNER_URN) and _UUID.fullmatch(text.removeprefix(PARTNER_URN).lower()):
            name, kind = str(UUID(text.removeprefix(PARTNER_URN))), partners
        elif text.removeprefix(SECTOR_URN) in SECTORS and text.startswith(SECTOR_URN):
            name, kind = text.removeprefix(SECTOR_URN), sectors
        else:
            reader.fault(place.pointer, "recipient-unknown", value=text)
            continue
        _distinct(reader, [(place, name)], kind)
    return {"recipients": {"any": False, "partners": sorted(partners), "sectors": sorted(sectors)}}


def _spatial(reader: Reader, operator: str, at: Member, right: Member) -> Said:
    if not _operator(reader, at, operator, "eq", "isAnyOf"):
        return {}
    found = _words(reader, _values(reader, right, operator, many="isAnyOf"), _COUNTRY_NAMES, "country-unknown")
    countries: set[str] = set()
    # Areas first: a country that lies in a named area adds nothing, wherever it stands in the list.
    for place, name in sorted(found, key=lambda entry: len(entry[1]), reverse=True):
        members = EEA if name == "EEA" else (name,)
        if countries & {*members, WORLDWIDE}:
            reader.fault(place.pointer, "value-redundant", value=name)
        countries |= set(members)
    if WORLDWIDE in countries:
        return {"countries": {"any": True, "list": []}, "countries_stated": True}
    return {"countries": {"any": False, "list": sorted(countries)}, "countries_stated": True}


def instant(reader: Reader, at: Member) -> int | None:
    """Return an xsd:dateTime with zone as whole seconds since 1970."""
    text = reader.scalar(at, XSD + "dateTime")
    if text is None:
        return None
    match = _INSTANT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        reader.fault(at.pointer, "time-invalid")
        return None
    local, fraction, zone = match.groups()
    if zone is None:
        reader.fault(at.pointer, "time-without-zone")
        return None
    if fraction and fraction.strip(".0"):
        reader.fault(at.pointer, "time-below-a-second")
        return None
    try:
        seconds = (datetime.fromisoformat(local + zone.replace("Z", "+00:00")) - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        reader.fault(at.pointer, "time-invalid")
        return None
    if not 0 <= seconds <= END_OF_TIME:
        reader.fault(at.pointer, "time-out-of-range")
        return None
    return seconds


def written(seconds: int) -> str:
    """Return whole seconds since 1970 as an xsd:dateTime in UTC."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _date_time(reader: Reader, operator: str, at: Member, right: Member) -> Said:
    values = list(operands(right))
    if len(values) != 1:
        reader.fault(right.pointer, "one-value-expected")
        return {}
    seconds = instant(reader, values[0])
    if seconds is None:
        return {}
    name = plain(operator)
    if name == "gteq":
        return {"from": seconds}
    if name == "lt":
        return {"until": seconds}
    # Time here is in whole seconds, with the end outside: gt and lteq would be off by a part of a second.
    mended = {"gt": "gteq", "lteq": "lt"}.get(name)
    if mended and seconds < END_OF_TIME:
        reader.fault(at.pointer, "operator-inexact", operator=name, instead=f"{mended} {written(seconds + 1)}")
    else:
        reader.fault(at.pointer, "operator-not-supported", operator=name, known="gteq, lt")
    return {}


def _commercial(reader: Reader, operator: str, at: Member, right: Member) -> Said:
    if not _operator(reader, at, operator, "eq"):
        return {}
    for place in _values(reader, right, operator, many="eq"):
        value = reader.scalar(place, XSD + "boolean")
        if isinstance(value, bool) or value in ("true", "false"):
            return {"commercial": value in (True, "true")}
        if value is not None:
            reader.fault(place.pointer, "value-type-wrong", expected="boolean")
    return {}


def _course(reader: Reader, operator: str, at: Member, right: Member) -> Said:
    if not _operator(reader, at, operator, "eq", "isAllOf"):
        return {}
    found: list[tuple[Member, str]] = []
    for place in _values(reader, right, operator, many="isAllOf"):
        text = _text(place.value)
        slug = text.removeprefix(COURSE_URN)
        # A bare name as @id would be relative to wherever the policy came from.
        relative = slug == text and not isinstance(place.value, str)
        if relative or not _SLUG.fullmatch(slug):
            reader.fault(place.pointer, "course-invalid", value=slug)
        else:
            found.append((place, slug))
    if len(found) > MAX_COURSES:
        reader.fault(right.pointer, "value-count", limit=MAX_COURSES)
    _distinct(reader, found, set())
    return {"courses": sorted({slug for _, slug in found}), "course-places": {slug: p.pointer for p, slug in found}}


def _gate(reader: Reader, operator: str, at: Member, right: Member) -> Said:
    if not _operator(reader, at, operator, "eq"):
        return {}
    found = _words(reader, _values(reader, right, operator, many="eq"), _GATE_NAMES, "gate-unknown")
    return {"gate": found[0][1]} if found else {}


def _threshold(what: Threshold, reader: Reader, operator: str, at: Member, right: Member) -> Said:
    if not _operator(reader, at, operator, "gteq" if what.least else "lteq"):
        return {}
    values = list(operands(right))
    if len(values) != 1:
        reader.fault(right.pointer, "one-value-expected")
        return {}
    number = reader.integer(values[0], XSD + "integer")
    if number is None:
        return {}
    if not what.low <= number <= what.high:
        reader.fault(values[0].pointer, "number-out-of-range", low=what.low, high=what.high)
        return {}
    return {f"gate-{what.name}": number, f"gate-{what.name}-place": right.pointer}


def _text(value: Any) -> str:
    """Return a string, or the @id or @value of an object that has nothing else; "" for all other values."""
    if isinstance(value, dict):
        members = cast(dict[str, Any], value)
        value = next(iter(members.values())) if set(members) in ({"@id"}, {"@value"}) else None
    return value if isinstance(value, str) else ""


_OPERANDS: Final[Mapping[str, Callable[[Reader, str, Member, Member], Said]]] = {
    ODRL + "purpose": _purpose,
    ODRL + "recipient": _recipient,
    ODRL + "spatial": _spatial,
    ODRL + "dateTime": _date_time,
    PROFILE + "commercial": _commercial,
    PROFILE + "course": _course,
    PROFILE + "gate": _gate,
    **{what.word: partial(_threshold, what) for what in THRESHOLDS},
}

_MEMBERS: Final = {
    **dict.fromkeys(("@id", "@type", ODRL + "leftOperand", ODRL + "operator", ODRL + "rightOperand", ODRL + "and"), ""),
    **dict.fromkeys((ODRL + n for n in ("or", "xone", "andSequence")), "logic-not-supported"),
    **dict.fromkeys((ODRL + n for n in ("rightOperandReference", "unit", "status")), "not-supported"),
}
_THREE: Final = (ODRL + "leftOperand", ODRL + "operator", ODRL + "rightOperand")


def _atoms(reader: Reader, at: Member, *, nested: bool = False) -> Iterator[tuple[Member, Member, Member, Member]]:
    """Yield (constraint, left operand, operator, right operand) of a constraint, or of each in a flat `and`."""
    if at.value in ([], {}, None, ""):
        reader.fault(at.pointer, "empty-value", name="constraint")
        return
    faults = len(reader.faults)
    members = reader.node(at, _MEMBERS)
    if members is None:
        return
    logical = members.get(ODRL + "and")
    expected = ODRL + ("LogicalConstraint" if logical else "Constraint")
    if "@type" in members and len(reader.faults) == faults and reader.token(members["@type"]) != expected:
        reader.fault(members["@type"].pointer, "type-wrong", expected=plain(expected))
    if logical is None:
        missing = [name for name in _THREE if name not in members]
        if missing and len(reader.faults) == faults:
            reader.fault(at.pointer, "key-missing", name=", ".join(plain(name) for name in missing))
        if not missing:
            left, operator, right = (members[name] for name in _THREE)
            yield at, left, operator, right
    elif nested or any(name in members for name in _THREE):
        reader.fault(logical.pointer, "logic-nested")
    else:
        for part in operands(logical):
            yield from _atoms(reader, part, nested=True)


def read_constraints(reader: Reader, at: Member | None) -> Said:
    """Return what the constraints at `at` of a permission say together."""
    said: Said = {}
    if at is None:
        return said
    for entry in items(at):
        for place, left, operator_at, right in _atoms(reader, entry):
            operand, operator = reader.token(left), reader.token(operator_at)
            if operand is not None and operand not in _OPERANDS:
                reader.fault(left.pointer, "operand-not-supported", operand=plain(operand))
            if operand not in _OPERANDS or operator is None:
                continue
            found = _OPERANDS[operand](reader, operator, operator_at, right)
            if found.keys() & said.keys():
                reader.fault(place.pointer, "constraint-twice", operand=plain(operand))
            said |= found
    if "from" in said and "until" in said and said["from"] >= said["until"]:
        reader.fault(at.pointer, "period-empty")
    return said


def read_delay(reader: Reader, at: Member) -> int | None:
    """Return the days within which an odrl:delete duty is done: one constraint, delayPeriod lteq PnD or PnW."""
    faults = len(reader.faults)
    found = [atom for entry in items(at) for atom in _atoms(reader, entry)]
    if len(found) != 1:
        if len(reader.faults) == faults:
            reader.fault(at.pointer, "delay-missing")
        return None
    _, left, operator_at, right = found[0]
    operator = reader.token(operator_at)
    if reader.token(left) != ODRL + "delayPeriod":
        reader.fault(left.pointer, "operand-not-supported", operand=plain(_text(left.value)))
        return None
    if operator is None or not _operator(reader, operator_at, operator, "lteq"):
        return None
    values = list(operands(right))
    text = reader.scalar(values[0], XSD + "duration") if len(values) == 1 else ""
    if text is None:
        return None
    match = _DAYS.fullmatch(text) if isinstance(text, str) else None
    days = int(match[1]) * 7 if match and match[1] else int(match[2]) if match else -1
    if not 0 <= days <= MAX_DELETION_DAYS:
        reader.fault(right.pointer, "duration-not-in-days", limit=MAX_DELETION_DAYS)
        return None
    return days


__all__ = ["Said", "child", "plain", "read_constraints", "read_delay", "written"]
