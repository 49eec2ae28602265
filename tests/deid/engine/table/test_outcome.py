"""What is told of a treated table: counts, findings, places to judge; and nothing of it in the clear."""

import dataclasses
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.engine.operator import Place, Treated
from services.deid.engine.table.sampling import PART
from services.deid.engine.table.treat import REASONS, treat_csv, treat_parquet
from tests.deid.engine.table.support import KEYS, step, table, text_plan, text_steps, treat

NUMBER = "19811218-9876"
ROWS = [
    [f"1981121{n % 10}-987{n % 10}", str(30 + n % 4), f"ring anna{n}@foretag.se om {NUMBER}", "lugnt"]
    for n in range(60)
]
SOURCE = table(ROWS, ["pnr", "ålder", "text", "läge"])
STEPS = (
    step("table.drop", columns=["pnr"]),
    step(
        "table.k-anonymity", quasi_identifiers=[{"column": "ålder", "hierarchy": {"kind": "age", "widths": [10]}}], k=20
    ),
)


def sort(treated: Treated, sort: str) -> list[Place]:
    return [place for place in treated.places if place.sort == sort]


def test_counts_places_and_totals_fit_together() -> None:
    treated = treat(SOURCE, *STEPS, text=True)
    assert treated.counts == {
        "email": {"found": 60, "treated": 60},
        "identifier": {"found": 60, "treated": 60},
        "personal-number": {"found": 60, "treated": 60},
        "quasi-identifier": {"found": 60, "treated": 60},
    }
    # 120 findings in texts, 60 rows that table operators changed; every row has something left.
    assert treated.totals == {"treated": 180, "untreated": 60}
    assert len(sort(treated, "treated")) == len(sort(treated, "untreated")) == Treated.SAMPLE
    assert len(treated.findings) == Treated.SAMPLE
    row = next(place for place in sort(treated, "treated") if place.kind == "identifier")
    assert row.before.startswith("99999999-9999 | 99")
    assert row.after.startswith("ålder=30-39 | text=ring [EMAIL] om [PERSONAL-NUMBER] | läge=lugnt")
    cell = next(place for place in sort(treated, "treated") if place.kind == "email")
    assert "⟦text=ring [EMAIL] om [PERSONAL-NUMBER]⟧" in cell.after
    assert all(place.after == "läge=lugnt" or "läge=lugnt" in place.after for place in sort(treated, "untreated"))


@pytest.mark.parametrize("steps", [(), STEPS])
def test_nothing_personal_stands_in_what_is_told(steps: tuple[object, ...]) -> None:
    treated = treat(SOURCE, *steps, text=True)  # type: ignore[arg-type]
    told = repr([dataclasses.asdict(t) for t in (*treated.findings, *treated.places)]) + repr(treated.measures)
    assert "9876" not in told
    assert "foretag" not in told
    assert "198112" not in told


def test_text_operators_alone() -> None:
    treated = treat(SOURCE, text=True)
    assert treated.totals["treated"] == 180
    assert treated.totals["untreated"] == 61  # the header is a row, too
    assert {place.kind for place in sort(treated, "untreated")} == {"row"}


def test_cells_that_were_replaced_whole_are_not_left() -> None:
    source = table([["lugnt", NUMBER]] * 3 + [["5", NUMBER]] * 2, ["a", "b"])
    assert treat(source, text=True).totals == {"treated": 5, "untreated": 3}
    assert treat(source, step("table.code", columns=["a"], top=9, if_missing="skip"), text=True).totals["treated"] == 8
    kept = treat(table([["x", "y", NUMBER]], ["a", "b", "c"]), step("table.drop", columns=["a"]), text=True)
    assert kept.totals == {"treated": 2, "untreated": 0}


