"""Why an archive is not unpacked."""

TEXTS: dict[str, dict[str, str]] = {
    "archive-not-zip": {"sv": "Filen är inget zip-arkiv.", "en": "The file is not a zip archive."},
    "archive-damaged": {"sv": "Arkivet är skadat.", "en": "The archive is damaged."},
    "archive-ambiguous": {
        "sv": "Arkivet kan läsas på mer än ett sätt.",
        "en": "The archive can be read in more than one way.",
    },
    "archive-multi-volume": {
        "sv": "Arkivet är delat i flera filer. Lämna det i ett stycke.",
        "en": "The archive is split into several files. Hand it over in one piece.",
    },
    "archive-too-many-entries": {
        "sv": "Arkivet har fler än {limit} poster.",
        "en": "The archive has more than {limit} entries.",
    },
    "archive-too-large": {
        "sv": "Arkivets filer är tillsammans större än {limit} byte.",
        "en": "The files of the archive are larger than {limit} bytes together.",
    },
    "archive-entry-too-large": {
        "sv": "En fil i arkivet är större än {limit} byte.",
        "en": "A file in the archive is larger than {limit} bytes.",
    },
    "archive-ratio": {
        "sv": "Arkivet är packat mer än {limit} gånger, som en zip-bomb. Lämna filerna opackade.",
        "en": "The archive is packed more than {limit} times, like a zip bomb. Hand the files over unpacked.",
    },
    "archive-encrypted": {
        "sv": "Arkivet är krypterat. Lämna det okrypterat; här krypteras det på nytt.",
        "en": "The archive is encrypted. Hand it over in the clear; it is encrypted anew here.",
    },
    "archive-method-unsupported": {
        "sv": "Arkivet är packat med metod {method}; här läses stored (0) och deflate (8).",
        "en": "The archive is packed with method {method}; stored (0) and deflate (8) are read here.",
    },
    "archive-link": {"sv": "Arkivet innehåller en länk.", "en": "The archive contains a link."},
    "archive-special-entry": {
        "sv": "Arkivet innehåller något som varken är fil eller mapp.",
        "en": "The archive contains something that is neither a file nor a folder.",
    },
    "archive-name-undecodable": {
        "sv": "Ett filnamn i arkivet går inte att avkoda.",
        "en": "A file name in the archive cannot be decoded.",
    },
    "archive-headers-disagree": {
        "sv": "Arkivets innehållsförteckning och dess filer säger olika saker.",
        "en": "The archive's table of contents and its files say different things.",
    },
    "archive-entries-overlap": {
        "sv": "Filer i arkivet ligger ovanpå varandra, som i en zip-bomb.",
        "en": "Files in the archive lie on top of each other, as in a zip bomb.",
    },
    "archive-size-mismatch": {
        "sv": "En fil i arkivet har inte den storlek som uppges.",
        "en": "A file in the archive does not have the size that is stated.",
    },
    "archive-crc-mismatch": {
        "sv": "En fil i arkivet stämmer inte med sin kontrollsumma.",
        "en": "A file in the archive does not match its checksum.",
    },
}
"""What each code of UnpackRefused says to people; those that begin with `path-` are in `paths.TEXTS`."""


class UnpackRefused(Exception):
    """An archive that is not unpacked. `code` is one of TEXTS or `paths.TEXTS`; `params` fill its text.

    `entry` is the name of the entry at fault as well as it could be read, made fit for showing, or empty when it is the
    archive itself. It is the donor's data: it goes to the donor, and never into a log, which is why `str()` lacks it.
    """

    def __init__(self, code: str, entry: str = "", params: dict[str, object] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.entry = entry
        self.params = params or {}


def showable(name: str) -> str:
    """Return `name` without what would move a cursor or fill a screen."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name[:200])
