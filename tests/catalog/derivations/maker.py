"""A service that derives versions: deid or annotation, as the catalogue sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from services.kit.frames import MEDIA_TYPE, read_frames, write_frames
from services.kit.ids import new_id
from services.kit.tokens import AUDIENCE, SERVICE_TYPE
from tests.catalog.support import Person, World

INTERNAL = "/internal/v1"


@dataclass
class Maker:
    """Asks the catalogue with a service's token, and sometimes a user's beside it."""

    world: World
    name: str = "deid"

    @property
    def headers(self) -> dict[str, str]:
        claims = {"sub": str(new_id()), "service": self.name}
        return {"Factory-Service": self.world.access.tokens.sign(SERVICE_TYPE, AUDIENCE, 300, claims)}

    async def ask(self, method: str, path: str, user: Person | None = None, **kw: Any) -> httpx.Response:
        headers = {**self.headers, **(user.headers() if user else {}), **kw.pop("headers", {})}
        return await self.world.client.request(method, f"{INTERNAL}{path}", headers=headers, **kw)

    async def open(self, user: Person | None, parent: str, *, id: UUID | None = None, **more: Any) -> httpx.Response:
        body = {"id": str(id or new_id()), "parent_version_id": parent, "source_kind": "recipe", **more}
        return await self.ask("POST", "/derivations", user, json=body)

    async def opened(self, user: Person, parent: str, **more: Any) -> "Derived":
        """Open a derivation that must succeed."""
        answer = await self.open(user, parent, **more)
        assert answer.status_code == 200, answer.text
        return Derived(self, answer.json())

    async def gate(self, user: Person | None, version_id: str, run_id: str, reasons: str = "Judged.") -> httpx.Response:
        body = {"run_id": run_id, "reasons": reasons}
        return await self.ask("POST", f"/versions/{version_id}/gate", user, json=body)


@dataclass
class Derived:
    """An open derivation."""

    maker: Maker
    facts: dict[str, Any]

    @property
    def id(self) -> str:
        return self.facts["id"]

    @property
    def version_id(self) -> str:
        return self.facts["version_id"]

    @property
    def url(self) -> str:
        return f"/derivations/{self.id}"

    async def get(self) -> httpx.Response:
        return await self.maker.ask("GET", self.url)

    async def files(self, **params: Any) -> httpx.Response:
        return await self.maker.ask("GET", f"{self.url}/files", params=params)

    async def read(self, paths: Sequence[str]) -> httpx.Response:
        return await self.maker.ask("POST", f"{self.url}/read", json={"paths": paths})

    async def contents(self, paths: Sequence[str]) -> dict[str, bytes]:
        answer = await self.read(paths)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == MEDIA_TYPE
        return {header["path"]: content for header, content in read_frames(answer.content)}

    async def read_range(self, path: str, start: int, length: int) -> httpx.Response:
        body = {"path": path, "start": start, "length": length}
        return await self.maker.ask("POST", f"{self.url}/read-range", json=body)

    async def stage(self, files: Mapping[str, bytes], **header: Any) -> httpx.Response:
        frames = write_frames([({"path": path, **header}, content) for path, content in files.items()])
        return await self.stage_raw(frames)

    async def stage_raw(self, body: bytes) -> httpx.Response:
        return await self.maker.ask("POST", f"{self.url}/stage", content=body, headers={"Content-Type": MEDIA_TYPE})

    async def staged(self, files: Mapping[str, bytes], **header: Any) -> None:
        answer = await self.stage(files, **header)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"staged": len(files)}

    async def put(self, path: str, content: bytes, **more: Any) -> httpx.Response:
        return await self.maker.ask("PUT", f"{self.url}/file", params={"path": path, **more}, content=content)

    async def keep(self, paths: Sequence[str]) -> httpx.Response:
        return await self.maker.ask("POST", f"{self.url}/keep", json={"paths": paths})

    async def commit(self, **details: Any) -> httpx.Response:
        return await self.maker.ask("POST", f"{self.url}/commit", json={"details": details})

    async def committed(self, **details: Any) -> dict[str, Any]:
        answer = await self.commit(**details)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def abandon(self) -> httpx.Response:
        return await self.maker.ask("DELETE", self.url)