def test_a_long_untreated_cell_is_judged_in_parts() -> None:
    long = "lugnt och stilla " * 100
    for steps in ((), (step("table.drop", columns=["a"]),)):
        treated = treat(table([["x", long]], ["a", "b"]), *steps, text=True)
        parts = [place.after for place in sort(treated, "untreated") if place.place != "header"]
        assert len(parts) == -(-(len(long) + 3) // PART)
        assert long in "".join(parts)


def test_cells_that_tell_nothing_are_no_places() -> None:
    assert treat("a,b\n1,2.5\n3,J\n", text=True).totals == {"treated": 0, "untreated": 0}


def test_the_same_file_gives_the_same_result() -> None:
    assert treat(SOURCE, *STEPS, text=True) == treat(SOURCE, *STEPS, text=True)


def test_every_reason_has_its_texts() -> None:
    for code, texts in REASONS.items():
        assert code == code.lower()
        assert all(text.endswith(".") for text in texts)


EVERY = (
    step("table.drop", columns=["a"], if_missing="skip"),
    step("table.code", columns=["b"], top=3, if_missing="skip"),
    step("table.pseudonymise", columns=["c"], if_missing="skip"),
    step("table.generalise", columns=["d"], to={"kind": "date", "unit": "year"}, if_missing="skip"),
    step("table.k-anonymity", quasi_identifiers=[{"column": "e"}, {"column": "d"}], person="c", if_missing="skip"),
)
LINE = st.lists(st.text(alphabet="abc1;,\"'\\ \n-", max_size=6), max_size=6).map(",".join)


@given(st.binary(max_size=200) | st.lists(LINE, max_size=12).map(lambda rows: "\n".join(["a,b,c,d,e", *rows]).encode()))
@settings(deadline=None, max_examples=150)
def test_never_an_exception_whatever_the_bytes_and_operators(content: bytes) -> None:
    for steps, plan in ((EVERY, None), (EVERY, text_plan()), ((), None)):
        treated = treat_csv(content, [*steps, *(text_steps() if plan else [])], KEYS, plan)
        assert (treated.content is None) == (treated.withheld is not None)
        assert treated.withheld is None or treated.withheld in REASONS
        assert treated.withheld != "table-failed", treated.measures
    parquet = treat_parquet(content, list(EVERY), KEYS, None)
    assert parquet.withheld == "parquet-unreadable"


FORMS = ("19811218-9876", "198112189876", "811218-9876", "8112189876", "811218–9876")
WIDE = (
    step("table.code", columns=["b"], top=1e15),
    step("table.generalise", columns=["c"], to={"kind": "frequent", "keep": 3}),
    step("table.generalise", columns=["d"], to={"kind": "category", "groups": {"x": ["1", "a"]}}),
    step(
        "table.k-anonymity", quasi_identifiers=[{"column": "e"}, {"column": "f", "hierarchy": {"kind": "number"}}], k=2
    ),
)


@given(st.lists(st.lists(st.sampled_from(["1", "a", "", *FORMS]), min_size=6, max_size=6), max_size=10), st.booleans())
@settings(deadline=None)
def test_a_personal_number_comes_out_of_no_column(rows: list[list[str]], by_parquet: bool) -> None:
    names = list("abcdef")
    steps = [*WIDE, *text_steps()]
    if by_parquet:
        buffer = io.BytesIO()
        pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row").write_parquet(buffer)
        treated = treat_parquet(buffer.getvalue(), steps, KEYS, text_plan())
    else:
        treated = treat_csv(table(rows, names).encode(), steps, KEYS, text_plan())
    assert treated.withheld in (None, "k-unreachable")
    if treated.content is not None:
        left = pl.read_parquet(io.BytesIO(treated.content)).write_csv() if by_parquet else treated.content.decode()
        assert "9876" not in left


def test_an_error_withholds_and_tells_only_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    from services.deid.engine.table import recipe

    def fails(*_: object) -> None:
        raise RuntimeError(NUMBER)

    monkeypatch.setitem(recipe.APPLY, "table.drop", fails)
    treated = treat("a,b\n1,2\n", step("table.drop", columns=["a"]))
    assert treated == Treated(None, "text/csv", measures={"error": "RuntimeError"}, withheld="table-failed")
