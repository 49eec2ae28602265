"""What people see of a treated file when they try a recipe."""

import pytest

from services.deid.engine.operator import Treated
from services.deid.engine.preview import preview


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("letter", ["å", "€", "👩", "a"])
@pytest.mark.parametrize("shift", range(4))
def test_a_long_text_is_cut_between_characters(encoding: str, letter: str, shift: int) -> None:
    text = "x" * shift + letter * 70_000
    shown = preview(Treated(text.encode(encoding), "text/plain"))["text"]
    assert shown == text[:2000]


def test_a_table_is_shown_as_rows() -> None:
    import io

    import polars

    made = io.BytesIO()
    polars.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_parquet(made)
    assert preview(Treated(made.getvalue(), "application/vnd.apache.parquet"))["text"] == "a,b\n1,x\n2,y\n"


def test_what_cannot_be_shown_is_not() -> None:
    assert preview(Treated(None, "text/plain", withheld="failed")) == {}
    assert preview(Treated(b"not a picture", "image/png")) == {}
