"""Operators on single columns, and the order in which a recipe's operators work."""

from typing import Any

import pytest

from services.deid.engine.operator import REGISTRY, Keys
from services.deid.engine.table.recipe import APPLY
from tests.deid.engine.table.support import KEYS, as_rows, read, step, table, text_plan, treat

NUMBER = "19811218-9876"


def column(values: list[str], operator: str, **params: Any) -> list[str]:
    """Return what becomes of a column `a`."""
    return [
        row["a"]
        for row in as_rows(
            treat(table([[v, "x"] for v in values], ["a", "b"]), step(operator, columns=["a"], **params))
        )
    ]


@pytest.mark.parametrize(
    ("to", "before", "after"),
    [
        ({"kind": "date", "unit": "month"}, ["1981-12-18", "18/12/1981", "19811218"], ["1981-12"] * 3),
        ({"kind": "date", "unit": "quarter"}, ["1981-12-18", "1981-03-31"], ["1981-Q4", "1981-Q1"]),
        (
            {"kind": "date", "unit": "year"},
            ["1981-12-18T10:11:12", "1981-12", "1981", ""],
            ["1981", "1981", "1981", ""],
        ),
        ({"kind": "date", "unit": "five-years"}, ["1984-12-18", "1985-01-01"], ["1980/1984", "1985/1989"]),
        ({"kind": "date", "unit": "decade"}, ["1981-12-18", "okänt", "NA"], ["1980/1989", "*", "NA"]),
        ({"kind": "date", "unit": "year"}, ["12/31/1981", "01/02/1981"], ["1981", "1981"]),
        (
            {"kind": "number", "width": 10},
            ["29", "30", "3,5", "-1", "många"],
            ["[20, 30)", "[30, 40)", "[0, 10)", "[-10, 0)", "*"],
        ),
        ({"kind": "number", "width": 10}, ["29", "30", "105"], ["20-29", "30-39", "100-109"]),
        (
            {"kind": "postal-code", "digits": 3},
            ["123 45", "12345", "SE-12345", "Umeå"],
            ["123**", "123**", "123**", "*"],
        ),
        ({"kind": "postal-code", "digits": 1}, ["123 45"], ["1****"]),
        (
            {"kind": "category", "groups": {"nord": ["Umeå", "Luleå"], "syd": ["Malmö"]}},
            ["umeå", "Luleå ", "Malmö", "nord", "Oslo", ""],
            ["nord", "nord", "syd", "nord", "other", ""],
        ),
        (
            {"kind": "frequent", "keep": 2, "other": "övrigt"},
            ["a", "a", "b", "b", "c", ""],
            ["a", "a", "b", "b", "övrigt", ""],
        ),
    ],
)
def test_generalise(to: dict[str, Any], before: list[str], after: list[str]) -> None:
    assert column(before, "table.generalise", to=to) == after
    # What is generalised already stays as it is.
    if to["kind"] != "frequent" and "*" not in after and not any("[" in cell for cell in after):
        assert column(after, "table.generalise", to=to) == after or to["kind"] in ("number", "category")


@pytest.mark.parametrize(
    ("params", "before", "after"),
    [
        ({"top": 90}, ["18", "90", "101", ""], ["18", "90", "90", ""]),
        ({"bottom": 18.5, "top": 90}, ["18", "20,5", "-1"], ["18.5", "20,5", "18.5"]),
        ({"top": 90}, ["hundra ett", "1 000", "NA"], ["", "90", "NA"]),
        ({"share": 0.25}, ["1", "2", "3", "4", "1000", "3", "2", "3"], ["2", "2", "3", "3", "3", "3", "2", "3"]),
    ],
)
def test_code(params: dict[str, Any], before: list[str], after: list[str]) -> None:
    assert column(before, "table.code", **params) == after


def test_drop_takes_every_column_of_the_name() -> None:
    treated = treat("namn,a,Namn,b\nx,1,y,2\n", step("table.drop", columns=["namn"]))
    assert read(treated) == [["a", "Namn", "b"], ["1", "y", "2"]]
    assert treated.counts == {"identifier": {"found": 1, "treated": 1}}
    assert read(treat("namn,a,namn\nx,1,y\n", step("table.drop", columns=["namn"]))) == [["a"], ["1"]]
    assert read(treat(" Namn ,a\nx,1\n", step("table.drop", columns=["namn"]))) == [["a"], ["1"]]


def test_free_text() -> None:
    source = f"id,text\n1,ring {NUMBER}\n2,inget\n"
    treated = treat(source, step("table.free-text", columns=["text"]), text=True)
    assert read(treated)[1:] == [["1", "ring [PERSONAL-NUMBER]"], ["2", "inget"]]
    cleared = treat(source, step("table.free-text", columns=["text"], found="clear"), text=True)
    assert read(cleared)[1:] == [["1", ""], ["2", "inget"]]
    assert cleared.counts["personal-number"] == {"found": 1, "treated": 1}
    assert treat(source, step("table.free-text", columns=["text"])).withheld == "no-text-operators"


