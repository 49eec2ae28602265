"""The bytes of uploads, by tus 1.0 (https://tus.io/protocols/resumable-upload), served by `tuspyserver`.

Its router is a guest: it knows nothing of users, donations or our refusals. So a dependency of ours goes before each
of its routes (whose own `auth=` would let an unauthenticated body be written first) and checks everything that can be
checked before the body is read; and its storage is a view of the one upload that the dependency found. Uploads are made
by `create_upload` alone: the routes that create are left out.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from tuspyserver import create_tus_router
from tuspyserver.storage import TusStorage

from services.catalog.intake import repository, uploads
from services.catalog.intake.ingest import poke
from services.catalog.intake.models import Upload
from services.catalog.intake.service import drop_spooled, spool_of
from services.catalog.intake.taking import clear_unneeded
from services.kit.context import Context
from services.kit.problems import Problem, not_found, unauthenticated, unavailable
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, Transaction, context_of, factory_router

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
        return True  # the dependency found its row

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


async def owned_upload(request: Request, uuid: Annotated[str, Path(description="The upload.")]) -> None:
    """Before anything of the body is read: who asks, is the upload theirs, and can what they send be taken."""
    ctx = context_of(request)
    if "x-http-method-override" in request.headers:
        # The gateway counts and routes by the method on the request line.
        raise Problem(405, "method-not-allowed")
    caller = await authenticate(request, ctx)
    upload = await _found(ctx, caller, uuid)
    if upload.state == "refused":
        raise Problem(410, "upload-refused", params={"reason": upload.reason})
    _check_tus(request)
    if upload.state == "open":
        await spool_of(ctx).begin(uuid, upload.size)
    _current.set(_Current(ctx, upload))


async def _found(ctx: Context, caller: Subject, uuid: str) -> Upload:
    try:
        upload_id = UUID(uuid)
    except ValueError:
        raise not_found("upload") from None
    if str(upload_id) != uuid:
        # One spelling: the spool's files are named by it.
        raise not_found("upload")
    async with ctx.unit() as session:
        upload, _donation = await uploads.upload_for(session, caller, upload_id)
    return upload


def _check_tus(request: Request) -> None:
    if request.headers.get("tus-resumable") != TUS_VERSION:
        raise Problem(412, "tus-version", params={"version": TUS_VERSION}, headers={"Tus-Version": TUS_VERSION})
    if request.method == "PATCH":
        # tuspyserver checks these after it has written the body.
        if request.headers.get("content-type") != BODY_TYPE:
            raise Problem(415, "tus-body-type", params={"type": BODY_TYPE})
        if not request.headers.get("upload-offset", "").isdecimal():
            raise Problem(400, "tus-offset-missing")
        if not request.headers.get("content-length", "").isdecimal():
            raise Problem(411, "tus-length-missing")


async def completion(request: Request) -> Callable[[str, dict[str, str]], Any]:
    """What tuspyserver calls when the last byte is here."""
    ctx = context_of(request)

    async def complete(uid: str, _metadata: dict[str, str]) -> None:
        async with ctx.unit() as session:
            await repository.set_received(session, UUID(uid), ctx.clock.now())
        poke(ctx)

    return complete


async def authenticate(request: Request, ctx: Context) -> Subject:
    """Return the verified caller, or answer 401: what a factory route does, for routes that are none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("token-invalid" if scheme else "not-signed-in")
    subject = await ctx.verifier.user(token.strip())
    # Read live: many requests make one upload, and the role may have been given a second ago.
    return await ctx.subjects.live(subject) if ctx.subjects else subject


def tus_router() -> APIRouter:
    """Return the routes that tuspyserver serves for us: HEAD and PATCH of one upload."""
    guest = create_tus_router(
        prefix="uploads",
        files_dir="/nonexistent",
        max_size=2**63 - 1,
        # Uploads do not expire by themselves: their draft is kept until its donor ends it.
        days_to_keep=36_500,
        upload_complete_dep=cast(Any, completion),  # may be a coroutine, though the annotation says otherwise
        storage=_OneUpload(),
        tags=["uploads"],
    )
    names = {"HEAD": "head_upload", "PATCH": "append_upload"}
    kept: list[Any] = []
    for route in cast("list[Any]", guest.routes):
        method = next(iter(route.methods))
        if method in names and route.path.endswith("/{uuid}"):
            route.operation_id = names[method]
            kept.append(route)
    if len(kept) != len(names):
        raise RuntimeError("tuspyserver has other routes than those this was written for")
    guest.routes[:] = kept
    router = APIRouter()
    router.include_router(guest, dependencies=[Depends(owned_upload)])
    return router


router = factory_router(tags=["uploads"])

UploadId = Annotated[UUID, Path(description="The upload.")]


@router.options("/uploads/{upload_id}", operation_id="upload_options", status_code=204)
async def upload_options(upload_id: UploadId, caller: Caller, ctx: Ctx) -> Response:
    """Say what of tus is spoken here: uploads are made by create_upload; they can be resumed and cancelled."""
    headers = {
        "Tus-Resumable": TUS_VERSION,
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": "termination",
        "Tus-Max-Size": str(ctx.settings.upload_max_bytes),
    }
    return Response(status_code=204, headers=headers)


@router.delete("/uploads/{upload_id}", operation_id="cancel_upload", status_code=204)
async def cancel_upload(upload_id: UploadId, caller: Caller, ctx: Ctx, transaction: Transaction) -> Response:
    """Take an upload back while its donation is a draft, whatever has become of it."""
    session = await transaction()
    upload, donation = await uploads.upload_for(session, caller, upload_id, lock=True)
    await uploads.cancel(session, upload, donation)
    await session.flush()
    await clear_unneeded(ctx, session, donation.id, donation.version_id)
    await drop_spooled(ctx, upload_id)
    return Response(status_code=204, headers={"Tus-Resumable": TUS_VERSION})
