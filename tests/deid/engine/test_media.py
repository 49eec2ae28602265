"""What a file is, found by looking into it."""

import base64
import io
import json
import os
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deid.engine import media
from services.deid.engine.embedded import holds_encoded_file
from services.deid.engine.media import FAMILIES, lane_of, sniff

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "x" * 100)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "path", "declared", "found"),
    [
        (b"", "a.png", "image/png", media.EMPTY),
        (b"Hej", "a.txt", "text/plain", media.PLAIN),
        (b"Hej", "README", "", media.PLAIN),
        (b"# Hej", "a.md", "", media.MARKDOWN),
        (b"Hej", "a", "text/markdown", media.MARKDOWN),
        (b"a,b\n1,2\n", "a.csv", "", media.CSV),
        (b"a\tb\n", "a.tsv", "", media.TSV),
        (b'{"a": 1}', "a.json", "", media.JSON),
        (b'{"a": 1}\n{"a": 2}\n', "a.jsonl", "", media.JSON_LINES),
        (b"<!DOCTYPE html><p>x", "a.html", "", media.HTML),
        (PNG, "a.png", "image/png", media.PNG),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, "a.jpg", "", media.JPEG),
        (b"II*\0" + b"\0" * 40, "a.tif", "", media.TIFF),
        (b"MM\0*" + b"\0" * 40, "a.tif", "", media.TIFF),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a.webp", "", media.WEBP),
        (b"PAR1" + b"\0" * 40, "a.parquet", "", media.PARQUET),
        # The name says one thing, the contents another: the contents are right.
        (PNG, "a.txt", "text/plain", media.PNG),
        (PNG, "a.csv", "text/csv", media.PNG),
        (b"Hej", "a.png", "image/png", media.PLAIN),
        (b"<html><body>x", "a.txt", "text/plain", media.HTML),
        (b"<!-- note -->\n<html>", "a.md", "", media.HTML),
        (b'{"name": "\\u0041nna"}', "a.txt", "", media.JSON),
        (b'{"a": 1}\n{"a": 2}\n', "a.txt", "", media.JSON_LINES),
        (b"<p>Hej &#49;9811228</p>", "a.txt", "", media.HTML),
        (b"<a.b@example.org> wrote:", "a.txt", "", media.PLAIN),
        (b"<- Hej", "a.txt", "", media.PLAIN),
        (b'{"a": "' + b"x" * 100_000 + b'"}\n{"a": 2}\n{"a": 3}\n', "a.txt", "", media.JSON_LINES),
        (b"{Hej}\n{Hej}\n", "a.txt", "", media.PLAIN),
        # Other encodings of text.
        ("Hej på dig, människa".encode("latin-1"), "a.txt", "", media.PLAIN),
        ("\ufeffHej på dig".encode(), "a.txt", "", media.PLAIN),
        ("Hej på dig".encode("utf-16"), "a.txt", "", media.PLAIN),
        ("Hej på dig, hej på dig".encode("utf-16-le"), "a.txt", "", media.PLAIN),
        ("Hej på dig, hej på dig".encode("utf-16-be"), "a.txt", "", media.PLAIN),
        ("a;b\n1;2\n".encode("utf-16"), "a.csv", "", media.CSV),
        # What other programs read, and nobody here looks into.
        (b"%PDF-1.7\nHej", "a.txt", "", media.UNKNOWN),
        (b"Hej\n%PDF-1.7\nHej", "a.txt", "", media.UNKNOWN),
        (b"%!PS-Adobe-3.0", "a.txt", "", media.UNKNOWN),
        (b"{\\rtf1 Hej}", "a.txt", "", media.UNKNOWN),
        (b'<?xml version="1.0"?><a/>', "a.html", "", media.UNKNOWN),
        ('<?xml version="1.0"?><a/>'.encode("utf-16"), "a.txt", "", media.UNKNOWN),
        (b"<kommun>&#49;9811228</kommun>", "a.xml", "", media.UNKNOWN),
        (b"<kommun>&#49;9811228</kommun>", "a", "application/xml", media.UNKNOWN),
        (b"<svg xmlns='x'></svg>", "a.html", "", media.UNKNOWN),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>", "a.html", "", media.UNKNOWN),
        (b"Subject: x\nContent-Transfer-Encoding: base64\n\nSGVq", "a.txt", "", media.UNKNOWN),
        (b"GIF89a" + b"\0" * 40, "a.gif", "image/gif", media.UNKNOWN),
        (zipped(), "a.docx", "", media.UNKNOWN),
        (zipped(), "a.txt", "text/plain", media.UNKNOWN),
        (b"Hej\0\0\0\x01\x02", "a.txt", "", media.UNKNOWN),
        (os.urandom(5000), "a.txt", "", media.UNKNOWN),
    ],
)
def test_contents_decide(content: bytes, path: str, declared: str, found: str) -> None:
    assert sniff(content, path, declared) == found


