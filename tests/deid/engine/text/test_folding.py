"""Folded text: what looks alike is alike, what is not seen is gone, and every offset leads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deid.engine.text.folding import fold


@pytest.mark.parametrize(
    ("original", "folded"),
    [
        ("Åsa Öberg, 850709-1234", "Åsa Öberg, 850709-1234"),
        ("８５0709‑1234", "850709-1234"),
        ("٨٥٠٧٠٩−١٢٣٤", "850709-1234"),
        ("𝟖𝟓𝟎𝟕𝟎𝟗–𝟏𝟐𝟑𝟒", "850709-1234"),
        ("①⑨⑧⑤", "1985"),
        ("8507\u200b09\u2060-12\u00ad34", "850709-1234"),
        ("85\u202e0709\u202c-1234", "850709-1234"),
        ("8\u03365\u03360709-1234", "850709-1234"),
        ("А\u0430", "Aa"),  # Cyrillic
        ("A\u030asa", "Åsa"),
        ("a\u0301\u0301\u0301\u0301nna", "ánna"),
        ("850709\u00a01234", "850709 1234"),
        ("1985\u2028\u20290709", "1985\n\n0709"),
        ("ﬁn", "fin"),
        ("a\x00b\x07c", "abc"),
        ("\ud800x", "x"),
        ("”Anna” – ‘x’ …", "\"Anna\" - 'x' ."),
        ("", ""),
    ],
)
def test_what_is_searched(original: str, folded: str) -> None:
    assert fold(original).text == folded


@given(st.text())
def test_every_offset_leads_back(original: str) -> None:
    folded = fold(original)
    offsets = [folded.offset(index) for index in range(len(folded.text) + 1)]
    assert offsets == sorted(offsets)
    assert offsets[-1] == len(original) or not folded.starts
    for index in range(len(folded.text)):
        start, end = folded.span(index, index + 1)
        assert 0 <= start < end <= len(original)
        # What the span covers folds to something with that very character in it.
        assert folded.text[index] in fold(original[start:end]).text


@given(st.text(), st.text(alphabet="\u200b\u202e\ufeff\u00ad", min_size=1), st.integers(0, 100))
def test_hidden_characters_change_nothing(text: str, hidden: str, at: int) -> None:
    at = min(at, len(text))
    plain = "".join(c for c in text if c.isalnum() and c.isascii())
    at = min(at, len(plain))
    assert fold(plain[:at] + hidden + plain[at:]).text == plain


def test_a_letter_with_a_million_marks_takes_no_time() -> None:
    folded = fold("8" + "\u0336" * 1_000_000 + "5")
    assert folded.text == "85"
    assert folded.span(0, 1) == (0, 1_000_001)
