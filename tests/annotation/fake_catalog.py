"""The catalogue as annotation knows it: versions with files, and derivations that a test may break off."""

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from services.kit.frames import read_frames
from services.kit.ids import new_id
from services.kit.paging import decode_cursor, encode_cursor
from tests.annotation.fake_access import FakeAccess, claims_of


@dataclass
class FakeVersion:
    """A version: its files by path, with media type."""

    dataset_id: UUID
    partner_id: UUID
    donation_id: UUID
    files: dict[str, tuple[str, bytes]]


@dataclass
class FakeDerivation:
    """A version being made."""

    parent_id: UUID
    version_id: UUID
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])
    state: str = "open"
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    commits: int = 0


Breaking = Callable[[str], None]
"""Called with the name of each step of a derivation; raises to break it off."""


class FakeCatalog:
    """What annotation asks the catalogue, answered from memory."""

    def __init__(self, access: FakeAccess) -> None:
        self.access = access
        self.versions: dict[UUID, FakeVersion] = {}
        self.derivations: dict[UUID, FakeDerivation] = {}
        self.withdrawn: set[UUID] = set()
        self.steps: list[str] = []
        self.breaking: Breaking | None = None
        self.reads: list[str] = []
        self.app = self._app()

    def add(self, partner_id: UUID, files: dict[str, bytes]) -> UUID:
        """Make a released version; returns its id."""
        version_id = new_id()
        typed = {
            path: (mimetypes.guess_type(path)[0] or "application/octet-stream", content)
            for path, content in files.items()
        }
        self.versions[version_id] = FakeVersion(new_id(), partner_id, new_id(), typed)
        return version_id

    def _permitted(self, version_id: UUID, permit: str | None) -> None:
        if permit is None:
            raise HTTPException(403)
        claims = claims_of(permit)
        if UUID(claims["ver"]) != version_id or not self.access.live(UUID(claims["dec"])):
            raise HTTPException(403)

    def _step(self, name: str, derivation_id: UUID) -> FakeDerivation | JSONResponse:
        self.steps.append(name)
        if self.breaking is not None:
            self.breaking(name)
        work = self.derivations.get(derivation_id)
        if work is None:
            return JSONResponse({"code": "not-found", "status": 404}, status_code=404)
        if self.versions[work.parent_id].dataset_id in self.withdrawn:
            return JSONResponse({"code": "dataset-withdrawn", "status": 410}, status_code=410)
        if work.state == "committing" and name in ("keep", "stage"):
            return JSONResponse({"code": "derivation-not-open", "status": 409}, status_code=409)
        return work

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/v1/versions/{version_id}/dataset-facts")
        async def facts(version_id: UUID, authorization: str = Header()) -> Any:
            found = self.versions.get(version_id)
            if found is None:
                return JSONResponse({"code": "not-found", "status": 404}, status_code=404)
            return {
                "dataset_id": str(found.dataset_id),
                "partner_id": str(found.partner_id),
                "donation_id": str(found.donation_id),
            }

        @app.get("/api/v1/versions/{version_id}/files")
        async def files(
            version_id: UUID,
            limit: int,
            after: str | None = None,
            factory_permit: str | None = Header(default=None),
        ) -> Any:
            self._permitted(version_id, factory_permit)
            found = self.versions[version_id].files
            paths = sorted(found, key=str.encode)
            start = 0 if after is None else paths.index(decode_cursor(after)[0]) + 1
            kept = paths[start : start + limit]
            items = [{"path": p, "media_type": found[p][0], "size": len(found[p][1]), "sha256": "0"} for p in kept]
            more = start + limit < len(paths)
            return {"items": items, "next_cursor": encode_cursor([kept[-1]]) if more else None}

        @app.get("/api/v1/versions/{version_id}/files/{path:path}")
        async def read(
            version_id: UUID,
            path: str,
            factory_permit: str | None = Header(default=None),
            range: str | None = Header(default=None),
        ) -> Response:
            self._permitted(version_id, factory_permit)
            self.reads.append(path)
            media_type, content = self.versions[version_id].files[path]
            if range is None:
                return Response(content, media_type=media_type)
            last = int(range.rpartition("-")[2])
            return Response(content[: last + 1], status_code=206, media_type=media_type)

        self._derivations(app)
        return app

    def _derivations(self, app: FastAPI) -> None:
        @app.post("/internal/v1/derivations")
        async def begin(body: dict[str, Any], authorization: str = Header()) -> Any:
            self.steps.append("open")
            assert body["source_kind"] == "campaign"
            parent = UUID(body["parent_version_id"])
            self._permitted(parent, body["permit_token"])
            work = self.derivations.setdefault(UUID(body["id"]), FakeDerivation(parent, new_id()))
            return {
                "id": body["id"],
                "version_id": str(work.version_id),
                "state": work.state,
                "staged": len(work.files),
            }

        @app.get("/internal/v1/derivations/{derivation_id}")
        async def look(derivation_id: UUID) -> Any:
            work = self._step("look", derivation_id)
            if isinstance(work, Response):
                return work
            return {"id": str(derivation_id), "version_id": str(work.version_id), "state": work.state}

        @app.get("/internal/v1/derivations/{derivation_id}/files")
        async def parent_files(derivation_id: UUID, after: str | None = None, limit: int = Query(default=1000)) -> Any:
            work = self._step("files", derivation_id)
            if isinstance(work, Response):
                return work
            found = self.versions[work.parent_id].files
            paths = [path for path in sorted(found, key=str.encode) if after is None or path.encode() > after.encode()]
            kept = paths[:limit]
            items = [{"path": p, "media_type": found[p][0], "size": len(found[p][1]), "sha256": "0"} for p in kept]
            return {"items": items, "next": kept[-1] if len(paths) > limit else None}

        @app.post("/internal/v1/derivations/{derivation_id}/keep")
        async def keep(derivation_id: UUID, body: dict[str, list[str]]) -> Any:
            work = self._step("keep", derivation_id)
            if isinstance(work, Response):
                return work
            for path in body["paths"]:
                work.files[path] = self.versions[work.parent_id].files[path]
            return {"staged": len(body["paths"])}

        @app.post("/internal/v1/derivations/{derivation_id}/stage")
        async def stage(derivation_id: UUID, request: Request) -> Any:
            work = self._step("stage", derivation_id)
            if isinstance(work, Response):
                return work
            frames = list(read_frames(await request.body()))
            for header, content in frames:
                work.files[header["path"]] = (header["media_type"], content)
            return {"staged": len(frames)}

        @app.put("/internal/v1/derivations/{derivation_id}/file")
        async def put(derivation_id: UUID, request: Request, path: str, media_type: str) -> Any:
            work = self._step("stage", derivation_id)
            if isinstance(work, Response):
                return work
            work.files[path] = (media_type, await request.body())
            return {"sha256": "0", "size": len(work.files[path][1])}

        @app.post("/internal/v1/derivations/{derivation_id}/commit")
        async def commit(derivation_id: UUID, body: dict[str, Any]) -> Any:
            work = self._step("commit", derivation_id)
            if isinstance(work, Response):
                return work
            if work.state != "committed":
                parent = self.versions[work.parent_id]
                self.versions[work.version_id] = FakeVersion(
                    parent.dataset_id, parent.partner_id, parent.donation_id, dict(work.files)
                )
                work.state, work.details, work.commits = "committed", body["details"], work.commits + 1
            sizes = sum(len(content) for _type, content in work.files.values())
            version = {"version_id": str(work.version_id), "number": 2, "digest": "0" * 64, "gate": "required"}
            return {**version, "files": len(work.files), "bytes": sizes}
