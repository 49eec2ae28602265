"""Decisions: the law is asked once for each, all is recorded, and what was permitted is asked again as a lease."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.access.admission.catalog import DatasetFacts, version_facts
from services.access.decisions import repository
from services.access.decisions.cures import cures
from services.access.decisions.engine import (
    EngineUnavailable,
    InvalidDecisionInput,
    PolicyEngine,
    PolicyResult,
)
from services.access.decisions.gather import NOBODY, Ask, FactsMissing, gather
from services.access.decisions.models import Decision
from services.access.decisions.schemas import CodeOut, DecisionOut, RecordedAnswer, ReplayOut
from services.access.decisions.texts import CODE_TEXTS, OBLIGATION_TEXTS
from services.access.identity import service as identity
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.problems import Problem, not_found
from services.kit.texts import Language
from services.kit.tokens import DATA_AUDIENCE, PERMIT_SECONDS, PERMIT_TYPE, Permit, Signer, Subject, permit_claims

log = structlog.get_logger("factory.decisions")

DECISIONS = Counter("factory_decisions_total", "Decisions by outcome and code", ["outcome", "code"])

# How many inputs are with the engine at once; more only queue inside it.
_AT_ONCE = 8


@dataclass(frozen=True)
class Evaluated:
    """One question, what the law was told, and what it said."""

    ask: Ask
    dataset: DatasetFacts
    facts: dict[str, Any]
    result: PolicyResult
    at: datetime
    """The instant that was decided about."""


def _unavailable() -> Problem:
    return Problem(503, "decision-unavailable", headers={"Retry-After": "2"})


async def evaluate(ctx: Context, asks: Sequence[Ask]) -> list[Evaluated | None]:
    """Put each ask to the law, all for one instant; None where subject, project or version is unknown.

    Raises 503 when a fact is missing or the engine gives no answer that can be believed: no answer means no access.
    """
    catalog = await version_facts(ctx, {ask.version_id for ask in asks})
    # The catalogue may have taken its time: what has ended meanwhile has ended.
    now = ctx.clock.now()
    try:
        async with ctx.unit() as session:
            inputs = await gather(session, asks, catalog, now)
    except FactsMissing as missing:
        log.error("decision.facts-missing", what=str(missing))
        raise _unavailable() from None
    engine: PolicyEngine = ctx.components["engine"]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(ask: Ask) -> Evaluated | None:
        facts, of_version = inputs[ask], catalog.dataset_of(ask.version_id)
        if facts is None or of_version is None:
            return None
        async with gate:
            return Evaluated(ask, of_version[1], facts, await engine.evaluate(facts), now)

    try:
        # The first that gets no answer ends the others: an engine that is down need not be asked a thousand times.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(ask)) for ask in asks]
    except* (EngineUnavailable, InvalidDecisionInput) as failures:
        log.error("decision.unavailable", why=sorted({f"{type(e).__name__}: {e}" for e in failures.exceptions})[:3])
        refusal = _unavailable()
    else:
        return [task.result() for task in tasks]
    raise refusal


def may_ask(caller: Subject, evaluated: Evaluated | None) -> Evaluated:
    """Return what was evaluated, or 404 when the caller may not know of the version or the project.

    An unpublished dataset exists only for its donor's people and stewards; a project only for its people and those of
    its partners (who are told how to become a member).
    """
    if evaluated is None:
        raise not_found("version")
    dataset, facts = evaluated.dataset, evaluated.facts
    insider = caller.partner_id == dataset.partner_id or _answers_for(caller, dataset.partner_id, dataset.donation_id)
    if dataset.state == "draft" and not insider:
        raise not_found("version")
    if not facts["membership"]["active"] and str(caller.partner_id) not in facts["project"]["partner_ids"]:
        raise not_found("project")
    return evaluated


async def record(session: RuleSession, evaluated: Sequence[Evaluated]) -> list[Decision]:
    """Write decisions into the log, in the order given."""
    decisions = [
        Decision(
            subject_id=each.ask.subject_id,
            project_id=each.ask.project_id,
            dataset_id=UUID(each.facts["dataset"]["id"]),
            version_id=each.ask.version_id,
            donor_id=each.dataset.partner_id,
            donation_id=each.dataset.donation_id,
            action=each.ask.action,
            purpose=each.ask.purpose,
            path_digests=list(each.ask.path_digests),
            input=each.facts,
            permit=each.result.permit,
            codes=list(each.result.codes),
            obligations=[dict(o) for o in each.result.obligations],
            policy_revision=each.result.revision,
            created_at=each.at,
        )
        for each in evaluated
    ]
    await repository.add(session, decisions)
    for decision in decisions:
        for code in decision.codes or ("none",):
            DECISIONS.labels("permit" if decision.permit else "deny", code).inc()
    return decisions


def answer(decision: Decision, signer: Signer, language: Language) -> DecisionOut:
    """Return a decision as the caller sees it: with words, cures, and a permit if it is one."""
    ways = cures(decision.codes, decision.input)
    out = DecisionOut(
        id=decision.id,
        permit=decision.permit,
        codes=[
            CodeOut(code=code, message=CODE_TEXTS[code][language], cures=[c.told(language) for c in ways[code]])
            for code in decision.codes
        ],
        obligations=[_told(o, language) for o in decision.obligations],
        policy_revision=decision.policy_revision,
    )
    if decision.permit:
        permit = Permit(
            decision_id=decision.id,
            subject_id=decision.subject_id,
            version_id=decision.version_id,
            project_id=decision.project_id,
            action=decision.action,
            path_digests=frozenset(decision.path_digests),
        )
        out.permit_token = signer.sign(PERMIT_TYPE, DATA_AUDIENCE, PERMIT_SECONDS, permit_claims(permit))
        out.expires_at = decision.created_at.replace(microsecond=0) + timedelta(seconds=PERMIT_SECONDS)
    return out


def _told(obligation: Mapping[str, Any], language: Language) -> dict[str, Any]:
    params = {"wording" if k == "text" else k: v for k, v in obligation.items() if k != "kind"}
    return {
        "kind": obligation["kind"],
        "text": OBLIGATION_TEXTS[obligation["kind"]][language].format(**params),
        **params,
    }


def _answers_for(caller: Subject, donor_id: UUID, donation_id: UUID | None) -> bool:
    return caller.has("operator") or identity.is_steward_of(caller, donor_id, donation_id)


async def visible(session: RuleSession, caller: Subject, decision_id: UUID) -> Decision:
    """Return a decision of the caller's own, or about data they answer for; else 404."""
    decision = await repository.decision(session, decision_id)
    if decision is None or not (
        decision.subject_id == caller.id or _answers_for(caller, decision.donor_id, decision.donation_id)
    ):
        raise not_found("decision")
    return decision


