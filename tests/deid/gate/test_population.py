"""Which places are drawn: every place has the same chance, the same run draws the same, rare families are looked at."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deid.gate.population import FEWEST, Pick, Population, StratumKey, queue, shuffled, sizes

TEXT: StratumKey = ("treated", "text")
LEFT: StratumKey = ("untreated", "text")

FILES = st.lists(
    st.tuples(st.sampled_from(["text", "picture", "table"]), st.integers(0, 50), st.integers(0, 200)), max_size=40
)


def population(files: list[tuple[str, int, int]]) -> Population:
    made = Population()
    for number, (family, treated, untreated) in enumerate(files, start=1):
        made.add(number, family, {"treated": treated, "untreated": untreated})
    return made


def asked(totals: dict[StratumKey, int], **changes: float) -> dict[StratumKey, int]:
    given = {"places": 60, "most": 400, "reviewed": 20, "recall": 0.8, **changes}
    return sizes(totals, **given)  # pyright: ignore[reportArgumentType]


@given(FILES, st.integers(0, 2**128 - 1))
def test_what_is_drawn_exists_and_no_place_is_drawn_twice(files: list[tuple[str, int, int]], seed: int) -> None:
    places = population(files)
    drawn = places.draw(asked(places.totals()), seed)
    for (sort, family), picks in drawn.items():
        assert len(set(picks)) == len(picks)
        for pick in picks:
            has = files[pick.number - 1]
            assert has[0] == family
            assert pick.nth < (has[1] if sort == "treated" else has[2])
    assert places.draw(asked(places.totals()), seed) == drawn


@given(FILES)
def test_the_queue_holds_all_that_was_drawn_and_takes_turns(files: list[tuple[str, int, int]]) -> None:
    places = population(files)
    drawn = places.draw(asked(places.totals()), 7)
    order = queue(drawn)
    assert Counter(order) == Counter((key, pick) for key, picks in drawn.items() for pick in picks)
    of = {sort: sum(key[0] == sort for key, _ in order) for sort in ("treated", "untreated")}
    fewer = min(of.values())
    assert [key[0] for key, _ in order[: 2 * fewer]] == ["treated", "untreated"] * fewer


def test_other_runs_draw_other_places() -> None:
    places = population([("text", 40, 400)] * 50)
    drawn = [str(places.draw({LEFT: 30}, seed)) for seed in range(20)]
    assert len(set(drawn)) == 20


def test_every_place_has_the_same_chance_whatever_file_it_is_in() -> None:
    places = population([("text", 0, 1), ("text", 0, 9), ("text", 0, 90)])
    hits = Counter(pick.number for seed in range(3000) for pick in places.draw({LEFT: 10}, seed)[LEFT])
    assert hits[1] / 30_000 == pytest.approx(0.01, abs=0.004)
    assert hits[2] / 30_000 == pytest.approx(0.09, abs=0.01)


def test_a_file_shows_its_kept_places_in_an_order_of_the_runs_own() -> None:
    kept = list(range(40))
    assert sorted(shuffled(kept, 5, 1, "treated")) == kept
    assert shuffled(kept, 5, 1, "treated") == shuffled(kept, 5, 1, "treated")
    assert shuffled(kept, 5, 1, "treated") != shuffled(kept, 5, 1, "untreated")
    assert shuffled(kept, 5, 1, "treated") != shuffled(kept, 6, 1, "treated")
    assert shuffled([], 5, 1, "treated") == []


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


def test_a_rare_family_is_looked_at_too() -> None:
    totals: dict[StratumKey, int] = {
        TEXT: 20_000,
        ("treated", "picture"): 12,
        LEFT: 20_000,
        ("untreated", "picture"): 3,
    }
    found = asked(totals)
    assert found[("treated", "picture")] == FEWEST
    assert found[("untreated", "picture")] == 3


def test_a_million_places_are_drawn_from_at_once() -> None:
    places = Population()
    rng = np.random.default_rng(1)
    for number in range(20_000):
        places.add(number, "text", {"treated": int(rng.integers(0, 5)), "untreated": int(rng.integers(0, 100))})
    drawn = places.draw({TEXT: 30, LEFT: 370}, 2**120)
    assert (len(drawn[TEXT]), len(drawn[LEFT])) == (30, 370)
    assert all(isinstance(pick, Pick) for pick in drawn[LEFT])
