"""The lists that `names/build.py` made, loaded once a process."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Lexicon:
    """Names and ordinary words, in lower case."""

    first: frozenset[str]
    last: frozenset[str]
    words: frozenset[str]
    """Words seen as ordinary ones, in lower case, or at the beginning of a sentence."""
    others: frozenset[str]
    """Words seen in names of places, organisations and works."""


def parse(text: str) -> dict[str, frozenset[str]]:
    """Return the sections of a lexicon file."""
    sections: dict[str, frozenset[str]] = {}
    for part in text.split("\n[")[1:]:
        name, _, words = part.partition("]\n")
        sections[name] = frozenset(words.split())
    return sections


@cache
def lexicon() -> Lexicon:
    """Return the lexicon of this installation."""
    return of_sections(parse(Path(__file__).with_name("lexicon.txt").read_text("utf-8")))


def of_sections(sections: dict[str, frozenset[str]]) -> Lexicon:
    """Return the lexicon made of the sections of a file."""
    words = sections["corpus-words"] | sections["corpus-openers"]
    return Lexicon(
        first=sections["first"] | sections["foreign-first"] | sections["corpus-first"],
        last=sections["last"] | sections["foreign-last"] | sections["corpus-last"] | sections["corpus-alone"],
        words=words,
        others=sections["corpus-others"],
    )
