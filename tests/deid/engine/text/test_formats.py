"""Files of each format: what is treated, what keeps its bytes, what is withheld, what a report is told."""

import json

import pytest

from services.deid.engine.operator import Treated
from services.deid.engine.text.formats import (
    REASONS,
    decode_text,
    encode_text,
    treat_html,
    treat_json,
    treat_markdown,
    treat_plain,
)
from tests.deid.engine.text.planted import ACTIONS, PLANS

LABEL = PLANS["label"]


def plain(content: bytes) -> Treated:
    return treat_plain(content, "text/plain", LABEL)


def html(text: str, action: str = "label") -> str:
    treated = treat_html(text.encode(), "text/html", PLANS[action])
    assert treated.content is not None
    again = treat_html(treated.content, "text/html", PLANS[action])
    assert again.content == treated.content
    return treated.content.decode()


def markdown(text: str) -> str:
    treated = treat_markdown(text.encode(), "text/markdown", LABEL)
    assert treated.content is not None
    assert treat_markdown(treated.content, "text/markdown", LABEL).content == treated.content
    return treated.content.decode()


def as_json(text: str, action: str = "label") -> str:
    treated = treat_json(text.encode(), "application/json", PLANS[action])
    assert treated.content is not None
    assert treat_json(treated.content, "application/json", PLANS[action]).content == treated.content
    return treated.content.decode()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_every_encoding_comes_back_as_it_was(encoding: str) -> None:
    text = "Åsa Öberg, 850709-1234, från Växjö – så är det.\r\n" if "1" not in encoding[:2] else "x"
    text = text.replace("–", "-") if encoding == "latin-1" else text
    treated = plain(text.encode(encoding))
    assert treated.content == text.replace("Åsa Öberg", "[PERSON]").replace("850709-1234", "[PERSONAL-NUMBER]").encode(
        encoding
    )


def test_damaged_utf8_goes_through_and_is_searched() -> None:
    content = "Åsa Öberg är här".encode() + b"\xff\xfe" + b"8507" + b"\xff" + b"09-1234 \xc3\xa5\xc3\xa4\xc3\xb6"
    treated = plain(content)
    assert treated.content == "[PERSON] är här".encode() + b"\xff\xfe" + b"[PERSONAL-NUMBER] \xc3\xa5\xc3\xa4\xc3\xb6"


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02\x03" * 40, b"\x89PNG\r\n\x1a\n\x00\x00", b"\xff\xfe\x00", b"\x01\x02" * 90 + b"\xe5"]
)
def test_what_is_no_text_is_withheld(content: bytes) -> None:
    treated = plain(content)
    assert (treated.content, treated.withheld) == (None, "text-undecodable")


