"""Facts about runs, as messages."""

from services.deid.runs.models import Run
from services.kit.db import RuleSession
from services.kit.events import deid
from services.kit.outbox import emit


def run_started(session: RuleSession, run: Run) -> None:
    """A recipe has begun to treat a version."""
    message = deid.RunStarted(
        run_id=str(run.id),
        recipe_id=str(run.recipe_id),
        version_id=str(run.version_id),
        dataset_id=str(run.dataset_id),
        mode=run.mode,
        started_by=str(run.created_by),
    )
    emit(session, "factory.deid.run.started.v1", str(run.id), message, revision=run.revision)


def run_finished(session: RuleSession, run: Run) -> None:
    """Every file is treated or withheld, and in mode treat the next version exists."""
    message = deid.RunFinished(
        run_id=str(run.id),
        version_id=str(run.version_id),
        result_version_id=str(run.result_version_id) if run.result_version_id else "",
        files_treated=run.files_treated,
        files_withheld=run.files_withheld,
    )
    emit(session, "factory.deid.run.finished.v1", str(run.id), message, revision=run.revision)


def run_failed(session: RuleSession, run: Run) -> None:
    """The run has ended without a version, by itself or because it was stopped."""
    message = deid.RunFailed(run_id=str(run.id), version_id=str(run.version_id), reason=run.reason or "")
    emit(session, "factory.deid.run.failed.v1", str(run.id), message, revision=run.revision)
