"""Delimiters and quotation marks are told by rows that come out equally wide."""

import pytest

from services.deid.engine.table.dialect import opened, sniff_dialect
from services.deid.engine.table.tokens import Dialect
from services.deid.engine.table.withhold import Withheld
from tests.deid.engine.table.support import step, treat


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("a,b,c\n1,2,3\n", Dialect(",")),
        ("a;b;c\n1,5;2,5;3,5\n2,5;3,5;4,5\n", Dialect(";")),
        ("namn\tort\nAnna, Eva\tUmeå; Sverige\n", Dialect("\t")),
        ("a|b\n1|2\n", Dialect("|")),
        ('id,text\n1,"a;b;c"\n2,"d;e;f"\n', Dialect(",")),
        ("a,b\n'x, y','2'\n'z','3'\n", Dialect(",", "'")),
        ('a,b\n"x \\"y\\", z",2\n', Dialect(",", escape=True)),
        ("bara en kolumn\nrad två\nrad tre\n", Dialect(None)),
        ("Anna bor i Umeå, säger hon.\nDet är kallt.\nHon är glad, ändå.\nSlut.\n", Dialect(None)),
        ('"ett citat som aldrig slutar\nrad två\n', Dialect(None, None)),
        ("", Dialect(None)),
    ],
)
def test_dialects(text: str, dialect: Dialect) -> None:
    assert sniff_dialect(text.encode()) == dialect


def test_a_header_in_another_dialect_than_all_rows_is_a_change() -> None:
    with pytest.raises(Withheld, match="csv-delimiter-changes"):
        sniff_dialect(b"a,b,c\n" + b"1;2;3\n" * 20)


def test_a_first_line_that_names_the_delimiter_is_no_row() -> None:
    assert opened(b"sep=;\r\na;b\r\n1;2\r\n") == (b"sep=;\r\n", b"a;b\r\n1;2\r\n", Dialect(";"))
    assert opened(b"SEP=,\nx\n")[2] == Dialect(",")
    treated = treat("sep=;\na;b\n1;2\n", step("table.drop", columns=["a"]))
    assert treated.content == b"sep=;\nb\n2\n"
