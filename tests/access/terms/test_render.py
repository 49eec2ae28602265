"""Terms read in plain words, and every part of them is among the words."""

import pytest
from hypothesis import given, settings

from services.access.terms.meet import NOTHING
from services.access.terms.odrl import to_odrl
from services.access.terms.render import summary
from services.access.terms.vocabulary import Normal
from services.kit.texts import Language
from tests.access.terms.policies import example, kept, normals

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


LANGUAGES: tuple[Language, Language] = ("sv", "en")


def test_the_health_example_in_swedish() -> None:
    titles = {"using-donated-data": "Att använda donerade data"}
    assert summary(kept(example("health-research")), "sv", titles) == [
        "Tillåtet: att läsa och ladda ned data, förbereda data (till exempel avidentifiera), annotera data och träna "
        "modeller.",
        "Bara för dessa ändamål, med det som hör under dem: hälsoforskning.",
        "Kommersiell användning är inte tillåten.",
        "Bara för universitet och högskolor samt offentliga organisationer.",
        "Bara i dessa länder: Sverige.",
        "Från och med 2026-01-01, fram till 2031-01-01.",
        "Det som härleds ur data, till exempel modeller, får användas vidare på samma villkor.",
        "Den som använder data ska ha godkänt på kursen: Att använda donerade data.",
        "Data frisläpps först när en granskad rapport visar att avidentifieringen håller.",
        "Ange alltid källan så här: Source: the donor named in the catalogue.",
        "Alla kopior ska raderas inom 30 dagar efter att tillståndet upphört.",
    ]  # fmt: skip


def test_the_benchmarking_example_in_english() -> None:
    assert summary(kept(example("benchmarking")), "en") == [
        "Permitted: to read and download the data.",
        "Only for these purposes, with what falls under them: comparing methods (benchmarking).",
        "Commercial use is permitted.",
        "For every partner in the factory.",
        "Only in these countries: the EEA.",
        "Without an end date.",
        "What is derived from the data may not be used further outside the project.",
        "Whoever uses the data must have passed the course: using-donated-data.",
        "All copies must be deleted within 7 days after the grant ends.",
    ]


@QUICK
@given(normals(), normals())
def test_other_terms_read_otherwise(a: Normal, b: Normal) -> None:
    for lang in LANGUAGES:
        said = summary(a, lang)
        assert all(sentence and "{" not in sentence.replace(a["attribution"], "") for sentence in said)
        assert (said == summary(b, lang)) == (a == b)


def test_nothing_is_no_offer() -> None:
    assert summary(NOTHING, "en") == ["Nothing is permitted."]
    with pytest.raises(ValueError, match="permit nothing"):
        to_odrl(NOTHING)
