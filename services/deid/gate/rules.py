"""Who sees reports and decides at the gate, what the gate demands, and what it says to what was measured."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from services.deid.gate.estimate import Estimate, Stratum, further_needed, measurable, precision, recall
from services.deid.runs import rules as runs
from services.deid.runs.models import Run
from services.kit.db import RuleSession
from services.kit.problems import Problem, conflict, forbidden
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject

FITTING: Mapping[str, tuple[str, str]] = {"treated": ("right", "needless"), "untreated": ("right", "missed")}
"""Judgements that a sort of place takes: the good one, and the fault."""


# --- who --------------------------------------------------------------------------------------------------------------


async def run_for(session: RuleSession, caller: Subject, run_id: UUID, *, lock: bool = False) -> Run:
    """Return a finished run that the caller may see: 404 for others', 409 `run-not-finished` before it is."""
    run = await runs.run_for(session, caller, run_id, lock=lock)
    if run.state != "finished":
        raise conflict("run-not-finished", state=run.state)
    return run


async def run_for_steward(session: RuleSession, caller: Subject, run_id: UUID, *, lock: bool = False) -> Run:
    """Return a finished run whose steward the caller is: 403 for the donor's other people."""
    run = await runs.run_for(session, caller, run_id, lock=lock)
    runs.require_steward(caller, run)
    if run.state != "finished":
        raise conflict("run-not-finished", state=run.state)
    return run


def require_second_steward(caller: Subject, run: Run) -> None:
    """403 for the one who started the run: somebody else decides what comes of it."""
    if caller.id == run.created_by:
        raise forbidden("second-steward-required")


def judging_refusal(caller: Subject, run: Run, *, asked: bool) -> Problem | None:
    """Return why the caller cannot judge places now, or None. `asked`: the gate's question to the catalogue is open."""
    if not runs.is_steward(caller, run):
        return forbidden("role-required", role="steward")
    if run.gate == "passed":
        return conflict("gate-passed")
    if asked:
        return conflict("gate-being-decided")
    return None


def deciding_refusal(caller: Subject, run: Run) -> Problem | None:
    """Return why the caller cannot decide at the gate now, or None."""
    if not runs.is_steward(caller, run):
        return forbidden("role-required", role="steward")
    if caller.id == run.created_by:
        return forbidden("second-steward-required")
    return conflict("gate-passed") if run.gate == "passed" else None


def actions(caller: Subject, run: Run, *, asked: bool) -> list[AllowedAction]:
    """Return what the caller may do to a finished run's places and gate."""

    def action(name: str, refusal: Problem | None) -> AllowedAction:
        return AllowedAction(action=name, allowed=refusal is None, reason=refusal.code if refusal else None)

    return [
        action("judge", judging_refusal(caller, run, asked=asked)),
        action("decide_gate", deciding_refusal(caller, run)),
    ]


def gated_version(run: Run) -> UUID:
    """Return the version that the gate is about: the one that was written, or the one that was looked at."""
    return run.result_version_id if run.mode == "treat" and run.result_version_id is not None else run.version_id


# --- what is demanded -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thresholds:
    """What the gate demands. Terms may state each (`gate_thresholds` of the normal form); these are the defaults."""

    k: float = 5
    """Rows of at least so many people share every combination of quasi-identifiers."""
    recall: float = 80
    """Percent: the low end of recall's 95 % interval."""
    reviewed: float = 20
    """Places judged."""
    withheld: float = 10
    """Percent of the files, at most."""


def thresholds_of(terms: Mapping[str, Any]) -> Thresholds:
    """Return the thresholds that terms in normal form state, and the defaults for the others."""
    stated: Mapping[str, float] = terms.get("gate_thresholds") or {}
    known = asdict(Thresholds())
    return Thresholds(**{**known, **{name: value for name, value in stated.items() if name in known}})


# --- what was measured ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Review:
    """How far the places of a run are judged.

    Places count in the order in which they were drawn, up to the first that nobody has judged: whoever could pass over
    the places that show a fault would decide what is measured.
    """

    drawn: int
    judged: int
    counted: int
    right: int
    missed: int
    needless: int
    strata: tuple[Stratum, ...] = ()
    """From the places that count."""
    families: tuple[str, ...] = ()
    """In which family of files each stratum is."""
    waiting: tuple[int, ...] = ()
    """Of which stratum (index) each place is that does not count yet, in the queue's order."""

    @property
    def places(self) -> int:
        """All places that there are."""
        return sum(stratum.total for stratum in self.strata)

    @property
    def recall(self) -> Estimate | None:
        """See `estimate.recall`."""
        return recall(self.strata)

    @property
    def precision(self) -> Estimate | None:
        """See `estimate.precision`."""
        return precision(self.strata)

    def by_family(self) -> dict[str, tuple[Stratum, ...]]:
        """Return the strata of each family of files."""
        pairs = list(zip(self.families, self.strata, strict=True))
        return {name: tuple(s for of, s in pairs if of == name) for name in sorted(set(self.families))}


