"""Closing, export and import over HTTP."""

import asyncio
from typing import Annotated

from fastapi import Query, Request, Response

from services.annotation.campaigns import permits, rules
from services.annotation.campaigns.endpoints import CampaignId
from services.annotation.campaigns.endpoints import answer as show
from services.annotation.campaigns.keys import keys_of
from services.annotation.campaigns.schemas import CampaignOut
from services.annotation.closing import derivation, imports, service
from services.annotation.closing.document import document_of
from services.annotation.closing.schemas import ClosureIn, FormatName, ImportOut
from services.annotation.closing.worker import bell_of
from services.annotation.exports.formats import native
from services.annotation.tasks.service import schema_of
from services.kit.problems import Problem
from services.kit.web import Caller, Ctx, IfMatch, Lang, Transaction, check_if_match, factory_router

router = factory_router(tags=["campaigns"])

IMPORT_MAX_BYTES = 32 * 1024 * 1024

FormatQuery = Annotated[FormatName | None, Query(description="Left out: the format usual for the kind.")]


@router.post(
    "/campaigns/{campaign_id}/closure", status_code=202, operation_id="close_campaign", summary="Close a campaign"
)
async def close_campaign(
    campaign_id: CampaignId,
    caller: Caller,
    ctx: Ctx,
    transaction: Transaction,
    lang: Lang,
    response: Response,
    body: ClosureIn | None = None,
    if_match: IfMatch = None,
) -> CampaignOut:
    """Close a campaign, as a lead: what was accepted becomes a new version of the dataset, all its files with it.

    The version is made in the background (`closing`, then `closed` with `result_version_id`); it is raw until it has
    passed its gate. 409 while reviews are open or items are missing, unless `accept_incomplete`. A campaign in which
    nothing was accepted leaves no version. Closing what is closed changes nothing.
    """
    accept_incomplete = body is not None and body.accept_incomplete
    async with ctx.unit() as reading:
        campaign = await rules.campaign_of_lead(reading, caller, campaign_id)
        if campaign.state in ("closing", "closed"):
            return await show(reading, caller, campaign, lang, response)
        counts = await service.counts_of(reading, campaign)
        service.check(campaign, counts, accept_incomplete)
    permit = await permits.ask(ctx, caller, permits.about(campaign), lang)
    begun = counts.get("accepted", 0) > 0
    if begun:
        await derivation.begin(ctx, caller, campaign, permit.token)
    session = await transaction()
    campaign = await rules.campaign_of_lead(session, caller, campaign_id, lock=True)
    if if_match is not None:
        check_if_match(if_match, campaign.revision)
    await service.begin(session, caller, campaign, accept_incomplete, begun, ctx.clock.now())
    bell_of(ctx).set()
    return await show(session, caller, campaign, lang, response)


@router.get(
    "/campaigns/{campaign_id}/export",
    operation_id="export_campaign",
    summary="Export what is accepted",
    response_class=Response,
    responses={200: {"description": "The file.", "content": {"application/octet-stream": {}}}},
)
async def export_campaign(
    campaign_id: CampaignId, caller: Caller, ctx: Ctx, lang: Lang, format: FormatQuery = None
) -> Response:
    """Export all items and the annotations accepted so far, as COCO, JSON Lines or CSV.

    For leads and reviewers whom the law permits to annotate, and for others of the project whom it permits to read;
    those who annotate blind wait until the campaign is closed.
    """
    async with ctx.unit() as reading:
        campaign = await rules.campaign_for(reading, caller, campaign_id)
        refusal = rules.export_refusal(caller, campaign)
        if refusal is not None:
            raise refusal
        secrets = await keys_of(ctx).open(campaign)
    schema = schema_of(campaign)
    form = imports.format_for(format or native(schema.kind).name, schema)
    who = rules.standing(caller, campaign)
    await permits.ask(ctx, caller, permits.about(campaign, "annotate" if who.lead or who.reviewer else "read"), lang)
    document = await document_of(ctx, campaign, secrets)
    content = await asyncio.to_thread(form.write, document)
    headers = {
        "Content-Disposition": f'attachment; filename="{form.file_name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=form.media_type, headers=headers)


@router.post(
    "/campaigns/{campaign_id}/import",
    operation_id="import_annotations",
    summary="Import annotations",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                name: {"schema": {"type": "string", "format": "binary"}}
                for name in ("application/json", "application/x-ndjson", "text/csv")
            },
        }
    },
)
async def import_annotations(
    campaign_id: CampaignId,
    request: Request,
    caller: Caller,
    ctx: Ctx,
    transaction: Transaction,
    lang: Lang,
    format: FormatQuery = None,
    replace: Annotated[
        bool, Query(description="Replace what holds already where the file says something else.")
    ] = False,
) -> ImportOut:
    """Take in annotations made elsewhere, as a lead: the body is a file as export_campaign writes it, up to 32 MiB.

    All or nothing: unknown files or labels, and places outside an item, are a 422 that names each. What is taken in is
    accepted, and marked as imported.
    """
    async with ctx.unit() as reading:
        campaign = await rules.campaign_of_lead(reading, caller, campaign_id)
        rules.require_open(campaign)
        secrets = await keys_of(ctx).open(campaign)
    schema = schema_of(campaign)
    form = imports.format_for(format or native(schema.kind).name, schema)
    raw = await _body(request)
    await permits.ask(ctx, caller, permits.about(campaign), lang)
    document = await document_of(ctx, campaign, secrets)
    said = await imports.read(form, raw, schema, document.items)
    session = await transaction()
    campaign = await rules.campaign_of_lead(session, caller, campaign_id, lock=True)
    rules.require_open(campaign)
    done = await imports.bring_in(session, secrets, campaign, said, replace=replace, by=caller.id, now=ctx.clock.now())
    return ImportOut(campaign_id=campaign.id, accepted=done.accepted, unchanged=done.unchanged, ended=done.ended)


async def _body(request: Request) -> bytes:
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) > IMPORT_MAX_BYTES:
            raise Problem(413, "body-too-large", params={"limit": IMPORT_MAX_BYTES})
    return bytes(held)
