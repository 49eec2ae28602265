"""Reports, places and decisions as the API shows them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.deid.gate import repository, rules
from services.deid.gate.estimate import Estimate, Stratum, precision, recall
from services.deid.gate.figures import family
from services.deid.gate.models import GateDecision, ReviewSample, RunReport
from services.deid.gate.schemas import (
    EstimateOut,
    FamilyReviewOut,
    GateDecisionOut,
    GateOut,
    MeasuredOut,
    RefusalOut,
    ReportFileOut,
    ReportOut,
    ReviewOut,
    ReviewSampleOut,
    SampleOut,
    TableOut,
    ThresholdsOut,
    WithheldOut,
    WouldPass,
)
from services.deid.gate.standing import Standing
from services.deid.gate.texts import refusal_text
from services.deid.reasons import reason_text
from services.deid.runs.models import Run, RunFile
from services.deid.runs.sealing import open_measures, open_names
from services.deid.sources.keys import DatasetSecrets
from services.kit.db import RuleSession
from services.kit.texts import Language
from services.kit.tokens import Subject


def show_refusals(refusals: Sequence[Mapping[str, Any]], language: Language) -> list[RefusalOut]:
    """Return refusals (`Refusal.document()`) with their texts."""
    return [
        RefusalOut(
            code=refusal["code"],
            measured=refusal["measured"],
            needed=refusal["needed"],
            family=refusal["family"],
            text=refusal_text(refusal, language),
        )
        for refusal in refusals
    ]


def _refusals(standing: Standing, language: Language) -> list[RefusalOut]:
    return show_refusals([refusal.document() for refusal in standing.refusals], language)


def _estimate(found: Estimate | None) -> EstimateOut | None:
    return None if found is None else EstimateOut(**{name: round(share, 4) for name, share in asdict(found).items()})


def _review(standing: Standing) -> ReviewOut:
    review = standing.review
    return ReviewOut.model_validate(
        {
            **{name: getattr(review, name) for name in ("drawn", "judged", "counted", "right", "missed", "needless")},
            "places": standing.figures["places"],
            "recall": _estimate(review.recall),
            "precision": _estimate(review.precision),
            "families": {name: _family(strata) for name, strata in review.by_family().items()},
        }
    )


def _family(strata: Sequence[Stratum]) -> FamilyReviewOut:
    def faults(sort: str) -> int:
        return sum(stratum.faults for stratum in strata if stratum.sort == sort)

    return FamilyReviewOut(
        counted=sum(stratum.judged for stratum in strata),
        missed=faults("untreated"),
        needless=faults("treated"),
        recall=_estimate(recall(strata)),
        precision=_estimate(precision(strata)),
    )


async def show_report(
    session: RuleSession,
    secrets: DatasetSecrets,
    caller: Subject,
    run: Run,
    standing: Standing,
    language: Language,
) -> ReportOut:
    """Return a run's report."""
    figures, report = standing.figures, standing.report
    withheld, worst = figures["withheld"]["first"], figures["tables"]["worst"]
    numbers = [*withheld, *(table["number"] for table in worst)]
    rows = await repository.report_files_by_number(session, run.id, numbers)

    def opened() -> tuple[dict[int, str], list[dict[str, Any]], ReviewOut]:
        names = {number: open_names(secrets, row).target for number, row in rows.items()}
        samples = json.loads(secrets.open(report.sealed_samples, "report-samples", run.id))
        return names, samples, _review(standing)

    names, samples, review = await asyncio.to_thread(opened)
    return ReportOut.model_validate(
        {
            "run_id": run.id,
            "version_id": run.version_id,
            "result_version_id": run.result_version_id,
            "mode": run.mode,
            "found": figures["found"],
            "untreated": figures["untreated"],
            "files": figures["files"],
            "withheld": [_withheld(rows[number], names[number], language) for number in withheld],
            "withheld_reasons": figures["withheld"]["by_reason"],
            "samples": [SampleOut.model_validate(sample) for sample in samples],
            "tables": [
                TableOut.model_validate({**{n: v for n, v in table.items() if n != "number"}, "path": names[number]})
                for table in worst
                if (number := table["number"]) in names
            ],
            "tables_sum": figures["tables"],
            "pictures": figures["pictures"],
            "review": review,
            "thresholds": asdict(standing.demands),
            "gate": WouldPass(would_pass=not standing.refusals, refusals=_refusals(standing, language)),
            "gate_state": run.gate,
            "created_at": report.created_at,
            "allowed_actions": rules.actions(caller, run, asked=standing.ask is not None),
        }
    )


def _withheld(row: RunFile, path: str, language: Language) -> WithheldOut:
    return WithheldOut(path=path, reason=str(row.reason), text=str(reason_text(row.reason, language)))


def show_file(secrets: DatasetSecrets, row: RunFile, language: Language) -> ReportFileOut:
    """Return what became of one file."""
    return ReportFileOut.model_validate(
        {
            **{name: getattr(row, name) for name in ("number", "media_type", "size", "state", "reason")},
            "path": open_names(secrets, row).target,
            "family": family(row.media_type),
            "text": reason_text(row.reason, language),
            "found": row.counts,
            "places": row.totals,
            "measures": open_measures(secrets, row),
        }
    )


def show_sample(secrets: DatasetSecrets, report: RunReport, row: ReviewSample) -> ReviewSampleOut:
    """Return a place to judge."""
    content = json.loads(secrets.open(row.sealed, "review-sample", row.id))
    fields = ("id", "run_id", "number", "judgement", "judged_by", "judged_at", "revision")
    stratum = report.figures["strata"][row.stratum]
    return ReviewSampleOut.model_validate(
        {
            **{name: getattr(row, name) for name in fields},
            **{name: content[name] for name in ("kind", "path", "place", "before", "after")},
            "sort": stratum["sort"],
            "family": stratum["family"],
            "picture": content["picture"] or None,
            "judgements": rules.FITTING[stratum["sort"]],
        }
    )


def show_decision(run: Run, decision: GateDecision, language: Language) -> GateDecisionOut:
    """Return what the gate said."""
    fields = ("number", "decision", "outcome", "reasons", "measured", "thresholds", "decided_by", "decided_at")
    return GateDecisionOut.model_validate(
        {
            **{name: getattr(decision, name) for name in fields},
            "run_id": run.id,
            "version_id": rules.gated_version(run),
            "refusals": show_refusals(decision.refusals, language),
        }
    )


def show_gate(
    caller: Subject, run: Run, standing: Standing, history: Sequence[GateDecision], language: Language
) -> GateOut:
    """Return where a run stands at the gate."""
    return GateOut(
        run_id=run.id,
        version_id=rules.gated_version(run),
        state=run.gate,  # pyright: ignore[reportArgumentType]
        would_pass=not standing.refusals,
        refusals=_refusals(standing, language),
        measured=MeasuredOut.model_validate(standing.measured.document()),
        thresholds=ThresholdsOut.model_validate(asdict(standing.demands)),
        being_decided_since=standing.ask.asked_at if standing.ask else None,
        history=[show_decision(run, decision, language) for decision in history],
        revision=run.revision,
        allowed_actions=rules.actions(caller, run, asked=standing.ask is not None),
    )
