"""k holds, counted a second way, on any table."""

import random
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.engine.operator import Treated
from services.deid.engine.table.hierarchies import build
from services.deid.engine.table.lattice import Search, people
from services.deid.engine.table.pseudonymise import numbered
from services.deid.engine.table.recoding import class_sizes, recode
from tests.deid.engine.table.support import as_rows, smallest_class, step, table, treat

VALUES = {
    "date": st.dates().map(str) | st.sampled_from(["", "okänt", "1981", "19811218", "18/12/1981"]),
    "number": st.integers(-50, 120).map(str) | st.sampled_from(["", "NA", "3,5", "-", "många"]),
    "postal-code": st.integers(10000, 10300).map(lambda n: f"{n // 100} {n % 100:02}") | st.sampled_from(["", "x"]),
    "category": st.sampled_from(["a", "b", "B", "", "other", "*", "20-29", "é"]),
    "any": st.text(alphabet="aé1* ,", max_size=4),
}
KIND = st.sampled_from(list(VALUES))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str | None], list[list[str]]]:
    """A table of some columns of some kinds, with persons who have several rows: (kinds, rows; the last cell is
    who).
    """
    kinds = draw(st.lists(KIND, min_size=1, max_size=4))
    rows = draw(
        st.lists(st.tuples(*(VALUES[kind] for kind in kinds), st.integers(0, 12).map(str)).map(list), max_size=40)
    )
    # Small domains and copies of rows, so that some classes are large enough.
    rows += [list(draw(st.sampled_from(rows))) for _ in range(draw(st.integers(0, 30)))] if rows else []
    return [None if kind == "any" else kind for kind in kinds], rows


def anonymise(kinds: list[str | None], rows: list[list[str]], **params: Any) -> Treated:
    names = [f"q{n}" for n in range(len(kinds))]
    entries = [
        {"column": name, "hierarchy": None if kind is None else {"kind": kind}}
        for name, kind in zip(names, kinds, strict=True)
    ]
    return treat(table(rows, [*names, "who"]), step("table.k-anonymity", quasi_identifiers=entries, **params))


@given(
    tables(), st.integers(2, 6), st.sampled_from(["local", "global"]), st.booleans(), st.sampled_from([0.0, 0.3, 1.0])
)
@settings(max_examples=200, deadline=None)
def test_k_holds_on_any_table(
    made: tuple[list[str | None], list[list[str]]], k: int, recoding: str, by_person: bool, max_suppressed: float
) -> None:
    kinds, rows = made
    person = {"person": "who"} if by_person else {}
    treated = anonymise(kinds, rows, k=k, recoding=recoding, max_suppressed=max_suppressed, **person)
    distinct = len({row[-1] for row in rows}) if by_person else len(rows)
    if treated.content is None:
        assert treated.withheld == "k-unreachable"
        assert distinct < k or max_suppressed < 1
        # Everybody alike is always a way out, unless there are too few people in all.
        assert distinct < k
        return
    left = as_rows(treated)
    assert len(left) >= (1 - max_suppressed) * len(rows) - 1e-6
    if not rows:
        return
    columns = [f"q{n}" for n in range(len(kinds))]
    k_counted = smallest_class(left, columns, "who" if by_person else None)
    assert k_counted >= k
    assert treated.measures["k_min"] == k_counted
    assert treated.measures["k_before"] == smallest_class(
        [dict(zip([*columns, "who"], row, strict=True)) for row in rows], columns, "who" if by_person else None
    )
    assert 0 <= treated.measures["utility_loss"] <= 1
    if recoding == "local":
        assert len(left) == len(rows)


@given(tables(), st.integers(2, 5))
@settings(deadline=None)
def test_every_value_is_the_source_s_own_or_coarser(made: tuple[list[str | None], list[list[str]]], k: int) -> None:
    kinds, rows = made
    treated = anonymise(kinds, rows, k=k)
    if treated.content is None:
        return
    for row, left in zip(rows, as_rows(treated), strict=True):
        assert left["who"] == row[-1]
        for number, kind in enumerate(kinds):
            value, now = row[number], left[f"q{number}"]
            if kind == "postal-code" and now not in (value, "*"):
                assert value.replace(" ", "").startswith(now.rstrip("*"))
            if kind == "number" and "-" in now[1:] and now != value and not now.startswith("["):
                low, high = now.split("-")
                assert int(low) <= float(value.replace(",", ".")) < int(high) + 1


