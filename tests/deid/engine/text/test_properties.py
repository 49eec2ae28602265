"""Whatever the text: no exception, no planted identifier left, offsets right, treating twice changes nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.deid.engine.operator import Keys
from services.deid.engine.text.pipeline import TextPlan, replaced
from tests.deid.engine.text import planted
from tests.deid.engine.text.planted import ACTIONS, KEYS, PLANS, PLANTED, bare, disguised

fast = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
actions = st.sampled_from(ACTIONS)

FRAGMENTS = (
    *"0123456789-+ .@/:ABCabcåSE[]█()\n'xf_",
    "\u200b", "\u0301", "\ud800", "född ", "tel ", "Anna ", "Svensson ", "gatan ", "säger ", "[PERSON]", "[", "PERSON]",
    "bg ", "850709", "070", "PERSON-bcdfghjklmnp", "[BORN 1980s]", "1985", "SE45", "::", "Namn: ", "****", "XXXX",
)  # fmt: skip
soup = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join)
"""Text made of what finders look for, and of what treatment writes."""

before = st.tuples(st.text(max_size=40), st.sampled_from((" ", "\n", ". ", ", ", ' "', "; ", ": "))).map("".join)
behind = st.tuples(st.sampled_from((" ", "\n", ". ", ", ", ") ", '" ')), st.text(max_size=40)).map("".join)


def check(plan: TextPlan, text: str) -> str:
    """Treat a text, hold what is true of every text, and return what it became."""
    result = plan.treat(text)
    assert result.withheld is None
    end = 0
    for span in result.spans:
        assert end <= span.start < span.end <= len(text)
        end = span.end
    assert replaced(text, result.spans) == result.text
    again = plan.treat(result.text)
    assert again.text == result.text
    assert again.spans == []
    return result.text


@fast
@given(st.text(), actions)
def test_any_text(text: str, action: str) -> None:
    check(PLANS[action], text)


@fast
@given(soup, actions)
def test_text_made_of_what_finders_look_for(text: str, action: str) -> None:
    check(PLANS[action], text)


@pytest.mark.parametrize("operator", PLANTED)
def test_planted_identifiers_never_come_out(operator: str) -> None:
    identifiers, contexts = PLANTED[operator]

    @fast
    @given(st.data(), identifiers, st.sampled_from(contexts), actions, before, behind)
    def holds(data: st.DataObject, identifier: str, context: str, action: str, before: str, behind: str) -> None:
        shown = data.draw(disguised(identifier)) if data.draw(st.booleans()) else identifier
        after = check(PLANS[action], before + context + shown + behind)
        assert bare(identifier) not in bare(after)

    holds()


@pytest.mark.parametrize("operator", PLANTED)
def test_each_operator_finds_its_own_alone(operator: str) -> None:
    identifiers, contexts = PLANTED[operator]
    plan = planted.plan("label", (operator,))

    @fast
    @given(identifiers, st.sampled_from(contexts))
    def holds(identifier: str, context: str) -> None:
        assert bare(identifier) not in bare(check(plan, f"{context}{identifier} och mer"))

    holds()


@fast
@given(
    st.data(), planted.personal_numbers(), actions, st.sampled_from(("\n", "\r\n", "-\n", "\n    ", " \n", "\u2028"))
)
def test_personal_numbers_split_by_a_line_end(data: st.DataObject, number: str, action: str, split: str) -> None:
    at = data.draw(st.integers(1, len(number) - 1))
    after = check(PLANS[action], f"rör {number[:at]}{split}{number[at:]} i dag")
    assert bare(number) not in bare(after)


@fast
@given(st.data(), planted.phones(), actions, st.sampled_from(("\n", "\r\n", "\n    ")))
def test_phones_split_by_a_line_end_between_groups(data: st.DataObject, phone: str, action: str, split: str) -> None:
    gaps = [index for index, character in enumerate(phone) if index and character in " -"] or [len(phone)]
    at = data.draw(st.sampled_from(gaps))
    after = check(PLANS[action], f"tel {phone[:at]}{split}{phone[at:].lstrip()} i dag")
    assert bare(phone) not in bare(after)


@fast
@given(st.data(), st.permutations(sorted(PLANTED)), st.binary(min_size=32, max_size=32))
def test_pseudonyms_do_not_depend_on_order_or_surroundings(data: st.DataObject, order: list[str], key: bytes) -> None:
    plan = planted.plan("pseudonymise", keys=Keys("k", key))
    lines = [data.draw(PLANTED[operator][0]).replace("\n", ", ") for operator in order]
    lines = [f"tel {line}" if operator == "text.phone" else line for operator, line in zip(order, lines, strict=True)]
    alone = [plan.treat(line).text for line in lines]
    together = plan.treat("\n\nDetta är slutet.\n\n".join(lines)).text
    assert together == "\n\nDetta är slutet.\n\n".join(alone)
    backwards = plan.treat("\n\nDetta är slutet.\n\n".join(reversed(lines))).text
    assert backwards == "\n\nDetta är slutet.\n\n".join(reversed(alone))


@fast
@given(planted.ten_digits(), st.sampled_from(planted.SIGNS), st.booleans())
def test_every_way_of_writing_a_personal_number_is_one_pseudonym(
    number: tuple[str, str], sign: str, century: bool
) -> None:
    plan = planted.plan("pseudonymise", ("text.personal-number",))
    written = (number[0] if century else "") + number[1][:6] + sign + number[1][6:]
    assert plan.treat(written).text == plan.treat(f"{number[1][:6]}-{number[1][6:]}").text


@fast
@given(st.text(max_size=200), st.text(max_size=20), actions)
def test_context_shifts_no_offset(text: str, context: str, action: str) -> None:
    result = PLANS[action].treat(text, context)
    assert replaced(text, result.spans) == result.text
    assert PLANS[action].treat(result.text, context).text == result.text


def test_two_keys_give_two_pseudonyms() -> None:
    plans = [planted.plan("pseudonymise", keys=keys) for keys in (KEYS, Keys("other", b"x" * 32))]
    assert len({plan.treat("850709-1234").text for plan in plans}) == 2
