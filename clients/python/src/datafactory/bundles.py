"""A folder on disk as the uploads of a donation: large files as they are, small ones packed into zip bundles.

A donation of thousands of small files would otherwise be thousands of uploads. The factory unpacks the bundles again,
so the dataset holds the files under their own paths. Bundles are the same bytes each time for the same files, which is
what lets an interrupted upload of one go on.
"""

import hashlib
import itertools
import os
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from datafactory.progress import OnProgress, quiet

SMALL_FILE = 4 * 1024 * 1024
BUNDLE_BYTES = 64 * 1024 * 1024
BUNDLE_FILES = 5000
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class LocalFile:
    """A file to donate: `path` is its name in the dataset, relative, `/` between parts, Unicode NFC."""

    path: str
    source: Path
    size: int


@dataclass(frozen=True)
class Bundle:
    """Small files that travel together. `path` names the upload only; it is no file of the dataset."""

    path: str
    files: tuple[LocalFile, ...]

    @property
    def size(self) -> int:
        """Bytes of the files, before the zip's own few."""
        return sum(file.size for file in self.files)


class UnfitFolder(ValueError):
    """The folder holds something that cannot be donated as it is."""


def scan(folder: Path) -> list[LocalFile]:
    """Return the files under `folder`, in the order of their paths. Links are refused: they may point anywhere."""
    found: dict[str, LocalFile] = {}
    for entry in _walk(folder):
        relative = unicodedata.normalize("NFC", entry.relative_to(folder).as_posix())
        if not _is_unicode(relative):
            raise UnfitFolder(f"the name {relative!a} is not UTF-8 on this disk; give the file another one")
        if entry.is_symlink():
            raise UnfitFolder(f"{relative} is a link; put the file itself there or leave it out")
        if not entry.is_file():
            raise UnfitFolder(f"{relative} is not an ordinary file")
        if relative in found:
            raise UnfitFolder(f"two files are called {relative} when accents are written the same way")
        found[relative] = LocalFile(relative, entry, entry.stat().st_size)
    if not found:
        raise UnfitFolder(f"{folder} holds no files")
    return [found[path] for path in sorted(found)]


def _is_unicode(name: str) -> bool:
    """Whether a name can be sent: bytes on disk that are no UTF-8 come as lone surrogates (PEP 383)."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        for name in list(folders):
            if (Path(root) / name).is_symlink():
                yield Path(root) / name
        for name in names:
            yield Path(root) / name


def pack(
    files: Sequence[LocalFile], *, small: int = SMALL_FILE, limit: int = BUNDLE_BYTES, most: int = BUNDLE_FILES
) -> tuple[list[Bundle], list[LocalFile]]:
    """Divide `files` into bundles of at most `limit` bytes and `most` files, and those that travel alone.

    Files of `small` bytes or more travel alone, and so does a bundle of one. The same files give the same bundles.
    """
    alone = [file for file in files if file.size >= small]
    groups: list[list[LocalFile]] = []
    room = 0
    for file in (file for file in files if file.size < small):
        # 400 bytes: the two headers of a zip entry and a name of usual length, counted so that the limit holds.
        cost = file.size + 400 + 2 * len(file.path.encode())
        if not groups or cost > room or len(groups[-1]) >= most:
            groups.append([])
            room = limit
        groups[-1].append(file)
        room -= cost
    taken = {file.path for file in files}
    names = (name for number in itertools.count(1) if (name := f"bundle-{number:04d}.zip") not in taken)
    bundles: list[Bundle] = []
    for group in groups:
        if len(group) == 1:
            alone.append(group[0])
        else:
            bundles.append(Bundle(next(names), tuple(group)))
    return bundles, sorted(alone, key=lambda file: file.path)


def write_bundle(bundle: Bundle, target: Path, on_progress: OnProgress = quiet) -> None:
    """Write `bundle` as a zip file of stored entries: the same bytes each time, and no ratio to mistrust."""
    done = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in bundle.files:
            entry = zipfile.ZipInfo(file.path, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, file.source.read_bytes())
            done += file.size
            on_progress(bundle.path, done, bundle.size)


def sha256_of(source: Path, on_progress: OnProgress = quiet) -> str:
    """Return the SHA-256 of a file, in lower-case hex."""
    digest = hashlib.sha256()
    size = source.stat().st_size
    done = 0
    with source.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            done += len(piece)
            on_progress(source.name, done, size)
    return digest.hexdigest()
