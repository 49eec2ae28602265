"""The pure rules of admission, held to the law that decides later."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.access.admission import rules
from services.access.admission.rules import Recipient
from services.access.vocabulary import ACTIONS, PURPOSES
from tests.access.policy.facts import read_facts
from tests.access.policy.law import ask


def terms(**changes: Any) -> dict[str, Any]:
    return {**read_facts()["terms"], **changes}


UNIVERSITY = Recipient("u", "academia")


@settings(deadline=None)  # the first case loads the law
@given(
    action=st.sampled_from(ACTIONS),
    purpose=st.sampled_from(PURPOSES),
    permitted=st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=3, unique=True),
    actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=6, unique=True),
    any_purpose=st.booleans(),
    commercial=st.booleans(),
    sectors=st.lists(st.sampled_from(["academia", "industry"]), max_size=1),
    any_recipient=st.booleans(),
)
def test_what_is_refused_at_once_is_what_the_law_would_never_permit(
    action: str,
    purpose: str,
    permitted: list[str],
    actions: list[str],
    any_purpose: bool,
    commercial: bool,
    sectors: list[str],
    any_recipient: bool,
) -> None:
    """The request is refused exactly where the rules action, purpose and recipient of the law would not pass."""
    normal = terms(
        actions=sorted(actions),
        purposes={"any": any_purpose, "list": [] if any_purpose else sorted(permitted)},
        commercial=commercial,
        recipients={"any": any_recipient, "partners": [], "sectors": [] if any_recipient else sectors},
    )
    facts = read_facts()
    facts["terms"] = normal
    facts["request"] |= {"action": action, "purpose": purpose}
    facts["project"]["purpose"] = facts["grants"][0]["purpose"] = purpose
    facts["grants"][0]["actions"] = [action]
    passed = set(ask(facts)["passed"])
    refused = {pointer for pointer, _ in rules.refusal_of_request(normal, [action], purpose, [UNIVERSITY])}
    assert ("/actions/0" in refused) == ("action" not in passed)
    assert ("/purpose" in refused) == ("purpose" not in passed)
    if "recipient" in passed or any_recipient or sectors:
        assert ("/project_id" in refused) == ("recipient" not in passed)


def test_one_permitted_partner_of_the_project_is_enough() -> None:
    to = terms(recipients={"any": False, "partners": ["b"], "sectors": []})
    partners = [Recipient("a", "industry"), Recipient("b", "industry")]
    assert rules.refusal_of_request(to, ["read"], "research", partners) == []
    assert rules.refusal_of_request(to, ["read"], "research", partners[:1]) == [
        ("/project_id", "recipient-never-permitted")
    ]


@pytest.mark.parametrize(
    ("decided", "steward", "member", "may"),
    [
        (False, True, False, {"ask", "decide"}),
        (False, True, True, {"ask", "answer"}),
        (False, False, True, {"answer"}),
        (False, False, False, set[str]()),
        (True, True, True, set[str]()),
    ],
)
def test_who_may_do_what_with_a_request(decided: bool, steward: bool, member: bool, may: set[str]) -> None:
    refusals = rules.request_refusals(decided=decided, steward=steward, member=member, party=member)
    assert {action for action, why in refusals if why is None} == may


def test_a_purpose_covers_itself_and_its_children_only() -> None:
    assert rules.covers("research", "research") and rules.covers("research", "research/basic")
    assert not rules.covers("research/basic", "research")
    assert not rules.covers("research", "researchers") and not rules.covers("research", "education")
