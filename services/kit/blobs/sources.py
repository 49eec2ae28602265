"""Bringing any source of bytes into pieces worth a visit to a worker thread, and waiting for that thread."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Coroutine
from typing import Any, TypeVar

from services.kit.blobs.port import CHUNK_BYTES

T = TypeVar("T")


async def gather(source: AsyncIterable[bytes], at_least: int = CHUNK_BYTES) -> AsyncIterator[list[bytes]]:
    """Yield lists of pieces that hold `at_least` bytes together (the last may hold fewer, and is never empty)."""
    pieces: list[bytes] = []
    held = 0
    async for piece in source:
        if piece:
            pieces.append(piece)
            held += len(piece)
        if held >= at_least:
            yield pieces
            pieces, held = [], 0
    if pieces:
        yield pieces


async def settled(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` that runs in a thread. A thread cannot be cancelled: if we are, let it come to its end first.

    Without this, a cancelled request would close a file under the thread that still writes to it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.exception()
        raise
