"""Each rule of the law has a case in which it alone decides, and each code a case in which it is told."""

from typing import Any

import pytest

from services.access.decisions.engine import CODES, RULES
from tests.access.policy.facts import (
    NOW,
    PERMITTED,
    Facts,
    an_id,
    at,
    newcomer_facts,
    read_facts,
    with_value,
)
from tests.access.policy.law import ask, left_out

FOR_OTHERS = {"any": False, "partners": [an_id(5)], "sectors": ["public"]}
TRAINING_CLUSTER = PERMITTED["train"]()["environment"]["cluster"]

ALONE: list[tuple[str, str, str, Any, list[str]]] = [
    # rule, permitted input, the one thing changed, its new value, the codes
    ("action", "read", "terms/actions", ["train"], ["action-not-permitted"]),
    ("agreement", "read", "grants/0/agreement/signed", False, ["agreement-unsigned"]),
    ("audit", "train", "environment/cluster/audit", {"kind": "none"}, ["audit-absent"]),
    ("audit", "train", "environment/cluster/audit/until", NOW, ["audit-lapsed"]),
    ("audit", "train", "environment/cluster/audit/from", NOW + 1, ["audit-absent"]),
    ("class", "restricted", "environment/cluster/own", False, ["integrity-class-not-met"]),
    ("class", "read", "environment/cluster", TRAINING_CLUSTER, ["integrity-class-not-met"]),
    ("country", "read", "partner/country", "US", ["country-not-permitted"]),
    ("country", "train", "environment/cluster/country", "SE", ["country-not-permitted"]),
    ("country", "restricted", "environment/cluster/country", "NO", ["country-not-permitted"]),
    ("course", "read", "completions", [], ["course-not-valid"]),
    ("course", "read", "completions/0/until", NOW, ["course-not-valid"]),
    ("course", "read", "terms/courses", ["another-course"], ["course-not-valid"]),
    ("dataset", "read", "dataset/state", "withdrawn", ["dataset-withdrawn"]),
    ("dataset", "prepare", "dataset/state", "withdrawn", ["dataset-withdrawn"]),
    ("grant", "read", "grants/0/until", NOW, ["agreement-unsigned", "grant-expired"]),
    ("grant", "read", "grants/0/revoked", True, ["agreement-unsigned", "grant-revoked"]),
    ("grant", "read", "grants/0/from", NOW + 1, ["agreement-unsigned", "grant-absent"]),
    ("isolation", "train", "environment/cluster/isolation", "user", ["isolation-too-weak"]),
    ("isolation", "restricted", "environment/cluster/isolation", "none", ["isolation-too-weak"]),
    ("membership", "read", "membership/active", False, ["membership-ended"]),
    ("membership", "read", "membership/role", "none", ["membership-ended"]),
    ("membership", "read", "subject/active", False, ["membership-ended"]),
    ("membership", "read", "partner/active", False, ["membership-ended"]),
    ("membership", "read", "project/open", False, ["membership-ended"]),
    ("membership", "read", "project/partner_ids", [an_id(5)], ["membership-ended"]),
    ("membership", "read", "project/ends", NOW, ["membership-ended"]),
    ("membership", "read", "project/starts", NOW + 1, ["membership-ended"]),
    ("period", "read", "terms/period/from", NOW + 1, ["period-not-open"]),
    ("period", "read", "terms/period/until", NOW, ["period-not-open"]),
    ("period", "read", "project/ethics_until", NOW, ["period-not-open"]),
    ("purpose", "read", "terms/purposes/list", ["education"], ["purpose-not-permitted"]),
    ("purpose", "read", "project/purpose", "research/basic", ["purpose-not-permitted"]),
    ("purpose", "read", "grants/0/purpose", "research/basic", ["purpose-not-permitted"]),
    ("purpose", "read", "request/purpose", "education", ["purpose-not-permitted"]),
    ("recipient", "train", "terms/recipients", FOR_OTHERS, ["recipient-not-permitted"]),
    ("recipient", "read", "terms/recipients", FOR_OTHERS, ["recipient-not-permitted"]),
    ("shape", "read", "subject/id", "not-an-id", []),
    ("shape", "read", "request/paths_digest", "the whole version", []),
    ("shape", "train", "environment/cluster/id", "cluster-1", []),
    ("version", "read", "version/state", "committed", ["version-not-released"]),
    ("version", "read", "version/gate", "required", ["version-not-released"]),
    ("version", "read", "version/personal_data", "unknown", ["version-not-released"]),
    ("version", "read", "terms/gate", "required", ["version-not-released"]),
    ("version", "read", "dataset/state", "draft", ["version-not-released"]),
    ("version", "prepare", "version/state", "withdrawn", ["version-not-released"]),
]


