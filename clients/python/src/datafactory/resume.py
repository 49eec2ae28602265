"""What an interrupted donation needs to go on in another process: which upload each file went to."""

import hashlib
import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datafactory.paths import state_home, write_private


@dataclass(frozen=True)
class Begun:
    """An upload that was begun, and for which bytes."""

    sha256: str
    size: int
    upload_id: str
    upload_url: str


class ResumeFile:
    """A small JSON file per donation in the user's state folder; safe between threads of one process.

    It holds file names of the donation, so it is readable by the user alone, and `finish` removes it.
    """

    def __init__(self, base_url: str, donation_id: str, folder: Path | None = None) -> None:
        name = hashlib.sha256(f"{base_url}|{donation_id}".encode()).hexdigest()[:32]
        self.path = (folder or state_home() / "uploads") / f"{name}.json"
        self._lock = threading.Lock()
        self._entries = self._read()

    def _read(self) -> dict[str, Begun]:
        try:
            raw: Any = json.loads(self.path.read_text(encoding="utf-8"))
            return {path: Begun(**entry) for path, entry in raw["uploads"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def find(self, path: str, sha256: str) -> Begun | None:
        """Return the upload begun for `path`, if it was for the same bytes."""
        with self._lock:
            begun = self._entries.get(path)
        return begun if begun and begun.sha256 == sha256 else None

    def note(self, path: str, begun: Begun) -> None:
        """Remember that `path` goes to this upload."""
        with self._lock:
            self._entries[path] = begun
            self._write()

    def drop(self, path: str) -> None:
        """Forget `path`: its upload is gone on the other side."""
        with self._lock:
            self._entries.pop(path, None)
            self._write()

    def _write(self) -> None:
        uploads = {path: asdict(begun) for path, begun in self._entries.items()}
        write_private(self.path, json.dumps({"schema": 1, "uploads": uploads}))

    def finish(self) -> None:
        """Remove the file: everything has arrived."""
        with self._lock:
            self._entries = {}
            self.path.unlink(missing_ok=True)
