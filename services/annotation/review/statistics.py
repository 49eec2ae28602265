"""How far annotators agree: over a whole campaign, by label, by annotator. Pure.

What is counted is told in `units`, how in `coefficients`, what overlaps in `matching`; sources stand there. Figures
that have no value are None and say why: `one-annotator`, `no-overlap` (nobody judged what another judged),
`one-category` (every answer is the same, which leaves chance nothing to correct), `no-marks` (there is nothing to
compare), `not-for-kind` (classes have no overlap), `too-dense` (every item's marks lie too densely to be compared).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import combinations
from typing import Any, Final, TypeVar

from services.annotation.campaigns.shapes import LabelSchema, Mark
from services.annotation.review.coefficients import (
    NO_MARKS,
    NO_OVERLAP,
    Figure,
    Unit,
    binary,
    cohen_kappa,
    confirmed,
    fleiss_kappa,
    krippendorff_alpha,
    mean,
    percent,
)
from services.annotation.review.matching import TooDense
from services.annotation.review.units import Answers, Judged, Tally, among

ONE_ANNOTATOR: Final = "one-annotator"
NOT_FOR_KIND: Final = "not-for-kind"
TOO_DENSE: Final = "too-dense"

_ACCEPTED: Final = "\0accepted"
"""Who the accepted answer is in a pair: no pseudonym holds a NUL."""

Pair = tuple[str, str]
_Told = TypeVar("_Told", bound="Agreement | LabelAgreement | AnnotatorAgreement")


@dataclass(frozen=True)
class PairAgreement:
    """Two annotators held against each other."""

    annotators: Pair
    percent: Figure
    cohen_kappa: Figure
    mean_iou: Figure


@dataclass(frozen=True)
class LabelAgreement:
    """One label: given or not, by whom on what."""

    label: str
    marks: int
    """How often it was given, by all annotators together."""
    percent: Figure
    """Of the times that it was given where another looked too, how often the other gave it."""
    fleiss_kappa: Figure
    krippendorff_alpha: Figure
    mean_iou: Figure


@dataclass(frozen=True)
class AnnotatorAgreement:
    """One annotator, held against every other one, and against the accepted answers where there are any."""

    annotator: str
    items: int
    marks: int
    percent: Figure
    cohen_kappa: Figure
    """The mean of their kappas with each other annotator."""
    mean_iou: Figure
    alpha_without: Figure
    """Krippendorff's alpha of the others alone: above the campaign's, this annotator lowers it."""
    accepted_percent: Figure
    accepted_kappa: Figure
    accepted_mean_iou: Figure


@dataclass(frozen=True)
class Agreement:
    """Everything that is told of a campaign's agreement. Shares are 0–100, overlaps 0–1, kappas and alphas −1–1."""

    annotators: int
    items: int
    """Items that at least one annotator answered."""
    overlapping: int
    """Items that at least two answered."""
    left_out: int
    """Items whose marks lie too densely to be compared."""
    percent: Figure
    cohen_kappa: Figure
    """The unweighted mean over the pairs of annotators (Light 1971, Psychol Bull 76:365–377)."""
    fleiss_kappa: Figure
    krippendorff_alpha: Figure
    mean_iou: Figure
    per_pair: tuple[PairAgreement, ...]
    per_label: tuple[LabelAgreement, ...]
    per_annotator: tuple[AnnotatorAgreement, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it with every figure as `{value, units, reason}`; `pairs` are told with Cohen's kappa."""
        pairs = [
            {"annotators": list(pair.annotators), **_figures(pair, "percent", "cohen_kappa", "mean_iou")}
            for pair in self.per_pair
        ]
        return {
            "annotators": self.annotators,
            "items": self.items,
            "overlapping": self.overlapping,
            "left_out": self.left_out,
            **_figures(self, "percent", "fleiss_kappa", "krippendorff_alpha", "mean_iou"),
            "cohen_kappa": {**_figure(self.cohen_kappa), "pairs": pairs},
            "per_label": [
                {
                    "label": label.label,
                    "marks": label.marks,
                    **_figures(label, "percent", "fleiss_kappa", "krippendorff_alpha", "mean_iou"),
                }
                for label in self.per_label
            ],
            "per_annotator": [
                {
                    "annotator": one.annotator,
                    "items": one.items,
                    "marks": one.marks,
                    **_figures(one, "percent", "cohen_kappa", "mean_iou", "alpha_without"),
                    "accepted": {
                        "percent": _figure(one.accepted_percent),
                        "cohen_kappa": _figure(one.accepted_kappa),
                        "mean_iou": _figure(one.accepted_mean_iou),
                    },
                }
                for one in self.per_annotator
            ],
        }


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value, "units": figure.units, "reason": figure.reason}


