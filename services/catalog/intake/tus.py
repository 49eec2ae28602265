"""The bytes of uploads, by tus 1.0 (https://tus.io/protocols/resumable-upload), spoken by `tuspyserver`.

Its router is not mounted: it knows nothing of users, donations or our refusals, writes an unauthenticated body before
it refuses it, and checks headers after the body. Routes of ours ask all that first, then hand over to its handlers; its
storage is a view of the one upload that the route found. Uploads are made by `create_upload` alone.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Header, HTTPException, Path, Request, Response
from fastapi.routing import APIRoute
from tuspyserver import create_tus_router
from tuspyserver.storage import TusStorage

from services.catalog.intake import repository, uploads
from services.catalog.intake.ingest import poke
from services.catalog.intake.models import Upload
from services.catalog.intake.service import drop_spooled, spool_of
from services.catalog.intake.storing import clear_unneeded
from services.kit.context import Context
from services.kit.problems import Problem, unavailable
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, Transaction, factory_router

TUS_VERSION = "1.0.0"
BODY_TYPE = "application/offset+octet-stream"
# tuspyserver insists on a name and a type, and repeats them to whoever asks; ours stay sealed.
_METADATA = {"filename": "upload", "filetype": "application/octet-stream"}


@dataclass(frozen=True)
class _Current:
    ctx: Context
    upload: Upload


_current: ContextVar[_Current] = ContextVar("tus_upload")


class _OneUpload(TusStorage):
    """The storage of the upload that this request is about; its bytes lie in the service's encrypted spool."""

    @property
    def _spool(self) -> TusStorage:
        return spool_of(_current.get().ctx)

    async def create(self, uid: str) -> None:
        await self._spool.create(uid)

    async def exists(self, uid: str) -> bool:
        return True  # the route found its row

    async def size(self, uid: str) -> int:
        upload = _current.get().upload
        return await self._spool.size(uid) if upload.state == "open" else upload.size

    async def append(self, uid: str, chunk: bytes) -> None:
        await self._spool.append(uid, chunk)

    async def flush(self, uid: str) -> None:
        await self._spool.flush(uid)

    async def finalize(self, uid: str) -> None:
        if _current.get().upload.state == "open":
            await self._spool.finalize(uid)

    async def read(self, uid: str) -> bytes | None:
        raise RuntimeError("nobody reads a whole upload into memory")

    async def delete(self, uid: str) -> None:
        await self._spool.delete(uid)

    async def read_info(self, uid: str) -> dict[str, Any] | None:
        upload = _current.get().upload
        if upload.state == "open":
            return await self._spool.read_info(uid)
        # All bytes have come; whoever asks again (a lost answer, for one) learns that.
        return {"metadata": _METADATA, "size": upload.size, "offset": upload.size, "created_at": "", "expires": None}

    async def write_info(self, uid: str, data: dict[str, Any]) -> None:
        if data.get("error") is not None:
            # tuspyserver notes a failed write and answers 204 all the same; the sender must hear that it failed.
            raise unavailable("spool")
        if _current.get().upload.state == "open":
            await self._spool.write_info(uid, data)

    async def list_uids(self) -> list[str]:
        return []

    def location(self, uid: str) -> str:
        return uid

    def lock(self, uid: str) -> Any:
        return self._spool.lock(uid)


@dataclass(frozen=True)
class _Handlers:
    """tuspyserver's own handlers: of HEAD, of PATCH, and of the body of a PATCH, which it writes before all else."""

    head: Callable[..., Any]
    patch: Callable[..., Any]
    take_body: Callable[..., Any]


def _handlers() -> _Handlers:
    guest = create_tus_router(
        prefix="uploads",
        files_dir="/nonexistent",
        max_size=2**63 - 1,
        # Uploads do not expire by themselves: their draft is kept until its donor ends it.
        days_to_keep=36_500,
        storage=_OneUpload(),
    )
    routes = {
        method: route
        for route in cast("list[APIRoute]", guest.routes)
        if route.path.endswith("/{uuid}")
        for method in route.methods or ()
    }
    parts = [part.call for part in routes["PATCH"].dependant.dependencies]
    take_body = next((part for part in parts if getattr(part, "__name__", "") == "request_chunks_dep"), None)
    if take_body is None:
        raise RuntimeError("tuspyserver takes bodies in another way than the one this was written for")
    return _Handlers(routes["HEAD"].endpoint, routes["PATCH"].endpoint, take_body)


HANDLERS = _handlers()

router = factory_router(tags=["uploads"])

UploadId = Annotated[UUID, Path(description="The upload.")]
TusVersion = Annotated[str | None, Header(alias="Tus-Resumable", description="1.0.0", examples=["1.0.0"])]
UploadOffset = Annotated[
    str | None,
    Header(alias="Upload-Offset", description="Where the body begins in the file, in bytes.", examples=["0"]),
]
_NO_CONTENT: dict[int | str, dict[str, Any]] = {204: {"description": "Done."}}


