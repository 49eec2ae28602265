"""The text plan put to cells: every distinct value is looked at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.deid.engine.table.withhold import Withheld


class Span(Protocol):
    """What a text plan found; offsets are into the original text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def operator(self) -> str: ...
    @property
    def after(self) -> str: ...


class TextResult(Protocol):
    """A treated text."""

    @property
    def text(self) -> str: ...
    @property
    def spans(self) -> Sequence[Span]: ...


class TextPlan(Protocol):
    """The text operators of a recipe, as `engine.text.pipeline` builds them."""

    def treat(self, text: str, context: str = "") -> TextResult:
        """Return the text with everything found replaced; `context` is what its place says of it."""
        ...


@dataclass(frozen=True)
class Hit:
    """A value in which the plan found something."""

    before: str
    after: str
    spans: tuple[Span, ...]

    def remains(self) -> bool:
        """Whether what was not replaced could still name or number a person."""
        left, position = "", 0
        for span in self.spans:
            left += self.before[position : span.start] + "\n"
            position = span.end
        return telling(left + self.before[position:])


_CACHED_LENGTH = 256
_CACHED_VALUES = 500_000
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+\-]?[\d\s.,:/()*xX\-]*")


_TELLING = re.compile(r"[^\W\d_]{2}|(?:\d\D{0,3}){6}")


def telling(value: str) -> bool:
    """Whether a cell could name or number a person: two letters in a row, or six digits near each other.

    Only such cells are places to ask a steward about; `3.4` and `J` would be judged right without being read.
    """
    return _TELLING.search(value) is not None


class CellText:
    """Treats cells by the plan and remembers short ones: columns repeat themselves."""

    def __init__(self, plan: TextPlan, spreadsheet: bool = False) -> None:
        """`spreadsheet`: what is written may be opened in one, which takes some texts for formulas."""
        self._plan = plan
        self._spreadsheet = spreadsheet
        self._known: dict[tuple[str, str], Hit | None] = {}

    def hit(self, value: str, context: str = "") -> Hit | None:
        """Return what was found in a value of a column called `context`, or None when nothing was.

        Raises Withheld with the plan's own reason when it cannot treat the value.
        """
        key = (context, value)
        if key in self._known:
            return self._known[key]
        result = self._plan.treat(value, context) if value and not value.isspace() else None
        if result is not None and (code := getattr(result, "withheld", None)):
            raise Withheld(code)
        found = None
        if result is not None and (result.spans or result.text != value):
            after = defused(result.text, value) if self._spreadsheet else result.text
            found = Hit(value, after, tuple(result.spans))
        if len(value) <= _CACHED_LENGTH:
            if len(self._known) >= _CACHED_VALUES:
                self._known.clear()
            self._known[key] = found
        return found


def defused(after: str, before: str) -> str:
    """Return a treated value so that no spreadsheet takes it for a formula.

    Only what treatment changed is looked at: a donor's own cells stay as they are, negative numbers among them. An
    apostrophe before the cell is what OWASP's page on CSV injection advises.
    """
    if after == before or not _FORMULA.match(after) or _NUMBER.fullmatch(after):
        return after
    return "'" + after