async def replay(engine: PolicyEngine, decision: Decision) -> ReplayOut:
    """Put a recorded input to the law of today. The recorded input is all it needs: nothing is gathered again.

    A record that the law no longer understands (or that someone has tampered with) is not `same`, and permits nothing.
    """
    permit, codes, obligations = False, list[str](), list[dict[str, Any]]()
    try:
        result = await engine.evaluate(decision.input)
        permit, codes, obligations = result.permit, list(result.codes), [dict(o) for o in result.obligations]
    except InvalidDecisionInput as error:
        log.error("decision.record-invalid", decision_id=str(decision.id), at=error.pointer)
    except EngineUnavailable:
        raise _unavailable() from None
    return ReplayOut(
        id=decision.id,
        same=(permit, codes, obligations) == (decision.permit, decision.codes, decision.obligations),
        permit=permit,
        codes=codes,
        policy_revision=engine.revision,
        recorded=RecordedAnswer(permit=decision.permit, codes=decision.codes, policy_revision=decision.policy_revision),
    )


async def leases(ctx: Context, decision_ids: Sequence[UUID]) -> dict[UUID, tuple[bool, list[str]]]:
    """Return for each decision whether it would still permit now, with the codes that say why not.

    One call to the catalogue and a fixed number of queries, however many there are. An unknown decision is not live.
    """
    async with ctx.unit() as session:
        found = await repository.decisions(session, decision_ids)
    asks = {
        decision.id: Ask(
            decision.subject_id,
            decision.project_id,
            decision.version_id,
            decision.action,
            decision.purpose,
            tuple(decision.path_digests),
        )
        for decision in found.values()
        if decision.permit
    }
    distinct = list(dict.fromkeys(asks.values()))
    evaluated = dict(zip(distinct, await evaluate(ctx, distinct), strict=True)) if distinct else {}
    answers: dict[UUID, tuple[bool, list[str]]] = {}
    for decision_id in decision_ids:
        ask = asks.get(decision_id)
        outcome = evaluated[ask] if ask else None
        if outcome is not None:
            answers[decision_id] = (outcome.result.permit, list(outcome.result.codes))
        elif ask is not None:
            # What was permitted is gone without a trace: nothing there to use.
            answers[decision_id] = (False, ["version-not-released"])
        else:
            # Unknown, or a denial: there never was anything to go on with.
            answers[decision_id] = (False, list(found[decision_id].codes) if decision_id in found else ["grant-absent"])
    return answers


async def policy_ready(ctx: Context) -> None:
    """Raise when the law gives no answer (the answer itself, about nobody and nothing, is no)."""
    await cast(PolicyEngine, ctx.components["engine"]).evaluate(NOBODY)
