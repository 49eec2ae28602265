"""Recall and precision from judged places: right in the corners, certain where all was judged, honest in between."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.gate.estimate import (
    Estimate,
    Stratum,
    further_needed,
    measurable,
    precision,
    recall,
    untreated_places_needed,
)


def treated(total: int, judged: int, needless: int = 0) -> Stratum:
    return Stratum("treated", total, judged, needless)


def untreated(total: int, judged: int, missed: int = 0) -> Stratum:
    return Stratum("untreated", total, judged, missed)


@st.composite
def strata(draw: st.DrawFn) -> Stratum:
    total = draw(st.integers(0, 5000))
    judged = draw(st.integers(0, min(total, 60)))
    return Stratum(draw(st.sampled_from(["treated", "untreated"])), total, judged, draw(st.integers(0, judged)))


@given(st.lists(strata(), max_size=6))
@settings(deadline=None)
def test_an_interval_holds_its_estimate_and_never_leaves_zero_to_one(given: list[Stratum]) -> None:
    for found in (recall(given, 500), precision(given, 500)):
        if found is not None:
            assert 0 <= found.low <= found.estimate <= found.high <= 1


@given(st.lists(strata(), max_size=6))
@settings(deadline=None)
def test_the_same_judgements_give_the_same_figures(given: list[Stratum]) -> None:
    assert recall(given, 500) == recall(list(given), 500)


def test_what_was_judged_whole_is_known() -> None:
    assert recall([treated(40, 40, 4), untreated(12, 12, 4)]) == Estimate(0.9, 0.9, 0.9)
    assert precision([treated(40, 40, 4), untreated(12, 1)]) == Estimate(0.9, 0.9, 0.9)
    assert recall([treated(8, 8), untreated(9, 9)]) == Estimate(1, 1, 1)


def test_nothing_is_said_before_every_stratum_with_places_has_a_judgement() -> None:
    assert not measurable([treated(10, 3), untreated(10, 0)])
    assert recall([treated(10, 3), untreated(10, 0)]) is None
    assert precision([treated(10, 0)]) is None
    assert recall([treated(10, 3), untreated(0, 0)]) is not None


def test_where_there_is_nothing_to_find_there_is_no_recall() -> None:
    assert recall([untreated(1000, 30)]) is None
    assert recall([treated(10, 10, 10), untreated(1000, 30)]) is None
    assert precision([untreated(1000, 30)]) is None
    assert recall([]) is None


def test_what_was_missed_where_nothing_was_found_is_a_recall_of_zero() -> None:
    found = recall([untreated(1000, 30, 2)])
    assert found is not None
    assert (found.estimate, found.low) == (0, 0)


def test_sixty_places_without_a_fault_show_more_than_eighty_percent() -> None:
    found = recall([treated(5000, 30), untreated(5000, 30)])
    assert found is not None
    assert (found.estimate, found.high) == (1, 1)
    assert 0.85 < found.low < 0.92


@pytest.mark.parametrize(("faults", "judged"), [(0, 10), (0, 30), (1, 30), (2, 40), (7, 25), (39, 40), (40, 40)])
def test_limits_of_one_large_stratum_are_those_of_clopper_and_pearson(faults: int, judged: int) -> None:
    from scipy.stats import binomtest

    exact = binomtest(judged - faults, judged).proportion_ci(0.95, method="exact")
    found = precision([treated(10**7, judged, faults)])
    assert found is not None
    assert found.low == pytest.approx(exact.low, abs=0.006)
    assert found.high == pytest.approx(exact.high, abs=0.006)


@pytest.mark.parametrize(
    ("faults", "judged", "total"), [(0, 20, 60), (1, 30, 80), (3, 30, 45), (0, 30, 31), (5, 10, 200)]
)
def test_limits_of_one_small_stratum_are_exact_for_drawing_without_replacement(
    faults: int, judged: int, total: int
) -> None:
    """Against the definition: the most and the fewest faults with which so few, or so many, are seen in 1 of 40."""
    from scipy.stats import hypergeom

    possible = range(faults, total - judged + faults + 1)
    most = max(m for m in possible if hypergeom.cdf(faults, total, m, judged) > 0.025)
    fewest = min(m for m in possible if hypergeom.sf(faults - 1, total, m, judged) > 0.025)
    found = precision([treated(total, judged, faults)], 200_000)
    assert found is not None
    assert found.low * total == pytest.approx(total - most, abs=1)
    assert found.high * total == pytest.approx(total - fewest, abs=1)


def test_a_miss_lowers_and_more_sound_places_raise_the_low_end() -> None:
    lows = [recall([treated(900, 30), untreated(900, 30, missed)]) for missed in range(5)]
    assert sorted(lows, key=lambda e: -e.low) == lows  # pyright: ignore[reportOptionalMemberAccess]
    lows = [recall([treated(900, 30), untreated(900, judged, 1)]) for judged in (20, 40, 80, 400)]
    assert sorted(lows, key=lambda e: e.low) == lows  # pyright: ignore[reportOptionalMemberAccess]


def test_a_place_weighs_what_its_stratum_weighs() -> None:
    rare = recall([treated(1000, 30), untreated(20, 20, 1), untreated(1000, 30)])
    common = recall([treated(1000, 30), untreated(20, 20), untreated(1000, 30, 1)])
    assert rare is not None and common is not None
    assert rare.estimate == pytest.approx(1000 / 1001)
    assert common.estimate == pytest.approx(1000 / 1033.3, abs=1e-3)
    assert rare.low > common.low


def test_faults_cannot_be_more_than_judged() -> None:
    for wrong in ((1, 2, 0), (3, 2, 3), (3, 2, -1)):
        with pytest.raises(ValueError):
            Stratum("treated", *wrong)


def test_how_many_further_sound_places_would_do_is_told() -> None:
    seen = [treated(1000, 10), untreated(1000, 10)]
    queue = [0, 1] * 40
    more = further_needed(seen, queue, 0.8)
    assert more is not None and 0 < more < 40
    half = more // 2
    grown = [treated(1000, 10 + half), untreated(1000, 10 + half)]
    assert recall(grown).low == pytest.approx(0.8, abs=0.02)  # pyright: ignore[reportOptionalMemberAccess]
    assert further_needed(seen, queue[:4], 0.8) is None
    assert further_needed([treated(1000, 400), untreated(1000, 400)], [], 0.8) == 0


@pytest.mark.parametrize(("places", "other", "needed"), [(1000, 1000, 0.8), (1000, 8000, 0.8), (500, 500, 0.95)])
def test_a_queue_of_the_size_asked_for_shows_what_it_should(places: int, other: int, needed: float) -> None:
    size = untreated_places_needed(places, other, needed)
    found = recall([treated(places, min(places, 60)), untreated(other, size, 1)])
    assert found is not None
    assert found.low == pytest.approx(needed, abs=0.05)
    assert untreated_places_needed(0, 7, needed) == 7
    assert untreated_places_needed(7, 9, 1.0) == 9


def coverage(seed: int, queues: int, draws: int) -> tuple[float, float, float]:
    """Simulate queues over versions of many kinds; return how often recall's interval and low end, and precision's
    interval, held the truth."""
    rng = np.random.default_rng(seed)
    held = low_held = precision_held = 0
    for _ in range(queues):
        families = int(rng.integers(1, 4))
        given: list[Stratum] = []
        true = missed = places = 0
        for sort in ("treated", "untreated"):
            for _ in range(families):
                total = int(10 ** rng.uniform(1, 4.5))
                rate = float(rng.choice([0.0, 0.005, 0.02, 0.05, 0.1, 0.25]))
                faults = int(rng.binomial(total, rate))
                judged = min(total, int(rng.integers(10, 60)))
                seen = int(rng.hypergeometric(faults, total - faults, judged))
                given.append(Stratum(sort, total, judged, seen))
                if sort == "treated":
                    true, places = true + total - faults, places + total
                else:
                    missed += faults
        found, sharp = recall(given, draws), precision(given, draws)
        assert found is not None and sharp is not None
        truth = true / (true + missed)
        slack = 1e-9
        low_held += found.low <= truth + slack
        held += found.low - slack <= truth <= found.high + slack
        precision_held += sharp.low - slack <= true / places <= sharp.high + slack
    return held / queues, low_held / queues, precision_held / queues


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    both, low, sharp = coverage(1, 400, 2_000)
    assert both >= 0.93 and sharp >= 0.93
    assert low >= 0.965


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_intervals_hold_the_truth_over_many_queues(seed: int) -> None:
    both, low, sharp = coverage(seed, 3_000, 2_000)
    assert both >= 0.945 and sharp >= 0.945
    assert low >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.005, 0.02, 0.04, 0.08, 0.12, 0.2, 0.4])
@pytest.mark.parametrize("judged", [20, 60])
def test_the_low_end_holds_at_every_rate_of_misses(rate: float, judged: int) -> None:
    """Averages hide bad corners; the low end is what the gate looks at, so it must hold in each."""
    rng = np.random.default_rng(7)
    total, queues, held = 4_000, 1_200, 0
    missed = round(total * rate)
    for _ in range(queues):
        seen = int(rng.hypergeometric(missed, total - missed, judged))
        found = recall([treated(total, judged), untreated(total, judged, seen)], 2_000)
        assert found is not None
        held += found.low <= total / (total + missed) + 1e-9
    assert held / queues >= 0.96
