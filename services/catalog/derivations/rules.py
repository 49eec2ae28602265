"""Who may make a version of a version, and who lets it through the gate."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.catalog.datasets import rules as datasets
from services.catalog.datasets.models import Dataset, Lineage, Version
from services.catalog.derivations.models import Derivation
from services.catalog.derivations.schemas import DerivationIn
from services.kit.db import RuleSession
from services.kit.problems import Problem, conflict, forbidden, not_found
from services.kit.tokens import Permit, Subject

# Which service works for what; both also read.
WORKS = {"deid": "recipe", "annotation": "campaign"}


def check_service(service: Subject, source_kind: str, mode: str) -> None:
    """403 for a service that does not do this kind of work. Annotation has permits to look with."""
    if WORKS.get(service.name) != source_kind or (source_kind == "campaign" and mode == "inspect"):
        raise forbidden("service-not-allowed", service=service.name)


def check_parent(caller: Subject, source_kind: str, version: Version, dataset: Dataset, permit: Permit | None) -> None:
    """Refuse a caller who may not have this made of the version.

    A recipe is run by a steward of the dataset on whatever was not withdrawn; a campaign takes a permit, of the whole
    version, and a released version. 404, 403, 410 as for reading.
    """
    if permit is None and not datasets.sees_version(caller, version, dataset):
        raise not_found("version")
    datasets.require_alive(version, dataset)
    if source_kind == "recipe":
        datasets.require_steward(caller, dataset)
    elif version.state != "released":
        raise forbidden("version-not-released")


def check_same(found: Derivation, body: DerivationIn, service: Subject) -> None:
    """409 when the id is that of another piece of work; 404 when another service's."""
    if found.service != service.name:
        raise not_found("derivation")
    same = (body.parent_version_id, body.source_kind, body.mode)
    if (found.parent_version_id, found.source_kind, found.mode) != same:
        raise conflict("derivation-differs")


def require_open(derivation: Derivation) -> None:
    """409 unless the derivation takes files."""
    if derivation.mode == "inspect":
        raise conflict("derivation-inspects")
    if derivation.state != "open":
        raise conflict("derivation-not-open", state=derivation.state)


def shown_state(derivation: Derivation) -> str:
    """Return the state as its service sees it: what is being committed is not committed yet."""
    return "open" if derivation.state == "committing" else derivation.state


def gate_refusal(
    caller: Subject,
    version: Version,
    dataset: Dataset,
    lineage: Sequence[Lineage],
    run: Derivation | None,
    run_id: UUID,
) -> Problem | None:
    """Return why the caller, on the report of `run_id`, cannot let the version through its gate, or None.

    `run` is the derivation of that id, if there is one. What a recipe made is judged by the report of the run that made
    it; everything else by that of a run that inspected it. A donation itself never passes: it is prepared first.
    """
    if not datasets.is_steward(caller, dataset):
        return forbidden("role-required", role="steward")
    if version.state != "committed":
        return conflict("version-not-committed", state=version.state)
    kinds = {edge.source_kind for edge in lineage}
    if "donation" in kinds or not kinds:
        return conflict("gate-needs-preparation" if version.gate == "required" else "gate-not-required")
    if run is None or run.service != "deid":
        return conflict("gate-run-wrong")
    if kinds == {"recipe"} and run.mode == "treat":
        right = run.version_id == version.id and all(edge.source_id == run_id for edge in lineage)
    else:
        right = kinds != {"recipe"} and run.mode == "inspect" and run.parent_version_id == version.id
    if not right:
        return conflict("gate-run-wrong")
    if caller.id in (run.opened_by, version.committed_by):
        return forbidden("second-steward-required")
    return None


def passed_already(caller: Subject, version: Version, run_id: UUID) -> bool:
    """Whether just this was decided before: asking again changes nothing."""
    decided = (version.gate, version.gate_run_id, version.released_by)
    return version.state == "released" and decided == ("passed", run_id, caller.id)


def pass_gate(
    session: RuleSession, caller: Subject, version: Version, run_id: UUID, reasons: str, now: datetime
) -> None:
    """Let a version, locked and found in order, through its gate: it is released."""
    version.gate, version.gate_run_id = "passed", run_id
    datasets.set_released(session, caller, version, reasons, now)
