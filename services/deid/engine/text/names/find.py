"""Finds names of people."""

import re
from collections.abc import Iterator

from services.deid.engine.text.names.lexicon import Lexicon, lexicon
from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PARTICLES = frozenset(
    {"af", "von", "de", "van", "der", "di", "la", "le", "del", "da", "dos", "al", "el", "ter", "bin"}
)


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield names; `normal` is in lower case, without a genitive's s."""
    return find_with(scan, lexicon())


def find_with(scan: Scan, known: Lexicon) -> Iterator[Candidate]:
    """Yield names by a lexicon."""
    text = scan.text
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        if run and text[run[-1].end() : word.start()] not in (" ", ". "):
            yield from _judge(text, run, known)
            run = []
        if word.group()[0].isupper() or (run and word.group() in _PARTICLES):
            run.append(word)
        elif run:
            yield from _judge(text, run, known)
            run = []
    yield from _judge(text, run, known)


def _judge(text: str, run: list[re.Match[str]], known: Lexicon) -> Iterator[Candidate]:
    while run and _word(run[0].group()) in known.words and not (len(run) > 1 and _stem(run[0].group(), known.first)):
        run = run[1:]
    while run and run[-1].group() in _PARTICLES:
        run = run[:-1]
    for index, word in enumerate(run):
        if _stem(word.group(), known.first) or _stem(word.group(), known.last):
            last = run[-1]
            yield Candidate(run[index].start(), last.end(), "name", normal_form(text[run[index].start() : last.end()]))
            return


def _word(written: str) -> str:
    return written.lower()


def _stem(written: str, names: frozenset[str]) -> bool:
    word = written.lower()
    return word in names or word.removesuffix("s") in names or word.split("-")[0] in names


def normal_form(written: str) -> str:
    """Return a name in lower case, single spaces, no genitive s."""
    name = " ".join(re.sub(r"[^\w' -]", " ", written).lower().split())
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
