"""A file on its way out: decrypted piece by piece in worker threads, held back by its reader, ended by its lease."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID

import structlog
from fastapi import Response
from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from services.catalog.datasets.manifest import Entry
from services.catalog.datasets.service import blobs_of
from services.catalog.datasets.vault import Secrets, blob_name
from services.catalog.delivery.rules import Span
from services.kit.context import Context
from services.kit.crypto import decrypt_range
from services.kit.leases import Lease, LeaseEnded, LeaseKeeper

log = structlog.get_logger("factory.delivery")

SENT = Counter("factory_download_bytes_total", "Bytes of files sent")

# Small enough that a lease that ended stops a slow reader's download soon, large enough to cost little.
PIECE_BYTES = 256 * 1024


def plaintext(ctx: Context, secrets: Secrets, entry: Entry, span: Span) -> AsyncIterator[bytes]:
    """Yield the bytes of `span` of a file, at most 1 MiB a time. DecryptionFailed when its bytes were changed."""
    key = secrets.open_object_key(entry.object, entry.key)
    store, name = blobs_of(ctx), blob_name(secrets.dataset_id, entry.object)

    async def read_at(start: int, length: int) -> bytes:
        return await store.read_at(name, start, length)

    aad = secrets.object_aad(entry.object)
    return decrypt_range(key.secret, aad, read_at, size=entry.size, start=span.start, length=span.length)


class LeasedResponse(Response):
    """Sends `body` while the lease of `decision_id` holds.

    When it ends, or the reader takes nothing for `stall_s` seconds, the connection is broken off: the reader has fewer
    bytes than Content-Length says, and knows it.
    """

    def __init__(
        self,
        body: AsyncIterator[bytes],
        *,
        status_code: int,
        headers: Mapping[str, str],
        media_type: str,
        keeper: LeaseKeeper,
        decision_id: UUID,
        asked_at: float,
        stall_s: float,
    ) -> None:
        self.status_code = status_code
        self.media_type = media_type
        self.background = None
        self.body = b""
        self._body = body
        self._keeper = keeper
        self._decision_id = decision_id
        self._asked_at = asked_at
        self._stall_s = stall_s
        self.init_headers(headers)
        # init_headers counts the empty body; the true length was given.
        self.headers["content-length"] = headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head and body; raise LeaseEnded in between when it is time to stop."""
        async with (
            self._keeper.hold(self._decision_id, self._asked_at) as lease,
            aclosing(cast(Any, self._body)) as body,
        ):
            gone = asyncio.create_task(_disconnected(receive))
            try:
                await _while_held(
                    send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}),
                    lease,
                    gone,
                    self._stall_s,
                )
                async for chunk in body:
                    for start in range(0, len(chunk), PIECE_BYTES):
                        piece = chunk[start : start + PIECE_BYTES]
                        message = {"type": "http.response.body", "body": piece, "more_body": True}
                        await _while_held(send(message), lease, gone, self._stall_s)
                        SENT.inc(len(piece))
                lease.check()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            except LeaseEnded as ended:
                log.info("download.ended", why=ended.why, decision_id=str(self._decision_id))
                raise
            except _ReaderGone:
                return
            finally:
                gone.cancel()


class _ReaderGone(Exception):
    """The reader has hung up."""


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _while_held(sending: Any, lease: Lease, gone: "asyncio.Task[None]", stall_s: float) -> None:
    """Await `sending` (which waits for the reader), unless the lease ends first."""
    task = asyncio.ensure_future(sending)
    try:
        # Most often the buffer has room, and the send is done at its first step.
        await asyncio.sleep(0)
        if not task.done():
            ended = asyncio.ensure_future(lease.ended.wait())
            try:
                await asyncio.wait({task, ended, gone}, timeout=stall_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
        lease.check()
        if gone.done():
            raise _ReaderGone
        if not task.done():
            lease.end("stalled")
            lease.check()
        await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
