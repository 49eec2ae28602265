"""A recipe's own pattern, in bounded time: the `regex` package stops a search that takes too long."""

from collections.abc import Callable, Iterator

import regex

from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

SECONDS = 2.0
"""For each million characters (one piece of a text); a pattern that needs longer would hold up the run for hours."""


class PatternTimeout(Exception):
    """The pattern took too long on this text; the file is withheld."""

    code = "pattern-timeout"


def compiled(pattern: str, ignore_case: bool) -> "regex.Pattern[str]":
    """Return the pattern compiled; regex.error (or another error of the package) when it is none."""
    return regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)


def finder(pattern: str, kind: str, ignore_case: bool) -> Callable[[Scan], Iterator[Candidate]]:
    """Return a finder for a pattern; `normal` is what it matched, in lower case with single spaces."""
    program = compiled(pattern, ignore_case)

    def find(scan: Scan) -> Iterator[Candidate]:
        try:
            for match in program.finditer(scan.text, timeout=SECONDS):
                start, end = match.span()
                if end > start:
                    yield Candidate(start, end, kind, " ".join(match.group().lower().split()))
        except TimeoutError:
            raise PatternTimeout from None

    return find
