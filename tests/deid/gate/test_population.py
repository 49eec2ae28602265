"""Which places are drawn: every place has the same chance, the same run draws the same, rare families are looked at."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deid.gate.estimate import Stratum, recall
from services.deid.gate.population import FEWEST, Drawn, Key, Population, draw_strata, queue, shuffled, sizes

TEXT: Key = ("treated", "text")
LEFT: Key = ("untreated", "text")

FILES = st.lists(
    st.tuples(st.sampled_from(["text", "image", "table"]), st.integers(0, 50), st.integers(0, 200)), max_size=40
)


def population(files: list[tuple[str, int, int]]) -> Population:
    made = Population()
    for number, (family, treated, untreated) in enumerate(files, start=1):
        made.add(number, family, {"treated": treated, "untreated": untreated})
    return made


def asked(totals: dict[Key, int], **changes: float) -> dict[Key, int]:
    given: dict[str, Any] = {"places": 60, "most": 400, "reviewed": 20, "recall": 0.8, **changes}
    return sizes(totals, **given)


# --- drawing ----------------------------------------------------------------------------------------------------------


@given(FILES, st.integers(0, 2**128 - 1))
def test_no_more_is_drawn_of_a_file_than_it_has_and_the_same_seed_draws_the_same(
    files: list[tuple[str, int, int]], seed: int
) -> None:
    places = population(files)
    for key, size in asked(places.totals()).items():
        drawn = places.draw(key, size, seed)
        assert len(drawn) == size == min(size, places.totals()[key])
        has = places.files(key)
        assert all(count <= has[number] for number, count in Counter(drawn).items())
        assert places.draw(key, size, seed) == drawn


def test_other_runs_draw_other_places() -> None:
    places = population([("text", 40, 400)] * 50)
    assert len({str(places.draw(LEFT, 30, seed)) for seed in range(20)}) == 20


def test_sorts_and_families_are_drawn_independently() -> None:
    places = population([(family, 50, 50) for family in ("text", "table") for _ in range(20)])
    drawn = [tuple(n % 20 for n in places.draw(key, 30, 1)) for key in places.totals()]
    assert len(set(drawn)) == 4


def test_every_place_has_the_same_chance_whatever_file_it_is_in() -> None:
    places = population([("text", 0, 1), ("text", 0, 9), ("text", 0, 90)])
    hits = Counter(number for seed in range(3000) for number in places.draw(LEFT, 10, seed))
    assert hits[1] / 30_000 == pytest.approx(0.01, abs=0.004)
    assert hits[2] / 30_000 == pytest.approx(0.09, abs=0.01)


def test_what_is_set_apart_is_not_drawn_and_the_others_get_their_share() -> None:
    places = population([("text", 0, 500), ("text", 0, 300), ("text", 0, 200)])
    drawn = Counter(places.draw(LEFT, 100, 1, {1}))
    assert sum(drawn.values()) == 50
    assert set(drawn) == {2, 3}
    assert places.draw(LEFT, 100, 1, {1, 2, 3}) == []


def test_the_others_are_looked_at_however_large_the_file_is_that_is_set_apart() -> None:
    places = population([("text", 0, 10**6), ("text", 0, 40)])
    assert places.draw(LEFT, 30, 1, {1}) == [2] * FEWEST


def test_a_file_shows_its_kept_places_in_an_order_of_the_runs_own() -> None:
    kept = list(range(40))
    assert sorted(shuffled(kept, 5, 1, "treated")) == kept
    assert shuffled(kept, 5, 1, "treated") == shuffled(kept, 5, 1, "treated")
    assert shuffled(kept, 5, 1, "treated") != shuffled(kept, 5, 1, "untreated")
    assert shuffled(kept, 5, 1, "treated") != shuffled(kept, 6, 1, "treated")
    assert shuffled([], 5, 1, "treated") == []


def test_a_million_places_are_drawn_from_at_once() -> None:
    places = Population()
    rng = np.random.default_rng(1)
    for number in range(20_000):
        places.add(number, "text", {"treated": int(rng.integers(0, 5)), "untreated": int(rng.integers(0, 100))})
    assert len(places.draw(LEFT, 370, 2**120)) == 370


async def strata_of(
    files: list[tuple[str, int, int]], sizes: dict[Key, int], seed: int, *, keep: int = 40, missed: float = 0.0
) -> list[Drawn[bool]]:
    """Draw from files that keep at most `keep` places; a place is whether it is at fault, as chance has it."""
    rng = np.random.default_rng(seed)

    async def load(sort: str, numbers: Any) -> dict[int, list[bool]]:
        has = 1 if sort == "treated" else 2
        return {n: list(rng.random(min(keep, files[n - 1][has])) < missed) for n in numbers}  # pyright: ignore[reportArgumentType]

    return await draw_strata(population(files), sizes, seed, load)


async def test_a_file_of_which_more_is_drawn_than_it_keeps_is_a_stratum_of_its_own() -> None:
    files = [("text", 0, 5_000), *[("text", 0, 10)] * 50]
    strata = await strata_of(files, {LEFT: 60}, 1)
    assert [(s.file, s.total, len(s.places)) for s in strata] == [(None, 500, 10), (1, 5_000, 40)]
    assert sum(s.total for s in strata) == 5_500


async def test_without_such_a_file_all_files_are_one_stratum() -> None:
    strata = await strata_of([("text", 50, 70), ("text", 30, 0)], {TEXT: 30, LEFT: 30}, 1)
    assert [(s.sort, s.file, s.total, len(s.places)) for s in strata] == [
        ("treated", None, 80, 30), ("untreated", None, 70, 30),
    ]  # fmt: skip


async def test_a_file_that_shows_nothing_of_what_it_has_stays_a_stratum_that_cannot_be_measured() -> None:
    strata = await strata_of([("text", 0, 50), ("text", 0, 50)], {LEFT: 30}, 1, keep=0)
    assert [(s.file, s.total, len(s.places)) for s in strata] == [(1, 50, 0), (2, 50, 0)]


@given(FILES, st.integers(0, 2**128 - 1), st.integers(1, 40))
async def test_strata_hold_every_place_once_and_each_with_places_shows_some(
    files: list[tuple[str, int, int]], seed: int, keep: int
) -> None:
    totals = population(files).totals()
    strata = await strata_of(files, asked(totals), seed, keep=keep)
    for key, total in totals.items():
        of_key = [s for s in strata if (s.sort, s.family) == key]
        assert sum(s.total for s in of_key) == total
        assert all(0 < len(s.places) <= s.total for s in of_key)


@pytest.mark.slow
@pytest.mark.parametrize("keep", [4, 40])
async def test_from_files_of_all_sizes_to_the_interval_the_truth_is_held(keep: int) -> None:
    """The whole way: files keep samples of their places, places are drawn and judged, recall is estimated."""
    rng = np.random.default_rng(keep)
    held = low_held = 0
    queues = 400
    for seed in range(queues):
        count = int(rng.integers(1, 60))
        counts = [int(10 ** rng.uniform(0, rng.choice([1, 2, 4]))) for _ in range(count)]
        rates = rng.choice([0.0, 0.01, 0.05, 0.2], count)
        faults = {n: int(rng.binomial(counts[n], rates[n])) for n in range(count)}
        kept: dict[int, list[bool]] = {}
        for n in range(count):
            shown = min(keep, counts[n])
            bad = int(rng.hypergeometric(faults[n], counts[n] - faults[n], shown))
            kept[n + 1] = [True] * bad + [False] * (shown - bad)
        places = Population()
        for n in range(count):
            places.add(n + 1, "text", {"untreated": counts[n]})

        async def load(sort: str, numbers: Any, kept: dict[int, list[bool]] = kept) -> dict[int, list[bool]]:
            return {n: kept[n] for n in numbers}

        strata = await draw_strata(places, {LEFT: min(60, sum(counts))}, seed, load)
        judged = [Stratum("untreated", s.total, len(s.places), sum(s.places)) for s in strata]
        treated = Stratum("treated", 1000, 1000, 0)
        truth = 1000 / (1000 + sum(faults.values()))
        found = recall([treated, *judged], 2_000)
        assert found is not None
        held += found.low - 1e-9 <= truth <= found.high + 1e-9
        low_held += found.low <= truth + 1e-9
    assert held / queues >= 0.93
    assert low_held / queues >= 0.95


# --- how many ---------------------------------------------------------------------------------------------------------


def test_half_of_the_places_are_treated_ones() -> None:
    assert asked({TEXT: 5000, LEFT: 5000}) == {TEXT: 30, LEFT: 30}
    assert asked({TEXT: 5000, LEFT: 5000}, reviewed=90) == {TEXT: 45, LEFT: 45}


def test_where_one_sort_is_rare_the_other_fills_up() -> None:
    assert asked({TEXT: 4, LEFT: 4}) == {TEXT: 4, LEFT: 4}
    assert asked({LEFT: 5000}) == {LEFT: 60}
    assert asked({TEXT: 5000}) == {TEXT: 60}
    assert asked({TEXT: 5000, LEFT: 7}) == {TEXT: 53, LEFT: 7}
    assert asked({}) == {}


def test_more_are_drawn_where_recall_could_not_be_shown_otherwise_but_never_without_end() -> None:
    assert asked({TEXT: 1000, LEFT: 8000}) == {TEXT: 30, LEFT: 180}
    assert asked({TEXT: 100, LEFT: 10**6}) == {TEXT: 30, LEFT: 370}


def test_families_get_equal_shares_and_what_one_cannot_take_the_others_get() -> None:
    totals: dict[Key, int] = {TEXT: 20_000, ("treated", "image"): 4, ("treated", "table"): 300}
    assert asked({**totals, LEFT: 30}) == {TEXT: 13, ("treated", "image"): 4, ("treated", "table"): 13, LEFT: 30}


def test_a_family_that_could_hide_much_is_looked_at_more() -> None:
    totals: dict[Key, int] = {
        TEXT: 400, ("treated", "table"): 15_000, LEFT: 300, ("untreated", "image"): 3, ("untreated", "table"): 15_000,
    }  # fmt: skip
    found = asked(totals)
    assert (found[TEXT], found["treated", "table"]) == (15, 15)
    assert (found[LEFT], found["untreated", "image"]) == (14, 3)
    assert found["untreated", "table"] == pytest.approx(22, abs=1)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["treated", "untreated"]), st.sampled_from(["text", "image", "table"])),
        st.integers(1, 10**6),
    )
)
def test_of_every_sort_and_family_some_are_drawn_and_never_more_than_there_are(totals: Any) -> None:
    found = asked(totals)
    assert found.keys() == totals.keys()
    assert all(0 < found[key] <= totals[key] for key in totals)
    assert sum(found.values()) <= 400
    assert sum(found.values()) >= min(60, sum(totals.values()))


# --- the queue --------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(["treated", "untreated"]), st.integers(0, 30)), max_size=8))
def test_the_queue_holds_all_that_was_drawn_and_takes_turns(given: list[tuple[Any, int]]) -> None:
    strata = [Drawn(sort, f"family-{n}", None, 99, range(size)) for n, (sort, size) in enumerate(given)]
    order = queue(strata)
    assert Counter(order) == Counter((n, place) for n, stratum in enumerate(strata) for place in stratum.places)
    sorts = [strata[index].sort for index, _ in order]
    fewer = min(sorts.count("treated"), sorts.count("untreated"))
    assert sorts[: 2 * fewer] == ["treated", "untreated"] * fewer


def test_strata_are_spread_over_the_queue() -> None:
    strata = [Drawn("untreated", "text", None, 400, range(40)), Drawn("untreated", "image", None, 10, range(10))]
    first = [index for index, _ in queue(strata)[:10]]
    assert first.count(1) == 2
