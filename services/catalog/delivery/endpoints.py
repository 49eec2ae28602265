"""Files of versions over HTTP: their names, and their bytes."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Path, Request, Response

from services.catalog.datasets.manifest import Entry
from services.catalog.datasets.permits import may_read_path
from services.catalog.datasets.schemas import FileOut
from services.catalog.datasets.vault import repr_digest
from services.catalog.delivery import service
from services.catalog.delivery.rules import RangeNotSatisfiable, Span, disposition, matches_none, span_of
from services.catalog.delivery.stream import LeasedResponse, plaintext
from services.catalog.lists import after_text
from services.catalog.settings import CatalogSettings
from services.kit.context import Context
from services.kit.leases import keeper_of
from services.kit.paging import Page, Paged, encode_cursor
from services.kit.problems import Problem
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, factory_router

router = factory_router(tags=["files"])

VersionId = Annotated[UUID, Path(description="The version.")]
FilePath = Annotated[str, Path(max_length=4096, description="Path of the file, as list_files gives it.")]
PermitToken = Annotated[
    str | None,
    Header(
        alias="Factory-Permit",
        max_length=16_384,
        description="permit_token of a decision about this version, for the subject of the bearer token.",
    ),
]
RangeHeader = Annotated[str | None, Header(alias="Range", description="One range of bytes (RFC 9110 §14.2).")]
IfRange = Annotated[str | None, Header(alias="If-Range", description="The range only if the file has this ETag.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="304 if the file has this ETag.")]


@router.get("/versions/{version_id}/files", operation_id="list_files", summary="List a version's files")
async def list_files(
    version_id: VersionId, caller: Caller, ctx: Ctx, params: Page, permit: PermitToken = None
) -> Paged[FileOut]:
    """List the files of a version by path.

    For its donor and stewards; for everyone when it is published and its integrity class is open; else with a permit.
    """
    opened = await service.open_for_listing(ctx, caller, version_id, permit)
    manifest = await service.manifest_of(ctx, opened)
    after = after_text(params)
    kept: list[Entry] = []
    while len(kept) <= params.limit:
        rows = manifest.after(after, params.limit + 1)
        kept += [row for row in rows if may_read_path(opened.permit, row.path)]
        if len(rows) <= params.limit:
            break
        after = rows[-1].path
    items = [FileOut.model_validate(row) for row in kept[: params.limit]]
    more = len(kept) > params.limit
    return Paged(items=items, next_cursor=encode_cursor([items[-1].path]) if more else None)


@router.get(
    "/versions/{version_id}/files/{path:path}",
    operation_id="download_file",
    summary="Download a file",
    response_class=Response,
    responses={
        200: {"description": "The file.", "content": {"application/octet-stream": {}}},
        206: {"description": "A part of the file.", "content": {"application/octet-stream": {}}},
        304: {"description": "You have it already."},
    },
)
async def download_file(
    version_id: VersionId,
    path: FilePath,
    request: Request,
    caller: Caller,
    ctx: Ctx,
    permit: PermitToken = None,
    range_header: RangeHeader = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Download a file, or a range of it, under a permit. The download ends short when what permits it ends."""
    return await _answer(ctx, caller, version_id, path, permit, range_header, if_range, if_none_match, body=True)


@router.head(
    "/versions/{version_id}/files/{path:path}",
    operation_id="head_file",
    summary="Ask about a file",
    response_class=Response,
)
async def head_file(
    version_id: VersionId,
    path: FilePath,
    caller: Caller,
    ctx: Ctx,
    permit: PermitToken = None,
    range_header: RangeHeader = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Ask what download_file would answer, without the bytes."""
    return await _answer(ctx, caller, version_id, path, permit, range_header, if_range, if_none_match, body=False)


async def _answer(
    ctx: Context,
    caller: Subject,
    version_id: UUID,
    path: str,
    permit: str | None,
    range_header: str | None,
    if_range: str | None,
    if_none_match: str | None,
    *,
    body: bool,
) -> Response:
    opened = await service.open_for_download(ctx, caller, version_id, permit)
    assert opened.permit is not None
    entry = await service.entry_of(ctx, opened, path)
    etag = f'"{entry.sha256}"'
    headers = {"etag": etag, "accept-ranges": "bytes", "cache-control": "private, no-store"}
    if matches_none(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    try:
        span = span_of(range_header, if_range, etag, entry.size)
    except RangeNotSatisfiable:
        raise Problem(
            416,
            "range-not-satisfiable",
            params={"size": entry.size},
            headers={"Content-Range": f"bytes */{entry.size}"},
        ) from None
    headers |= _describe(entry, span)
    status = 206 if span.partial else 200
    if not body:
        answer = Response(status_code=status, headers=headers, media_type=entry.media_type)
        answer.headers["content-length"] = str(span.length)
        return answer
    assert isinstance(ctx.settings, CatalogSettings)
    return LeasedResponse(
        plaintext(ctx, opened.secrets, entry, span),
        status_code=status,
        headers=headers,
        media_type=entry.media_type,
        keeper=keeper_of(ctx),
        decision_id=opened.permit.decision_id,
        asked_at=opened.asked_at,
        stall_s=ctx.settings.download_stall_s,
    )


def _describe(entry: Entry, span: Span) -> dict[str, str]:
    headers = {
        "content-length": str(span.length),
        "content-disposition": disposition(entry.path),
        # Of the whole file, also when a part of it is sent (RFC 9530 §3).
        "repr-digest": repr_digest(entry.sha256),
        # What partners donate is never run by a browser.
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    if span.partial:
        headers["content-range"] = span.content_range
    return headers
