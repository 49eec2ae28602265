"""Text made to hold finders up: every one of them is done in time that grows no faster than the text."""

import time

import pytest

from services.deid.engine.text.formats import treat_html, treat_json, treat_markdown
from services.deid.engine.text.pipeline import replaced
from tests.deid.engine.text.planted import PLANS

UNITS = (
    "1", "1 ", "1-", "0", "+", "(0", "a", "A ", "@", "a@", "a.", "Anna ", "Anna Svensson ", "::", ":f", "bg ",
    "bg 1", "SE45",
    "SE45 ", "född ", "f. ", "1 jan ", "\u0301", "\u200b", "Å", "å", "漢", "\ud800", "[", "[PERSON]",
    "PERSON-", "█", "XXXX", "850709",
    "850709-", "gatan 1", "A gatan ", "123 45 ", "12 34 56-", "Namn: ", "(at) ", "\n", "- \n", "1.", "x1",
    "ABC1", '"', "'",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_time_is_linear(unit: str) -> None:
    """A hundred thousand characters of one thing: minutes if anything were quadratic."""
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    result = PLANS["label"].treat(text)
    assert time.process_time() - started < 15
    assert result.withheld is None and replaced(text, result.spans) == result.text


MARKUP = (
    "<a ", "<a '", '<a "', "<b>", "<", "<!--", "<script>", "</", "<a a='<a a=\"", "&#1", "&", "%41", "**",
    "_", "](", "[x](", "\\",
    "<p>1</p>", "<a href=", "<x ", "data:a/b,",
)  # fmt: skip


@pytest.mark.parametrize("unit", MARKUP)
@pytest.mark.parametrize("treat", [treat_html, treat_markdown], ids=["html", "markdown"])
def test_time_is_linear_in_markup(treat: type, unit: str) -> None:
    content = (unit * (100_000 // len(unit))).encode()
    started = time.process_time()
    assert treat(content, "text/x", PLANS["label"]).withheld is None
    assert time.process_time() - started < 15


@pytest.mark.parametrize(
    "content", [b'["' + b"\\\\" * 50_000 + b'"]', b"[" + b"1," * 50_000 + b"1]", b'{"a":' * 900 + b"1" + b"}" * 900]
)
def test_time_is_linear_in_json(content: bytes) -> None:
    started = time.process_time()
    treat_json(content, "application/json", PLANS["label"])
    assert time.process_time() - started < 15


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_line_of_fifty_megabytes() -> None:
    piece = "Det var en gång en text som inte sade något om någon människa, och den fortsatte så i flera timmar. "
    text = piece * 500_000
    middle = len(text) // 2
    text = text[:middle] + " Anna Svensson, 850709-1234 " + text[middle:]
    result = PLANS["label"].treat(text)
    assert [span.after for span in result.spans] == ["[PERSON]", "[PERSONAL-NUMBER]"]


def test_pieces_of_a_long_text_lose_nothing_at_their_seams() -> None:
    piece = "Säger Anna Svensson, 850709-1234, tel 070-123 45 67. "
    text = piece * (2_600_000 // len(piece))
    result = PLANS["label"].treat(text)
    assert result.text == "Säger [PERSON], [PERSONAL-NUMBER], tel [PHONE]. " * (2_600_000 // len(piece))