def test_pseudonyms_are_those_of_the_text_operators() -> None:
    plan = text_plan("pseudonymise")
    for kind, written in (
        ("personal-number", ["19811218-9876", "811218-9876", "8112189876", " 19811218 9876 ", "811218–9876"]),
        ("email", ["Anna.Berg@Foretag.se", "anna.berg@foretag.se"]),
        ("name", ["Anna Svensson", "Anna  Svensson"]),
        ("phone", ["070-174 06 35", "+46701740635"]),
    ):
        expected = plan.treat(written[0]).text
        for how in ("auto", kind):
            assert set(column(written, "table.pseudonymise", kind=how)) == {expected}, (kind, how)


def test_pseudonyms_are_stable_and_keyed() -> None:
    source = table([["anna", "1"], ["", "2"], ["ANNA", "3"], ["bo", "4"]], ["a", "b"])
    one = [row["a"] for row in as_rows(treat(source, step("table.pseudonymise", columns=["a"])))]
    assert one[0] == one[2] != one[3]
    assert one[1] == ""
    backwards = table([["bo", "4"], ["anna", "1"]], ["a", "b"])
    other = [row["a"] for row in as_rows(treat(backwards, step("table.pseudonymise", columns=["a"])))]
    assert other == [one[3], one[0]]
    elsewhere = treat(source, step("table.pseudonymise", columns=["a"]), keys=Keys("key-2", bytes(32)))
    assert set(one) & {row["a"] for row in as_rows(elsewhere)} == {""}


def test_operators_work_in_the_recipe_s_order_and_text_operators_last() -> None:
    source = table([["19811218-9876", "1981-12-18", f"se {NUMBER}"]] * 2, ["pnr", "född", "övrigt"])
    treated = treat(
        source,
        step("table.pseudonymise", columns=["pnr"]),
        step("table.generalise", columns=["född"], to={"kind": "date", "unit": "year"}),
        text=True,
    )
    (row, _) = as_rows(treated)
    assert row["pnr"].startswith("PERSONAL-NUMBER-")
    assert row["född"] == "1981"
    assert row["övrigt"] == "se [PERSONAL-NUMBER]"
    gone = treat(source, step("table.drop", columns=["pnr"]), step("table.pseudonymise", columns=["pnr"]))
    assert gone.withheld == "column-missing"


def test_a_number_that_enough_people_share_is_still_found_in_a_column_that_an_operator_wrote() -> None:
    rows = [[NUMBER, "a"]] * 6 + [["lärare", "a"]] * 6
    quasi = {"quasi_identifiers": [{"column": "yrke"}]}
    treated = treat(table(rows, ["yrke", "b"]), step("table.k-anonymity", **quasi), text=True)
    assert {row["yrke"] for row in as_rows(treated)} == {"[PERSONAL-NUMBER]", "lärare"}
    assert treated.measures["k_min"] == 6


def test_a_missing_column_withholds_unless_told_to_skip() -> None:
    for operator, params in (
        ("table.drop", {}),
        ("table.generalise", {"to": {"kind": "date", "unit": "year"}}),
        ("table.pseudonymise", {}),
        ("table.code", {"top": 3}),
        ("table.free-text", {}),
    ):
        assert treat("a,b\n1,2\n", step(operator, columns=["c"], **params), text=True).withheld == "column-missing"
        skipped = treat("a,b\n1,2\n", step(operator, columns=["c"], if_missing="skip", **params), text=True)
        assert skipped.content == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("operator", "params"),
    [
        ("table.drop", {"columns": []}),
        ("table.drop", {"columns": ["a"], "more": 1}),
        ("table.generalise", {"columns": ["a"], "to": {"kind": "date", "unit": "week"}}),
        ("table.generalise", {"columns": ["a"], "to": {"kind": "number", "width": 0}}),
        ("table.generalise", {"columns": ["a"], "to": {"kind": "frequent", "keep": 1, "other": "=1+1"}}),
        ("table.generalise", {"columns": ["a"], "to": {"kind": "category", "groups": {"@x": ["a"]}}}),
        ("table.code", {"columns": ["a"]}),
        ("table.code", {"columns": ["a"], "top": 1, "bottom": 2}),
        ("table.code", {"columns": ["a"], "top": 1, "share": 0.1}),
        ("table.pseudonymise", {"columns": ["a"], "kind": "shoe"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(operator: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(?s).+"):
        step(operator, **params)


def test_every_operator_says_what_it_is_and_is_carried_out() -> None:
    operators = [operator for operator in REGISTRY.all() if operator.family == "table"]
    assert {operator.name for operator in operators} == set(APPLY)
    for operator in operators:
        assert operator.summary.endswith(".") and operator.misses.endswith(".") and operator.source
        assert operator.schema()["additionalProperties"] is False
    assert KEYS.key_id
