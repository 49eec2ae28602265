"""Text that people type: normalised to NFC, without control characters, of a sensible length."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

# Bidirectional overrides and isolates make a text read differently from what it is (CVE-2021-42574).
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LAYOUT = frozenset("\n\r\t")


def _clean(value: str, *, layout: bool) -> str:
    value = unicodedata.normalize("NFC", value)
    for position, char in enumerate(value):
        if char in _LAYOUT and layout:
            continue
        if char in _BIDI or unicodedata.category(char) in {"Cc", "Cs"}:
            raise PydanticCustomError(
                "control-character",
                "character U+{code} at position {position} is not allowed in this text",
                {"code": f"{ord(char):04X}", "position": position},
            )
    if not value.strip():
        raise PydanticCustomError("blank-text", "the text is empty")
    return value.strip()


def clean_line(value: str) -> str:
    """Return `value` in NFC without surrounding space; refuse control characters and bidirectional overrides."""
    return _clean(value, layout=False)


def clean_text(value: str) -> str:
    """Like `clean_line`, but line breaks and tabs are allowed."""
    return _clean(value, layout=True)


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(clean_line)]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(clean_text)]
