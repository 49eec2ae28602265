"""Where cells lie: the array way and the scanner agree, and both agree with the standard library."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deid.engine.table.tokens import Block, Dialect, _scan, _vector, blocks, enquote, unquote
from services.deid.engine.table.withhold import Withheld

CELLS = st.text(alphabet=st.sampled_from("ab ,;\"\n\r\t'\\åé=1"), max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=6)
COMMA = Dialect(",")


def written(rows: list[list[str]], **options: object) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, **options).writerows(rows)  # type: ignore[arg-type]
    return buffer.getvalue().encode()


def cells(block: Block, dialect: Dialect) -> list[list[str]]:
    rows, first = [], 0
    for end in block.row_ends.tolist():
        rows.append([unquote(block.cell(i).decode(), dialect) for i in range(first, end)])
        first = end
    return rows


def all_cells(body: bytes, dialect: Dialect, size: int = 1 << 20) -> list[list[str]]:
    return [row for block in blocks(body, dialect, size) for row in cells(block, dialect)]


@given(ROWS, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([1, 7, 1 << 20]))
def test_what_a_writer_wrote_is_read_again_whatever_the_block_size(rows: list[list[str]], end: str, size: int) -> None:
    assert all_cells(written(rows, lineterminator=end), COMMA, size) == rows


@given(ROWS)
def test_arrays_and_scanner_cut_alike(rows: list[list[str]]) -> None:
    body = written(rows)
    fast, careful = _vector(body, COMMA, True), _scan(body, COMMA, True)
    assert fast is not None and careful is not None
    assert cells(fast, COMMA) == cells(careful, COMMA)
    assert fast.data == careful.data == body


@given(st.binary(max_size=60), st.sampled_from([COMMA, Dialect(";"), Dialect(None), Dialect(",", escape=True)]))
def test_blocks_lose_no_byte_and_cells_do_not_overlap(body: bytes, dialect: Dialect) -> None:
    try:
        cut = list(blocks(body, dialect, 8))
    except Withheld as reason:
        assert reason.code == "csv-quote-open"
        return
    assert b"".join(block.data for block in cut) == body
    for block in cut:
        assert (block.starts <= block.ends).all()
        assert (block.ends[:-1] <= block.starts[1:]).all()


@given(CELLS, st.booleans())
def test_a_quoted_value_is_read_as_it_was(value: str, always: bool) -> None:
    raw = enquote(value, COMMA, always)
    assert unquote(raw, COMMA) == value
    assert all_cells(f"{raw},x".encode(), COMMA) == [[value, "x"]] or value == ""


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,5" pipe,b\n', [["a", '5" pipe', "b"]]),
        ('"a"b,c\n', [["ab", "c"]]),
        ("a,\n", [["a", ""]]),
        ("a,", [["a", ""]]),
        ("\n\na\n", [[""], [""], ["a"]]),
        ('"x\ny",z\r\n1,2', [["x\ny", "z"], ["1", "2"]]),
        ("a\r\r\nb", [["a"], [""], ["b"]]),
    ],
)
def test_odd_ways_of_writing(text: str, rows: list[list[str]]) -> None:
    assert all_cells(text.encode(), COMMA) == rows


def test_backslashes_escape_where_the_file_does_so() -> None:
    text = r'"a \"b, c\" d",x' + "\n"
    assert all_cells(text.encode(), Dialect(",", escape=True)) == [['a "b, c" d', "x"]]


def test_a_quotation_mark_that_is_never_closed_is_no_table() -> None:
    with pytest.raises(Withheld, match="csv-quote-open"):
        list(blocks(b'a,b\n"c,d\n' * 3, COMMA))
