"""The six actions: what stands there afterwards."""

import re

import pytest

from services.deid.engine.operator import REGISTRY, Keys, Step
from services.deid.engine.text.pipeline import build_text_plan
from services.deid.engine.text.surrogates import surrogate
from tests.deid.engine.text import planted
from tests.deid.engine.text.planted import KEYS, PLANS

TEXT = "Säger Anna Svensson, 850709-1234, tel 070-123 45 67."


@pytest.mark.parametrize(
    ("action", "after"),
    [
        ("remove", "Säger , , tel ."),
        ("mask", "Säger █████████████, ███████████, tel █████████████."),
        ("label", "Säger [PERSON], [PERSONAL-NUMBER], tel [PHONE]."),
        ("generalise", "Säger [PERSON], [BORN 80s], tel [PHONE +46]."),
    ],
)
def test_actions(action: str, after: str) -> None:
    assert PLANS[action].treat(TEXT).text == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("198507091234", "[BORN 1980s]"),
        ("850769-1234", "[BORN 80s]"),
        ("född 1985-07-09", "född 1985"),
        ("född den 9 juli 1985", "född den 1985"),
        ("född 850709", "född [BIRTH-DATE]"),
        ("192.0.2.17", "192.0.2.0/24"),
        ("2001:db8:1:2::17", "2001:db8:1::/48"),
        ("Storgatan 12, 123 45 Uppsala", "[ADDRESS 12]"),
        ("Storgatan 12", "[ADDRESS]"),
        ("+44 20 7946 0958", "[PHONE]"),
        ("SE45 5000 0000 0583 9825 7466", "[IBAN SE]"),
        ("anna@example.se", "[EMAIL]"),
        ("ABC123", "[NUMBER-PLATE]"),
    ],
)
def test_generalising(text: str, after: str) -> None:
    assert PLANS["generalise"].treat(text).text == after


def test_pseudonyms_hold_no_digit_and_no_vowel() -> None:
    after = PLANS["pseudonymise"].treat(TEXT).text
    assert re.fullmatch(
        r"Säger PERSON-[b-df-hj-np-t]{12}, PERSONAL-NUMBER-[b-df-hj-np-t]{12}, tel PHONE-[b-df-hj-np-t]{12}\.", after
    )


@pytest.mark.parametrize(
    "same",
    [
        ("Anna Svensson kom", "Anna Svenssons", "ANNA SVENSSON", "Anna\u200b Svensson"),
        ("070-123 45 67", "+46 70 123 45 67", "0701234567", "0046 70-123 45 67", "+46 (0)70-123 45 67"),
        ("SE45 5000 0000 0583 9825 7466", "SE4550000000058398257466"),
        ("Anna@Example.SE", "anna@example.se", "anna (at) example (dot) se"),
        ("ABC 123", "ABC123"),
        ("född 1985-07-09", "född den 9 juli 1985", "född 19850709", "född 9/7 1985"),
        ("2001:db8::1", "2001:0db8:0:0:0:0:0:1"),
        ("850769-1234", "198507691234"),
    ],
)
def test_one_thing_has_one_pseudonym(same: tuple[str, ...]) -> None:
    found = {re.findall(r"[A-Z-]+-[b-t]{12}", PLANS["pseudonymise"].treat(text).text)[0] for text in same}
    assert len(found) == 1


def test_a_coordination_number_is_the_same_sort_of_person() -> None:
    texts = [PLANS["pseudonymise"].treat(text).text for text in ("850709-1234", "850769-1234")]
    assert texts[0].startswith("PERSONAL-NUMBER-") and texts[1].startswith("COORDINATION-NUMBER-")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("850709-1234", r"\d{4}[345]\d-\d{4}"),
        ("19850709 1234", r"19\d{4}[345]\d \d{4}"),
        ("850769-1234", r"\d{4}9[2-9]-\d{4}"),
        ("070-123 45 67", r"070-174 06 \d\d"),
        ("0701234567", r"07017406\d\d"),
        ("+46 70 123 45 67", r"\+46 70 174 06 \d\d"),
        ("08-123 45 67", r"08-465 00 4\d\d"),
        ("031-12 34 56", r"0(?:31-39 06 0\d\d|40-62 80 4\d\d)"),
        ("+44 20 7946 0958", r"\+46\d+"),
        ("anna@example.com", r"person-[b-t]{12}@example\.com"),
        ("SE45 5000 0000 0583 9825 7466", r"SE00( \d{4}){5}"),
        ("bg 5050-1055", r"bg 0000-\d{4}"),
        ("plusgiro 12 34 56-7", r"plusgiro 00 00 \d\d-\d"),
        ("192.0.2.17", r"240\.\d+\.\d+\.\d+"),
        ("2001:db8::17", r"2001:db8:[0-9a-f:]+"),
        ("ABC 123", r"[IQV]{3} \d{3}"),
        ("ABC12D", r"[IQV]{3}\d\d[A-Z]"),
        ("född 1985-07-09", r"född 19\d\d-07-3[2-9]"),
        ("född den 9 juli 1985", r"född den 3[2-9] juli 19\d\d"),
        ("Storgatan 12, 123 45 Uppsala", r"\w+ \d+, 0\d\d \d\d \w+"),
    ],
)
def test_surrogates_keep_the_form(text: str, form: str) -> None:
    assert re.fullmatch(form, PLANS["surrogate"].treat(text).text)


def test_surrogates_of_names_keep_kind_case_and_genitive() -> None:
    treat = PLANS["surrogate"].treat
    whole = treat("Anna Svensson").text
    first, last = whole.split()
    assert treat("ANNA SVENSSON").text == whole.upper()
    assert treat("Anna Svenssons").text == whole + "s"
    assert treat("I går kom Svensson hit.").text == f"I går kom {last} hit."
    assert treat("Anna von Svensson").text == f"{first} von {last}"


@pytest.mark.parametrize(
    "text", ["070-174 06 05", "anna@example.com", "192.0.2.17", "240.1.2.3", "SE00 1234 5678 9012 3456 7890"]
)
def test_what_only_looks_like_a_surrogate_is_replaced(text: str) -> None:
    left = [
        text
        for number in range(16)
        if planted.plan("surrogate", keys=Keys("k", bytes([number]) * 32)).treat(text).text == text
    ]
    assert len(left) <= 5  # of PTS's few numbers a keyed eighth stays


def test_an_own_pattern_has_pseudonyms_for_surrogates() -> None:
    assert surrogate(KEYS, "case-number", "a1", "A1").startswith("CASE-NUMBER-")


def test_removing_never_joins_two_halves_into_an_identifier() -> None:
    text = "8507anna@example.se09-1234"
    plan = planted.plan("remove", ("text.email", "text.personal-number"))
    after = plan.treat(f"850709-{text} 12070-123 45 67 34").text
    assert plan.find(after) == []


def test_recipe_order_settles_overlaps_and_nothing_is_left_standing_in_part() -> None:
    text = "Mejla 8507091234@example.se nu"
    for order in (("text.personal-number", "text.email"), ("text.email", "text.personal-number")):
        result = planted.plan("label", order).treat(text)
        label = "[PERSONAL-NUMBER]" if order[0] == "text.personal-number" else "[EMAIL]"
        assert result.text == f"Mejla {label} nu"
        assert [(s.start, s.end, s.operator) for s in result.spans] == [(6, 27, order[0])]


def test_a_plan_without_text_operators_is_none() -> None:
    assert build_text_plan([], KEYS) is None
    operator = REGISTRY.get("text.email")
    assert operator is not None
    assert build_text_plan([Step(operator, operator.params())], KEYS) is not None