def _figures(told: object, *names: str) -> dict[str, Any]:
    return {name: _figure(getattr(told, name)) for name in names}


@dataclass
class _Overlap:
    """Intersection over union, summed over objects."""

    total: float = 0.0
    objects: int = 0

    def add(self, total: float, objects: int) -> None:
        self.total += total
        self.objects += objects


@dataclass
class _Counts:
    """What is gathered while the items go by, one at a time."""

    units: Tally = field(default_factory=Tally)
    pairs: dict[Pair, Tally] = field(default_factory=lambda: defaultdict[Pair, Tally](Tally))
    """Units of two annotators; the second may be the accepted answer."""
    overlaps: dict[Pair, _Overlap] = field(default_factory=lambda: defaultdict[Pair, _Overlap](_Overlap))
    label_overlaps: dict[str, _Overlap] = field(default_factory=lambda: defaultdict[str, _Overlap](_Overlap))
    items: Counter[str] = field(default_factory=Counter[str])
    marks: Counter[str] = field(default_factory=Counter[str])
    labels: Counter[str] = field(default_factory=Counter[str])
    answered: int = 0
    overlapping: int = 0
    left_out: int = 0


def agreement(
    schema: LabelSchema,
    ratings: Iterable[Answers],
    *,
    lengths: Iterable[int | None] | None = None,
    accepted: Iterable[Sequence[Mark] | None] | None = None,
) -> Agreement:
    """Return how far annotators agree.

    `ratings`: for each item, what each annotator who saw it says (an empty list: nothing to mark). In the same order
    `lengths`, the code points of each text, and `accepted`, what holds for each item, None where nothing does yet.
    """
    counts = _Counts()
    ratings = list(ratings)
    sizes = [None] * len(ratings) if lengths is None else list(lengths)
    holds = [None] * len(ratings) if accepted is None else list(accepted)
    for answers, length, held in zip(ratings, sizes, holds, strict=True):
        _count(counts, schema, answers, length, held)
    units = counts.units.units()
    pairs = {pair: tally.units() for pair, tally in counts.pairs.items()}
    people = sorted(counts.items)
    per_pair = tuple(
        PairAgreement(pair, percent(of_pair), cohen_kappa(of_pair, *pair), _mean_iou(schema, counts, [pair]))
        for pair, of_pair in sorted(pairs.items())
        if pair[1] != _ACCEPTED
    )
    among_people = [pair.annotators for pair in per_pair]
    found = Agreement(
        annotators=len(people),
        items=counts.answered,
        overlapping=counts.overlapping,
        left_out=counts.left_out,
        percent=percent(units),
        cohen_kappa=mean([pair.cohen_kappa for pair in per_pair]),
        fleiss_kappa=fleiss_kappa(units),
        krippendorff_alpha=krippendorff_alpha(units),
        mean_iou=_mean_iou(schema, counts, among_people),
        per_pair=per_pair,
        per_label=tuple(_of_label(schema, counts, units, label) for label in schema.names),
        per_annotator=tuple(_of_annotator(schema, counts, units, pairs, per_pair, people, who) for who in people),
    )
    return _lonely(found) if len(people) < 2 else found


def _lonely(told: _Told) -> _Told:
    """Return it with `one-annotator` wherever the reason is that nothing was judged by two."""
    changes: dict[str, Any] = {}
    for part in fields(told):
        value = getattr(told, part.name)
        if isinstance(value, tuple):
            changes[part.name] = tuple(
                _lonely(entry) if isinstance(entry, LabelAgreement | AnnotatorAgreement) else entry for entry in value
            )
        elif isinstance(value, Figure) and value.reason == NO_OVERLAP and not part.name.startswith("accepted"):
            changes[part.name] = Figure(None, 0, ONE_ANNOTATOR)
    return replace(told, **changes)


