"""Swedish number plates: ABC123, and since 2019 ABC12D (Transportstyrelsen, TSFS 2019:90)."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import Scan
from services.deid.engine.text.spans import Candidate

_PLATE = re.compile(r"(?<![^\W_])([A-Za-z]{3})[ -]?([0-9]{2}[0-9A-Za-z])(?![^\W_])")
_UNUSED = frozenset("IQV")
"""Letters that plates do not have. Written all the same, they count after a word; three of them are a surrogate."""
_WORD = re.compile(
    r"(?:reg(?:istrerings)?\.?[ -]?(?:nr|nummer|skylt\w*)|\breg\.?|nummerplåt\w*|skylt\w*|plate|bil(?:en)?|fordon\w*|"
    r"personbil\w*|lastbil\w*|mc|moped\w*|släp\w*|husvagn\w*|volvo|saab|toyota|bmw|audi|vw|volkswagen|ford|kia|tesla)"
    r"\b[^0-9\n]{0,16}$",
    re.IGNORECASE,
)


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield plates in capitals; in small letters, or with letters that plates lack, only after a word such as `reg.nr`."""
    text = scan.text
    for cluster in scan.clusters:
        start = cluster.start
        first, last = cluster.runs[0]
        if not 2 <= last - first <= 3 or start < 3:
            continue
        begin = start - 3 if text[start - 1] not in " -" else start - 4
        if begin < 0:
            continue
        match = _PLATE.match(text, begin)
        if match is None:
            continue
        letters = match[1].upper()
        plain = match.group() == match.group().upper() and not _UNUSED & set(letters)
        if plain or (not set(letters) <= _UNUSED and _WORD.search(text, max(0, begin - 40), begin)):
            yield Candidate(begin, match.end(), "number-plate", letters + match[2].upper())
