"""Decisions: the law is asked once for each, all is recorded, and what was permitted is asked again as a lease."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from services.access.decisions import repository
from services.access.decisions.cures import cures
from services.access.decisions.engine import (
    EngineUnavailable,
    InvalidDecisionInput,
    PolicyEngine,
    PolicyResult,
)
from services.access.decisions.gather import Ask, gather
from services.access.decisions.models import Decision
from services.access.decisions.schemas import CodeOut, DecisionOut, RecordedAnswer, ReplayOut
from services.access.decisions.texts import CODE_TEXTS, OBLIGATION_TEXTS
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.problems import Problem, not_found
from services.kit.texts import Language
from services.kit.tokens import DATA_AUDIENCE, PERMIT_SECONDS, PERMIT_TYPE, Permit, Signer, Subject, permit_claims

DECISIONS = Counter("factory_decisions_total", "Decisions by outcome and code", ["outcome", "code"])

# How many inputs are with the engine at once; more only queue inside it.
_AT_ONCE = 8


@dataclass(frozen=True)
class Evaluated:
    """One question, what the law was told, and what it said."""

    ask: Ask
    facts: dict[str, Any]
    result: PolicyResult


async def catalog_facts(ctx: Context, version_ids: Sequence[UUID]) -> Mapping[str, Any]:
    """Ask the catalogue about versions (one call), before any transaction is open."""
    return await ctx.http.post_json(
        "catalog",
        "/internal/v1/version-facts",
        {"version_ids": sorted({str(v) for v in version_ids}), "dataset_ids": []},
        idempotent=True,
    )


async def evaluate(ctx: Context, asks: Sequence[Ask], now: datetime) -> list[Evaluated | None]:
    """Put each ask to the law; None where subject, project or version is unknown.

    Raises 503 when the engine gives no answer that can be believed: no answer means no access.
    """
    catalog = await catalog_facts(ctx, [ask.version_id for ask in asks])
    async with ctx.unit() as session:
        inputs = await gather(session, asks, catalog, now)
    engine: PolicyEngine = ctx.components["engine"]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(ask: Ask) -> Evaluated | None:
        facts = inputs[ask]
        if facts is None:
            return None
        async with gate:
            return Evaluated(ask, facts, await engine.evaluate(facts))

    try:
        return list(await asyncio.gather(*(one(ask) for ask in asks)))
    except (EngineUnavailable, InvalidDecisionInput):
        raise Problem(503, "decision-unavailable", headers={"Retry-After": "2"}) from None


def may_ask(caller: Subject, evaluated: Evaluated | None) -> Evaluated:
    """Return what was evaluated, or 404 when the caller may not know of the version or the project.

    An unpublished dataset exists only for its donor's people and stewards; a project only for those who belong, or
    once belonged, to it or to one of its partners.
    """
    if evaluated is None:
        raise not_found("version")
    dataset, project = evaluated.facts["dataset"], evaluated.facts["project"]
    donor = UUID(dataset["partner_id"])
    insider = caller.partner_id == donor or caller.has("steward", "partner", donor) or caller.has("operator")
    if dataset["state"] == "draft" and not insider:
        raise not_found("version")
    member = evaluated.facts["membership"]
    partner = str(caller.partner_id) in project["partner_ids"]
    if member["role"] == "none" and not member["active"] and not partner:
        raise not_found("project")
    return evaluated


async def record(session: RuleSession, evaluated: Evaluated, now: datetime) -> Decision:
    """Write one decision into the log."""
    ask, facts, result = evaluated.ask, evaluated.facts, evaluated.result
    decision = Decision(
        subject_id=ask.subject_id,
        project_id=ask.project_id,
        dataset_id=UUID(facts["dataset"]["id"]),
        version_id=ask.version_id,
        donor_id=UUID(facts["dataset"]["partner_id"]),
        action=ask.action,
        purpose=ask.purpose,
        path_digests=list(ask.path_digests),
        input=facts,
        permit=result.permit,
        codes=list(result.codes),
        obligations=[dict(o) for o in result.obligations],
        policy_revision=result.revision,
        created_at=now,
    )
    session.add(decision)
    await session.flush()
    for code in result.codes or ("none",):
        DECISIONS.labels("permit" if result.permit else "deny", code).inc()
    return decision


def answer(decision: Decision, signer: Signer, now: datetime, language: Language) -> DecisionOut:
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
        out.expires_at = datetime.fromtimestamp(int(now.timestamp()) + PERMIT_SECONDS, now.tzinfo)
    return out


def _told(obligation: Mapping[str, Any], language: Language) -> dict[str, Any]:
    params = {"wording" if k == "text" else k: v for k, v in obligation.items() if k != "kind"}
    return {
        "kind": obligation["kind"],
        "text": OBLIGATION_TEXTS[obligation["kind"]][language].format(**params),
        **params,
    }


async def visible(session: RuleSession, caller: Subject, decision_id: UUID) -> Decision:
    """Return a decision of the caller's own, or about data they answer for; else 404."""
    decision = await repository.decision(session, decision_id)
    if decision is None or not (
        decision.subject_id == caller.id
        or caller.has("operator")
        or caller.has("steward", "partner", decision.donor_id)
    ):
        raise not_found("decision")
    return decision


async def replay(engine: PolicyEngine, decision: Decision) -> ReplayOut:
    """Put a recorded input to the law of today. The recorded input is all it needs: nothing is gathered again."""
    try:
        result = await engine.evaluate(decision.input)
    except (EngineUnavailable, InvalidDecisionInput):
        raise Problem(503, "decision-unavailable", headers={"Retry-After": "2"}) from None
    same = (result.permit, list(result.codes), [dict(o) for o in result.obligations]) == (
        decision.permit,
        decision.codes,
        decision.obligations,
    )
    return ReplayOut(
        id=decision.id,
        same=same,
        permit=result.permit,
        codes=list(result.codes),
        policy_revision=result.revision,
        recorded=RecordedAnswer(permit=decision.permit, codes=decision.codes, policy_revision=decision.policy_revision),
    )


async def leases(ctx: Context, decision_ids: Sequence[UUID], now: datetime) -> dict[UUID, tuple[bool, list[str]]]:
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
    evaluated = dict(zip(distinct, await evaluate(ctx, distinct, now), strict=True)) if distinct else {}
    answers: dict[UUID, tuple[bool, list[str]]] = {}
    for decision_id in decision_ids:
        ask = asks.get(decision_id)
        outcome = evaluated.get(ask) if ask else None
        if outcome is None:
            answers[decision_id] = (False, ["grant-absent"] if ask is None else ["version-not-released"])
        else:
            answers[decision_id] = (outcome.result.permit, list(outcome.result.codes))
    return answers
