"""CSV files under table operators: read as strings, written as the source was."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.engine.table.csv_table import read_csv, write_csv
from services.deid.engine.table.dialect import sniff_dialect
from services.deid.engine.table.table import Table
from tests.deid.engine.table.support import read, step, treat

DROP = step("table.drop", columns=["bort"])


@pytest.mark.parametrize(
    "source",
    [
        "bort,a,b\r\n1,2,3\r\n",
        "a;bort;b\n1,5;x;2\n",
        'bort,"a","b"\nx,"1","y ""z"""\n',
        "a\tbort\tb\n1\t2\t3",
        'bort,a\n1,"x\ny"\n',
        "bort|a|b\n1||\n",
        "bort,a,b\n",
        "bort,a,a\n1,-5,=A1\n",
        "bort,a,b\r1,2,3\r",
    ],
)
def test_delimiter_quotes_and_line_ends_stay(source: str) -> None:
    dialect = sniff_dialect(source.encode())
    read_table = read_csv(source.encode(), dialect)
    assert write_csv(read_table, read_table.table, read_table.table.names).decode() == source
    treated = treat(source, DROP)
    assert treated.content is not None
    delimiter = dialect.delimiter or ","
    position = next(csv_row.index("bort") for csv_row in [source.splitlines()[0].split(delimiter)])
    cells = [[c for n, c in enumerate(row) if n != position] for row in _parsed(source, delimiter)]
    assert _parsed(treated.content.decode(), delimiter) == cells


def _parsed(text: str, delimiter: str) -> list[list[str]]:
    import csv
    import io

    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


CELL = st.text(alphabet=st.sampled_from('ab,;"\n\r\t é=-1'), max_size=5)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=8)))
@settings(deadline=None)
def test_what_is_read_is_written_again(rows: list[list[str]]) -> None:
    from tests.deid.engine.table.support import table

    names = [f"n{n}" for n in range(len(rows[0]) if rows else 2)]
    source = table(rows, names).encode()
    dialect = sniff_dialect(source)
    if dialect.delimiter != "," and len(names) > 1:
        return  # cells full of other delimiters can look like another dialect
    made = read_csv(source, dialect)
    kept = [row for row in rows if row != [""]]
    assert made.table.frame.select(made.table.keys).rows() == [
        tuple(row) for row in (rows if '""' in source.decode() else kept)
    ]
    again = write_csv(made, made.table, made.table.names)
    assert read_csv(again, dialect).table.frame.equals(made.table.frame)


def test_rows_of_another_width_are_left_out_and_counted() -> None:
    source = "bort,a,b\n" + "1,2,3\n" * 98 + "1,2\n" + "1,2,3,4\n"
    treated = treat(source, DROP)
    assert len(read(treated)) == 99
    assert treated.measures["rows_suppressed"] == 2
    assert treated.measures["rows_kept_share"] == 0.98


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("bort,a,b\n" + "1,2,3\n" * 9 + "1,2\n", "csv-ragged"),
        ("bort,a,b\n" + "1,2,3\n" * 99 + "1;2;3\n", "csv-delimiter-changes"),
        ("a,b\n1,2\n", "column-missing"),
        ("", "column-missing"),
        ("bort," + "a," * 20_000 + "\n", "table-too-wide"),
    ],
)
def test_tables_that_cannot_be_trusted_are_withheld(source: str, reason: str) -> None:
    assert treat(source, DROP).withheld == reason


def test_a_lone_empty_cell_is_not_lost_as_a_blank_line() -> None:
    treated = treat("bort,a\n1,\n2,x\n\n", DROP)
    assert treated.content == b'a\n""\nx\n'


def test_all_columns_dropped_leave_nothing() -> None:
    assert treat("bort,bort\n1,2\n", DROP).content == b""


def test_many_blocks_are_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from services.deid.engine.table import csv_table, tokens

    drawn = random.Random(5)
    rows = [f'{n},"x{drawn.randint(1, 9)}""",{n % 7}' for n in range(500)]
    body = "\n".join(["a,b,c", *rows, ""]).encode()
    dialect = sniff_dialect(body)
    whole = read_csv(body, dialect).table.frame
    monkeypatch.setattr(csv_table, "blocks", lambda b, d: tokens.blocks(b, d, 64))
    assert read_csv(body, dialect).table.frame.equals(whole)
    assert whole["c1"][0].endswith('"')


def test_columns_are_found_by_name() -> None:
    import polars as pl

    table = Table.of(pl.DataFrame({"x": ["1"], "y": ["2"], "z": ["3"]}), ["Namn", "namn", " NAMN "])
    assert table.find("namn") == ["c1"]
    assert table.find("NAMN") == ["c0", "c1", "c2"]
