"""What a file is, as far as its name tells."""

import mimetypes
from pathlib import PurePosixPath

# Python's own table, not the machine's: the same file gets the same type everywhere.
_TYPES = mimetypes.MimeTypes(filenames=())
_MORE_TYPES = {
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".dcm": "application/dicom",
    ".webp": "image/webp",
    ".flac": "audio/flac",
    ".opus": "audio/ogg",
}


def media_type_of(path: str) -> str:
    """Guess a media type from a file's name; `application/octet-stream` when the name tells nothing."""
    suffix = PurePosixPath(path).suffix.lower()
    guessed, encoding = _TYPES.guess_type(f"x{suffix}")
    return _MORE_TYPES.get(suffix) or (guessed if guessed and encoding is None else "application/octet-stream")
