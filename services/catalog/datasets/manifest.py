"""The manifest of a version: which files it has. Kept only as an encrypted object; its digest names the version."""

import base64
import hashlib
import json
import secrets
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a version. `size` is in bytes of plaintext, `sha256` in lower-case hex.

    `object` is the name of its blob within the dataset, `key` its data key wrapped by the version's key.
    """

    path: str
    size: int
    sha256: str
    media_type: str
    object: str = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Manifest:
    """The files of a version, sorted by path as UTF-8 bytes, each path once."""

    dataset_id: UUID
    version_id: UUID
    parents: tuple[UUID, ...]
    entries: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Bytes of plaintext in all files."""
        return sum(entry.size for entry in self.entries)

    @property
    def media_types(self) -> dict[str, int]:
        """How many files there are of each media type."""
        return dict(sorted(Counter(entry.media_type for entry in self.entries).items()))

    def find(self, path: str) -> Entry | None:
        """Return the entry at `path` (in NFC), or None."""
        index = self._after(path) - 1
        return self.entries[index] if index >= 0 and self.entries[index].path == path else None

    def after(self, path: str | None, limit: int) -> Sequence[Entry]:
        """Return up to `limit` entries whose path comes after `path` (from the start without)."""
        start = 0 if path is None else self._after(path)
        return self.entries[start : start + limit]

    def _after(self, path: str) -> int:
        return bisect_right(self.entries, path.encode("utf-8"), key=lambda entry: entry.path.encode("utf-8"))

    def digest(self) -> str:
        """SHA-256 (hex) over dataset id, parents and entries: the same files under the same ids give the same digest.

        One JSON document a line (RFC 8259, no spaces, UTF-8): first `["datafactory-version",1,dataset id,[parents]]`,
        the parents sorted, then `[path,size,sha256,media type]` for each entry in order. Keys and names of objects are
        left out: a version that is wrapped anew is the same version.
        """
        parents = sorted(str(parent) for parent in self.parents)
        running = hashlib.sha256(_line(["datafactory-version", SCHEMA, str(self.dataset_id), parents]))
        for entry in self.entries:
            running.update(_line([entry.path, entry.size, entry.sha256, entry.media_type]))
        return running.hexdigest()


def build(dataset_id: UUID, version_id: UUID, parents: Iterable[UUID], entries: Iterable[Entry]) -> Manifest:
    """Return the manifest of these entries; ValueError when two have the same path."""
    ordered = sorted(entries, key=lambda entry: entry.path.encode("utf-8"))
    for one, other in pairwise(ordered):
        if one.path == other.path:
            raise ValueError("two entries have the same path")
    return Manifest(dataset_id, version_id, tuple(parents), tuple(ordered))


def write(manifest: Manifest) -> bytes:
    """Return the manifest as bytes to encrypt. A nonce makes two writings of it differ, and so their objects' names."""
    document = {
        "schema": SCHEMA,
        "nonce": secrets.token_hex(16),
        "dataset_id": str(manifest.dataset_id),
        "version_id": str(manifest.version_id),
        "parents": [str(parent) for parent in manifest.parents],
        "entries": [
            [e.path, e.size, e.sha256, e.media_type, e.object, base64.b64encode(e.key).decode()]
            for e in manifest.entries
        ],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def read(raw: bytes) -> Manifest:
    """Return the manifest that `write` made bytes of."""
    document = json.loads(raw)
    if document["schema"] != SCHEMA:
        raise ValueError("a manifest of another schema")
    return Manifest(
        UUID(document["dataset_id"]),
        UUID(document["version_id"]),
        tuple(UUID(parent) for parent in document["parents"]),
        tuple(
            Entry(path, size, sha256, media_type, name, base64.b64decode(key))
            for path, size, sha256, media_type, name, key in document["entries"]
        ),
    )


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
