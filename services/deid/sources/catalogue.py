"""What runs ask the catalogue: to open a version for treatment, its files, to take the results, to commit or forget."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from services.kit.context import Context
from services.kit.frames import BadFrames, read_frames, write_frames
from services.kit.problems import unavailable
from services.kit.tokens import Subject

MOST_TOGETHER = 32 * 1024 * 1024
"""Bytes of files that are read or staged in one request."""
RANGE_BYTES = 8 * 1024 * 1024
_LIST_S = 60.0
_COMMIT_S = 600.0
_BYTES_S = 120.0

Mode = Literal["treat", "inspect"]


@dataclass(frozen=True)
class Opened:
    """A version opened for treatment: whose it is, and what holds for it."""

    id: UUID
    version_id: UUID | None
    dataset_id: UUID
    partner_id: UUID
    donation_id: UUID
    integrity_class: str
    personal_data: str
    terms: dict[str, Any]
    parent: dict[str, Any]


@dataclass(frozen=True)
class Listed:
    """A file of the version that is read. `size` in bytes; `declared` is the media type that the catalogue names."""

    path: str
    size: int
    declared: str


@dataclass(frozen=True)
class Made:
    """A file of the version that is made: `source` is the file that it came from."""

    path: str
    media_type: str
    source: str
    content: bytes


@dataclass(frozen=True)
class Committed:
    """The version that was made."""

    version_id: UUID
    number: int


async def open_derivation(ctx: Context, derivation_id: UUID, version_id: UUID, mode: Mode, user: Subject) -> Opened:
    """Open a version with the steward's token: 403 for others, 404 for who may not see it, 410 when it is withdrawn."""
    asked = {
        "id": str(derivation_id),
        "parent_version_id": str(version_id),
        "source_kind": "recipe",
        "mode": mode,
    }
    answer = await ctx.http.request(
        "catalog", "POST", "/internal/v1/derivations", json=asked, user=user, idempotent=True, deadline_s=_LIST_S
    )
    planned = answer.get("version_id")
    return Opened(
        id=derivation_id,
        version_id=UUID(planned) if planned else None,
        dataset_id=UUID(answer["dataset_id"]),
        partner_id=UUID(answer["partner_id"]),
        donation_id=UUID(answer["donation_id"]),
        integrity_class=str(answer["integrity_class"]),
        personal_data=str(answer["personal_data"]),
        terms=dict(answer["terms"]),
        parent=dict(answer["parent"]),
    )


class Derivation:
    """An opened derivation, by its id: reading the parent's files and writing the results."""

    def __init__(self, ctx: Context, derivation_id: UUID) -> None:
        self._http = ctx.http
        self._base = f"/internal/v1/derivations/{derivation_id}"

    async def state(self) -> str:
        """Return open, committed or abandoned; 410 when the dataset is withdrawn."""
        return str((await self._http.request("catalog", "GET", self._base))["state"])

    async def files(self, after: str | None, limit: int = 5000) -> tuple[list[Listed], str | None]:
        """Return files of the parent by path from the one after `after` on, and where the next page begins."""
        params = {"limit": str(limit)} | ({} if after is None else {"after": after})
        page = await self._http.request("catalog", "GET", f"{self._base}/files", params=params, deadline_s=_LIST_S)
        items = [Listed(str(item["path"]), int(item["size"]), str(item["media_type"])) for item in page["items"]]
        return items, page.get("next")

    async def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the contents of small files by path; those that are not there are left out."""
        body = await self._http.request_bytes(
            "catalog", "POST", f"{self._base}/read", json={"paths": list(paths)}, idempotent=True, deadline_s=_BYTES_S
        )
        try:
            return {str(header["path"]): content for header, content in read_frames(body)}
        except (BadFrames, KeyError):
            raise unavailable("catalog") from None

    async def pieces(self, path: str, size: int) -> AsyncGenerator[bytes]:
        """Yield the contents of a large file of `size` bytes, in ranges."""
        for start in range(0, size, RANGE_BYTES):
            asked = {"path": path, "start": start, "length": min(RANGE_BYTES, size - start)}
            piece = await self._http.request_bytes(
                "catalog", "POST", f"{self._base}/read-range", json=asked, idempotent=True, deadline_s=_BYTES_S
            )
            if len(piece) != asked["length"]:
                raise unavailable("catalog")
            yield piece

    async def stage(self, files: Iterable[Made]) -> None:
        """Hand in results that are small enough to travel together; the same path again replaces."""
        body = write_frames(
            ({"path": f.path, "media_type": f.media_type, "source": f.source}, f.content) for f in files
        )
        await self._http.request_bytes(
            "catalog", "POST", f"{self._base}/stage", content=body, idempotent=True, deadline_s=_BYTES_S
        )

    async def put(self, path: str, media_type: str, source: str, content: AsyncIterable[bytes]) -> None:
        """Hand in one large result, in pieces."""
        query = urlencode({"path": path, "media_type": media_type, "source": source})
        await self._http.request_bytes(
            "catalog", "PUT", f"{self._base}/file?{query}", content=content, deadline_s=10 * _BYTES_S
        )

    async def commit(self, details: Mapping[str, Any]) -> Committed:
        """Make the version of what was handed in; asked again, the same answer."""
        answer = await self._http.request(
            "catalog", "POST", f"{self._base}/commit",
            json={"details": dict(details)}, idempotent=True, deadline_s=_COMMIT_S,
        )  # fmt: skip
        return Committed(UUID(answer["version_id"]), int(answer["number"]))

    async def abandon(self) -> None:
        """Forget all that was handed in, and let the version be as if it had never been begun."""
        await self._http.request("catalog", "DELETE", self._base, idempotent=True, deadline_s=_LIST_S)
