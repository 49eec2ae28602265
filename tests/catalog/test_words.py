"""What the catalogue says: every refusal has a text in both languages, and every answer a browser can trust."""

import ast
from pathlib import Path
from string import Formatter
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.catalog
from services.catalog.delivery.rules import RangeNotSatisfiable, disposition, matches_none, span_of
from services.catalog.texts import TEXTS
from services.kit.texts import KIT_TEXTS

FOLDER = Path(services.catalog.__file__).parent
# Which argument of a call is the code.
CODES = {
    "conflict": 0,
    "forbidden": 0,
    "invalid": 1,
    "Problem": 1,
    "FieldError": 1,
    "Refused": 0,
    "PydanticCustomError": 0,
}


def codes() -> set[str]:
    """Every code that the catalogue's modules refuse with."""
    found: set[str] = set()
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CODES:
                position = CODES[node.func.id]
                if len(node.args) > position and isinstance(argument := node.args[position], ast.Constant):
                    found.add(str(argument.value))
    return found


def test_every_refusal_has_a_text() -> None:
    assert len(codes()) > 40
    assert codes() - TEXTS.keys() - KIT_TEXTS.keys() == set()


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_both_languages_say_the_same_with_the_same_figures(code: str) -> None:
    text = TEXTS[code]
    assert set(text) == {"sv", "en"} and all(text.values())
    fields = [{name for _, name, _, _ in Formatter().parse(text[lang]) if name} for lang in ("sv", "en")]
    assert fields[0] == fields[1]


@given(st.text(max_size=40), st.integers(0, 1000))
def test_any_range_header_gives_a_span_inside_the_file(header: str, size: int) -> None:
    for tried in (header, f"bytes={header}"):
        try:
            span = span_of(tried, None, '"x"', size)
        except RangeNotSatisfiable:
            continue
        assert 0 <= span.start <= span.start + span.length <= size
        assert span.partial or (span.start, span.length) == (0, size)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_range_is_what_it_says(first: int, last: int, size: int) -> None:
    content = bytes(range(size))
    try:
        span = span_of(f"bytes={first}-{last}", None, '"x"', size)
    except RangeNotSatisfiable:
        assert first >= size
        return
    if last >= first:
        assert content[span.start : span.start + span.length] == content[first : last + 1]
        assert span.content_range == f"bytes {first}-{min(last, size - 1)}/{size}"
    else:
        assert not span.partial


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda s: "/" not in s))
def test_a_file_name_goes_out_in_plain_ascii_and_comes_back_whole(name: str) -> None:
    header = disposition(f"folder/{name}")
    assert header.isascii() and header.isprintable()
    assert header.count('"') == 2
    assert unquote(header.partition("filename*=UTF-8''")[2]) == name


def test_tags_are_compared_weakly() -> None:
    assert matches_none('W/"a", "b"', '"a"')
    assert matches_none("*", '"a"')
    assert not matches_none('"b"', '"a"')
    assert not matches_none(None, '"a"')
