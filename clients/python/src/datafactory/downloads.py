"""Downloads under a permit: going on after a lost connection, checked by digest, put in place whole or not at all."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx

from datafactory.decisions import Ask, Decision, Decisions
from datafactory.errors import DigestMismatch, FactoryError, Refused, StreamEnded, Unreachable
from datafactory.progress import OnProgress, quiet
from datafactory.transport import Transport

PERMIT_HEADER = "Factory-Permit"
MARGIN_S = 30.0


def file_url(version_id: str, path: str) -> str:
    """Return the URL path of a file of a version."""
    return f"/api/v1/versions/{version_id}/files/{quote(path, safe='/')}"


def safe_target(folder: Path, path: str) -> Path:
    """Return where `path` of a version goes under `folder`; names that would leave it raise ValueError."""
    pure = PurePosixPath(path)
    unsafe = pure.is_absolute() or not pure.parts or ".." in pure.parts or "\\" in path or "\0" in path or ":" in path
    target = folder.joinpath(*pure.parts)
    if unsafe or not target.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"the path {path!r} would leave {folder}")
    return target


class Permits:
    """A permit for one question, asked for when needed and again before it runs out. Safe between threads."""

    def __init__(self, decisions: Decisions, ask: Ask, decision: Decision | None = None) -> None:
        self._decisions = decisions
        self.ask = ask
        self.decision = decision
        self._lock = threading.Lock()

    def token(self, *, anew: bool = False) -> str:
        """Return a permit that is good now; raise `Denied` where the law says no."""
        with self._lock:
            held = self.decision
            if anew or held is None or held.permit_token is None or held.ends - time.monotonic() < MARGIN_S:
                held = self.decision = self._decisions.evaluate(self.ask).require()
            if held.permit_token is None:
                raise FactoryError("the decision permits but carries no permit")
            return held.permit_token

    def why_not(self) -> list[str]:
        """Ask again now; return the codes of a no, or nothing when it is still a yes."""
        with self._lock:
            self.decision = self._decisions.evaluate(self.ask)
            return [] if self.decision.permit else list(self.decision.code_names)


class Pace:
    """Holds a stream to `rate` bytes per second (None: as fast as it comes)."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._began = time.monotonic()
        self._count = 0

    def passed(self, count: int) -> None:
        """Note that `count` bytes came; wait if that was too quick."""
        if self._rate:
            self._count += count
            early = self._began + self._count / self._rate - time.monotonic()
            if early > 0:
                time.sleep(early)


class Downloads:
    """Downloads of a version's files."""

    def __init__(self, transport: Transport, decisions: Decisions, *, patience: int = 5) -> None:
        self._transport = transport
        self._decisions = decisions
        self._patience = patience

    def permits(self, ask: Ask, decision: Decision | None = None) -> Permits:
        """Return a source of permits for `ask`."""
        return Permits(self._decisions, ask, decision)

    def stream(
        self,
        path: str,
        permits: Permits,
        *,
        rate: float | None = None,
        first: int = 0,
        etag: str | None = None,
        began: Callable[[httpx.Response], None] | None = None,
    ) -> Generator[bytes, None, None]:
        """Yield the bytes of a file from `first` on, at most `rate` bytes a second.

        Raises `StreamEnded` when the connection ends early; its `codes` say why if the permit no longer holds.
        `began` is called with the answer before its first byte.
        """
        headers = {PERMIT_HEADER: permits.token(), "Accept-Encoding": "identity"}
        if first:
            headers["Range"] = f"bytes={first}-"
            if etag:
                headers["If-Range"] = etag
        received = first
        expected: int | None = None
        pace = Pace(rate)
        try:
            with self._transport.stream("GET", file_url(permits.ask.version_id, path), headers=headers) as response:
                if response.status_code == 200:
                    received = 0
                if "Content-Length" in response.headers:
                    expected = received + int(response.headers["Content-Length"])
                if began:
                    began(response)
                for piece in response.iter_raw():
                    received += len(piece)
                    yield piece
                    pace.passed(len(piece))
        except httpx.TransportError as error:
            raise StreamEnded(path, received, expected, self._codes(permits)) from error
        if expected is not None and received < expected:
            raise StreamEnded(path, received, expected, self._codes(permits))

    def _codes(self, permits: Permits) -> list[str]:
        """Return why the permit no longer holds; nothing if it does, or if nobody answers."""
        with suppress(FactoryError):
            return permits.why_not()
        return []

    def fetch(
        self,
        path: str,
        permits: Permits,
        target: Path,
        *,
        sha256: str | None = None,
        size: int | None = None,
        rate: float | None = None,
        on_progress: OnProgress = quiet,
    ) -> Path:
        """Bring a file to `target`: partial bytes wait beside it as `.NAME.part`, and are gone on with another time.

        `sha256` and `size` are what the list of files promises. Raises `Denied`, `StreamEnded`, `DigestMismatch`.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        note = target.with_name(f".{target.name}.part.json")
        failures = 0
        while True:
            etag = _resumable(part, note, permits.ask.version_id, path)
            before = part.stat().st_size if etag else 0
            try:
                self._fetch_once(path, permits, part, note, etag, before, size, rate, on_progress)
                break
            except StreamEnded as ended:
                # A no is final. A lost connection is not, as long as bytes keep coming.
                failures = 0 if ended.received > before else failures + 1
                if ended.codes or failures > self._patience:
                    raise
                self._transport.pause(failures, None)
            except httpx.TransportError as error:
                failures += 1
                if failures > self._patience:
                    raise Unreachable(f"{self._transport.base_url}: {error or type(error).__name__}") from error
                self._transport.pause(failures, None)
            except Refused as refusal:
                failures += 1
                if failures > self._patience or refusal.status not in {416, 429, 502, 503, 504}:
                    raise
                if refusal.status == 416:
                    part.unlink(missing_ok=True)
                else:
                    self._transport.pause(failures, refusal.retry_after)
        actual = _digest(part)
        if sha256 and actual != sha256:
            part.unlink()
            note.unlink(missing_ok=True)
            raise DigestMismatch(path, sha256, actual)
        os.replace(part, target)
        note.unlink(missing_ok=True)
        return target

    def _fetch_once(
        self,
        path: str,
        permits: Permits,
        part: Path,
        note: Path,
        etag: str | None,
        before: int,
        size: int | None,
        rate: float | None,
        on_progress: OnProgress,
    ) -> None:
        if etag and size is not None and before >= size:
            return
        done = before
        total = size or 0
        with part.open("r+b" if part.exists() else "wb") as file:

            def began(response: httpx.Response) -> None:
                nonlocal done
                if response.status_code != 206:
                    done = 0
                file.seek(done)
                file.truncate()
                came = {"version": permits.ask.version_id, "path": path, "etag": response.headers.get("ETag")}
                note.write_text(json.dumps(came), encoding="utf-8")

            for piece in self.stream(path, permits, rate=rate, first=before, etag=etag, began=began):
                file.write(piece)
                done += len(piece)
                on_progress(path, done, total)
            if done == 0:
                file.truncate()


def _resumable(part: Path, note: Path, version_id: str, path: str) -> str | None:
    """Return the ETag of the bytes in `part`, if they are of this file and there are any."""
    try:
        came: Any = json.loads(note.read_text(encoding="utf-8"))
        same = came["version"] == version_id and came["path"] == path
        return str(came["etag"]) if same and came["etag"] and part.stat().st_size else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
