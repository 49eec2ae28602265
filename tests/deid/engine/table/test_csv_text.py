"""CSV files under text operators alone."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.engine.table import csv_text
from services.deid.engine.table.cells import CellText
from services.deid.engine.table.csv_text import treat_cells
from services.deid.engine.table.dialect import sniff_dialect
from services.deid.engine.table.sampling import Tally
from services.deid.engine.table.tokens import blocks
from tests.deid.engine.table.support import KEYS, read, text_plan, treat

NUMBER = "19811218-9876"


def test_only_cells_with_something_in_them_change() -> None:
    source = f'namn;"fri text";tal\r\n"x ""y""";"ring {NUMBER}";-5\r\n=A1;@b;+3\r\n'
    treated = treat(source, text=True)
    assert treated.content == source.replace(NUMBER, "[PERSONAL-NUMBER]").encode()
    assert treated.counts == {"personal-number": {"found": 1, "treated": 1}}
    (finding,) = treated.findings
    assert (finding.place, finding.shape, finding.after) == ("row 1, column 2", "99999999-9999", "[PERSONAL-NUMBER]")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_come_back_as_they_were(encoding: str) -> None:
    source = f"ort;nummer\nÖrebro;{NUMBER}\nÅmål;ingen\n"
    treated = treat(source.encode(encoding), text=True)
    assert treated.content == source.replace(NUMBER, "[PERSONAL-NUMBER]").encode(encoding)


def test_damaged_bytes_are_kept_where_nothing_is_found() -> None:
    source = b"ort;nummer\n" + "Örebro, Åmål, Ängelholm".encode() + b"\xff;1\n" + NUMBER.encode() + b";\xfe2\n"
    treated = treat(source, text=True)
    assert treated.content == source.replace(NUMBER.encode(), b"[PERSONAL-NUMBER]")


def test_a_formula_that_treatment_changed_is_written_as_text() -> None:
    treated = treat(f'a,b\n"=HYPERLINK(""mailto:anna.berg@foretag.se"")",=1+2\n{NUMBER},x\n', text=True)
    rows = read(treated)
    assert rows[1][0].startswith("'=HYPERLINK")
    assert "anna" not in rows[1][0]
    assert rows[1][1] == "=1+2"


def test_header_cells_are_looked_at_too() -> None:
    treated = treat("anna.berg@foretag.se,b\n1,2\n", text=True)
    assert read(treated)[0] == ["[EMAIL]", "b"]
    assert treated.findings[0].place == "header, column 1"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a,b\n1,2\n" * 10 + "1;2\n" * 10, "csv-delimiter-changes"),
        ("a,b,c\n1,2,3\n1;2;3\n1,2,3\n1,2,3\n", "csv-delimiter-changes"),
        ("a,b\n1,2\n" + '"x,y\n' + "1,2\n" * 3, "csv-quote-open"),
        (",".join(["a"] * 1_000_000) + "\n", "table-too-wide"),
        ("\0\0ab" * 200, "csv-not-text"),
    ],
)
def test_what_cannot_be_trusted_is_withheld(source: str, reason: str) -> None:
    treated = treat(source, text=True)
    assert treated.content is None
    assert treated.withheld == reason


@pytest.mark.parametrize("source", ["", "\n", "\r\n\r\n", "a,b", "a,b\n", " ", "\ufeff", ",,,\n,,,\n"])
def test_what_is_empty_stays_as_it_is(source: str) -> None:
    assert treat(source, text=True).content == source.encode()


def test_ragged_rows_are_looked_at_cell_by_cell() -> None:
    treated = treat(f"a,b\n1\n1,2,{NUMBER}\n\n3,4\n", text=True)
    assert treated.content == b"a,b\n1\n1,2,[PERSONAL-NUMBER]\n\n3,4\n"


@pytest.mark.slow
def test_a_line_of_50_megabytes() -> None:
    long = "lång" * (10 << 20) + " "
    treated = treat(f"a,b\n1,{long}{NUMBER}\n", text=True)
    assert treated.content is not None
    assert NUMBER.encode() not in treated.content
    assert len(treated.content) > 50 << 20


@given(st.binary(max_size=300))
def test_never_an_exception_on_any_bytes(content: bytes) -> None:
    treated = treat(content, text=True)
    assert (treated.content is None) == (treated.withheld is not None)
    assert treated.withheld != "table-failed", treated.measures


CELL = st.text(alphabet=st.sampled_from("aå1 ,;\"\n\r\t|'-=@"), max_size=12) | st.sampled_from(
    [NUMBER, "anna@foretag.se"]
)
ROW = st.lists(CELL, min_size=1, max_size=4).map(",".join)
FILE = st.lists(ROW, max_size=8).map("\n".join)


@given(FILE)
def test_treating_twice_changes_nothing(source: str) -> None:
    once = treat(source, text=True)
    if once.content is None:
        return
    assert NUMBER.encode() not in once.content
    twice = treat(once.content, text=True)
    assert twice.withheld in (None, "csv-delimiter-changes", "csv-quote-open")
    assert twice.content in (None, once.content)


@given(st.integers(1, 200))
@settings(max_examples=20)
def test_samples_do_not_depend_on_how_the_file_is_cut(size: int) -> None:
    drawn = random.Random(7)
    rows = [f"{drawn.choice([NUMBER, 'stad', 'x'])},{drawn.randint(1, 9)}" for _ in range(80)]
    body = "\n".join(["namn,tal", *rows]).encode()
    whole, cut = Tally(body, KEYS), Tally(body, KEYS)
    text, dialect = CellText(text_plan()), sniff_dialect(body)
    expected = treat_cells(body, dialect, text, whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_text, "blocks", lambda b, d: blocks(b, d, size))
        assert treat_cells(body, dialect, text, cut) == expected
    assert cut.findings.items() == whole.findings.items()
    assert cut.treated.items() == whole.treated.items()
    assert cut.untreated.items() == whole.untreated.items()
