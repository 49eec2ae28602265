"""The lists that `names/build.py` made, loaded once a process."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Lexicon:
    """Names and ordinary words, in lower case. Names of Sweden and those seen in Swedish news, and foreign ones."""

    first: frozenset[str]
    last: frozenset[str]
    foreign_first: frozenset[str]
    foreign_last: frozenset[str]
    words: frozenset[str]
    """Ordinary words: seen in small letters, or as the first of a sentence, and not as a name."""
    others: frozenset[str]
    """Words seen in names of places, organisations and works."""


def parse(text: str) -> dict[str, frozenset[str]]:
    """Return the sections of a lexicon file."""
    sections: dict[str, frozenset[str]] = {}
    for part in text.split("\n[")[1:]:
        name, _, words = part.partition("]\n")
        sections[name] = frozenset(words.split())
    return sections


def of_sections(sections: dict[str, frozenset[str]]) -> Lexicon:
    """Return the lexicon made of the sections of a file."""
    words = sections["corpus-words"] | sections["corpus-openers"]
    seen = sections["corpus-others"] | words
    return Lexicon(
        first=sections["first"] | (sections["corpus-first"] - seen),
        last=sections["last"] | ((sections["corpus-last"] | sections["corpus-alone"]) - seen),
        foreign_first=sections["foreign-first"],
        foreign_last=sections["foreign-last"],
        words=words,
        others=sections["corpus-others"],
    )


FILE = Path(__file__).with_name("lexicon.txt")


@cache
def lexicon() -> Lexicon:
    """Return the lexicon of this installation."""
    return of_sections(parse(FILE.read_text("utf-8")))


@cache
def digest() -> str:
    """Return the SHA-256 (hex) of the lexicon's file: runs record with which names they looked."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()
