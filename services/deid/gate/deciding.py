"""A steward asks the gate. It says no as a value that is recorded; yes takes the catalogue, which releases the version.

Two databases change, so the order is: note the question (`GateAsk`), ask the catalogue, record the decision. Whatever
dies in between, the note stays, nothing can be judged any more, and whoever asks the gate again finishes what was
begun: the catalogue answers the same question from the same steward with the same yes, and where it was another
steward's, the version itself tells that it has passed.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from services.deid.gate import events, repository, rules
from services.deid.gate.models import GateAsk, GateDecision
from services.deid.gate.standing import Standing, standing_of
from services.deid.runs import repository as runs
from services.deid.runs.models import Run
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.problems import Problem, conflict
from services.kit.tokens import Subject

Decision = Literal["pass", "refuse"]

PATIENCE = timedelta(seconds=30)
"""How long a question to the catalogue may be under way; its caller gives up well before."""


async def begin(
    session: RuleSession, caller: Subject, run_id: UUID, decision: Decision, reasons: str, now: datetime
) -> tuple[Run, GateAsk | None]:
    """Return the run, and the question that the catalogue is to be asked, noted in this transaction; None: none is.

    It may be one that somebody has noted before and never finished.
    """
    run = await rules.run_for_steward(session, caller, run_id, lock=True)
    rules.require_second_steward(caller, run)
    if run.gate == "passed":
        raise conflict("gate-passed")
    standing = await standing_of(session, run)
    if (ask := standing.ask) is not None:
        under_way = now - ask.asked_at < PATIENCE
        if under_way and (ask.asked_by != caller.id or decision == "refuse"):
            raise conflict("gate-being-decided")
        return run, ask
    if decision == "refuse" or standing.refusals:
        return run, None
    ask = GateAsk(
        run_id=run.id, asked_by=caller.id, asked_at=now, reasons=reasons, measured=standing.measured.document()
    )
    session.add(ask)
    await session.flush()
    return run, ask


async def released(
    ctx: Context, caller: Subject, run: Run, ask: GateAsk, decision: Decision, reasons: str
) -> UUID | None:
    """Ask the catalogue (without a transaction); return who let the version through, or None for nobody.

    A refusal of the catalogue's own takes the question back and is raised; where no answer comes the question stays.
    """
    version_id = rules.gated_version(run)
    if decision == "refuse":
        return ask.asked_by if await _has_passed(ctx, caller, run) else None
    try:
        await ctx.http.post_json(
            "catalog",
            f"/internal/v1/versions/{version_id}/gate",
            {"run_id": str(run.id), "reasons": reasons},
            user=caller,
            idempotent=True,
        )
    except Problem as refusal:
        if refusal.status >= 500 or refusal.status in (401, 429):
            raise
        if refusal.status == 409 and ask.asked_by != caller.id and await _has_passed(ctx, caller, run):
            return ask.asked_by
        async with ctx.unit() as session:
            await take_back(session, run.id, ask)
        raise
    return caller.id


async def _has_passed(ctx: Context, caller: Subject, run: Run) -> bool:
    """Whether the catalogue has let the version through on the report of this run, and no other's."""
    path = f"/internal/v1/versions/{rules.gated_version(run)}/dataset-facts"
    facts = await ctx.http.get_json("catalog", path, user=caller)
    return facts["gate"] == "passed" and facts["gate_run_id"] == str(run.id)


async def take_back(session: RuleSession, run_id: UUID, ask: GateAsk) -> None:
    """Forget a question that the catalogue has answered with no."""
    await runs.run(session, run_id, lock=True)
    open_ask = await repository.ask(session, run_id)
    if open_ask is not None and (open_ask.asked_by, open_ask.asked_at) == (ask.asked_by, ask.asked_at):
        await session.delete(open_ask)
        await session.flush()


async def record_passed(
    session: RuleSession, caller: Subject, run_id: UUID, ask: GateAsk, by: UUID, reasons: str, now: datetime
) -> GateDecision:
    """Record that the catalogue has released the version, let through by `by`."""
    run = await rules.run_for_steward(session, caller, run_id, lock=True)
    if run.gate == "passed":
        # The same steward asked twice at once.
        return (await repository.decisions(session, run.id, 1))[0]
    open_ask = await repository.ask(session, run.id)
    if open_ask is not None:
        await session.delete(open_ask)
    made = GateDecision(
        run_id=run.id,
        number=await repository.next_decision(session, run.id),
        decision="pass",
        outcome="passed",
        reasons=reasons if by == caller.id else ask.reasons,
        refusals=[],
        measured=ask.measured,
        thresholds=asdict(rules.thresholds_of(run.terms)),
        decided_by=by,
        decided_at=now,
    )
    await _keep(session, run, made)
    events.gate_passed(session, run, made)
    return made


async def record_refused(
    session: RuleSession,
    caller: Subject,
    run_id: UUID,
    decision: Decision,
    reasons: str,
    now: datetime,
    *,
    ask: GateAsk | None = None,
) -> GateDecision:
    """Record that the gate said no: something is below its threshold, or the steward refuses.

    `ask` is a question that is known to have come to nothing, and goes.
    """
    run = await rules.run_for_steward(session, caller, run_id, lock=True)
    rules.require_second_steward(caller, run)
    if run.gate == "passed":
        raise conflict("gate-passed")
    if ask is not None:
        await take_back(session, run.id, ask)
    standing = await standing_of(session, run)
    if standing.ask is not None:
        raise conflict("gate-being-decided")
    if decision == "pass" and not standing.refusals:
        raise conflict("gate-changed")
    made = _refusal(run, standing, decision, reasons, caller.id, now)
    made.number = await repository.next_decision(session, run.id)
    await _keep(session, run, made)
    codes: list[Any] = ["steward"] if decision == "refuse" else [refusal["code"] for refusal in made.refusals]
    events.gate_refused(session, run, made, codes)
    return made


def _refusal(run: Run, standing: Standing, decision: Decision, reasons: str, by: UUID, now: datetime) -> GateDecision:
    below = [refusal.document() for refusal in standing.refusals] if decision == "pass" else []
    return GateDecision(
        run_id=run.id,
        number=0,
        decision=decision,
        outcome="refused",
        reasons=reasons,
        refusals=below,
        measured=standing.measured.document(),
        thresholds=asdict(standing.demands),
        decided_by=by,
        decided_at=now,
    )


async def _keep(session: RuleSession, run: Run, decision: GateDecision) -> None:
    run.gate = decision.outcome
    run.revision += 1
    session.add(run)
    session.add(decision)
    await session.flush()
