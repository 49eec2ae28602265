"""Names: who is found, which words are left, and the lists themselves."""

import pytest

from services.deid.engine.text.names.find import normal_form
from services.deid.engine.text.names.invented import FIRST, LAST, PLACES, STREETS
from services.deid.engine.text.names.lexicon import lexicon
from tests.deid.engine.text import planted

PLAN = planted.plan("label", ("text.name",))


@pytest.mark.parametrize(
    "text",
    [
        "I går kom «Anna Svensson» hit.", "«ANNA SVENSSON» kom.", "«Anna Svenssons» bil stod där.",
        "Enligt «Lars-Erik Öberg» är det så.",
        "Jag såg «Carl von Essen» där.", "Men «J. Andersson» kom inte.", "Statsminister «Xerxes» talade.",
        "Då säger «Qvarnvik» nej.",
        "Sedan träffade de «Oussama Mellouli» igen.", "Namn: «xyz qwerty»\n", "Det var «anna svensson» som ringde.",
        "«Björn Ek» bor där.", "Hon heter «Maria».", "Där bor «Bengt» och «Siv».", "kung «Carl Gustaf» kom",
        "«Per» sade nej.",
        "Då kom «Anna\nSvensson» hem.", "Med vänlig hälsning\n«Karin Lind»", "Kommunen anställde «Fatima Haddad».",
    ],
)  # fmt: skip
def test_names_are_found(text: str) -> None:
    plain = text.replace("«", "").replace("»", "")
    wanted = [part.split("»")[0] for part in text.split("«")[1:]]
    assert [plain[s.start : s.end] for s in PLAN.find(plain)] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "Vår tid är nu.", "Sten är hårt.", "Han stod på en stig i skogen.", "Stockholm är en stad.",
        "I Uppsala regnar det.",
        "Regeringen beslutade i går.", "Det var i Norge.", "På måndag kommer snön.", "Under hösten var det kallt.",
        "Hon läste en bok om björnar.", "Per person kostar det mycket.", "", "ABC", "SVT och TV4", "Alla kom.",
    ],
)  # fmt: skip
def test_other_words_are_left(text: str) -> None:
    assert PLAN.find(text) == []


def test_a_name_told_in_full_is_known_in_the_rest_of_the_text() -> None:
    text = "Då kom Pelle Qvarnvik hem. Qvarnvik var trött."
    assert PLAN.treat(text).text == "Då kom [PERSON] hem. [PERSON] var trött."


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Anna  Svenssons", "anna svensson"), ("ANNA SVENSSON", "anna svensson"), ("Lars", "lars"), ("Mats", "mats"),
        ("Annas", "anna"), ("Anna-Karin\nLind", "anna-karin lind"), ("J. Berg", "j berg"),
    ],
)  # fmt: skip
def test_normal_form(written: str, normal: str) -> None:
    assert normal_form(written) == normal


def test_invented_names_are_nobodys_and_stay_as_they_are() -> None:
    known = lexicon()
    listed = known.first | known.last | known.foreign_first | known.foreign_last | known.words | known.others
    assert not {name.lower() for name in FIRST + LAST} & listed
    assert len(set(FIRST)) == len(FIRST) and len(set(LAST)) == len(LAST)
    surrogates = planted.plan("surrogate", ("text.name",))
    for name in FIRST + LAST:
        assert surrogates.find(f"Säger {name} till {name}s mor.") == []
        assert surrogates.find(f"I går kom {FIRST[0]} {name} hit.") == []
    for place in PLACES:
        assert planted.plan("surrogate", ("text.address",)).treat(f"012 34 {place}").spans == []
    for street in STREETS:
        assert planted.plan("surrogate", ("text.address",)).treat(f"på {street} 5 i").spans == []


def test_the_lexicon_names_its_sources() -> None:
    from pathlib import Path

    from services.deid.engine.text.names import lexicon as module

    header = Path(module.__file__).with_name("lexicon.txt").read_text("utf-8").split("[")[0]
    assert "CC BY 4.0" in header and "klintan/swedish-ner-corpus" in header and "Webbnyheter 2012" in header
    assert "faker" in header and "MIT" in header


def test_the_lexicon_loads_quickly() -> None:
    import time

    lexicon.cache_clear()
    started = time.perf_counter()
    lexicon()
    assert time.perf_counter() - started < 2
