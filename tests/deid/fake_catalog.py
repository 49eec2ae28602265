"""The catalogue as preparation knows it: versions with files in memory, and derivations of them.

catalog = FakeCatalog(); version_id = catalog.add({"a.txt": b"…"}, partner_id=…); catalog.versions[result].files
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

from services.kit.frames import read_frames, write_frames
from services.kit.ids import new_id

MOST_BYTES = 32 * 1024 * 1024

TERMS: dict[str, Any] = {"schema": 1, "gate": "required", "gate_thresholds": {}}


class Contents(Mapping[str, bytes]):
    """Files that are made when they are read: a version of any size takes no memory."""

    def __init__(self, paths: list[str], make: Callable[[str], bytes], size: int) -> None:
        self._paths, self._make, self.size = paths, make, size
        self._known = set(paths)

    def __getitem__(self, path: str) -> bytes:
        if path not in self._known:
            raise KeyError(path)
        return self._make(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


@dataclass
class Version:
    """A version. `files` by path; `declared` media types where the name does not tell."""

    id: UUID
    dataset_id: UUID
    partner_id: UUID
    donation_id: UUID
    files: Mapping[str, bytes]
    number: int = 1
    state: str = "committed"
    gate: str = "required"
    personal_data: str = "yes"
    terms: dict[str, Any] = field(default_factory=lambda: dict(TERMS))
    declared: dict[str, str] = field(default_factory=dict)
    source_kind: str = "donation"
    details: dict[str, Any] = field(default_factory=dict)
    media_types: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    committed_by: UUID | None = None


@dataclass
class Derivation:
    """A version in the making."""

    id: UUID
    parent: Version
    mode: str
    opened_by: UUID
    version_id: UUID | None
    state: str = "open"
    staged: dict[str, tuple[bytes, str, str | None]] = field(default_factory=dict)


class Refusal(Exception):
    """An answer with a problem document."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class FakeCatalog:
    """What preparation asks the catalogue, answered from memory. Tests break it on purpose."""

    def __init__(self) -> None:
        self.versions: dict[UUID, Version] = {}
        self.derivations: dict[UUID, Derivation] = {}
        self.withdrawn: set[UUID] = set()
        self.answers = True
        """False: 503 to everything."""
        self.unreadable: set[str] = set()
        """Paths over which reading fails inside."""
        self.not_accepted: set[str] = set()
        """Paths (of results) that are refused."""
        self.not_stored: set[str] = set()
        """Paths (of results) over which storing fails inside."""
        self.forget_staged = False
        """Nothing that is staged is kept (for runs whose results would not fit in memory)."""
        self.before: Callable[[str, Derivation], None] = lambda what, derivation: None
        """Called with the name of each request before it is answered; may raise Refusal."""
        self.asked: list[str] = []
        self.staged_paths: list[str] = []
        """Paths in the order in which they were handed in, repeated ones too."""
        self.gates: list[dict[str, Any]] = []
        self.app = self._app()

    def add(
        self,
        files: Mapping[str, bytes],
        *,
        partner_id: UUID,
        donation_id: UUID | None = None,
        dataset_id: UUID | None = None,
        **values: Any,
    ) -> UUID:
        """Add a version; returns its id."""
        version = Version(new_id(), dataset_id or new_id(), partner_id, donation_id or new_id(), files, **values)
        self.versions[version.id] = version
        return version.id

    def withdraw(self, dataset_id: UUID) -> None:
        """Withdraw a dataset: from now on 410."""
        self.withdrawn.add(dataset_id)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _derivation(self, derivation_id: UUID, what: str) -> Derivation:
        self.asked.append(what)
        if not self.answers:
            raise Refusal(503, "unavailable")
        found = self.derivations.get(derivation_id)
        if found is None:
            raise Refusal(404, "not-found")
        if found.parent.dataset_id in self.withdrawn:
            raise Refusal(410, "dataset-withdrawn")
        self.before(what, found)
        return found

    def _writable(self, derivation_id: UUID, what: str) -> Derivation:
        found = self._derivation(derivation_id, what)
        if found.mode == "inspect":
            raise Refusal(409, "derivation-inspects")
        if found.state != "open":
            raise Refusal(409, "derivation-not-open")
        return found

    def _content(self, derivation: Derivation, path: str) -> bytes:
        if path in self.unreadable:
            raise Refusal(500, "internal-error")
        try:
            return derivation.parent.files[path]
        except KeyError:
            raise Refusal(404, "not-found") from None

    def _show(self, derivation: Derivation) -> dict[str, Any]:
        parent = derivation.parent
        return {
            "id": str(derivation.id),
            "version_id": str(derivation.version_id) if derivation.version_id else None,
            "dataset_id": str(parent.dataset_id),
            "partner_id": str(parent.partner_id),
            "donation_id": str(parent.donation_id),
            "integrity_class": "internal",
            "personal_data": parent.personal_data,
            "terms": parent.terms,
            "mode": derivation.mode,
            "state": derivation.state,
            "staged": len(derivation.staged),
            "parent": {
                "version_id": str(parent.id),
                "number": parent.number,
                "state": parent.state,
                "gate": parent.gate,
                "files": len(parent.files),
                "bytes": 0,
                "source_kind": parent.source_kind,
            },
        }

    def _open(self, body: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        self.asked.append("open")
        if not self.answers:
            raise Refusal(503, "unavailable")
        parent = self.versions.get(UUID(body["parent_version_id"]))
        if parent is None:
            raise Refusal(404, "not-found")
        role = _role(claims, parent)
        if role is None:
            raise Refusal(404, "not-found")
        if parent.dataset_id in self.withdrawn:
            raise Refusal(410, "dataset-withdrawn")
        if role != "steward":
            raise Refusal(403, "role-required")
        derivation_id, mode = UUID(body["id"]), body.get("mode", "treat")
        derivation = self.derivations.get(derivation_id)
        if derivation is None:
            planned = new_id() if mode == "treat" else None
            derivation = Derivation(derivation_id, parent, mode, UUID(claims["sub"]), planned)
            self.derivations[derivation_id] = derivation
        return self._show(derivation)

    def _stage(self, derivation: Derivation, path: str, media_type: str, source: str | None, content: bytes) -> None:
        if path in self.not_accepted:
            raise Refusal(422, "invalid-request")
        if path in self.not_stored:
            raise Refusal(500, "internal-error")
        self.staged_paths.append(path)
        derivation.staged[path] = (b"" if self.forget_staged else content, media_type, source)

    def _commit(self, derivation_id: UUID, details: dict[str, Any]) -> dict[str, Any]:
        found = self._derivation(derivation_id, "commit")
        if found.state == "open":
            if not found.staged:
                raise Refusal(409, "derivation-empty")
            assert found.version_id is not None
            found.state = "committed"
            parent = found.parent
            version = Version(
                found.version_id, parent.dataset_id, parent.partner_id, parent.donation_id,
                {path: content for path, (content, _, _) in sorted(found.staged.items())},
                number=parent.number + 1, source_kind="recipe", details=details, terms=parent.terms,
                personal_data=parent.personal_data, committed_by=found.opened_by,
            )  # fmt: skip
            version.media_types = {path: media_type for path, (_, media_type, _) in found.staged.items()}
            version.sources = {path: source or "" for path, (_, _, source) in found.staged.items()}
            self.versions[version.id] = version
        if found.state != "committed":
            raise Refusal(409, "derivation-not-open")
        made = self.versions[found.version_id]  # pyright: ignore[reportArgumentType]
        return {
            "version_id": str(made.id),
            "number": made.number,
            "digest": "0" * 64,
            "files": len(made.files),
            "bytes": sum(map(len, made.files.values())),
            "gate": made.gate,
        }

    def _pass_gate(self, version_id: UUID, body: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        self.asked.append("gate")
        if not self.answers:
            raise Refusal(503, "unavailable")
        version = self.versions.get(version_id)
        if version is None or _role(claims, version) is None:
            raise Refusal(404, "not-found")
        if version.dataset_id in self.withdrawn:
            raise Refusal(410, "dataset-withdrawn")
        if _role(claims, version) != "steward":
            raise Refusal(403, "role-required")
        run = self.derivations.get(UUID(body["run_id"]))
        if run is not None and claims["sub"] == str(run.opened_by):
            raise Refusal(403, "second-steward-required")
        if version.source_kind == "donation":
            raise Refusal(409, "gate-needs-preparation")
        if version.state == "committed":
            version.state, version.gate = "released", "passed"
            self.gates.append({"version_id": version_id, "by": claims["sub"], **body})
        return {"version_id": str(version.id), "state": version.state, "gate": version.gate, "revision": 2}

    def _app(self) -> FastAPI:
        app = FastAPI()
        base = "/internal/v1/derivations"

        @app.exception_handler(Refusal)
        async def refused(request: Request, error: Refusal) -> JSONResponse:
            return JSONResponse({"code": error.code, "status": error.status}, status_code=error.status)

        @app.post(base)
        async def open_derivation(request: Request, body: Annotated[dict[str, Any], Body()]) -> Any:
            return self._open(body, _claims(request))

        @app.get(base + "/{derivation_id}")
        async def get(derivation_id: UUID, factory_service: str = Header()) -> Any:
            return self._show(self._derivation(derivation_id, "get"))

        @app.delete(base + "/{derivation_id}", status_code=204)
        async def abandon(derivation_id: UUID, factory_service: str = Header()) -> None:
            found = self._derivation(derivation_id, "abandon")
            if found.state == "committed":
                raise Refusal(409, "derivation-committed")
            found.state = "abandoned"
            found.staged.clear()

        @app.get(base + "/{derivation_id}/files")
        async def files(
            derivation_id: UUID, after: str | None = None, limit: int = 1000, factory_service: str = Header()
        ) -> Any:
            found = self._derivation(derivation_id, "files")
            held = found.parent.files
            paths = sorted(held, key=lambda path: path.encode())
            paths = [path for path in paths if after is None or path.encode() > after.encode()]
            page = paths[:limit]
            size = held.size if isinstance(held, Contents) else None
            items = [
                {
                    "path": path,
                    "size": len(held[path]) if size is None else size,
                    "sha256": "0" * 64,
                    "media_type": found.parent.declared.get(path, "application/octet-stream"),
                }
                for path in page
            ]
            return {"items": items, "next": page[-1] if len(paths) > limit else None}

        @app.post(base + "/{derivation_id}/read")
        async def read(derivation_id: UUID, body: dict[str, list[str]], factory_service: str = Header()) -> Any:
            found = self._derivation(derivation_id, "read")
            frames = [({"path": path}, self._content(found, path)) for path in body["paths"]]
            if sum(len(content) for _, content in frames) > MOST_BYTES:
                raise Refusal(413, "files-too-large")
            return Response(write_frames(frames))

        @app.post(base + "/{derivation_id}/read-range")
        async def read_range(derivation_id: UUID, body: dict[str, Any], factory_service: str = Header()) -> Any:
            found = self._derivation(derivation_id, "read-range")
            content = self._content(found, body["path"])
            return Response(content[body["start"] : body["start"] + body["length"]])

        @app.post(base + "/{derivation_id}/stage")
        async def stage(derivation_id: UUID, request: Request, factory_service: str = Header()) -> Any:
            found = self._writable(derivation_id, "stage")
            frames = list(read_frames(await request.body()))
            if sum(len(content) for _, content in frames) > MOST_BYTES:
                raise Refusal(413, "body-too-large")
            for header, content in frames:
                self._stage(found, header["path"], header["media_type"], header.get("source"), content)
            return {"staged": len(frames)}

        @app.put(base + "/{derivation_id}/file")
        async def put(
            derivation_id: UUID,
            request: Request,
            path: str,
            media_type: str,
            source: str | None = None,
            factory_service: str = Header(),
        ) -> Any:
            found = self._writable(derivation_id, "put")
            content = b"".join([piece async for piece in request.stream()])
            self._stage(found, path, media_type, source, content)
            return {"sha256": "0" * 64, "size": len(content)}

        @app.post(base + "/{derivation_id}/commit")
        async def commit(derivation_id: UUID, body: dict[str, Any], factory_service: str = Header()) -> Any:
            return self._commit(derivation_id, body["details"])

        @app.post("/internal/v1/versions/{version_id}/gate")
        async def gate(version_id: UUID, request: Request, body: Annotated[dict[str, Any], Body()]) -> Any:
            return self._pass_gate(version_id, body, _claims(request))

        return app


def _claims(request: Request) -> dict[str, Any]:
    token = request.headers["authorization"].removeprefix("Bearer ")
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _role(claims: dict[str, Any], version: Version) -> str | None:
    scopes = {("partner", str(version.partner_id)), ("donation", str(version.donation_id))}
    if any(name == "steward" and (kind, scope) in scopes for name, kind, scope in claims["roles"]):
        return "steward"
    return "insider" if claims["partner"] == str(version.partner_id) else None
