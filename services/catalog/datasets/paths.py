"""Paths of files in donations and datasets: one spelling of each, safe on every system that will ever unpack them."""

import re
import unicodedata

MAX_PATH_BYTES = 1024
MAX_SEGMENT_BYTES = 255

# Invisible or turning characters, with which a name can be made to look like another (UAX #9, UTR #36).
_DECEPTIVE = frozenset("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_DRIVE = re.compile(r"[A-Za-z]:")

TEXTS: dict[str, dict[str, str]] = {
    "path-empty": {"sv": "Sökvägen är tom.", "en": "The path is empty."},
    "path-not-unicode": {
        "sv": "Sökvägen innehåller tecken som inte är giltig Unicode.",
        "en": "The path contains characters that are not valid Unicode.",
    },
    "path-absolute": {
        "sv": "Sökvägen måste vara relativ, utan inledande snedstreck eller enhetsbokstav.",
        "en": "The path must be relative, without a leading slash or drive letter.",
    },
    "path-backslash": {
        "sv": "Mappar skiljs åt med snedstreck (/), inte omvänt snedstreck.",
        "en": "Folders are separated by a slash (/), not a backslash.",
    },
    "path-dot-segment": {"sv": "Sökvägen innehåller . eller .. som mapp.", "en": "The path has . or .. as a folder."},
    "path-empty-segment": {"sv": "Sökvägen har en mapp utan namn.", "en": "The path has a folder without a name."},
    "path-control-character": {
        "sv": "Sökvägen innehåller styrtecken eller osynliga tecken.",
        "en": "The path contains control characters or invisible characters.",
    },
    "path-too-long": {
        "sv": "Sökvägen är längre än {limit} byte i UTF-8.",
        "en": "The path is longer than {limit} bytes in UTF-8.",
    },
    "path-segment-too-long": {
        "sv": "Ett namn i sökvägen är längre än {limit} byte i UTF-8.",
        "en": "A name in the path is longer than {limit} bytes in UTF-8.",
    },
    "path-duplicate": {
        "sv": "Två filer har namn som alla filsystem inte skiljer åt.",
        "en": "Two files have names that some file systems do not tell apart.",
    },
    "path-file-and-folder": {
        "sv": "Samma namn används både för en fil och för en mapp.",
        "en": "The same name is used for a file and for a folder.",
    },
}
"""What each code of PathRefused says to people."""


class PathRefused(ValueError):
    """A path that no file of a dataset may have. `code` is one of TEXTS; `params` fill its text. Holds no path."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def normalise_path(path: str) -> str:
    """Return the one spelling of `path`: Unicode NFC, relative, segments joined by `/`. Raises PathRefused.

    At most 1,024 bytes of UTF-8, 255 a segment. Names that Windows reserves (`con`, `ab:c`, a dot at the end) pass:
    they are somebody's data. A Windows client renames them; `collision_key` sees to it that no two become one.
    """
    if not path:
        raise PathRefused("path-empty")
    if len(path) > 4 * MAX_PATH_BYTES:
        raise PathRefused("path-too-long", limit=MAX_PATH_BYTES)
    path = unicodedata.normalize("NFC", path)
    for character in path:
        _check_character(character)
    if "\\" in path:
        raise PathRefused("path-backslash")
    if path.startswith("/") or _DRIVE.match(path):
        raise PathRefused("path-absolute")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise PathRefused("path-too-long", limit=MAX_PATH_BYTES)
    for segment in path.split("/"):
        if segment in (".", ".."):
            raise PathRefused("path-dot-segment")
        if not segment.strip():
            raise PathRefused("path-empty-segment")
        if len(segment.encode()) > MAX_SEGMENT_BYTES:
            raise PathRefused("path-segment-too-long", limit=MAX_SEGMENT_BYTES)
    return path


def _check_character(character: str) -> None:
    category = unicodedata.category(character)
    # The last two code points of each plane, and U+FDD0 to U+FDEF, are no characters (Unicode, section 23.7).
    if category == "Cs" or ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF:
        raise PathRefused("path-not-unicode")
    if category in ("Cc", "Zl", "Zp") or character in _DECEPTIVE:
        raise PathRefused("path-control-character")


def collision_key(path: str) -> str:
    """Return what two paths share when some file system would take one for the other.

    Canonical caseless matching (Unicode, section 3.13, D145), and without the dots and spaces that Windows drops from
    the end of a name.
    """
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
    # Folding can make new sequences (of the Greek iota below, for one): the second round settles them.
    folded = unicodedata.normalize("NFD", folded.casefold())
    return "/".join(segment.rstrip(" .") or segment for segment in folded.split("/"))


class PathSet:
    """The paths of one dataset: no two files alike, no name both a file and a folder."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, path: str) -> str:
        """Take in a file's path, normalised; return it. Raises PathRefused."""
        path = normalise_path(path)
        key = collision_key(path)
        if key in self._files:
            raise PathRefused("path-duplicate")
        if key in self._folders:
            raise PathRefused("path-file-and-folder")
        self._add_folders(_parents(key))
        self._files.add(key)
        return path

    def add_folder(self, path: str) -> str:
        """Take in a folder's path, normalised; return it. The same folder may come again. Raises PathRefused."""
        path = normalise_path(path)
        key = collision_key(path)
        self._add_folders([*_parents(key), key])
        return path

    def _add_folders(self, keys: list[str]) -> None:
        if not self._files.isdisjoint(keys):
            raise PathRefused("path-file-and-folder")
        self._folders.update(keys)


def _parents(key: str) -> list[str]:
    return [key[:index] for index, character in enumerate(key) if character == "/"]