@pytest.mark.parametrize("facts", [make() for make in PERMITTED.values()], ids=list(PERMITTED))
def test_what_should_be_permitted_is_permitted(facts: Facts) -> None:
    result = ask(facts)
    assert result["permit"] is True
    assert tuple(result["passed"]) == tuple(result["required"]) == RULES
    assert result["codes"] == []


@pytest.mark.parametrize(
    ("rule", "permitted", "path", "value", "codes"), ALONE, ids=[f"{case[0]}: {case[2]}" for case in ALONE]
)
def test_a_rule_alone_decides(rule: str, permitted: str, path: str, value: Any, codes: list[str]) -> None:
    facts = with_value(PERMITTED[permitted](), at(path), value)
    result = ask(facts)
    assert result["permit"] is False
    assert left_out(facts) == {rule}
    assert result["codes"] == codes
    assert result["obligations"] == []


def test_no_rule_and_no_code_is_left_without_a_case() -> None:
    assert {case[0] for case in ALONE} == set(RULES)
    assert {code for case in ALONE for code in case[4]} == set(CODES)


def test_a_newcomer_with_the_wrong_purpose_is_told_exactly_four_things() -> None:
    assert ask(newcomer_facts())["codes"] == [
        "agreement-unsigned",
        "course-not-valid",
        "grant-absent",
        "purpose-not-permitted",
    ]


def test_each_cure_takes_away_exactly_its_code_and_the_last_permits() -> None:
    facts, permitted = newcomer_facts(), read_facts()
    facts["project"]["purpose"] = facts["request"]["purpose"] = "research"
    assert ask(facts)["codes"] == ["agreement-unsigned", "course-not-valid", "grant-absent"]
    facts["completions"] = permitted["completions"]
    assert ask(facts)["codes"] == ["agreement-unsigned", "grant-absent"]
    facts["grants"] = with_value(permitted, at("grants/0/agreement/signed"), False)["grants"]
    assert ask(facts)["codes"] == ["agreement-unsigned"]
    facts["grants"] = permitted["grants"]
    assert ask(facts)["permit"] is True


@pytest.mark.parametrize("path", ["grants/0", "completions/0", "terms/period", "environment/cluster/audit"])
def test_the_last_second_is_the_one_before_until(path: str) -> None:
    facts = PERMITTED["train"]()
    assert ask(with_value(facts, at(f"{path}/until"), NOW + 1))["permit"] is True
    assert ask(with_value(facts, at(f"{path}/until"), NOW))["permit"] is False


@pytest.mark.parametrize("path", ["grants/0", "completions/0", "terms/period", "environment/cluster/audit"])
def test_the_first_second_is_from(path: str) -> None:
    facts = PERMITTED["train"]()
    assert ask(with_value(facts, at(f"{path}/from"), NOW))["permit"] is True
    assert ask(with_value(facts, at(f"{path}/from"), NOW + 1))["permit"] is False


def test_training_without_a_cluster_tells_one_code_though_four_rules_refuse() -> None:
    facts = with_value(PERMITTED["restricted"](), at("environment/cluster"), {"kind": "none"})
    assert left_out(facts) == {"audit", "class", "country", "isolation"}
    assert ask(facts)["codes"] == ["integrity-class-not-met"]


def test_a_signature_for_another_purpose_does_not_sign_the_grant_in_use() -> None:
    facts = read_facts()
    signed = facts["grants"][0] | {"id": an_id(10), "purpose": "research/basic"}
    unsigned = facts["grants"][0] | {"id": an_id(11), "agreement": {"id": an_id(12), "signed": False}}
    for grants in ([signed, unsigned], [unsigned, signed]):
        assert ask(facts | {"grants": grants})["codes"] == ["agreement-unsigned"]


def test_a_permit_carries_its_duties_in_a_fixed_order() -> None:
    assert ask(PERMITTED["restricted"]())["obligations"] == [
        {"kind": "attribution", "text": "Data by the donor"},
        {"kind": "delete-after", "days": 30},
        {"kind": "same-terms"},
        {"kind": "results-through-steward"},
    ]
    assert {"kind": "results-through-steward"} not in ask(PERMITTED["train"]())["obligations"]
