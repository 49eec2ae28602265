"""Reading JSON that somebody else wrote: every fault is noted where it stands, nothing is guessed. Pure.

A value that is wrong is noted and read as None; whoever asked goes on, so that one answer tells all faults (at most
`MAX_FAULTS`). Nothing is raised before the end, when `Reader.settle` raises `BadShape`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

MAX_FAULTS: Final = 100
MAX_NUMBER: Final = 1e9
"""No coordinate and no size is beyond this: pixels and characters of a file of at most some gigabytes."""

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `pointer`: RFC 6901 into the JSON read, or `line 3/label` in a file of lines."""

    pointer: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])


class BadShape(Exception):
    """What was read is not what it should be: `faults`, at least one, at most `MAX_FAULTS`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(", ".join(sorted({fault.code for fault in faults})))
        self.faults = tuple(faults)


def child(pointer: str, name: str | int) -> str:
    """Return the pointer to a member or an element of what stands at `pointer` (RFC 6901 §3)."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def storable(text: str) -> bool:
    """Whether a text can be written as UTF-8 and kept in PostgreSQL: no lone surrogate, no NUL."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


class Reader:
    """Reads values of JSON and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    @property
    def full(self) -> bool:
        """Whether so many faults are noted that reading on tells nobody anything."""
        return len(self.faults) >= MAX_FAULTS

    def fault(self, pointer: str, code: str, **params: object) -> None:
        """Note that what stands at `pointer` is wrong."""
        if not self.full:
            self.faults.append(Fault(pointer, code, params))

    def note(self, faults: Sequence[Fault]) -> None:
        """Note faults that somebody else found."""
        self.faults.extend(faults[: MAX_FAULTS - len(self.faults)])

    def settle(self) -> None:
        """Raise BadShape if anything was wrong."""
        if self.faults:
            raise BadShape(self.faults)

    def members(
        self,
        value: Any,
        pointer: str,
        required: Collection[str],
        optional: Collection[str] = (),
        *,
        closed: bool = True,
    ) -> dict[str, Any] | None:
        """Return an object that has the `required` members and, when `closed`, none but these and the `optional`."""
        if not isinstance(value, dict):
            self.fault(pointer, "object-expected")
            return None
        members = cast(dict[str, Any], value)
        missing = [name for name in required if name not in members]
        for name in missing:
            self.fault(pointer, "member-missing", name=name)
        unknown = [name for name in members if name not in required and name not in optional] if closed else []
        for name in unknown:
            self.fault(pointer, "member-unknown", name=shown(name), allowed=", ".join([*required, *optional]))
        return None if missing or unknown else members

    def elements(self, value: Any, pointer: str, limit: int, at_least: int = 0) -> list[Any] | None:
        """Return a list of `at_least` to `limit` elements."""
        if not isinstance(value, list):
            self.fault(pointer, "list-expected")
            return None
        elements = cast(list[Any], value)
        if not at_least <= len(elements) <= limit:
            self.fault(pointer, "list-length", count=len(elements), least=at_least, most=limit)
            return None
        return elements

    def text(self, value: Any, pointer: str, limit: int, *, at_least: int = 0) -> str | None:
        """Return a text of `at_least` to `limit` characters that can be kept as it is."""
        if not isinstance(value, str):
            self.fault(pointer, "text-expected")
        elif not at_least <= len(value) <= limit:
            self.fault(pointer, "text-length", count=len(value), least=at_least, most=limit)
        elif not storable(value):
            self.fault(pointer, "text-not-storable")
        else:
            return value
        return None

    def word(self, value: Any, pointer: str, words: Sequence[_Word]) -> _Word | None:
        """Return one of `words`."""
        for word in words:
            if isinstance(value, str) and value == word:
                return word
        self.fault(pointer, "word-expected", allowed=", ".join(words))
        return None

    def flag(self, value: Any, pointer: str) -> bool | None:
        """Return true or false."""
        if isinstance(value, bool):
            return value
        self.fault(pointer, "flag-expected")
        return None

    def number(self, value: Any, pointer: str) -> float | None:
        """Return a finite number within ±`MAX_NUMBER`, as a float."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(pointer, "number-expected")
            return None
        # Compared before it is converted: an integer of a thousand digits has no float.
        if not -MAX_NUMBER <= value <= MAX_NUMBER or math.isnan(value):
            self.fault(pointer, "number-out-of-range", most=int(MAX_NUMBER))
            return None
        return float(value)

    def integer(self, value: Any, pointer: str, *, at_least: int = 0) -> int | None:
        """Return a whole number from `at_least` to `MAX_NUMBER`; 3.0 is one (JSON knows no integers), 3.5 is not."""
        number = self.number(value, pointer)
        if number is None:
            return None
        if number != int(number) or number < at_least:
            self.fault(pointer, "whole-number-expected", least=at_least)
            return None
        return int(number)


def shown(name: object, limit: int = 40) -> str:
    """Return a name from a foreign file as it may be told back to whoever sent the file: short and printable."""
    text = str(name)
    printable = "".join(character if character.isprintable() else "·" for character in text[:limit])
    return printable + ("…" if len(text) > limit else "")
