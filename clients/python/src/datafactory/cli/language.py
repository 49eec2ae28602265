"""Swedish or English: what this program itself says. What the factory says comes in the same language from there."""

import os
from collections.abc import Mapping, Sequence
from typing import Literal, cast

Language = Literal["en", "sv"]


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """Return the language asked for: `--lang`, FACTORY_LANG, or the locale; English unless Swedish is asked for."""
    asked = ""
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            asked = arguments[position + 1]
        elif argument.startswith("--lang="):
            asked = argument.removeprefix("--lang=")
    if not asked:
        names = ("FACTORY_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
        asked = next((environment[name] for name in names if environment.get(name)), "en")
    return "sv" if asked.lower().startswith("sv") else "en"


class _Current:
    language: Language = language_of((), os.environ)


def set_language(language: Language) -> None:
    """Speak this language from now on. Help texts are fixed when the commands are imported, so set it before."""
    _Current.language = language


def current() -> Language:
    """Return the language spoken."""
    return _Current.language


def say(en: str, sv: str) -> str:
    """Return the text in the language spoken."""
    return sv if _Current.language == "sv" else en


def told(value: object) -> str:
    """Return a text of the factory that may come in both languages (`{"sv": …, "en": …}`), as lines if it is a list."""
    if isinstance(value, Mapping):
        both = cast(Mapping[str, object], value)
        return told(both.get(_Current.language) or both.get("en") or "")
    if isinstance(value, list):
        return "\n".join(f"• {told(line)}" for line in cast(list[object], value))
    return str(value) if value is not None else ""