def review_of(queue: Sequence[tuple[int, str | None]], strata: Sequence[Mapping[str, Any]]) -> Review:
    """Return how far a queue is judged: (index of the stratum, judgement) of each place in order."""
    counted = next((index for index, (_, judgement) in enumerate(queue) if judgement is None), len(queue))
    judged, faults = [0] * len(strata), [0] * len(strata)
    for stratum, judgement in queue[:counted]:
        judged[stratum] += 1
        faults[stratum] += judgement == FITTING[strata[stratum]["sort"]][1]
    given = [judgement for _, judgement in queue if judgement is not None]
    return Review(
        drawn=len(queue),
        judged=len(given),
        counted=counted,
        right=given.count("right"),
        missed=given.count("missed"),
        needless=given.count("needless"),
        strata=tuple(
            Stratum(stratum["sort"], stratum["total"], judged[index], faults[index])
            for index, stratum in enumerate(strata)
        ),
        families=tuple(stratum["family"] for stratum in strata),
        waiting=tuple(stratum for stratum, _ in queue[counted:]),
    )


@dataclass(frozen=True)
class Measured:
    """What the gate looks at. Shares in percent, to one decimal, rounded to the side that is further from passing."""

    k: int | None
    """The lowest k of any table; None where none was measured."""
    tables: int
    tables_unknown: int
    """Tables of which no k was measured, though the recipe does not say that they have no columns about people."""
    recall: float | None
    """The low end of the interval; None where it cannot be measured (see `Review`)."""
    reviewed: int
    withheld: float
    untreated: int
    """What was found and left standing, and in mode inspect what a steward found missed besides."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def measure(run: Run, figures: Mapping[str, Any], review: Review) -> Measured:
    """Return what the gate looks at, from a run's sums and its judged places."""
    files, tables = figures["files"], figures["tables"]
    inspected = run.mode == "inspect"
    seen = review.recall
    if inspected:
        # Nothing was treated here: k is what the tables have now, where the recipe says by which columns.
        k, unknown = tables["k_before"], 0
    else:
        k, unknown = tables["k_min"], tables["files"] - tables["measured"] - tables["without_people"]
    return Measured(
        k=k,
        tables=tables["files"],
        tables_unknown=unknown,
        recall=None if seen is None else math.floor(seen.low * 1000) / 10,
        reviewed=review.counted,
        withheld=math.ceil(files["withheld"] * 1000 / files["total"]) / 10 if files["total"] else 0.0,
        untreated=figures["untreated"] + (review.missed if inspected else 0),
    )


# --- what the gate says -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """One thing below its threshold. `text` names its text in `gate.texts`, which `params` fill in."""

    code: str
    measured: float | None
    needed: float
    text: str
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    family: str | None = None
    """The family of files that it is about, where it is not about all."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def refusals(run: Run, measured: Measured, review: Review, demands: Thresholds) -> list[Refusal]:
    """Return everything that keeps the version from passing, each with what would let it pass. Empty: it passes."""
    found: list[Refusal] = []
    if measured.untreated:
        found.append(Refusal("untreated-found", measured.untreated, 0, f"untreated-found-{run.mode}"))
    if measured.k is not None and measured.k < demands.k:
        found.append(Refusal("k-below", measured.k, demands.k, "k-below"))
    if measured.tables_unknown and run.personal_data != "no":
        found.append(Refusal("k-unknown", measured.tables_unknown, 0, "k-unknown", {"tables": measured.tables}))
    if measured.withheld > demands.withheld:
        found.append(Refusal("withheld-too-many", measured.withheld, demands.withheld, "withheld-too-many"))
    # Where there are fewer places than are demanded, all of them are enough.
    reviewed = min(demands.reviewed, review.places)
    if review.counted < reviewed:
        told = {"more": math.ceil(reviewed) - review.counted, "next": review.counted + 1}
        text = "reviewed-out-of-order" if review.judged > review.counted else "reviewed-too-few"
        if review.drawn < reviewed:
            text = "reviewed-too-few-drawn"
        found.append(Refusal("reviewed-too-few", review.counted, reviewed, text, {**told, "drawn": review.drawn}))
    # In mode inspect what was missed counts as found and untreated already.
    if run.mode == "treat":
        found += [*_recall_refusals(measured, review, demands), *_family_refusals(review, demands)]
    return found


def _recall_refusals(measured: Measured, review: Review, demands: Thresholds) -> list[Refusal]:
    """Return the refusal for a recall that is too low or not known yet.

    Where nothing is to be found (nothing was treated, and no judged place shows anything missed) there is no recall,
    and no refusal.
    """
    if measured.recall is None and measurable(review.strata):
        return []
    if measured.recall is not None and measured.recall >= demands.recall:
        return []
    more = further_needed(review.strata, review.waiting, demands.recall / 100)
    if measured.recall is None:
        text = "recall-unmeasured" if more is not None else "recall-unmeasurable"
    else:
        text = "recall-judge-more" if more is not None else "recall-treat-more"
    params = {"more": more or 0, "missed": review.missed}
    return [Refusal("recall-below", measured.recall, demands.recall, text, params)]


def _family_refusals(review: Review, demands: Thresholds) -> list[Refusal]:
    """Return a refusal for each family of files that is shown to be below: the high end of its recall is.

    Families are not of one size: without this a register whose every cell is generalised would outvote letters in which
    not one name was found.
    """
    found: list[Refusal] = []
    families = review.by_family()
    for name, strata in families.items() if len(families) > 1 else ():
        seen = recall(strata)
        if seen is not None and seen.high < demands.recall / 100:
            high = math.floor(seen.high * 1000) / 10
            missed = sum(stratum.faults for stratum in strata if stratum.sort == "untreated")
            params = {"missed": missed, "judged": sum(s.judged for s in strata if s.sort == "untreated")}
            found.append(Refusal("recall-below", high, demands.recall, "recall-of-family", params, name))
    return found
