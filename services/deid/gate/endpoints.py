"""Reports, review and the gate over HTTP."""

import asyncio
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Request, Response

from services.deid.gate import deciding, judging, repository, rules
from services.deid.gate.schemas import (
    GateDecisionOut,
    GateIn,
    GateOut,
    JudgementIn,
    ReportFileOut,
    ReportOut,
    ReviewSampleOut,
)
from services.deid.gate.showing import show_decision, show_file, show_gate, show_report, show_sample
from services.deid.gate.standing import standing_of
from services.deid.lists import after_number
from services.deid.remembered import give_remembered
from services.deid.sources.keys import keys_of
from services.kit.paging import Page, Paged, page
from services.kit.web import Caller, Ctx, IfMatch, Lang, Session, Transaction, check_if_match, etag, factory_router

router = factory_router(tags=["gate"])

RunId = Annotated[UUID, Path(description="The run.")]
SampleId = Annotated[UUID, Path(description="The place to judge.")]

_HISTORY = 50


@router.get("/runs/{run_id}/report", operation_id="get_report", summary="Read what a run did")
async def get_report(
    run_id: RunId, caller: Caller, ctx: Ctx, session: Session, lang: Lang, response: Response
) -> ReportOut:
    """Read what a finished run found, treated, left and withheld, how its judged places speak for it, and what the
    gate would say. For the donor's people and the dataset's stewards. 409 `run-not-finished` before that.
    """
    run = await rules.run_for(session, caller, run_id)
    secrets = await keys_of(ctx).open(session, run.dataset_id)
    standing = await standing_of(session, run)
    response.headers["ETag"] = etag(run.revision)
    return await show_report(session, secrets, caller, run, standing, lang)


@router.get("/runs/{run_id}/report/files", operation_id="list_report_files", summary="What became of each file")
async def list_report_files(
    run_id: RunId,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    params: Page,
    state: Annotated[Literal["treated", "withheld"] | None, Query(description="Only files that became that.")] = None,
) -> Paged[ReportFileOut]:
    """List the files of a finished run by number: found and treated by kind, why withheld, what was measured."""
    run = await rules.run_for(session, caller, run_id)
    secrets = await keys_of(ctx).open(session, run.dataset_id)
    rows = await repository.report_files(session, run.id, state=state, after=after_number(params), limit=params.limit)

    def shown() -> Paged[ReportFileOut]:
        return page(rows, params.limit, lambda row: (row.number,), lambda row: show_file(secrets, row, lang))

    return await asyncio.to_thread(shown)


@router.get(
    "/runs/{run_id}/review-samples", operation_id="list_review_samples", summary="Random places to judge, in order"
)
async def list_review_samples(
    run_id: RunId,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    params: Page,
    judged: Annotated[bool | None, Query(description="Only places that are judged, or that are not.")] = None,
) -> Paged[ReviewSampleOut]:
    """List the run's queue: places drawn at random when it finished, treated and untreated ones in turn.

    Judge them in this order; whoever stops has judged a random sample. For the dataset's stewards.
    """
    run = await rules.run_for_steward(session, caller, run_id)
    secrets = await keys_of(ctx).open(session, run.dataset_id)
    report = await repository.report(session, run.id)
    rows = await repository.samples(session, run.id, judged=judged, after=after_number(params), limit=params.limit)

    def shown() -> Paged[ReviewSampleOut]:
        return page(rows, params.limit, lambda row: (row.number,), lambda row: show_sample(secrets, report, row))

    return await asyncio.to_thread(shown)


@router.put(
    "/runs/{run_id}/review-samples/{sample_id}", operation_id="judge_review_sample", summary="Judge a random place"
)
async def judge_review_sample(
    run_id: RunId,
    sample_id: SampleId,
    body: JudgementIn,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> ReviewSampleOut:
    """Judge a place: a treated one right or needless, an untreated one right or missed. It may be judged anew until the
    gate has passed; the last judgement counts, all are kept. 422 `judgement-does-not-fit`, 409 `gate-passed`.
    """
    run, sample = await judging.sample_for(session, caller, run_id, sample_id)
    if if_match is not None:
        check_if_match(if_match, sample.revision)
    secrets = await keys_of(ctx).open(session, run.dataset_id)
    report = await repository.report(session, run.id)
    shown = show_sample(secrets, report, sample)
    await judging.judge(session, caller, sample, shown.sort, body.judgement, ctx.clock.now())
    response.headers["ETag"] = etag(sample.revision)
    return show_sample(secrets, report, sample)


@router.get("/runs/{run_id}/gate", operation_id="get_gate", summary="See where a version stands at the gate")
async def get_gate(run_id: RunId, caller: Caller, session: Session, lang: Lang, response: Response) -> GateOut:
    """Read what the gate demands, what was measured, what it would say, and what it has said so far."""
    run = await rules.run_for(session, caller, run_id)
    standing = await standing_of(session, run)
    history = await repository.decisions(session, run.id, _HISTORY)
    response.headers["ETag"] = etag(run.revision)
    return show_gate(caller, run, standing, history, lang)


@router.post("/runs/{run_id}/gate", operation_id="decide_gate", summary="Ask the gate to let a version through")
async def decide_gate(
    run_id: RunId, body: GateIn, caller: Caller, ctx: Ctx, transaction: Transaction, lang: Lang, request: Request
) -> GateDecisionOut:
    """Ask the gate to pass, or refuse. For a steward of the dataset who did not start the run (403
    `second-steward-required`).

    Below a threshold the answer is 200 with the outcome `refused`, recorded, each refusal with what would pass; it may
    be asked again. Passing releases the version; after that 409 `gate-passed`.
    """
    now = ctx.clock.now()
    await give_remembered(request, ctx)
    async with ctx.unit() as noting:
        run, ask = await deciding.begin(noting, caller, run_id, body.decision, body.reasons, now)
    by = await deciding.released(ctx, caller, run, ask, body.decision, body.reasons) if ask is not None else None
    session = await transaction()
    if ask is not None and by is not None:
        decision = await deciding.record_passed(session, caller, run_id, ask, by, body.reasons, now)
    else:
        decision = await deciding.record_refused(session, caller, run_id, body.decision, body.reasons, now, ask=ask)
    return show_decision(run, decision, lang)