@given(tables(), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_the_search_finds_what_looking_at_every_node_finds(
    made: tuple[list[str | None], list[list[str]]], k: int
) -> None:
    kinds, rows = made
    if not rows:
        return
    columns = [pl.Series(f"q{n}", [row[n] for row in rows]) for n in range(len(kinds))]
    ladders = [build(column, None) for column in columns]
    table_, _ = people(ladders, np.array([int(row[-1]) for row in rows]))
    allowed = 0.2 * len(rows)
    best = Search(ladders, table_, k).best(1.0, allowed)
    costs = [
        outcome.cost(1.0)
        for node in product(*(range(len(ladder.names)) for ladder in ladders))
        if (outcome := Search(ladders, table_, k).at(node)).rows_left <= allowed
    ]
    assert (best is None) == (not costs)
    if best is not None:
        assert best.cost(1.0) == pytest.approx(min(costs))


def test_a_big_lattice_is_walked_and_k_holds() -> None:
    drawn = random.Random(3)
    columns = [pl.Series(f"q{n}", [str(int(drawn.expovariate(0.05))) for _ in range(400)]) for n in range(8)]
    ladders = [build(column, None) for column in columns]
    size = 1
    for ladder in ladders:
        size *= len(ladder.names)
    assert size > 3000
    recoded = recode(ladders, None, 5, 0.3, "global")
    assert recoded is not None
    levels = zip(ladders, recoded.levels, strict=True)
    codes = [ladder.maps[level.max()][ladder.code][recoded.kept] for ladder, level in levels]
    assert class_sizes(codes, None).min() >= 5
    assert recoded.kept.mean() >= 0.7
    assert recoded.loss < 1


def population(people_count: int = 5000, seed: int = 11) -> tuple[list[str], list[list[str]]]:
    """People of a skewed and correlated kind, some with several rows."""
    drawn = np.random.default_rng(seed)
    rows: list[list[str]] = []
    for number in range(people_count):
        age = int(np.clip(drawn.gamma(6, 7), 0, 104))
        town = int(drawn.zipf(1.6)) % 290
        work = f"yrke {int(drawn.zipf(1.5) + town % 3) % 80}" if age > 19 else "elev"
        sex = str(drawn.choice(["kvinna", "man", "annat"], p=[0.5, 0.49, 0.01]))
        born = f"{2024 - age}-{drawn.integers(1, 13):02}-{drawn.integers(1, 29):02}"
        code = f"{100 + town * 3 % 880} {int(drawn.integers(10, 30))}"
        row = [str(number), born, code, sex, work, str(int(drawn.lognormal(10, 0.6)))]
        rows += [list(row) for _ in range(1 + int(drawn.random() < 0.1) * 3)]
    return ["id", "född", "postnr", "kön", "yrke", "lön"], rows


QUASI = [{"column": "född"}, {"column": "postnr"}, {"column": "kön"}, {"column": "yrke"}]


def test_five_thousand_skewed_people_keep_their_rows() -> None:
    names, rows = population()
    treated = treat(table(rows, names), step("table.k-anonymity", quasi_identifiers=QUASI, person="id"))
    left = as_rows(treated)
    assert smallest_class(left, ["född", "postnr", "kön", "yrke"], "id") >= 5
    assert len(left) == len(rows)
    measures = treated.measures
    assert measures["rows_kept_share"] == 1.0
    assert measures["unique_share"] == 0.0
    assert measures["k_before"] == 1
    assert measures["utility_loss"] < 0.3


def test_rows_of_one_person_are_one() -> None:
    rows = [["20", "x", "1"]] * 9 + [["20", "x", "2"]]
    assert anonymise(["number", "category"], rows, k=3, person="who").withheld == "k-unreachable"
    assert anonymise(["number", "category"], rows, k=2, person="who").withheld is None
    assert anonymise(["number", "category"], rows, k=5).withheld is None


def test_persons_are_told_apart_by_the_source_even_when_the_column_is_gone() -> None:
    rows = [["20", n] for n in ("19811218-9876", "811218-9876", "8112189876", "19900101-1234", "19910101-1234")]
    source = table(rows, ["ålder", "pnr"])
    drop, anonymity = step("table.drop", columns=["pnr"]), {"quasi_identifiers": [{"column": "ålder"}], "person": "pnr"}
    assert treat(source, drop, step("table.k-anonymity", k=3, **anonymity)).withheld is None
    # Three ways of writing one number are one person.
    assert treat(source, drop, step("table.k-anonymity", k=4, **anonymity)).withheld == "k-unreachable"


def test_an_operator_that_takes_rows_away_later_cannot_break_k() -> None:
    rows = [["1", "a"]] * 5 + [["2", "b"]] * 3 + [["1", "b"]] * 2
    first = step("table.k-anonymity", k=5, quasi_identifiers=[{"column": "q0"}])
    second = step(
        "table.k-anonymity",
        k=6,
        quasi_identifiers=[{"column": "q1", "max_level": 0}],
        max_suppressed=1,
        recoding="global",
    )
    treated = treat(table(rows, ["q0", "q1"]), first, second)
    assert treated.withheld == "k-unreachable"


def test_a_table_without_the_columns() -> None:
    source = "sensor,värde\n1,2\n"
    named = {"quasi_identifiers": [{"column": "ålder"}]}
    assert treat(source, step("table.k-anonymity", **named)).withheld == "column-missing"
    skipped = treat(source, step("table.k-anonymity", **named, if_missing="skip"))
    assert skipped.content == source.encode()
    assert skipped.measures["people"] is False
    # Nobody is told to be absent from a table that speaks of people in other words.
    other = treat("person,kön\n1,man\n", step("table.k-anonymity", **named, if_missing="skip"))
    assert "people" not in other.measures and "k_min" not in other.measures


@pytest.mark.parametrize(
    "params",
    [
        {"quasi_identifiers": []},
        {"quasi_identifiers": [{"column": "a"}, {"column": "a"}]},
        {"quasi_identifiers": [{"column": "a"}], "person": "a"},
        {"quasi_identifiers": [{"column": "a"}], "k": 1},
        {"quasi_identifiers": [{"column": "a", "hierarchy": {"kind": "number", "widths": [10, 15]}}]},
        {"quasi_identifiers": [{"column": "a", "hierarchy": {"kind": "date", "levels": ["year", "month"]}}]},
        {"quasi_identifiers": [{"column": "a", "hierarchy": {"kind": "postal-code", "digits": [2, 3]}}]},
        {
            "quasi_identifiers": [
                {"column": "a", "hierarchy": {"kind": "category", "levels": [{"x": ["a"]}, {"y": ["b"]}]}}
            ]
        },
    ],
)
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(?s).+"):
        step("table.k-anonymity", **params)


def test_quasi_identifiers_that_are_dropped_later_leave_everybody_alike() -> None:
    quasi = step("table.k-anonymity", quasi_identifiers=[{"column": "q0"}], person="who")
    treated = treat(
        table([[str(n), str(n // 2)] for n in range(20)], ["q0", "who"]), quasi, step("table.drop", columns=["q0"])
    )
    assert treated.measures["k_min"] == 10


def test_persons_are_one_in_any_form_of_their_number() -> None:
    forms = ["19811218-9876", "811218-9876", "8112189876", "198112189876", "811218+9876", "811218–9876"]
    for column in (forms, [*forms, "elev 7"], [*forms, None, ""]):
        numbers = numbered(pl.Series(column)).to_list()
        assert len(set(numbers[:6])) == 1
        assert not set(numbers[:6]) & set(numbers[6:])
    assert len(set(numbered(pl.Series([1, 2, 2, None])).to_list())) == 3
    assert len(set(numbered(pl.Series(["", "NA", None])).to_list())) == 1


def test_the_header_alone_is_a_table_of_nobody() -> None:
    treated = treat("ålder,x\n", step("table.k-anonymity", quasi_identifiers=[{"column": "ålder"}]))
    assert treated.content == b"\xc3\xa5lder,x\n"
    assert treated.measures["people"] is False
