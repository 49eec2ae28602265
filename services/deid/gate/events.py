"""Facts about reports and the gate, as messages."""

from collections.abc import Sequence

from services.deid.gate.models import GateDecision
from services.deid.gate.rules import gated_version
from services.deid.runs.models import Run
from services.kit.db import RuleSession
from services.kit.events import deid
from services.kit.outbox import emit


def report_published(session: RuleSession, run: Run) -> None:
    """The run's report can be read, and its places judged."""
    message = deid.ReportPublished(run_id=str(run.id), version_id=str(gated_version(run)))
    emit(session, "factory.deid.report.published.v1", str(run.id), message, revision=run.revision)


def gate_passed(session: RuleSession, run: Run, decision: GateDecision) -> None:
    """The version is released."""
    message = deid.GatePassed(
        run_id=str(run.id), version_id=str(gated_version(run)), decided_by=str(decision.decided_by)
    )
    emit(session, "factory.deid.gate.passed.v1", str(run.id), message, revision=run.revision)


def gate_refused(session: RuleSession, run: Run, decision: GateDecision, reasons: Sequence[str]) -> None:
    """The version stays raw."""
    message = deid.GateRefused(
        run_id=str(run.id),
        version_id=str(gated_version(run)),
        decided_by=str(decision.decided_by),
        reasons=list(reasons),
    )
    emit(session, "factory.deid.gate.refused.v1", str(run.id), message, revision=run.revision)
