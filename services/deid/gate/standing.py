"""Where a run stands at the gate right now: its sums, its judged places, and what is below its threshold."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.deid.gate import repository
from services.deid.gate.models import GateAsk, RunReport
from services.deid.gate.rules import (
    Measured,
    Refusal,
    Review,
    Thresholds,
    measure,
    refusals,
    review_of,
    thresholds_of,
)
from services.deid.runs.models import Run
from services.kit.db import RuleSession


@dataclass(frozen=True)
class Standing:
    """See the module's text. Without refusals the version would pass."""

    report: RunReport
    review: Review
    measured: Measured
    demands: Thresholds
    refusals: list[Refusal]
    ask: GateAsk | None
    """The question to the catalogue that is not answered yet."""

    @property
    def figures(self) -> Mapping[str, Any]:
        """The run's sums."""
        return self.report.figures


async def standing_of(session: RuleSession, run: Run) -> Standing:
    """Return where a finished run stands."""
    report = await repository.report(session, run.id)
    judged = await repository.queue(session, run.id)
    ask = await repository.ask(session, run.id)

    def reckon() -> Standing:
        review = review_of(judged, report.figures["strata"])
        demands = thresholds_of(run.terms)
        measured = measure(run, report.figures, review)
        return Standing(report, review, measured, demands, refusals(run, measured, review, demands), ask)

    # Limits come from many random draws: some hundredths of a second in which others want to be answered.
    return await asyncio.to_thread(reckon)
