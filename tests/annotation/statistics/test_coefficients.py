"""The coefficients against the worked examples of those who made them, and against other people's programs."""

import math
from collections.abc import Hashable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from services.annotation.review.coefficients import (
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
from tests.annotation.exports.strategies import examples

SAME = 1e-12


def units(*rows: str | Sequence[Hashable | None]) -> list[Unit]:
    """Return units of a reliability matrix as Krippendorff prints it: a row an observer, a column a unit."""
    columns = zip(*(row.split() if isinstance(row, str) else row for row in rows), strict=True)
    return [
        Unit({f"o{i}": value for i, value in enumerate(column) if value not in (None, ".", "*")}) for column in columns
    ]


def counted(table: Sequence[Sequence[int]]) -> list[Unit]:
    """Return units of a table as Fleiss prints it: a row a subject, a column a category, how many raters chose it."""
    return [
        Unit({f"r{i}": category for i, category in enumerate(c for c, n in enumerate(row) for _ in range(n))})
        for row in table
    ]


def test_krippendorff_2011_a_binary_data_two_observers() -> None:
    data = units("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
    assert krippendorff_alpha(data).value == pytest.approx(0.095, abs=5e-4)


def test_krippendorff_2011_b_nominal_data_two_observers() -> None:
    data = units("a a b b d c c c e d d a", "b a b b b c c c e d d d")
    assert krippendorff_alpha(data).value == pytest.approx(0.692, abs=5e-4)
    assert percent(data) == Figure(75.0, 12)


def test_krippendorff_2011_c_nominal_data_many_observers_missing_values() -> None:
    data = units(
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    )
    alpha = krippendorff_alpha(data)
    assert alpha.value == pytest.approx(0.743, abs=5e-4)
    assert alpha.units == 11  # the twelfth has one value only


def test_krippendorff_three_coders_missing_values() -> None:
    """The example of the encyclopaedias (Wikipedia, Krippendorff's alpha, § A computational example): 0.691."""
    data = units(
        "* * * * * 3 4 1 2 1 1 3 3 * 3",
        "1 * 2 1 3 3 4 3 * * * * * * *",
        "* * 2 1 3 4 4 * 2 1 1 3 3 * 4",
    )
    assert krippendorff_alpha(data).value == pytest.approx(0.691, abs=5e-4)


FLEISS_1971 = [
    "444444", "222555", "233335", "555555", "222444", "113333", "333355", "113334", "114444", "555555", "144444",
    "124444", "222333", "144444", "224445", "333335", "111455", "111112", "224444", "133555", "555555", "244444",
    "224555", "114444", "144445", "222224", "111155", "224444", "133333", "555555",
]  # fmt: skip
"""Fleiss 1971, table 1: thirty patients, six psychiatrists each, five diagnoses."""


def test_fleiss_1971() -> None:
    data = [Unit({f"r{i}": diagnosis for i, diagnosis in enumerate(row)}) for row in FLEISS_1971]
    assert fleiss_kappa(data).value == pytest.approx(0.430, abs=5e-4)


def test_fleiss_ten_subjects_fourteen_raters() -> None:
    """The example of the encyclopaedias (Wikipedia, Fleiss' kappa, § Worked example): 0.210."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(counted(table)).value == pytest.approx(0.210, abs=5e-4)


def test_cohen_1960() -> None:
    """Table 1: two clinicians, 200 patients; po = 0.70, pe = 0.41, kappa = 0.492."""
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    data = [Unit({"A": a, "B": b}, n) for a, row in enumerate(table) for b, n in enumerate(row)]
    assert cohen_kappa(data, "A", "B").value == pytest.approx(0.492, abs=5e-4)
    assert percent(data) == Figure(70.0, 200)


def test_a_weight_is_as_many_units() -> None:
    heavy = [Unit({"a": 1, "b": 1}, 3), Unit({"a": 1, "b": 2, "c": 2}, 2)]
    light = [Unit(unit.answers) for unit in heavy for _ in range(unit.weight)]
    for figure in (percent, fleiss_kappa, krippendorff_alpha):
        assert figure(heavy).value == pytest.approx(figure(light).value, abs=SAME)
        assert figure(heavy).units == figure(light).units == 5
    assert cohen_kappa(heavy, "a", "b") == cohen_kappa(light, "a", "b")
    assert confirmed(heavy, 2) == confirmed(light, 2)


ALONE = [Unit({"a": 1}), Unit({"b": 2})]
ALIKE = [Unit({"a": 1, "b": 1}), Unit({"a": 1, "b": 1})]


@pytest.mark.parametrize("data", [[], ALONE])
def test_without_overlap_there_is_no_figure(data: list[Unit]) -> None:
    for figure in (percent(data), cohen_kappa(data, "a", "b"), fleiss_kappa(data), krippendorff_alpha(data)):
        assert figure == Figure(None, 0, "no-overlap")
    assert confirmed(data, 1) == Figure(None, 0, "no-marks")
    assert mean([]) == Figure(None, 0, "no-overlap")


def test_with_one_category_chance_cannot_be_told() -> None:
    for figure in (cohen_kappa(ALIKE, "a", "b"), fleiss_kappa(ALIKE), krippendorff_alpha(ALIKE)):
        assert figure == Figure(None, 2, "one-category")
    assert percent(ALIKE) == Figure(100.0, 2)
    # One of two says always the same: there is a figure, and it is no better than chance.
    assert cohen_kappa([Unit({"a": 1, "b": 1}), Unit({"a": 1, "b": 2})], "a", "b").value == 0


def test_specific_agreement_by_example() -> None:
    data = [*units("y y y n n n n n n n", "y y n y n n n n n n")]
    assert confirmed(data, "y").value == pytest.approx(200 * 2 / 6)
    sets = [Unit({"a": frozenset({"x", "y"}), "b": frozenset({"x"})}), Unit({"a": frozenset(), "b": frozenset({"y"})})]
    assert confirmed(binary(sets, "x"), True).value == 100
    assert confirmed(binary(sets, "y"), True).value == 0


def test_a_mean_is_of_the_figures_that_there_are() -> None:
    assert mean([Figure(0.5, 3), Figure(None, 0, "one-category"), Figure(0.7, 4)]) == Figure(0.6, 7)
    assert mean([Figure(None, 2, "one-category")] * 2 + [Figure(None, 0, "no-overlap")]).reason == "one-category"


matrices = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.sampled_from("abcd"), min_size=raters, max_size=raters), min_size=1, max_size=20
    )
)


@given(matrices)
@examples(100)
def test_cohen_as_scikit_learn_has_it(rows: list[list[str]]) -> None:
    first, second = [row[0] for row in rows], [row[1] for row in rows]
    ours = cohen_kappa([Unit({"a": a, "b": b}) for a, b in zip(first, second, strict=True)], "a", "b")
    if ours.value is None:
        assert set(first) == set(second) and len(set(first)) == 1
    else:
        assert ours.value == pytest.approx(cohen_kappa_score(first, second), abs=SAME)


@given(matrices)
@examples(100)
def test_fleiss_as_statsmodels_has_it(rows: list[list[str]]) -> None:
    ours = fleiss_kappa([Unit({f"r{i}": answer for i, answer in enumerate(row)}) for row in rows])
    table, _ = inter_rater.aggregate_raters(np.array([["abcd".index(answer) for answer in row] for row in rows]), 4)
    if ours.value is None:
        assert len({answer for row in rows for answer in row}) == 1
    else:
        assert ours.value == pytest.approx(inter_rater.fleiss_kappa(table), abs=SAME)


def alpha_by_definition(data: Sequence[Unit]) -> float:
    """Krippendorff 2011, step by step: the matrix of coincidences, its margins, alpha = 1 − Do / De."""
    data = [unit for unit in data if len(unit.answers) > 1]
    values = sorted({str(answer) for unit in data for answer in unit.answers.values()})
    matrix = np.zeros((len(values), len(values)))
    for unit in data:
        for who, one in unit.answers.items():
            for other, two in unit.answers.items():
                if who != other:
                    matrix[values.index(str(one)), values.index(str(two))] += 1 / (len(unit.answers) - 1)
    margins = matrix.sum(axis=1)
    n = margins.sum()
    observed = (matrix.sum() - np.trace(matrix)) / n
    expected = (n * n - (margins**2).sum()) / (n * (n - 1))
    return 1 - observed / expected


sparse = st.lists(
    st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("xyz"), max_size=5).map(lambda d: Unit(dict(d))),
    max_size=20,
)


@given(sparse)
@examples(100)
def test_alpha_as_it_is_defined(data: list[Unit]) -> None:
    ours = krippendorff_alpha(data)
    if ours.value is not None:
        assert ours.value == pytest.approx(alpha_by_definition(data), abs=1e-9)


@given(sparse)
@examples(100)
def test_figures_are_numbers_in_their_range_or_have_a_reason(data: list[Unit]) -> None:
    for figure, low, high in (
        (percent(data), 0, 100),
        (confirmed(data, "x"), 0, 100),
        (cohen_kappa(data, "A", "B"), -1, 1),
        (fleiss_kappa(data), -1, 1),
        (krippendorff_alpha(data), -1, 1),
    ):
        if figure.value is None:
            assert figure.reason
        else:
            assert math.isfinite(figure.value) and low - SAME <= figure.value <= high + SAME
            assert figure.reason is None and figure.units > 0
