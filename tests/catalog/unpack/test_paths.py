"""A path has one spelling, leads nowhere but down, and is told apart from every other by every file system."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.datasets.paths import TEXTS, PathRefused, PathSet, collision_key, normalise_path

REFUSED = {
    "path-empty": [""],
    "path-not-unicode": ["a\ud800", "a\udcff/b", "a\ufffe", "a\ufdd0", "\U0001ffff"],
    "path-absolute": ["/a", "//a", "C:/a", "c:a", "z:"],
    "path-backslash": ["a\\b", "\\a", "..\\a", "C:\\a", "\\\\server\\share"],
    "path-dot-segment": ["..", ".", "../a", "a/..", "a/../b", "./a", "a/./b"],
    "path-empty-segment": ["a//b", "a/", " ", "a/ /b", "a/\u3000"],
    "path-control-character": [
        "a\x00",
        "a\nb",
        "a\x7f",
        "a\x85",
        "a\u202eb",
        "\u2066a",
        "\ufeffa",
        "a\u200b",
        "a\u2028",
    ],
    "path-too-long": ["a/" * 512 + "a", "å" * 200 + "/" + "å" * 60 + "/å" * 200, "a" * 100_000],
    "path-segment-too-long": ["a" * 256, "x/" + "å" * 128],
}


@pytest.mark.parametrize(("code", "path"), [(code, path) for code, paths in REFUSED.items() for path in paths])
def test_a_path_that_leads_elsewhere_or_deceives_is_refused_with_its_reason(code: str, path: str) -> None:
    with pytest.raises(PathRefused) as refused:
        normalise_path(path)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a/b.txt",
        "å/ä/ö",
        ".hidden",
        "..a",
        "a..",
        "...",
        "con",
        "nul.txt",
        "ab:c",
        "a b",
        "日本/語.png",
        "👩‍🔬.txt",
    ],
)
def test_an_unusual_path_that_is_somebodys_data_passes(path: str) -> None:
    assert normalise_path(path) == path


@pytest.mark.parametrize(
    "path", ["a" * 255, "/".join(["a" * 255] * 4), "-rf", "~", "$HOME", "%2e%2e", "*?", "a?q#p", '"']
)
def test_a_path_at_the_limit_or_odd_to_a_shell_passes(path: str) -> None:
    assert normalise_path(path) == path


def test_decomposed_and_composed_spellings_become_one() -> None:
    assert normalise_path("a\u030angstro\u0308m/\u212b") == "ångström/Å"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("A.txt", "a.TXT"),
        ("Straße", "STRASSE"),
        ("e\u0301", "\u00c9"),
        ("a/b", "A/B"),
        ("a.", "a"),
        ("a /b", "a/b"),
        ("\u03c3", "\u03c2"),
        ("ﬁle", "FILE"),
        ("\u1fb3", "\u03b1\u0399"),
    ],
)
def test_paths_that_some_file_system_takes_for_one_collide(one: str, two: str) -> None:
    assert collision_key(one) == collision_key(two)


@pytest.mark.parametrize(("one", "two"), [("a", "b"), ("a/b", "ab"), ("a1", "a²"), ("å", "a"), ("...", "..a")])
def test_paths_that_differ_do_not_collide(one: str, two: str) -> None:
    assert collision_key(one) != collision_key(two)


@given(st.text(max_size=40))
def test_what_passes_is_stable_relative_and_short(text: str) -> None:
    try:
        path = normalise_path(text)
    except PathRefused as refused:
        assert refused.code in TEXTS
        return
    assert normalise_path(path) == path == unicodedata.normalize("NFC", path)
    assert not path.startswith("/") and "\\" not in path and len(path.encode()) <= 1024
    assert all(segment and segment not in (".", "..") for segment in path.split("/"))


@given(st.text(max_size=40))
def test_the_collision_key_is_the_same_for_every_spelling_and_case(text: str) -> None:
    key = collision_key(text)
    assert collision_key(unicodedata.normalize("NFC", text)) == collision_key(unicodedata.normalize("NFD", text)) == key
    assert collision_key(text.casefold()) == key


def test_a_set_of_paths_holds_no_two_alike_and_nothing_that_is_file_and_folder() -> None:
    paths = PathSet()
    assert [paths.add(p) for p in ("data/A", "data/b", "x/y/z")] == ["data/A", "data/b", "x/y/z"]
    for path, code in [
        ("DATA/a", "path-duplicate"),
        ("x/Y", "path-file-and-folder"),
        ("data/b/c", "path-file-and-folder"),
    ]:
        with pytest.raises(PathRefused) as refused:
            paths.add(path)
        assert refused.value.code == code
    paths.add("x/y2")


def test_every_code_speaks_both_languages_and_no_error_shows_the_path() -> None:
    assert set(REFUSED) | {"path-duplicate", "path-file-and-folder"} == set(TEXTS)
    assert all(text.keys() == {"sv", "en"} for text in TEXTS.values())
    with pytest.raises(PathRefused) as refused:
        normalise_path("secret-name/../x")
    assert "secret" not in repr(refused.value) + str(refused.value.params)