@pytest.mark.parametrize("content", [b"", b" ", b"\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_files_stay_as_they_are(content: bytes) -> None:
    assert plain(content).content == content


def test_a_replacement_that_the_encoding_lacks_makes_the_file_utf8() -> None:
    content = "Åsa Öberg".encode("cp1252")
    treated = treat_plain(content, "text/plain", PLANS["mask"])
    assert treated.content == ("█" * 9).encode()


@pytest.mark.parametrize("content", ["hej".encode("utf-16"), "hejå".encode("cp1252"), "å".encode()])
def test_decoding_and_encoding_are_inverse(content: bytes) -> None:
    assert encode_text(*decode_text(content)) == content


def test_html_across_tags_references_and_attributes() -> None:
    assert html("<p>Hon <b>1985</b>0709-1234.</p>") == "<p>Hon <b>[PERSONAL-NUMBER]</b>.</p>"
    assert html("<i>An</i>na Svensson") == "<i>[PERSON]</i>"
    assert html("&#49;985-07-09-1234") == "[PERSONAL-NUMBER]"
    assert html("<!-- anna@example.se -->") == "<!-- [EMAIL] -->"
    assert html('<a href="mailto:anna%40example.se">x</a>') == '<a href="mailto:%5BEMAIL%5D">x</a>'
    assert html('<a href="tel:+46701234567">x</a>') == '<a href="tel:%5BPHONE%5D">x</a>'
    assert html("<img alt='Anna Svensson' src=x.png>") == "<img alt='[PERSON]' src=x.png>"
    assert html("<script>var x = '850709-1234';</script>") == "<script>var x = '[PERSONAL-NUMBER]';</script>"
    assert html("<style>/* anna@example.se */</style>") == "<style>/* [EMAIL] */</style>"
    assert html('<input name="telefon" value="123 45 67">') == '<input name="telefon" value="[PHONE]">'
    assert html("<anna@example.se> <Anna Svensson>") == "<[EMAIL]> <[PERSON]>"
    assert html("<td>1985</td><td>0709-1234</td>") == "<td>[PERSONAL-NUMBER]</td><td></td>"


@pytest.mark.parametrize(
    "source",
    [
        "<p class='a'>x &amp; y < z</p>\r\n<br/>", "<a href='x", "<!-- x", "<!DOCTYPE html><p>", "</3 <3",
        "<p", "&#;&#x;&", "<svg><path d='M85 0709-1234'/></svg>",
        "<script>", "<p a=1 a a='>'>", "a<b>c", "<p =x>", '<p a"b">', "<" * 50, "<?xml version='1.0'?>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", ACTIONS)
def test_html_that_holds_nobody_keeps_its_bytes(source: str, action: str) -> None:
    assert html(source, action) == source


def test_files_embedded_in_html_are_removed_and_counted() -> None:
    treated = treat_html(b'<img src="data:image/png;base64,iVBORw0KGgo=">', "text/html", LABEL)
    assert treated.content == b'<img src="data:image/png;base64,">'
    assert treated.counts == {"embedded-file": {"found": 1, "treated": 1}}


def test_html_says_its_encoding() -> None:
    page = '<meta charset="iso-8859-1"><p>Åsa Öberg</p>'
    treated = treat_html(page.encode("latin-1"), "text/html", PLANS["mask"])
    assert treated.content == b'<meta charset="iso-8859-1"><p>' + b"&#9608;" * 9 + b"</p>"
    withheld = treat_html(b'<meta charset="utf-7"><p>+AFs-', "text/html", LABEL)
    assert (withheld.content, withheld.withheld) == (None, "charset-unsupported")


def test_markdown_across_emphasis_links_and_escapes() -> None:
    assert markdown("**1985**0709-1234") == "**[PERSONAL-NUMBER]**"
    assert markdown("_1985_0709-1234") == "_[PERSONAL-NUMBER]_"
    assert markdown("[1985](x)0709-1234") == "[[PERSONAL-NUMBER]](x)"
    assert markdown("850709\\-1234") == "[PERSONAL-NUMBER]"
    assert markdown("[mejl](mailto:anna@example.se)") == "[mejl](mailto:%5BEMAIL%5D)"
    assert markdown("<anna@example.se>") == "<[EMAIL]>"
    assert markdown("Anna Svensson(x)") == "\\[PERSON\\](x)"
    assert markdown("# Rubrik\n\n* punkt _x_ `kod`\n") == "# Rubrik\n\n* punkt _x_ `kod`\n"
    assert markdown("anna_svensson@example.se") == "[EMAIL]"


def test_json_strings_keys_and_numbers() -> None:
    assert as_json('{"pnr": 8507091234, "n": 12}') == '{"pnr": "[PERSONAL-NUMBER]", "n": 12}'
    assert as_json('{"a": 8.507091234e9}') == '{"a": "[PERSONAL-NUMBER]"}'
    assert as_json('{"namn": "xyz qwerty"}') == '{"namn": "[PERSON]"}'
    assert as_json('{"född": ["1985-07-09"]}') == '{"född": ["[BIRTH-DATE]"]}'
    assert as_json('{"x": "\\u0041nna Svensson"}') == '{"x": "[PERSON]"}'
    assert as_json('[ "a\\n\\"b" , 1.50 ]') == '[ "a\\n\\"b" , 1.50 ]'
    assert as_json('{"a":1}\n{"b":"anna@example.se"}\n') == '{"a":1}\n{"b":"[EMAIL]"}\n'


def test_json_numbers_stay_numbers_where_the_action_gives_one() -> None:
    assert isinstance(json.loads(as_json('{"pnr": 8507091234}', "surrogate"))["pnr"], int)


def test_json_keys_that_become_one_are_told_apart() -> None:
    after = json.loads(as_json('{"Anna Svensson": 1, "Erik Lund": 2, "[PERSON]": 3, "x": 4}'))
    assert sorted(after.values()) == [1, 2, 3, 4]
    assert all(key == "x" or key.startswith("[PERSON]") for key in after)


@pytest.mark.parametrize("content", [b"{", b"", b"[" * 100_000, b"{'a':1}", b'{"a":1} x', b'"\x01"', b"\xef\xbb\xbf"])
def test_what_is_no_json_is_withheld(content: bytes) -> None:
    treated = treat_json(content, "application/json", LABEL)
    assert (treated.content, treated.withheld) == (None, "json-invalid")


def test_big_numbers_and_lone_surrogates_in_json() -> None:
    assert as_json("[" + "1" * 10_000 + "]") == "[" + "1" * 10_000 + "]"
    assert as_json('["\\ud800 Anna Svensson"]') == '["\\ud800 [PERSON]"]'


def test_a_report_is_told_counts_patterns_and_places_and_no_content() -> None:
    line = "Här står inget om någon. Säger Anna Svensson, 850709-1234, i dag.\n"
    treated = plain((line * 100).encode())
    assert treated.counts == {
        "name": {"found": 100, "treated": 100},
        "personal-number": {"found": 100, "treated": 100},
    }
    assert treated.totals == {"treated": 200, "untreated": 100}
    places = {sort: [p for p in treated.places if p.sort == sort] for sort in ("treated", "untreated")}
    assert [len(places[sort]) for sort in ("treated", "untreated")] == [Treated.SAMPLE, Treated.SAMPLE]
    assert len(treated.findings) == Treated.SAMPLE
    assert {finding.shape for finding in treated.findings} == {"Aaaa Aaaaaaaa", "999999-9999"}
    assert {place.after for place in places["untreated"]} == {"Här står inget om någon."}
    assert "Svensson" not in repr(treated) and "850709" not in repr(treated)
    assert treated == plain((line * 100).encode())


def test_reasons_are_told_in_two_languages() -> None:
    assert all(len(texts) == 2 and all(texts) for texts in REASONS.values())
