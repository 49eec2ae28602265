"""Agreement of people on nominal categories: percent, Cohen's and Fleiss' kappa, Krippendorff's alpha. Pure.

Everything is counted over *units*: a unit is one thing that annotators put into a category, with the category each one
gave it; who did not see it is missing from it. A `weight` says for how many alike units it stands (characters of a
text with the same answers). A figure that has no value is None with the reason, never NaN:

- `no-overlap`: no unit was judged by two;
- `no-marks`: nobody gave the answer that is asked for where another judged too;
- `one-category`: every answer is the same, so that there is nothing that chance could have done otherwise. The
  coefficients divide by what chance gets wrong, which is zero here.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

NO_OVERLAP: Final = "no-overlap"
NO_MARKS: Final = "no-marks"
ONE_CATEGORY: Final = "one-category"

Category = Hashable


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing judged: the category that each annotator gave it."""

    answers: Mapping[str, Category]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, or None with the reason; `units`: how many units, each judged by at least two, it rests on."""

    value: float | None
    units: int = 0
    reason: str | None = None


def pairable(units: Iterable[Unit]) -> list[Unit]:
    """Return the units that at least two judged: the only ones that tell of agreement."""
    return [unit for unit in units if len(unit.answers) >= 2 and unit.weight > 0]


def percent(units: Iterable[Unit]) -> Figure:
    """Return of all pairs of answers on one unit how many are alike, 0–100. Not corrected for chance."""
    alike, pairs, count = 0, 0, 0
    for unit in pairable(units):
        counts = Counter(unit.answers.values())
        given = len(unit.answers)
        alike += unit.weight * sum(n * (n - 1) for n in counts.values())
        pairs += unit.weight * given * (given - 1)
        count += unit.weight
    return Figure(100 * alike / pairs, count) if pairs else Figure(None, 0, NO_OVERLAP)


def confirmed(units: Iterable[Unit], category: Category) -> Figure:
    """Return how many of the answers `category` another's answer on the same unit confirms, 0–100.

    The specific agreement of Cicchetti & Feinstein (1990, J Clin Epidemiol 43:551–558), over all pairs: 2a/(2a+b+c).
    """
    alike, given, count = 0, 0, 0
    for unit in pairable(units):
        with_it = sum(1 for answer in unit.answers.values() if answer == category)
        alike += unit.weight * with_it * (with_it - 1)
        given += unit.weight * with_it * (len(unit.answers) - 1)
        count += unit.weight * (with_it > 0)
    if not given:
        return Figure(None, 0, NO_MARKS)
    return Figure(100 * alike / given, count)


def cohen_kappa(units: Iterable[Unit], first: str, second: str) -> Figure:
    """Return Cohen's kappa of two annotators over the units that both judged: (po − pe) / (1 − pe).

    J. Cohen (1960), A coefficient of agreement for nominal scales, Educ Psychol Meas 20:37–46.
    """
    a: Counter[Category] = Counter()
    b: Counter[Category] = Counter()
    alike = count = 0
    for unit in units:
        if first in unit.answers and second in unit.answers:
            a[unit.answers[first]] += unit.weight
            b[unit.answers[second]] += unit.weight
            alike += unit.weight * (unit.answers[first] == unit.answers[second])
            count += unit.weight
    if not count:
        return Figure(None, 0, NO_OVERLAP)
    # In whole numbers as long as possible: with one category on both sides the divisor is exactly zero.
    by_chance = sum(n * b[category] for category, n in a.items())
    if by_chance == count * count:
        return Figure(None, count, ONE_CATEGORY)
    return Figure((count * alike - by_chance) / (count * count - by_chance), count)


def fleiss_kappa(units: Iterable[Unit]) -> Figure:
    """Return Fleiss' kappa: (P̄ − P̄e) / (1 − P̄e).

    J. L. Fleiss (1971), Measuring nominal scale agreement among many raters, Psychol Bull 76:378–382. Fleiss has as
    many answers on every unit; where they differ, P̄ is the mean of Pᵢ = Σⱼ nᵢⱼ(nᵢⱼ−1) / nᵢ(nᵢ−1) over the units that at
    least two judged, and pⱼ the share of category j in all their answers. With equal counts that is Fleiss' formula.
    """
    totals: Counter[Category] = Counter()
    agreement, count = 0.0, 0
    for unit in pairable(units):
        counts = Counter(unit.answers.values())
        given = len(unit.answers)
        agreement += unit.weight * sum(n * (n - 1) for n in counts.values()) / (given * (given - 1))
        count += unit.weight
        for category, n in counts.items():
            totals[category] += unit.weight * n
    if not count:
        return Figure(None, 0, NO_OVERLAP)
    if len(totals) == 1:
        return Figure(None, count, ONE_CATEGORY)
    answers = sum(totals.values())
    by_chance = sum((n / answers) ** 2 for n in totals.values())
    return Figure((agreement / count - by_chance) / (1 - by_chance), count)


def krippendorff_alpha(units: Iterable[Unit]) -> Figure:
    """Return Krippendorff's alpha for nominal data, any number of annotators, answers missing: 1 − Do/De.

    K. Krippendorff (2011), Computing Krippendorff's alpha-reliability, University of Pennsylvania, section D: the
    coincidences of a unit with m answers count 1/(m − 1) each; units with one answer are left out.
    """
    totals: Counter[Category] = Counter()
    apart, count = 0.0, 0
    for unit in pairable(units):
        counts = Counter(unit.answers.values())
        given = len(unit.answers)
        apart += unit.weight * sum(n * (given - n) for n in counts.values()) / (given - 1)
        count += unit.weight
        for category, n in counts.items():
            totals[category] += unit.weight * n
    if not count:
        return Figure(None, 0, NO_OVERLAP)
    answers = sum(totals.values())
    by_chance = sum(n * (answers - n) for n in totals.values())
    if not by_chance:
        return Figure(None, count, ONE_CATEGORY)
    return Figure(1 - (answers - 1) * apart / by_chance, count)


def binary(units: Iterable[Unit], label: str) -> list[Unit]:
    """Return the units with the question: this label, or not? An answer that is a set has the label or has not."""
    return [
        Unit(
            {
                who: (label in answer if isinstance(answer, frozenset) else answer == label)
                for who, answer in unit.answers.items()
            },
            unit.weight,
        )
        for unit in units
    ]


def pairs(annotators: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield every pair of annotators, in order."""
    return combinations(sorted(annotators), 2)


def mean(figures: Sequence[Figure]) -> Figure:
    """Return the unweighted mean of the figures that have a value, or None with the commonest reason."""
    values = [figure.value for figure in figures if figure.value is not None]
    if values:
        return Figure(sum(values) / len(values), sum(figure.units for figure in figures if figure.value is not None))
    reasons: dict[str, int] = defaultdict(int)
    for figure in figures:
        reasons[figure.reason or NO_OVERLAP] += 1
    return Figure(None, 0, max(reasons, key=lambda reason: reasons[reason], default=NO_OVERLAP))
