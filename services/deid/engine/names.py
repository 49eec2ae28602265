"""Names of files identify people too: each part of a path is treated as text, and no two files get one name."""

import hashlib
import unicodedata
from pathlib import PurePosixPath

from services.deid.engine.plan import Plan, Span

_MAX_PART_BYTES = 200
"""Of 255 that a part may have: the rest is for the number that tells equal names apart."""
_MAX_PATH_BYTES = 1000
_REMEMBERED = 2000


def treat_path(path: str, plan: Plan) -> str:
    """Return the path under which the result of a file is kept (see `treat_path_counted`)."""
    return treat_path_counted(path, plan)[0]


def treat_path_counted(path: str, plan: Plan) -> tuple[str, dict[str, int]]:
    """Return the path for a file's result, and how much was found in it by kind.

    Each part goes through the text operators by itself, as it is and with `_`, `-`, `.` and the like read as spaces
    (`anna_svensson_2.jpg`); the extension stays. Without text operators in the recipe the path stays as it is.
    """
    if plan.text is None:
        return path, {}
    counts: dict[str, int] = {}
    parts = path.split("/")
    last = PurePosixPath(parts[-1])
    # What is no usual extension (`.Svensson`) is part of the name.
    suffix = last.suffix if 1 < len(last.suffix) <= 9 and last.suffix[1:].isalnum() and last.suffix.isascii() else ""
    stems = [*parts[:-1], parts[-1].removesuffix(suffix) if suffix else parts[-1]]
    treated: list[str] = []
    for stem in stems:
        part, found = _remembered_part(stem, plan)
        treated.append(part)
        for kind, number in found.items():
            counts[kind] = counts.get(kind, 0) + number
    treated[-1] += suffix
    made = "/".join(treated)
    if len(made.encode("utf-8")) > _MAX_PATH_BYTES:
        made = f"{hashlib.sha256(made.encode('utf-8')).hexdigest()[:32]}{suffix}"
    return made, counts


_AS_SPACES = str.maketrans({character: " " for character in "_-.+,;=()[]{}'"})


def _remembered_part(part: str, plan: Plan) -> tuple[str, dict[str, int]]:
    remembered = plan.treated_parts
    if part not in remembered:
        if len(remembered) >= _REMEMBERED:
            remembered.clear()
        remembered[part] = _treat_part(part, plan)
    return remembered[part]


def _treat_part(part: str, plan: Plan) -> tuple[str, dict[str, int]]:
    """Return a part as it is treated, and how much was found in it by kind."""
    spans: list[Span] = []
    # The second reading has the same length, so its offsets are those of the part itself.
    for reading in dict.fromkeys((part, part.replace("_", " "), part.translate(_AS_SPACES))):
        result = plan.text.treat(reading)
        if result.withheld:
            # What cannot be looked through is not kept.
            return "file", {}
        for span in result.spans:
            if all(span.end <= taken.start or taken.end <= span.start for taken in spans):
                spans.append(span)
    if not spans:
        return part, {}
    made, at = "", 0
    counts: dict[str, int] = {}
    for span in sorted(spans, key=lambda span: span.start):
        made += part[at : span.start] + span.after
        at = span.end
        counts[span.kind] = counts.get(span.kind, 0) + 1
    return _fit(made + part[at:]), counts


def _fit(part: str) -> str:
    """Return a part of a path that every store takes: no separators or controls, not empty, not too long."""
    part = unicodedata.normalize("NFC", part)
    part = "".join("-" if c in "/\\" or unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") else c for c in part)
    while len(part.encode("utf-8")) > _MAX_PART_BYTES:
        part = part[:-1]
    return part if part.strip(" .") else "file"


class Taken:
    """The names that are taken in a version, so that files get different ones: the same for the same list of files.

    Names are compared as the most forgiving file system does: without case, composed or not, without dots and spaces at
    the end. A file and a folder never share a name.
    """

    def __init__(self) -> None:
        self._files: set[bytes] = set()
        self._folders: set[bytes] = set()

    def take(self, path: str) -> str:
        """Return `path` or, where it is taken, the path with the smallest number that is free: `report-2.txt`."""
        number, parts = 1, path.split("/")
        while True:
            numbered = _numbered(path, number)
            # A folder may not have the name of a file: then its name gets the number, for all that lies in it.
            clash = next((n for n in range(1, len(parts)) if _key("/".join(parts[:n])) in self._files), None)
            if clash is not None:
                parts[clash - 1] += "-folder"
                path, number = "/".join(parts), 1
                continue
            key = _key(numbered)
            if key not in self._files and key not in self._folders:
                break
            number += 1
        self.add(numbered)
        return numbered

    def add(self, path: str) -> None:
        """Note that a name is taken."""
        self._files.add(_key(path))
        parts = path.split("/")
        self._folders.update(_key("/".join(parts[:n])) for n in range(1, len(parts)))


def _numbered(path: str, number: int) -> str:
    if number == 1:
        return path
    folder, slash, name = path.rpartition("/")
    suffix = PurePosixPath(name).suffix
    return f"{folder}{slash}{name.removesuffix(suffix)}-{number}{suffix}"


def _key(path: str) -> bytes:
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
    folded = "/".join(part.rstrip(" .") or part for part in unicodedata.normalize("NFD", folded.casefold()).split("/"))
    return hashlib.blake2b(folded.encode("utf-8"), digest_size=12).digest()
