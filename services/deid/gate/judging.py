"""A steward judges places of a run's queue; each judgement is kept, the last one counts."""

from datetime import datetime
from uuid import UUID

from services.deid.gate import repository, rules
from services.deid.gate.models import ReviewJudgement, ReviewSample
from services.deid.runs.models import Run
from services.kit.db import RuleSession
from services.kit.problems import invalid, not_found
from services.kit.tokens import Subject


async def sample_for(session: RuleSession, caller: Subject, run_id: UUID, sample_id: UUID) -> tuple[Run, ReviewSample]:
    """Return a place that the caller may judge, locked, with its run; the gate cannot decide meanwhile."""
    run = await rules.run_for_steward(session, caller, run_id)
    held = await repository.hold_run(session, run.id)
    assert held is not None
    sample = await repository.sample(session, run_id, sample_id)
    if sample is None:
        raise not_found("place to judge")
    refusal = rules.judging_refusal(caller, held, asked=await repository.ask(session, run_id) is not None)
    if refusal is not None:
        raise refusal
    return held, sample


async def judge(
    session: RuleSession, caller: Subject, sample: ReviewSample, sort: str, judgement: str, now: datetime
) -> None:
    """Record what the caller says of a place of this sort; saying the same again changes nothing."""
    fitting = rules.FITTING[sort]
    if judgement not in fitting:
        raise invalid("/judgement", "judgement-does-not-fit", sort=sort, allowed=" / ".join(fitting))
    if (sample.judgement, sample.judged_by) == (judgement, caller.id):
        return
    sample.judgement, sample.judged_by, sample.judged_at = judgement, caller.id, now
    sample.revision += 1
    session.add(sample)
    session.add(ReviewJudgement(sample_id=sample.id, judgement=judgement, judged_by=caller.id, judged_at=now))
    await session.flush()
