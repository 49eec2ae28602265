"""Uploads by tus 1.0: in chunks, several at a time, going on after a lost connection or in another process."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from datafactory.bundles import Bundle, LocalFile, pack, scan, sha256_of, write_bundle
from datafactory.errors import Json, Refused, Unreachable, UploadRefused
from datafactory.progress import OnProgress, quiet
from datafactory.resume import Begun, ResumeFile
from datafactory.transport import Transport

CHUNK = 8 * 1024 * 1024
PIECE = 256 * 1024
TUS = {"Tus-Resumable": "1.0.0"}
LOST = frozenset({409, 423, 429, 460, 500, 502, 503, 504})
"""Answers to a PATCH after which the offset is asked for again: out of step, locked, or the server had trouble."""


@dataclass(frozen=True)
class Sent:
    """A file that has arrived whole. The factory still checks its digest and encrypts it (see `wait_stored`)."""

    path: str
    upload_id: str
    size: int
    sha256: str


class Uploads:
    """Uploads into donations. Safe between threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        state_folder: Path | None = None,
        patience: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._state_folder = state_folder
        self._patience = patience
        self._clock = clock

    def create(
        self,
        donation_id: str,
        path: str,
        size: int,
        sha256: str,
        *,
        media_type: str | None = None,
        unpack: str | None = None,
    ) -> Json:
        """Create an upload of `size` bytes; nothing is sent yet."""
        body = {"path": path, "size": size, "sha256": sha256, "media_type": media_type, "unpack": unpack}
        return self._transport.post(f"/api/v1/donations/{donation_id}/uploads", body)

    def of(self, donation_id: str) -> list[Json]:
        """Return every upload of a donation with its state."""
        return list(self._transport.pages(f"/api/v1/donations/{donation_id}/uploads", {"limit": 200}))

    def offset(self, upload_url: str) -> int:
        """Return how many bytes of an upload have arrived."""
        return int(self._transport.send("HEAD", upload_url, headers=TUS).headers["Upload-Offset"])

    def cancel(self, upload_url: str) -> None:
        """Give an upload up; what had arrived is destroyed."""
        self._transport.send("DELETE", upload_url, headers=TUS, repeatable=True)

    def append(
        self, upload_url: str, source: Path, size: int, *, name: str = "", on_progress: OnProgress = quiet
    ) -> None:
        """Send what is missing of `source`; after a lost connection ask how far it came and go on there."""
        failures = 0
        offset = self.offset(upload_url)
        on_progress(name, offset, size)
        with source.open("rb") as file:
            while offset < size:
                before = offset
                try:
                    offset = self._patch(upload_url, file, offset, min(CHUNK, size - offset), name, size, on_progress)
                except Unreachable:
                    pause = None
                except Refused as refusal:
                    if refusal.status not in LOST:
                        raise
                    pause = refusal.retry_after
                else:
                    failures = 0
                    continue
                failures += 1
                if failures > self._patience:
                    raise Unreachable(f"{self._transport.base_url}: the upload did not get on after {failures} tries")
                self._transport.pause(failures, pause)
                offset = self.offset(upload_url)
                if offset > before:
                    failures = 0
                on_progress(name, offset, size)

    def _patch(
        self, url: str, file: BinaryIO, offset: int, length: int, name: str, size: int, on_progress: OnProgress
    ) -> int:
        def body() -> Iterator[bytes]:
            file.seek(offset)
            left = length
            while left:
                piece = file.read(min(PIECE, left))
                if not piece:
                    raise UploadRefused(name, "the file became shorter while it was sent")
                left -= len(piece)
                yield piece
                on_progress(name, offset + length - left, size)

        headers = {
            **TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
        }
        response = self._transport.send("PATCH", url, headers=headers, content=body, repeatable=False)
        return int(response.headers.get("Upload-Offset", offset + length))

    def send(
        self,
        donation_id: str,
        path: str,
        source: Path,
        *,
        sha256: str | None = None,
        media_type: str | None = None,
        unpack: str | None = None,
        resume: ResumeFile | None = None,
        on_progress: OnProgress = quiet,
    ) -> Sent:
        """Send one file, going on with an earlier attempt where `resume` knows of one for the same bytes."""
        size = source.stat().st_size
        digest = sha256 or sha256_of(source)
        for attempt in (1, 2):
            begun = resume.find(path, digest) if resume else None
            if begun is None:
                made = self.create(donation_id, path, size, digest, media_type=media_type, unpack=unpack)
                begun = Begun(digest, size, str(made["id"]), str(made["upload_url"]))
                if resume:
                    resume.note(path, begun)
            try:
                self.append(begun.upload_url, source, size, name=path, on_progress=on_progress)
            except Refused as refusal:
                # The upload is gone on the other side (expired, cancelled): begin anew, once.
                if refusal.status not in {404, 410} or attempt == 2 or resume is None:
                    raise
                resume.drop(path)
                continue
            return Sent(path, begun.upload_id, size, digest)
        raise AssertionError("unreachable")

    def send_folder(
        self, donation_id: str, folder: Path, *, parallel: int = 4, on_progress: OnProgress = quiet
    ) -> list[Sent]:
        """Send every file under `folder`, small ones in bundles, `parallel` at a time. Returns what was sent."""
        return self.send_files(donation_id, scan(folder), parallel=parallel, on_progress=on_progress)

    def send_files(
        self, donation_id: str, files: Sequence[LocalFile], *, parallel: int = 4, on_progress: OnProgress = quiet
    ) -> list[Sent]:
        """Send `files`, small ones in bundles. Stops at the first that fails; run again, it goes on where it was."""
        resume = ResumeFile(self._transport.base_url, donation_id, self._state_folder)
        bundles, alone = pack(files)
        stop = threading.Event()
        with (
            tempfile.TemporaryDirectory(prefix="datafactory-bundles-") as scratch,
            ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="upload") as pool,
        ):

            def one_bundle(bundle: Bundle) -> Sent:
                if stop.is_set():
                    raise UploadRefused(bundle.path, "stopped because another upload failed")
                packed = Path(scratch) / bundle.path
                write_bundle(bundle, packed)
                try:
                    return self.send(
                        donation_id,
                        bundle.path,
                        packed,
                        media_type="application/zip",
                        unpack="zip",
                        resume=resume,
                        on_progress=on_progress,
                    )
                finally:
                    packed.unlink()

            def one_file(file: LocalFile) -> Sent:
                if stop.is_set():
                    raise UploadRefused(file.path, "stopped because another upload failed")
                return self.send(donation_id, file.path, file.source, resume=resume, on_progress=on_progress)

            # The largest first, so that the end is not one long file alone.
            singles = sorted(alone, key=lambda file: -file.size)
            futures = [pool.submit(one_file, file) for file in singles]
            futures += [pool.submit(one_bundle, bundle) for bundle in bundles]
            done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
            if waiting:
                stop.set()
                for future in waiting:
                    future.cancel()
            for future in done:
                future.result()
            return [future.result() for future in futures]

    def wait_stored(
        self, donation_id: str, *, timeout_s: float = 600.0, on_progress: OnProgress = quiet, every_s: float = 0.4
    ) -> list[Json]:
        """Wait until every upload is checked and encrypted; raise `UploadRefused` for the first that is refused."""
        deadline = self._clock() + timeout_s
        while True:
            uploads = self.of(donation_id)
            for upload in uploads:
                if upload["state"] == "refused":
                    raise UploadRefused(str(upload.get("path") or upload["id"]), str(upload.get("reason") or "refused"))
            done = sum(int(upload["bytes_done"]) for upload in uploads)
            on_progress("stored", done, sum(int(upload["bytes_total"]) for upload in uploads))
            if all(upload["state"] == "stored" for upload in uploads):
                ResumeFile(self._transport.base_url, donation_id, self._state_folder).finish()
                return uploads
            if self._clock() > deadline:
                raise Unreachable(f"{donation_id}: the uploads were not stored within {timeout_s:.0f} s")
            threading.Event().wait(every_s)