@given(st.binary(max_size=2000), st.text(max_size=40), st.sampled_from([*FAMILIES, "", "x/y"]))
def test_anything_is_something(content: bytes, path: str, declared: str) -> None:
    assert sniff(content, path, declared) in {*FAMILIES, media.EMPTY, media.UNKNOWN}


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=500))
def test_text_without_controls_is_never_unknown_for_its_letters(text: str) -> None:
    found = sniff(text.encode(), "a.txt", "text/plain")
    assert found in (media.PLAIN, media.HTML, media.JSON) or any(mark in text for mark in ("%", "{", "<", "begin", "="))


@pytest.mark.parametrize(
    ("path", "declared", "lane"),
    [
        ("a.jpg", "", "image"),
        ("a.csv", "", "table"),
        ("a.md", "", "text"),
        ("a", "text/x-python", "text"),
        ("a", "image/heic", "image"),
        ("a.bin", "application/octet-stream", "other"),
    ],
)
def test_lanes(path: str, declared: str, lane: str) -> None:
    assert lane_of(path, declared) == lane


PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + os.urandom(300)).decode()
WORDS = "Anna Svensson bor på Storgatan 1 i Malmö och har telefon 070-123 45 67, säger hon själv om det. "


@pytest.mark.parametrize(
    "text",
    [
        f'<img src="data:image/png;base64,{PICTURE}">',
        f"![bild](data:image/png;base64,{PICTURE})",
        json.dumps({"cells": [{"outputs": [{"data": {"image/png": PICTURE}}]}]}),
        # Notebooks wrap lines, and JSON writes the wraps out.
        json.dumps({"image/png": "\n".join(PICTURE[n : n + 76] for n in range(0, len(PICTURE), 76))}),
        "a,b\n1," + PICTURE + "\n",
        base64.b64encode((WORDS * 3).encode()).decode(),
        "token=eyJhbGciOiJIUzI1NiJ9."
        + base64.urlsafe_b64encode(b'{"sub": "anna", "name": "Anna Svensson", ' + b'"x": 1, ' * 20 + b"}").decode(),
        "se/bilder/" + PICTURE,
        "x" + base64.b64encode((WORDS * 3).encode()).decode(),
        base64.b64encode(b"%PDF-1.7 " + os.urandom(100)).decode(),
    ],
)
def test_files_hidden_in_text_are_found(text: str) -> None:
    assert holds_encoded_file(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        WORDS * 100,
        "a" * 1_000_000,
        "ACGT" * 10_000,
        "0123456789abcdef" * 1000,
        "https://example.org/" + "a-long-path/with-parts/" * 20,
        "=" * 10_000,
        "-" * 10_000,
        "_" * 10_000,
        "SkrivIhopAllaOrdUtanMellanslagOchUtanSkiljeteckenTillsDetBlirEttLangtOrdSomIngenKanLasaMenSomAndaInteArEnFil"
        * 3,
    ],
)
def test_ordinary_text_hides_no_files(text: str) -> None:
    assert not holds_encoded_file(text.encode())


def test_random_digests_hide_no_files() -> None:
    lines = [base64.b64encode(os.urandom(256)).decode() for _ in range(200)]
    lines = [line for line in lines if not line.startswith(("/9j/", "iVBORw", "R0lGOD", "UEsDB", "H4sI"))]
    assert not holds_encoded_file("\n\n".join(lines).encode())
