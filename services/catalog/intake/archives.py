"""Taking an archive in: each of its files becomes one of the donation's, in the folder where the archive was put."""

from dataclasses import dataclass

from services.catalog.datasets.media_types import media_type_of
from services.catalog.datasets.paths import PathRefused, normalise_path
from services.catalog.intake.service import spool_of
from services.catalog.intake.storing import (
    BATCH_BYTES,
    BATCH_FILES,
    SMALL_BYTES,
    Job,
    Piece,
    Refused,
    store_large,
    store_small,
)
from services.catalog.intake.unpack import Limits, UnpackedFile, UnpackRefused, unpack
from services.catalog.settings import CatalogSettings
from services.kit.context import Context


@dataclass
class _Batch:
    ctx: Context
    job: Job
    pieces: list[Piece]
    held: int = 0

    async def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.held += len(piece.content)
        if self.held >= BATCH_BYTES or len(self.pieces) >= BATCH_FILES:
            await self.flush()

    async def flush(self) -> None:
        if self.pieces:
            await store_small(self.ctx, self.job, self.pieces)
            self.job.done = min(self.job.size, self.job.done + self.held)
            self.pieces, self.held = [], 0


async def take_archive(ctx: Context, job: Job) -> None:
    """Unpack, store and stage the files of a verified archive. Raises Refused when it could harm or deceive."""
    if not job.size:
        raise Refused("archive-not-zip")
    folder, slash, _name = job.path.rpartition("/")
    reader = await spool_of(ctx).open_plain(job.uid)
    try:
        batch = _Batch(ctx, job, [])
        async for file in unpack(reader, limits_of(ctx)):
            path = normalise_path(f"{folder}{slash}{file.path}")
            if file.size <= SMALL_BYTES:
                content = b"".join([chunk async for chunk in file.chunks()])
                await batch.add(Piece(path, file.sha256, media_type_of(path), content))
            else:
                await batch.flush()
                await _store(ctx, job, path, file)
        await batch.flush()
    except UnpackRefused as refused:
        raise Refused(refused.code) from None
    except PathRefused as refused:
        raise Refused(refused.code) from None
    finally:
        reader.close()


async def _store(ctx: Context, job: Job, path: str, file: UnpackedFile) -> None:
    # Read once for the digest, which names the object, and once more for the content.
    async for _chunk in file.chunks():
        continue
    await store_large(ctx, job, path, file.sha256, media_type_of(path), file.size, file.chunks)


def limits_of(ctx: Context) -> Limits:
    """Return how much an archive may hold here."""
    settings = ctx.settings
    assert isinstance(settings, CatalogSettings)
    return Limits(
        entries=settings.unpack_max_entries,
        total_bytes=settings.unpack_max_bytes,
        entry_bytes=settings.upload_max_bytes,
    )
