"""Swedish number plates: ABC123, and since 2019 ABC12D (Transportstyrelsen, TSFS 2019:90)."""

import re
from collections.abc import Iterator

from services.deid.engine.text.scan import LETTER, Scan
from services.deid.engine.text.spans import Candidate

_PLATE = re.compile(
    rb"99[9a-z](?![9%(letter)b])(?:(?<=[^9%(letter)b][a-z]{3}99.)|(?<=[^9%(letter)b][a-z]{3}[ -]99.)"
    rb"|(?<=\A[a-z]{3}99.)|(?<=\A[a-z]{3}[ -]99.))" % {b"letter": LETTER}
)
"""Searched in the text's shape by its figures, which are rarer than three letters; these are looked for behind."""
_UNUSED = frozenset("IQV")
"""Letters that plates do not have. Written all the same, they count after a word; three of them are a surrogate."""
_WORD = re.compile(
    rb"(?:reg(?:istrerings)?\.?[ -]?(?:nr|nummer|skylt[a-z]*)|\breg\.?|nummerpl\xe5t[a-z]*|skylt[a-z]*|plate|"
    rb"bil(?:en)?|"
    rb"fordon[a-z]*|personbil[a-z]*|lastbil[a-z]*|\bmc|moped[a-z]*|sl\xe4p[a-z]*|husvagn[a-z]*|volvo|saab|"
    rb"toyota|bmw|audi|"
    rb"\bvw|volkswagen|ford|\bkia|tesla)\b[^9\n]{0,16}$"
)


def find(scan: Scan) -> Iterator[Candidate]:
    """Yield plates in capitals; in small letters, or with letters that plates lack, only after a word as `reg.nr`."""
    text, shape = scan.text, scan.shape
    for match in _PLATE.finditer(shape):
        end = match.end()
        begin = end - 7 if shape[end - 4] in b" -" else end - 6
        written = text[begin:end]
        mark = written.upper()
        letters = mark[:3]
        plain = written == mark and not _UNUSED & set(letters)
        if plain or (not set(letters) <= _UNUSED and _WORD.search(shape, max(0, begin - 40), begin)):
            yield Candidate(begin, end, "number-plate", letters + mark[-3:])
