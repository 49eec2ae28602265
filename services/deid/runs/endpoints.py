"""Runs over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from services.deid.lists import after_id
from services.deid.reasons import reason_text
from services.deid.recipes import repository as recipes
from services.deid.recipes import rules as recipe_rules
from services.deid.recipes.models import Recipe
from services.deid.remembered import give_remembered
from services.deid.runs import repository, rules
from services.deid.runs.models import Run
from services.deid.runs.schemas import Progress, RunIn, RunOut, Withheld
from services.deid.runs.service import poke
from services.deid.sources import loans
from services.deid.sources import repository as sources
from services.deid.sources.catalogue import Opened
from services.deid.sources.keys import keys_of
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.paging import Page, Paged, page
from services.kit.problems import Problem, conflict, invalid
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import (
    Caller,
    Ctx,
    IfMatch,
    Lang,
    Session,
    Transaction,
    check_if_match,
    etag,
    factory_router,
    requires,
)

router = factory_router(tags=["runs"])

Steward = requires("steward")
RunId = Annotated[UUID, Path(description="The run.")]


def _show(
    caller: Subject, run: Run, now: datetime, lang: Language, withheld: Mapping[UUID, Mapping[str, int]]
) -> RunOut:
    fields = {name: getattr(run, name) for name in RunOut.model_fields if hasattr(run, name)}
    progress = Progress(
        files_total=run.files_total,
        files_done=run.files_done,
        bytes_total=run.bytes_total,
        bytes_done=run.bytes_done,
        seconds_left=rules.seconds_left(run, now),
    )
    return RunOut.model_validate(
        {
            **fields,
            "reason_text": reason_text(run.reason, lang),
            "progress": progress,
            "withheld": [
                Withheld(reason=reason, text=reason_text(reason, lang), files=files)
                for reason, files in withheld.get(run.id, {}).items()
            ],
            "allowed_actions": rules.actions(caller, run),
        }
    )


@router.post("/runs", status_code=201, operation_id="create_run", summary="Run a recipe over a version")
async def create_run(
    body: RunIn,
    caller: Steward,  # pyright: ignore[reportInvalidTypeForm] - made by a function
    ctx: Ctx,
    transaction: Transaction,
    lang: Lang,
    request: Request,
    response: Response,
) -> RunOut:
    """Run a recipe over a version whose steward you are. It is queued; its progress is read with get_run.

    409 `run-active` while another run treats the same version, `recipe-outdated` when the recipe's operators have
    changed; 410 when the dataset is withdrawn.
    """
    recipe = await _recipe(request, ctx, body)
    run_id = new_id()
    opened = await loans.borrow(ctx, run_id, body.version_id, body.mode, caller)
    session = await transaction()
    now = ctx.clock.now()
    secrets = await keys_of(ctx).make(session, opened.dataset_id, now)
    run = await repository.add_run(
        session,
        {
            "id": run_id,
            "recipe_id": recipe.id,
            "version_id": body.version_id,
            "mode": body.mode,
            "key_id": secrets.key_id,
            "operators": [{"name": s["operator"], "version": s["version"]} for s in recipe.operators],
            "models": recipe_rules.models(recipe),
            "created_by": caller.id,
            "created_at": now,
            **_of_version(opened),
        },
    )
    if run is None:
        raise await _lost(ctx, session, run_id, body.version_id)
    await sources.settle(session, run_id)
    await session.flush()
    response.headers["ETag"] = etag(run.revision)
    poke(ctx)
    return _show(caller, run, now, lang, {})


async def _recipe(request: Request, ctx: Context, body: RunIn) -> Recipe:
    """Return the recipe, having looked for what refuses the run before anything is opened."""
    async with ctx.unit() as session:
        recipe = await recipes.recipe(session, body.recipe_id)
        active = await repository.active_treat_run(session, body.version_id) if body.mode == "treat" else None
    # The run that is active may be the one that this very request has made before.
    await give_remembered(request, ctx)
    if recipe is None:
        raise invalid("/recipe_id", "recipe-unknown")
    recipe_rules.require_current(recipe)
    if active is not None:
        raise conflict("run-active", run_id=active)
    return recipe


def _of_version(opened: Opened) -> dict[str, object]:
    return {
        "dataset_id": opened.dataset_id,
        "partner_id": opened.partner_id,
        "donation_id": opened.donation_id,
        "integrity_class": opened.integrity_class,
        "personal_data": opened.personal_data,
        "terms": opened.terms,
    }


async def _lost(ctx: Context, session: RuleSession, run_id: UUID, version_id: UUID) -> Problem:
    """Another run over the version was quicker: what was opened is given back soon. Returns the 409."""
    active = await repository.active_treat_run(session, version_id)
    async with ctx.unit() as apart:
        await sources.borrow(apart, run_id, ctx.clock.now())
    return conflict("run-active", run_id=active or "–")


@router.get("/runs", operation_id="list_runs", summary="List runs")
async def list_runs(
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    params: Page,
    version_id: Annotated[UUID | None, Query(description="Only those that read or made this version.")] = None,
    dataset_id: Annotated[UUID | None, Query(description="Only those of this dataset.")] = None,
) -> Paged[RunOut]:
    """List runs, newest first: those over versions that your partner donated, or whose steward you are."""
    partners = caller.scopes("steward", "partner") | ({caller.partner_id} if caller.partner_id else set())
    rows = await repository.runs(
        session,
        partners=partners,
        donations=caller.scopes("steward", "donation"),
        version_id=version_id,
        dataset_id=dataset_id,
        before=after_id(params),
        limit=params.limit,
    )
    withheld = await repository.withheld_by_reason(session, [row.id for row in rows])
    now = ctx.clock.now()
    return page(rows, params.limit, lambda row: (row.id,), lambda row: _show(caller, row, now, lang, withheld))


@router.get("/runs/{run_id}", operation_id="get_run", summary="See how a run is going")
async def get_run(run_id: RunId, caller: Caller, ctx: Ctx, session: Session, lang: Lang, response: Response) -> RunOut:
    """Read a run: its state, how far it is, and how long it will still take as far as is known."""
    run = await rules.run_for(session, caller, run_id)
    response.headers["ETag"] = etag(run.revision)
    withheld = await repository.withheld_by_reason(session, [run.id])
    return _show(caller, run, ctx.clock.now(), lang, withheld)


@router.post("/runs/{run_id}/stop", operation_id="stop_run", summary="Stop a run")
async def stop_run(
    run_id: RunId,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> RunOut:
    """Stop a run: nothing of it is left but its record. 409 when it is over already, or about to be finished."""
    run = await rules.run_for(session, caller, run_id, lock=True)
    rules.require_steward(caller, run)
    if if_match is not None:
        check_if_match(if_match, run.revision)
    now = ctx.clock.now()
    await rules.stop(session, run, "stopped-by-steward", now)
    await session.flush()
    response.headers["ETag"] = etag(run.revision)
    return _show(caller, run, now, lang, await repository.withheld_by_reason(session, [run.id]))
