"""Comma-separated values (RFC 4180), such that no spreadsheet runs a cell and every cell comes back as it was. Pure.

**Escaping.** A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula (CWE-1236), and one that
splits at another separator than the file's (`;` in Swedish) sees beginnings inside cells too. So wherever a cell, or
what follows a `,`, `;`, tab or line end within one, begins with such a character (after any spaces, apostrophes and
quotation marks), an apostrophe is put there. Reading takes one apostrophe away at every such place. As reading takes
away exactly what writing put there, every cell is read as it was written, whatever apostrophes it had of its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from services.annotation.campaigns.reader import Fault
from services.annotation.exports.bounded import BadAnnotationFile

SEPARATORS: Final = (",", ";", "\t")
"""What parts the cells of a file; the first row tells. A Swedish spreadsheet writes `;`."""

# Formula signs, those of full width too (East Asian spreadsheets take them for the same).
_SIGNS: Final = "=+\\-@＝＋－＠"
# What may stand before the sign and yet leave it first in the eyes of a program that trims: no separator is among it.
_SKIPPED: Final = (
    "'\"\u0000-\u0008\u000b\u000c\u000e-\u0020\u007f-\u00a0\u2000-\u200f\u2028\u2029\u202f\u205f-\u206f\u3000\ufeff"
)
_BEGINNING: Final = "(?<![^,;\t\r\n])"
_DANGER: Final = re.compile(f"{_BEGINNING}(?=[{_SKIPPED}]*+[{_SIGNS}])")
_ESCAPED: Final = re.compile(f"{_BEGINNING}'(?=[{_SKIPPED}]*+[{_SIGNS}])")
_QUOTED: Final = re.compile('[",;\t\r\n]|^\\s|\\s$')
_CELL: Final = {
    separator: re.compile(f'(?:"((?:[^"]++|"")*+)"|([^"\r\n{separator}]*+))({separator}|\r\n|\n|\r|\\Z)')
    for separator in SEPARATORS
}


def escape(text: str) -> str:
    """Return a text that no spreadsheet runs; see the module."""
    return _DANGER.sub("'", text)


def unescape(text: str) -> str:
    """Return what `escape` was given."""
    return _ESCAPED.sub("", text)


def row(cells: Iterable[str]) -> str:
    """Return one line of a file, its end (CRLF) with it; cells are quoted where they must be."""
    return (
        ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' if _QUOTED.search(cell) else cell for cell in cells) + "\r\n"
    )


def separator_of(text: str) -> str:
    """Return what parts the cells of a file: of the separators, the one that its first line has most of."""
    first = re.split("[\r\n]", text, maxsplit=1)[0]
    return max(SEPARATORS, key=lambda separator: (first.count(separator), -SEPARATORS.index(separator)))


def rows(text: str, separator: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield (line, cells) for each row that is not blank; `line` from 1, where the row begins. BadAnnotationFile."""
    cell = _CELL[separator]
    position, line, begun = 0, 1, 1
    cells: list[str] = []
    while position < len(text):
        found = cell.match(text, position)
        if found is None:
            raise BadAnnotationFile([Fault(f"line {line}", "csv-quote", {"line": line})])
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if quoted:
            line += len(re.findall("\r\n|\r|\n", quoted))
        position = found.end()
        if end == separator:
            if position == len(text):
                cells.append("")
            else:
                continue
        if cells != [""] or quoted is not None:
            yield begun, cells
        line += 1
        begun, cells = line, []
