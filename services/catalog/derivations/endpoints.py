"""Derivations and the gate, between services. The user is asked for once; then a derivation is its service's own."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import ValidationError

from services.catalog.datasets import repository as datasets
from services.catalog.datasets import rules as dataset_rules
from services.catalog.datasets.models import Dataset, Version
from services.catalog.datasets.schemas import FileOut, MediaType
from services.catalog.derivations import reading, repository, rules, service, staging
from services.catalog.derivations.schemas import (
    MAX_PATHS,
    CommitIn,
    CommitOut,
    DatasetFacts,
    DerivationIn,
    DerivationOut,
    FileIn,
    FilesOut,
    GateIn,
    ParentOut,
    PathsIn,
    RangeIn,
    StagedOut,
    StoredOut,
    VersionFacts,
)
from services.kit.db import RuleSession
from services.kit.frames import MEDIA_TYPE, BadFrames, read_frames, write_frames
from services.kit.problems import FieldError, Problem, forbidden, invalid
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, ServiceCaller, Session, Transaction, factory_router

internal = factory_router(internal=True, tags=["derivations"])

DerivationId = Annotated[UUID, Path()]
VersionId = Annotated[UUID, Path()]
FilePath = Annotated[str, Query(min_length=1, max_length=4096)]

MAX_STAGED_BYTES = 32 * 1024 * 1024
# Headers of frames come on top of what they head.
_MAX_BODY_BYTES = MAX_STAGED_BYTES + 8 * 1024 * 1024
_MAX_DETAILS_BYTES = 256 * 1024


async def _maker(caller: ServiceCaller) -> Subject:
    if caller.name not in rules.WORKS:
        raise forbidden("service-not-allowed", service=caller.name)
    return caller


async def _live(caller: Caller, ctx: Ctx) -> Subject:
    # The bearer's token may be minutes old; what they hold is asked for now.
    return await ctx.subjects.live(caller) if ctx.subjects else caller


Maker = Annotated[Subject, Depends(_maker)]
LiveCaller = Annotated[Subject, Depends(_live)]


async def _show(session: RuleSession, work: service.Work) -> DerivationOut:
    derivation, parent, dataset = work.derivation, work.parent, work.dataset
    lineage = await datasets.lineage_of(session, parent.id)
    return DerivationOut(
        id=derivation.id,
        version_id=derivation.version_id,
        dataset_id=dataset.id,
        partner_id=dataset.partner_id,
        donation_id=dataset.donation_id,
        integrity_class=dataset.integrity_class,  # pyright: ignore[reportArgumentType] - the table holds only such words
        personal_data=dataset.personal_data,  # pyright: ignore[reportArgumentType]
        terms=dataset.terms_snapshot,
        mode=derivation.mode,  # pyright: ignore[reportArgumentType]
        state=rules.shown_state(derivation),  # pyright: ignore[reportArgumentType]
        staged=await repository.count(session, derivation.id),
        parent=ParentOut(
            version_id=parent.id,
            number=parent.number,
            state=dataset_rules.state_of(parent, dataset),
            gate=parent.gate,
            files=parent.files,
            bytes=parent.bytes,
            source_kind=lineage[0].source_kind if lineage else "donation",
        ),
    )


@internal.post("/derivations")
async def open_derivation(
    body: DerivationIn, maker: Maker, caller: LiveCaller, ctx: Ctx, transaction: Transaction
) -> DerivationOut:
    """Open a derivation for the user who wants it; under a known id, return the one that is there."""
    rules.check_service(maker, body.source_kind, body.mode)
    permit = await service.permit_of(ctx, caller, body)
    session = await transaction()
    return await _show(session, await service.open_work(ctx, session, maker, caller, body, permit))


@internal.get("/derivations/{derivation_id}")
async def get_derivation(derivation_id: DerivationId, maker: Maker, session: Session) -> DerivationOut:
    """Read how far a derivation is."""
    return await _show(session, await service.work_of(session, maker, derivation_id))


@internal.delete("/derivations/{derivation_id}", status_code=204)
async def abandon_derivation(derivation_id: DerivationId, maker: Maker, ctx: Ctx, session: Session) -> None:
    """Give a derivation up: nothing of it stays but its record."""
    await service.abandon(session, maker, derivation_id, ctx.clock.now())


@internal.get("/derivations/{derivation_id}/files")
async def list_parent_files(
    derivation_id: DerivationId,
    maker: Maker,
    ctx: Ctx,
    after: Annotated[str | None, Query(max_length=4096)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PATHS)] = 1000,
) -> FilesOut:
    """List the files of the version that is read, by path."""
    _secrets, manifest = await reading.parent_of(ctx, maker, derivation_id)
    rows = manifest.after(after, limit + 1)
    items = [FileOut.model_validate(row) for row in rows[:limit]]
    return FilesOut(items=items, next=items[-1].path if len(rows) > limit else None)


@internal.post("/derivations/{derivation_id}/read", response_class=Response)
async def read_parent_files(derivation_id: DerivationId, body: PathsIn, maker: Maker, ctx: Ctx) -> Response:
    """Return files of the version that is read, as frames."""
    secrets, manifest = await reading.parent_of(ctx, maker, derivation_id)
    frames = await reading.read_files(ctx, secrets, manifest, body.paths)
    return Response(await asyncio.to_thread(write_frames, frames), media_type=MEDIA_TYPE)


@internal.post("/derivations/{derivation_id}/read-range", response_class=Response)
async def read_parent_range(derivation_id: DerivationId, body: RangeIn, maker: Maker, ctx: Ctx) -> Response:
    """Return a part of a file of the version that is read."""
    secrets, manifest = await reading.parent_of(ctx, maker, derivation_id)
    entry = reading.entry_of(manifest, body.path)
    content = await reading.read_range(ctx, secrets, entry, body.start, body.length)
    return Response(content, media_type="application/octet-stream")


@internal.post("/derivations/{derivation_id}/stage")
async def stage_files(derivation_id: DerivationId, request: Request, maker: Maker, ctx: Ctx) -> StagedOut:
    """Store files that come as frames; one of the same path is replaced."""
    desk = await staging.desk_of(ctx, maker, derivation_id)
    raw = await _body(request)
    pieces = await asyncio.to_thread(_pieces, desk, raw)
    return StagedOut(staged=await staging.stage_pieces(ctx, desk, pieces))


async def _body(request: Request) -> bytes:
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > _MAX_BODY_BYTES:
            raise Problem(413, "body-too-large", params={"limit": MAX_STAGED_BYTES})
    return bytes(held)


def _pieces(desk: staging.Desk, raw: bytes) -> list[staging.Piece]:
    """Return the files in a body of frames; 422 with pointers `/frames/<number>`, 413 when they are too large."""
    pieces: list[staging.Piece] = []
    seen: set[str] = set()
    held = 0
    try:
        for number, (header, content) in enumerate(read_frames(raw)):
            at = f"/frames/{number}"
            piece = staging.piece_of(desk, _said(header, at), content, at)
            if piece.path in seen:
                raise invalid(f"{at}/path", "path-duplicate")
            seen.add(piece.path)
            pieces.append(piece)
            held += len(content)
    except BadFrames:
        raise invalid("", "frames-invalid") from None
    if held > MAX_STAGED_BYTES:
        raise Problem(413, "body-too-large", params={"limit": MAX_STAGED_BYTES})
    return pieces


def _said(header: dict[str, Any], at: str) -> FileIn:
    try:
        return FileIn.model_validate(header)
    except ValidationError as error:
        # Without what was given: that is the name of somebody's file.
        errors = [
            FieldError("/".join([at, *map(str, e["loc"])])[:200], e["type"].replace("_", "-")) for e in error.errors()
        ]
        raise Problem(422, "invalid-request", errors=errors) from None


@internal.put("/derivations/{derivation_id}/file")
async def stage_file(
    derivation_id: DerivationId,
    request: Request,
    maker: Maker,
    ctx: Ctx,
    path: FilePath,
    media_type: Annotated[MediaType | None, Query()] = None,
    source: Annotated[str | None, Query(min_length=1, max_length=4096)] = None,
) -> StoredOut:
    """Store one file of any size, whose bytes are the body; one of the same path is replaced."""
    desk = await staging.desk_of(ctx, maker, derivation_id)
    said = staging.piece_of(desk, FileIn(path=path, media_type=media_type, source=source), b"", "query")
    folder = ctx.settings.data_dir.absolute() / "derived"
    stream: AsyncIterator[bytes] = request.stream()
    sha256, size = await staging.stage_stream(ctx, desk, said, stream, folder, ctx.settings.upload_max_bytes)
    return StoredOut(sha256=sha256, size=size)


@internal.post("/derivations/{derivation_id}/keep")
async def keep_files(derivation_id: DerivationId, body: PathsIn, maker: Maker, ctx: Ctx) -> StagedOut:
    """Take files of the version that is read over as they are."""
    desk = await staging.desk_of(ctx, maker, derivation_id)
    return StagedOut(staged=await staging.keep_files(ctx, desk, body.paths))


@internal.post("/derivations/{derivation_id}/commit")
async def commit_derivation(derivation_id: DerivationId, body: CommitIn, maker: Maker, ctx: Ctx) -> CommitOut:
    """Make the version: from now on it exists, raw until it is released."""
    if len(json.dumps(body.details)) > _MAX_DETAILS_BYTES:
        raise invalid("/details", "details-too-large", limit=_MAX_DETAILS_BYTES)
    version = await service.ensure_commit(ctx, maker, derivation_id, body.details, ctx.clock.now())
    return CommitOut(version_id=version.id, **_fields(version, "number", "digest", "files", "bytes", "gate"))


def _fields(version: Version | Dataset, *names: str) -> dict[str, Any]:
    return {name: getattr(version, name) for name in names}


# --- the gate ---------------------------------------------------------------------------------------------------------


@internal.post("/versions/{version_id}/gate")
async def pass_gate(
    version_id: VersionId, body: GateIn, maker: Maker, caller: LiveCaller, ctx: Ctx, session: Session
) -> VersionFacts:
    """Let a version through its gate, on a report that the caller, a steward, has judged: it is released."""
    rules.check_service(maker, "recipe", "treat")
    version, dataset = await dataset_rules.version_for(session, caller, version_id, lock=True)
    dataset_rules.require_alive(version, dataset)
    if not rules.passed_already(caller, version, body.run_id):
        lineage = await datasets.lineage_of(session, version.id)
        run = await repository.derivation(session, body.run_id)
        refusal = rules.gate_refusal(caller, version, dataset, lineage, run, body.run_id)
        if refusal is not None:
            raise refusal
        rules.pass_gate(session, caller, version, body.run_id, body.reasons, ctx.clock.now())
    return VersionFacts(
        version_id=version.id, **_fields(version, "dataset_id", "number", "state", "gate", "personal_data", "revision")
    )


@internal.get("/versions/{version_id}/dataset-facts")
async def dataset_facts(version_id: VersionId, maker: Maker, caller: LiveCaller, session: Session) -> DatasetFacts:
    """Say what a version's dataset is, and what the user is to it; 404 when they may not know of it."""
    version, dataset = await dataset_rules.version_for(session, caller, version_id)
    return DatasetFacts(
        dataset_id=dataset.id,
        terms=dataset.terms_snapshot,
        state=dataset_rules.state_of(version, dataset),
        gate=version.gate,
        gate_run_id=version.gate_run_id,
        is_steward=dataset_rules.is_steward(caller, dataset),
        is_insider=dataset_rules.is_insider(caller, dataset),
        **_fields(dataset, "partner_id", "donation_id", "integrity_class", "personal_data"),
    )
