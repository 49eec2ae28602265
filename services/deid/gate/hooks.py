"""When a run has finished: its sums are stored, findings to show and places to judge are drawn, all in the same breath.

Everything is decided by the run's id, so a transaction that is repeated after a crash writes the same again.
"""

import asyncio
import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from services.deid.engine.operator import Place
from services.deid.gate import events, repository
from services.deid.gate.estimate import Sort
from services.deid.gate.figures import Figures
from services.deid.gate.models import RunReport
from services.deid.gate.population import SORTS, Drawn, Load, draw_strata, queue, sizes
from services.deid.gate.rules import thresholds_of
from services.deid.runs import repository as runs
from services.deid.runs.models import Run, RunFile
from services.deid.runs.sealing import open_findings, open_names, open_places
from services.deid.settings import DeidSettings
from services.deid.sources.keys import DatasetSecrets, keys_of
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.ids import new_id

_FILES_AT_ONCE = 50


@dataclass(frozen=True)
class Shown:
    """A place, and the file (by the name that it has in the result) that it is in."""

    path: str
    place: Place


async def on_finished(session: RuleSession, ctx: Context, run: Run) -> None:
    """Store the report and the queue of a run that has finished. Its row is locked, all its files are written."""
    if run.state != "finished":
        return
    settings = ctx.settings
    assert isinstance(settings, DeidSettings)
    seed, demands = run.id.int, thresholds_of(run.terms)
    figures = Figures(seed)
    async for file in runs.file_facts(session, run.id):
        figures.add(file)
    secrets = await keys_of(ctx).open(session, run.dataset_id)
    wanted = sizes(
        figures.places.totals(),
        places=settings.deid_review_places,
        most=settings.deid_review_most,
        reviewed=int(demands.reviewed),
        recall=demands.recall / 100,
    )
    strata = await draw_strata(figures.places, wanted, seed, _opening(session, secrets, run))
    samples = await _findings(session, secrets, run, figures.sampled_files())
    now = ctx.clock.now()
    sealed = secrets.seal(json.dumps(samples, ensure_ascii=False).encode(), "report-samples", run.id)
    document = {**figures.document(), "strata": [stratum.document() for stratum in strata]}
    session.add(RunReport(run_id=run.id, figures=document, sealed_samples=sealed, created_at=now))
    await session.flush()
    await repository.add_samples(session, _rows(secrets, run, strata))
    run.revision += 1
    session.add(run)
    await session.flush()
    events.report_published(session, run)


def _rows(secrets: DatasetSecrets, run: Run, strata: Sequence[Drawn[Shown]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, (stratum, shown) in enumerate(queue(strata), start=1):
        sample_id = new_id()
        picture = base64.b64encode(shown.place.picture).decode()
        content = {"path": shown.path, **asdict(shown.place), "picture": picture}
        sealed = secrets.seal(json.dumps(content, ensure_ascii=False).encode(), "review-sample", sample_id)
        rows.append(
            {"id": sample_id, "run_id": run.id, "number": number, "stratum": stratum, "sealed": sealed, "revision": 1}
        )
    return rows


def _opening(session: RuleSession, secrets: DatasetSecrets, run: Run) -> Load[Shown]:
    """Return what opens the places of files, each file once."""
    kept: dict[tuple[Sort, int], list[Shown]] = {}

    def open_rows(rows: Iterable[RunFile]) -> None:
        for row in rows:
            path, places = open_names(secrets, row).target, open_places(secrets, row)
            for sort in SORTS:
                kept[sort, row.number] = [Shown(path, place) for place in places if place.sort == sort]

    async def load(sort: Sort, numbers: Sequence[int]) -> dict[int, list[Shown]]:
        missing = [number for number in numbers if (sort, number) not in kept]
        for start in range(0, len(missing), _FILES_AT_ONCE):
            rows = await repository.files_by_number(session, run.id, missing[start : start + _FILES_AT_ONCE])
            await asyncio.to_thread(open_rows, rows.values())
        return {number: kept[sort, number] for number in numbers}

    return load


async def _findings(
    session: RuleSession, secrets: DatasetSecrets, run: Run, files: Mapping[str, Sequence[int]]
) -> list[dict[str, Any]]:
    """Return a finding of each kind from each of the files given for it, as it is shown in the report."""
    wanted: dict[int, list[str]] = {}
    for kind, numbers in files.items():
        for number in numbers:
            wanted.setdefault(number, []).append(kind)
    samples: list[dict[str, Any]] = []

    def open_rows(rows: Iterable[RunFile]) -> None:
        for row in rows:
            path, findings = open_names(secrets, row).target, open_findings(secrets, row)
            rng = np.random.default_rng([run.id.int, row.number, 2])
            for kind in wanted[row.number]:
                of_kind = [finding for finding in findings if finding.kind == kind]
                if of_kind:
                    samples.append({"path": path, **asdict(of_kind[int(rng.integers(len(of_kind)))])})

    numbers = sorted(wanted)
    for start in range(0, len(numbers), _FILES_AT_ONCE):
        rows = await repository.files_by_number(session, run.id, numbers[start : start + _FILES_AT_ONCE])
        await asyncio.to_thread(open_rows, [rows[number] for number in sorted(rows)])
    return sorted(samples, key=lambda sample: (sample["kind"], sample["path"]))
