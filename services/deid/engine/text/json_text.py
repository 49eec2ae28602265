"""JSON (RFC 8259) and JSON Lines: strings, keys and numbers are treated where they stand; the rest keeps its bytes."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from services.deid.engine.text.pipeline import TextPlan, TextResult
from services.deid.engine.text.report import Report, characters
from services.deid.engine.text.views import Edit, edited

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|-?[0-9][0-9.eE+-]*|[][{}:,]')
_UNICODE_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_REMEMBERED = 10_000
"""Results kept by text and key: in rows of records the same keys and values come again and again."""


class BadJson(ValueError):
    """The text is no JSON, nor lines of it; `code` is the reason why the file is withheld."""

    code = "json-invalid"


class _Object:
    """An object whose members are being read."""

    def __init__(self, context: str) -> None:
        self.context = context  # of the object itself
        self.key = ""
        self.keys: set[str] = set()
        self.renamed: set[str] = set()


class _Token(NamedTuple):
    """A string or a number, and what it is in its object."""

    start: int
    end: int
    context: str
    key_of: _Object | None
    """The object whose key it is; None for a value."""


def treat_json_text(text: str, plan: TextPlan, report: Report) -> tuple[str, str | None]:
    """Return the treated text, and why it is withheld if it is. BadJson when it is no JSON."""
    _check(text)
    edits: list[Edit] = []
    results: dict[tuple[str, str], TextResult] = {}
    for token in _tokens(text):
        written = text[token.start : token.end]
        value = _value(written)
        result = results.get((value, token.context))
        if result is None:
            result = plan.treat(value, token.context)
            if len(results) < _REMEMBERED:
                results[value, token.context] = result
        if result.withheld:
            return "", result.withheld
        report.add(value, result, _place(token), judged=token.key_of is None)
        if token.key_of is not None:
            after = _key(token.key_of, value, result)
        else:
            after = result.text
        if after != value:
            edits.append(Edit(token.start, token.end, _written(after, written)))
    return edited(text, edits), None


def _place(token: _Token) -> Callable[[int, int], str]:
    return lambda _start, _end: characters(token.start, token.end)


def _check(text: str) -> None:
    """Raise BadJson unless the text is one JSON value, or one a line."""
    try:
        _parse(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise BadJson from None
        try:
            for line in lines:
                _parse(line)
        except (ValueError, RecursionError):
            raise BadJson from None


def _parse(text: str) -> None:
    # Numbers stay text: Python refuses to convert those of more than 4,300 digits.
    json.loads(text, parse_int=str, parse_float=str)


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the strings and numbers of a text that is known to be JSON, with the key that each belongs to."""
    stack: list[_Object | str] = []  # an object, or of an array the key that it belongs to
    wants_key = False
    for match in _TOKEN.finditer(text):
        sign = text[match.start()]
        top = stack[-1] if stack else ""
        if sign in "{[":
            context = top.key if isinstance(top, _Object) else top
            stack.append(_Object(context) if sign == "{" else context)
            wants_key = sign == "{"
        elif sign in "}]":
            stack.pop()
            wants_key = False
        elif sign == ",":
            wants_key = isinstance(top, _Object)
        elif sign == ":":
            wants_key = False
        elif wants_key and isinstance(top, _Object):
            top.key = json.loads(match.group())
            yield _Token(*match.span(), "", top)
        else:
            yield _Token(*match.span(), top.key if isinstance(top, _Object) else top, None)


def _value(written: str) -> str:
    """Return what a token says as text: a string's value, or a number's digits: `8.507091234e9` is `8507091234`."""
    if written[0] == '"':
        return json.loads(written)
    if _INTEGER.fullmatch(written) or len(written) > 40:
        return written
    try:
        number = Decimal(written)
        whole = number == number.to_integral_value() and abs(number.adjusted()) < 20
    except InvalidOperation:
        return written
    return str(int(number)) if whole else written


def _written(value: str, before: str) -> str:
    """Return a value as JSON in the style of the token that it replaces; a number stays one if it can."""
    if before[0] != '"' and _INTEGER.fullmatch(value):
        return value
    lone = any("\ud800" <= character <= "\udfff" for character in value)
    return json.dumps(value, ensure_ascii=lone or _UNICODE_ESCAPE.search(before) is not None)


def _key(holder: _Object, value: str, result: TextResult) -> str:
    """Return a key after treatment. Keys of an object that would become one are told apart, so no value is lost."""
    after = result.text
    if after in holder.keys and (result.spans or after in holder.renamed):
        number = 2
        while f"{after}-{_letters(number)}" in holder.keys:
            number += 1
        after = f"{after}-{_letters(number)}"
    holder.keys.add(after)
    if result.spans:
        holder.renamed.add(after)
    return after


def _letters(number: int) -> str:
    """Return a number in consonants: digits beside a label could be read as an identifier's."""
    letters = ""
    while number:
        number, figure = divmod(number, 16)
        letters = "bcdfghjklmnpqrst"[figure] + letters
    return letters
