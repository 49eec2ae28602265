"""What the catalogue is asked: of which dataset a version is, which files it has, and a file's bytes to measure it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode
from uuid import UUID

from services.kit.context import Context
from services.kit.problems import unavailable
from services.kit.tokens import Subject

PAGE = 200
PERMIT_HEADER = "Factory-Permit"


@dataclass(frozen=True)
class DatasetFacts:
    """Whose a version is. `donation_id` is the case it came from."""

    dataset_id: UUID
    partner_id: UUID
    donation_id: UUID | None


@dataclass(frozen=True)
class FileFacts:
    """A file of a version: path (NFC), media type, size in bytes."""

    path: str
    media_type: str
    size: int


async def dataset_facts(ctx: Context, caller: Subject, version_id: UUID) -> DatasetFacts:
    """Return whose a version is; 404 when the caller may not see it."""
    answer = await ctx.http.get_json("catalog", f"/internal/v1/versions/{version_id}/dataset-facts", user=caller)
    try:
        donation = answer["donation_id"]
        return DatasetFacts(
            UUID(answer["dataset_id"]), UUID(answer["partner_id"]), UUID(donation) if donation is not None else None
        )
    except (KeyError, TypeError, ValueError):
        raise unavailable("catalog") from None


async def files(ctx: Context, caller: Subject, version_id: UUID, permit: str) -> AsyncIterator[FileFacts]:
    """Yield the files of a version by path, a page a question, under the caller's permit."""
    cursor: str | None = None
    while True:
        query = urlencode({"limit": PAGE, **({"after": cursor} if cursor else {})})
        raw = await ctx.http.request_bytes(
            "catalog",
            "GET",
            f"/api/v1/versions/{version_id}/files?{query}",
            user=caller,
            headers={PERMIT_HEADER: permit},
            deadline_s=20.0,
        )
        try:
            answer = cast("dict[str, Any]", json.loads(raw))
            page = [FileFacts(str(f["path"]), str(f["media_type"]), int(f["size"])) for f in answer["items"]]
            cursor = answer["next_cursor"]
        except (KeyError, TypeError, ValueError):
            raise unavailable("catalog") from None
        for file in page:
            yield file
        if cursor is None:
            return


def file_url(version_id: UUID, path: str) -> str:
    """Return where a file's bytes are, below the factory's address; the permit opens it."""
    return f"/api/v1/versions/{version_id}/files/{quote(path)}"


async def read_file(
    ctx: Context, caller: Subject, version_id: UUID, path: str, permit: str, *, first: int | None = None
) -> bytes:
    """Return a file's bytes (the `first` so many), under the caller's permit. For files that fit into memory."""
    headers = {PERMIT_HEADER: permit}
    if first is not None:
        headers["Range"] = f"bytes=0-{first - 1}"
    return await ctx.http.request_bytes("catalog", "GET", file_url(version_id, path), user=caller, headers=headers)
