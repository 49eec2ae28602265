"""Names of files: treated as text, and no two files get one name."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from services.deid.engine.names import Taken, treat_path, treat_path_counted
from services.deid.engine.operator import Keys
from services.deid.engine.plan import Plan, compile_plan

KEYS = Keys("key", bytes(32))
NUMBER = "19811228-9874"


def plan(*operators: str) -> Plan:
    return compile_plan({"operators": [{"operator": name, "params": {}} for name in operators]}, KEYS)


TEXT = plan("text.personal-number", "text.email", "text.name")


def test_each_part_is_treated_and_the_extension_stays() -> None:
    path, counts = treat_path_counted(f"patients/{NUMBER}/scan_{NUMBER}.csv", TEXT)
    assert NUMBER not in path
    assert path.startswith("patients/") and path.endswith(".csv") and path.count("/") == 2
    assert counts == {"personal-number": 2}


def test_names_joined_by_other_signs_than_spaces_are_found() -> None:
    for path in ("anna_svensson.jpg", "Anna-Svensson.jpg", "Anna.Svensson.jpg", "intervju_Anna_Svensson_2.txt"):
        assert "svensson" not in treat_path(path, TEXT).lower(), path


def test_without_text_operators_a_path_stays() -> None:
    assert treat_path(f"{NUMBER}.txt", plan("image.metadata")) == f"{NUMBER}.txt"


def test_ordinary_names_stay() -> None:
    for path in ("images/0001.png", "data/table.csv", "README.md", "notes/visit-3.txt"):
        assert treat_path(path, TEXT) == path


PATHS = st.lists(
    st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=20),
    min_size=1,
    max_size=4,
).map("/".join)


@settings(max_examples=60, deadline=None)
@given(PATHS)
def test_treated_names_are_names(path: str) -> None:
    made = treat_path(path, TEXT)
    assert (made and len(made.encode()) <= 1000) or made == path
    if made != path:
        assert all(part.strip() and part not in (".", "..") for part in made.split("/"))
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in made)


def test_equal_names_get_numbers() -> None:
    taken = Taken()
    assert [taken.take("a/x.txt") for _ in range(3)] == ["a/x.txt", "a/x-2.txt", "a/x-3.txt"]
    assert taken.take("a/x-2.txt") == "a/x-2-2.txt"
    assert taken.take("A/X.TXT") == "A/X-4.TXT"


def test_a_file_and_a_folder_never_share_a_name() -> None:
    taken = Taken()
    assert taken.take("a/b") == "a/b"
    assert taken.take("a/b/c") == "a/b-folder/c"
    assert taken.take("a/b/d") == "a/b-folder/d"
    assert taken.take("a") == "a-2"


@given(
    st.lists(st.lists(st.sampled_from(["a", "A", "b", "a.txt", "a-2.txt", "ä"]), min_size=1, max_size=3), max_size=25)
)
def test_no_two_get_one_name(parts: list[list[str]]) -> None:
    taken = Taken()
    made = [taken.take("/".join(each)) for each in parts]
    keys = [unicodedata.normalize("NFC", path).casefold() for path in made]
    assert len(set(keys)) == len(keys)
    folders = {"/".join(key.split("/")[:n]) for key in keys for n in range(1, key.count("/") + 1)}
    assert not folders & set(keys)
    # Going on from what is written down is the same as never having stopped.
    again = Taken()
    for path in made:
        again.add(path)
    assert again.take("a/b") == taken.take("a/b")