async def _enter(request: Request, ctx: Context, caller: Subject, upload_id: UUID, tus: str | None) -> Upload:
    """Before anything of the body is read: is the upload theirs, and can what they send be taken."""
    async with ctx.unit() as session:
        upload, _donation = await uploads.upload_for(session, caller, upload_id)
    if upload.state == "refused":
        raise Problem(410, "upload-refused", params={"reason": upload.reason})
    if tus != TUS_VERSION:
        raise Problem(412, "tus-version", params={"version": TUS_VERSION}, headers={"Tus-Version": TUS_VERSION})
    if request.method == "PATCH":
        # tuspyserver checks these after it has written the body.
        if request.headers.get("content-type") != BODY_TYPE:
            raise Problem(415, "tus-body-type", params={"type": BODY_TYPE})
        if not request.headers.get("upload-offset", "").isdecimal():
            raise Problem(400, "tus-offset-missing")
        if not request.headers.get("content-length", "").isdecimal():
            raise Problem(411, "tus-length-missing")
    if upload.state == "open":
        await spool_of(ctx).begin(str(upload_id), upload.size)
    _current.set(_Current(ctx, upload))
    return upload


@router.head(
    "/uploads/{upload_id}", operation_id="head_upload", summary="See how far an upload is", response_class=Response
)
async def head_upload(
    upload_id: UploadId, request: Request, response: Response, caller: Caller, ctx: Ctx, tus: TusVersion = None
) -> Response:
    """Ask for Upload-Offset, to go on from there after a connection was lost."""
    upload = await _enter(request, ctx, caller, upload_id, tus)
    with _tus_problems():
        await HANDLERS.head(
            request=request, response=response, uuid=str(upload.id), tus_resumable=tus, file_dep=_no_folder
        )
    # It echoes what it calls the file's name and type, and a length for a body that there is not.
    headers = {name: value for name, value in response.headers.items() if name in _HEAD_HEADERS}
    return Response(status_code=200, headers=headers)


@router.patch(
    "/uploads/{upload_id}",
    operation_id="append_upload",
    summary="Send bytes of an upload",
    status_code=204,
    response_class=Response,
    responses=_NO_CONTENT,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {BODY_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def append_upload(
    upload_id: UploadId,
    request: Request,
    response: Response,
    caller: Caller,
    ctx: Ctx,
    tus: TusVersion = None,
    upload_offset: UploadOffset = None,
) -> Response:
    """Send the bytes that come next; 409 unless Upload-Offset is where the upload is. Any number of parts will do."""
    upload = await _enter(request, ctx, caller, upload_id, tus)

    async def complete(uid: str, _metadata: dict[str, str]) -> None:
        async with ctx.unit() as session:
            await repository.set_received(session, UUID(uid), ctx.clock.now())
        poke(ctx)

    uid = str(upload.id)
    with _tus_problems():
        await HANDLERS.take_body(request=request, uuid=uid, post_request=False, file_dep=_no_folder)
        await HANDLERS.patch(
            request=request,
            response=response,
            uuid=uid,
            content_length=int(request.headers["content-length"]),
            upload_offset=int(request.headers["upload-offset"]),
            upload_length=None,
            content_type=BODY_TYPE,
            tus_resumable=tus,
            on_complete=complete,
            file_dep=_no_folder,
        )
    headers = {"Tus-Resumable": TUS_VERSION, "Upload-Offset": response.headers["upload-offset"]}
    return Response(status_code=204, headers=headers)


_HEAD_HEADERS = frozenset({"tus-resumable", "upload-offset", "upload-length", "cache-control"})


_CODES = {400: "upload-too-long", 404: "not-found", 409: "upload-offset-wrong", 503: "upload-busy"}


@contextmanager
def _tus_problems() -> Generator[None]:
    """Tell what tuspyserver refuses as a problem of ours."""
    try:
        yield
    except HTTPException as error:
        code = _CODES.get(error.status_code, "http-error")
        raise Problem(error.status_code, code, params={"noun": "upload", "detail": str(error.detail)}) from None


def _no_folder(_metadata: dict[str, str]) -> None:
    """Give tuspyserver no folder of its own."""


@router.options(
    "/uploads/{upload_id}", operation_id="upload_options", summary="See what of tus is spoken", status_code=204
)
async def upload_options(upload_id: UploadId, caller: Caller, ctx: Ctx) -> Response:
    """Say what of tus is spoken here: uploads are made by create_upload; they can be resumed and cancelled."""
    headers = {
        "Tus-Resumable": TUS_VERSION,
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": "termination",
        "Tus-Max-Size": str(ctx.settings.upload_max_bytes),
    }
    return Response(status_code=204, headers=headers)


@router.delete("/uploads/{upload_id}", operation_id="cancel_upload", summary="Take an upload back", status_code=204)
async def cancel_upload(upload_id: UploadId, caller: Caller, ctx: Ctx, transaction: Transaction) -> Response:
    """Take an upload back while its donation is a draft, whatever has become of it."""
    session = await transaction()
    upload, donation = await uploads.upload_for(session, caller, upload_id, lock=True)
    await uploads.cancel(session, upload, donation)
    await session.flush()
    await clear_unneeded(session, donation.id, donation.version_id)
    await drop_spooled(ctx, upload_id)
    return Response(status_code=204, headers={"Tus-Resumable": TUS_VERSION})