def _count(
    counts: _Counts, schema: LabelSchema, answers: Answers, length: int | None, held: Sequence[Mark] | None
) -> None:
    """Take in one item."""
    if not answers:
        return
    counts.answered += 1
    counts.overlapping += len(answers) > 1
    for who, marks in answers.items():
        counts.items[who] += 1
        counts.marks[who] += len(marks)
        counts.labels.update(mark.label for mark in marks)
    pairs = list(combinations(sorted(answers), 2))
    with_held = dict(answers)
    if held is not None:
        with_held[_ACCEPTED] = held
        pairs += [(who, _ACCEPTED) for who in sorted(answers)]
    item = Judged(schema, with_held, length)
    places = schema.geometry is not None
    try:
        units = item.units(sorted(answers))
        of_pairs = {pair: item.units(pair) for pair in pairs}
        overlaps = {pair: item.overlap(*pair) for pair in pairs if places}
        by_label = [item.overlap_by_label(*pair) for pair in pairs if places and _ACCEPTED not in pair]
    except TooDense:
        counts.left_out += 1
        return
    counts.units.add(units)
    for pair, of_pair in of_pairs.items():
        counts.pairs[pair].add(of_pair)
    for pair, whole in overlaps.items():
        counts.overlaps[pair].add(*whole)
    for label, part in (entry for labels in by_label for entry in labels.items()):
        counts.label_overlaps[label].add(*part)


def _mean_iou(schema: LabelSchema, counts: _Counts, pairs: Sequence[Pair]) -> Figure:
    if schema.geometry is None:
        return Figure(None, 0, NOT_FOR_KIND)
    overlaps = [counts.overlaps[pair] for pair in pairs if pair in counts.overlaps]
    if not overlaps:
        return Figure(None, 0, TOO_DENSE if counts.left_out else NO_OVERLAP)
    return _share(sum(one.total for one in overlaps), sum(one.objects for one in overlaps))


def _share(total: float, objects: int) -> Figure:
    return Figure(total / objects, objects) if objects else Figure(None, 0, NO_MARKS)


def _of_label(schema: LabelSchema, counts: _Counts, units: Sequence[Unit], label: str) -> LabelAgreement:
    asked = binary(units, label)
    if schema.geometry is None:
        mean_iou = Figure(None, 0, NOT_FOR_KIND)
    else:
        part = counts.label_overlaps.get(label, _Overlap())
        mean_iou = _share(part.total, part.objects)
    return LabelAgreement(
        label,
        counts.labels[label],
        confirmed(asked, True),
        fleiss_kappa(asked),
        krippendorff_alpha(asked),
        mean_iou,
    )


def _of_annotator(
    schema: LabelSchema,
    counts: _Counts,
    units: Sequence[Unit],
    pairs: Mapping[Pair, list[Unit]],
    per_pair: Sequence[PairAgreement],
    people: Sequence[str],
    who: str,
) -> AnnotatorAgreement:
    mine = [pair for pair in per_pair if who in pair.annotators]
    with_others = [unit for pair in mine for unit in pairs[pair.annotators]]
    others = set(people) - {who}
    held = (who, _ACCEPTED)
    of_held = pairs.get(held, [])
    return AnnotatorAgreement(
        annotator=who,
        items=counts.items[who],
        marks=counts.marks[who],
        percent=percent(with_others),
        cohen_kappa=mean([pair.cohen_kappa for pair in mine]),
        mean_iou=_mean_iou(schema, counts, [pair.annotators for pair in mine]),
        alpha_without=(
            krippendorff_alpha(among(schema, units, others)) if len(others) > 1 else Figure(None, 0, ONE_ANNOTATOR)
        ),
        accepted_percent=percent(of_held),
        accepted_kappa=cohen_kappa(of_held, *held),
        accepted_mean_iou=_mean_iou(schema, counts, [held]),
    )
