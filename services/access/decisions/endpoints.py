"""Decisions over HTTP: evaluate one or many, look one up, replay it; leases for the other services."""

from uuid import UUID

from services.access.decisions import repository, service
from services.access.decisions.gather import Ask, path_digest
from services.access.decisions.schemas import (
    DecisionIn,
    DecisionOut,
    DecisionRecord,
    DecisionsIn,
    DecisionsOut,
    DecisionSummary,
    LeaseOut,
    LeasesIn,
    LeasesOut,
    ReplayOut,
)
from services.access.lists import after_id
from services.kit.context import Context
from services.kit.paging import Page, Paged, page
from services.kit.problems import FieldError, Problem
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, Lang, ServiceCaller, Session, Transaction, factory_router

router = factory_router(tags=["decisions"])
internal = factory_router(internal=True)


def _ask(caller: Subject, body: DecisionIn) -> Ask:
    digests = tuple(sorted({path_digest(path) for path in body.paths}))
    return Ask(caller.id, body.project_id, body.version_id, body.action, body.purpose, digests)


async def _decide(
    bodies: list[DecisionIn], caller: Subject, ctx: Context, transaction: Transaction, language: Lang, *, batch: bool
) -> list[DecisionOut]:
    outcomes = await service.evaluate(ctx, [_ask(caller, body) for body in bodies])
    evaluated: list[service.Evaluated] = []
    for index, outcome in enumerate(outcomes):
        try:
            evaluated.append(service.may_ask(caller, outcome))
        except Problem as refusal:
            if batch:
                refusal.errors = [FieldError(f"/items/{index}", refusal.code, refusal.params)]
            raise
    session = await transaction()
    decisions = await service.record(session, evaluated)
    signer = ctx.components["permit_signer"]
    return [service.answer(decision, signer, language) for decision in decisions]


@router.post("/decisions", operation_id="evaluate_decision", summary="May I? With reasons and the way to a yes")
async def evaluate_decision(
    body: DecisionIn, caller: Caller, ctx: Ctx, transaction: Transaction, language: Lang
) -> DecisionOut:
    """Decides from the dataset's terms, for the token's own subject. A denial is an answer (200), and is recorded."""
    return (await _decide([body], caller, ctx, transaction, language, batch=False))[0]


@router.post("/decision-batches", operation_id="evaluate_decisions", summary="Up to 100 decisions at once")
async def evaluate_decisions(
    body: DecisionsIn, caller: Caller, ctx: Ctx, transaction: Transaction, language: Lang
) -> DecisionsOut:
    """Answers in the order of the questions; all are decided for the same instant. One that may not be asked (404,
    named in `errors`) spoils them all.
    """
    return DecisionsOut(items=await _decide(body.items, caller, ctx, transaction, language, batch=True))


@router.get("/decisions", operation_id="list_decisions", summary="Decisions you may see, newest first")
async def list_decisions(caller: Caller, session: Session, paging: Page) -> Paged[DecisionSummary]:
    """Your own, and for stewards those about the data they answer for."""
    rows = await repository.list_decisions(
        session,
        subject_id=caller.id,
        donors=caller.scopes("steward", "partner"),
        donations=caller.scopes("steward", "donation"),
        everything=caller.has("operator"),
        before=after_id(paging),
        limit=paging.limit,
    )
    return page(rows, paging.limit, lambda r: (r.id,), DecisionSummary.model_validate)


@router.get("/decisions/{decision_id}", operation_id="get_decision", summary="A recorded decision with its input")
async def get_decision(decision_id: UUID, caller: Caller, session: Session) -> DecisionRecord:
    """404 unless it is your own or about data you answer for."""
    return DecisionRecord.model_validate(await service.visible(session, caller, decision_id))


@router.post("/decisions/{decision_id}/replay", operation_id="replay_decision", summary="Decide again from the record")
async def replay_decision(decision_id: UUID, caller: Caller, ctx: Ctx) -> ReplayOut:
    """Puts the recorded input to the law of today; `same` says whether it would decide alike. Records nothing."""
    async with ctx.unit() as session:
        decision = await service.visible(session, caller, decision_id)
    return await service.replay(ctx.components["engine"], decision)


@internal.post("/leases")
async def leases(body: LeasesIn, asker: ServiceCaller, ctx: Ctx) -> LeasesOut:
    """Which of these decisions would still permit now? Asked every few seconds for all that runs or streams."""
    answers = await service.leases(ctx, body.decision_ids)
    return LeasesOut(items={key: LeaseOut(live=live, codes=codes) for key, (live, codes) in answers.items()})
