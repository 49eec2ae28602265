"""What became of files, written down with the run's progress in one transaction."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.deid.engine.media import FAMILIES
from services.deid.engine.operator import Finding
from services.deid.pool.shapes import Outcome
from services.deid.runs import repository
from services.deid.runs.models import RunFile
from services.deid.runs.sealing import seal_findings, seal_measures, seal_places
from services.deid.runs.service import ClaimLost, Work
from services.kit.context import Context

_UNKNOWN = "application/octet-stream"


async def record(ctx: Context, work: Work, done: Sequence[tuple[RunFile, Outcome]], seconds_left: float | None) -> None:
    """Note that these files are treated or withheld. Raises ClaimLost, and then nothing is noted."""
    now = ctx.clock.now()
    # Sealing a batch takes a tenth of a second: too long for whoever waits for an answer meanwhile.
    rows = await asyncio.to_thread(lambda: [_values(work, row, outcome) | {"done_at": now} for row, outcome in done])
    kept_back = sum(outcome.withheld is not None for _, outcome in done)
    async with ctx.unit() as session:
        held = await repository.add_progress(
            session,
            work.run_id,
            work.claim,
            treated=len(done) - kept_back,
            withheld=kept_back,
            size=sum(row.size for row, _ in done),
            seconds_left=seconds_left,
            now=now,
        )
        if not held:
            raise ClaimLost
        if not await repository.finish_files(session, work.run_id, rows):
            raise RuntimeError("a file is done that this process has claimed")


def _values(work: Work, row: RunFile, outcome: Outcome) -> dict[str, Any]:
    secrets, run_id, number = work.secrets, work.run_id, row.number
    findings = [_as_found(finding, work.inspect) for finding in outcome.findings]
    return {
        "number": number,
        "state": "treated" if outcome.withheld is None else "withheld",
        "reason": outcome.withheld,
        "media_type": outcome.media_type if outcome.media_type in FAMILIES else _UNKNOWN,
        "counts": _added(row.counts, outcome.counts, work.inspect),
        "totals": outcome.totals,
        "measures": numbers(outcome.measures),
        "sealed_measures": seal_measures(secrets, run_id, number, outcome.measures) if outcome.measures else None,
        "sealed_findings": seal_findings(secrets, run_id, number, findings) if findings else None,
        "sealed_places": seal_places(secrets, run_id, number, outcome.places) if outcome.places else None,
    }


def _as_found(finding: Finding, inspect: bool) -> Finding:
    return replace(finding, treated=False) if inspect else finding


def _added(
    of_name: Mapping[str, Mapping[str, int]], of_content: Mapping[str, Mapping[str, int]], inspect: bool
) -> dict[str, dict[str, int]]:
    """Add up what was found in a file's name and in its contents; who only looks has treated nothing."""
    counts: dict[str, dict[str, int]] = {}
    for each in (of_name, of_content):
        for kind, numbers_of in each.items():
            sums = counts.setdefault(kind, {"found": 0, "treated": 0})
            sums["found"] += numbers_of["found"]
            sums["treated"] += 0 if inspect else numbers_of["treated"]
    return counts


def numbers(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may stand in the clear of what was measured: numbers and truth values, no words from a file.

    What is no number after all (an average of nothing) is None, as JSON knows no other.
    """
    open_ones = {
        name: value for name, value in measures.items() if value is None or isinstance(value, bool | int | float)
    }
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in open_ones.items()
    }
