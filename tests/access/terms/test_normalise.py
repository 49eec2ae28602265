"""A policy is kept with everything it says, or refused with a pointer to each thing that cannot be kept."""

import json
from typing import Any

import pytest

from services.access.terms.jsonld import MAX_BYTES
from services.access.terms.normalise import normalise, normalise_text
from services.access.terms.texts import TEXTS
from services.access.terms.vocabulary import EEA, END_OF_TIME, ODRL, ODRL_CONTEXT, Refused
from tests.access.terms.policies import at, constraint, example, kept, policy

W3C = ODRL_CONTEXT
EXTRA, DUTY = "/permission/0/constraint/1", "/permission/0/duty"
LEFT, OPERATOR, RIGHT = f"{EXTRA}/leftOperand", f"{EXTRA}/operator", f"{EXTRA}/rightOperand"
PARTNER = "0192b1f0-0000-7000-8000-00000000000a"


def refused(document: Any) -> set[tuple[str, str]]:
    result = normalise(document)
    assert isinstance(result, Refused), result
    for fault in result.faults:
        at(document, fault.pointer)
        for text in TEXTS[fault.code].values():
            assert text.format(**fault.params)
    return {(fault.pointer, fault.code) for fault in result.faults}


def test_what_is_not_said_has_one_meaning() -> None:
    assert kept(policy()) == {
        "schema": 1,
        "actions": ["read"],
        "purposes": {"any": False, "list": ["research"]},
        "recipients": {"any": True, "partners": [], "sectors": []},
        "countries": {"any": True, "list": []},
        "countries_stated": False,
        "period": {"from": 0, "until": END_OF_TIME},
        "commercial": False,
        "courses": [],
        "gate": "none",
        "gate_thresholds": {},
        "derived_use": "forbidden",
        "attribution": "",
        "deletion_days": -1,
    }


def test_the_health_example_is_kept_whole() -> None:
    assert kept(example("health-research")) == {
        "schema": 1,
        "actions": ["read", "prepare", "annotate", "train"],
        "purposes": {"any": False, "list": ["research/health"]},
        "recipients": {"any": False, "partners": [], "sectors": ["academia", "public"]},
        "countries": {"any": False, "list": ["SE"]},
        "countries_stated": True,
        "period": {"from": 1767222000, "until": 1924988400},
        "commercial": False,
        "courses": ["using-donated-data"],
        "gate": "required",
        "gate_thresholds": {},
        "derived_use": "same-terms",
        "attribution": "Source: the donor named in the catalogue.",
        "deletion_days": 30,
    }


@pytest.mark.parametrize("name", ["open-research", "benchmarking"])
def test_the_other_examples_are_kept(name: str) -> None:
    assert kept(example(name))["courses"] == ["using-donated-data"]


@pytest.mark.parametrize(
    ("constraints", "field", "value"),
    [
        ([constraint("spatial", "isAnyOf", ["EEA"])], "countries", {"any": False, "list": list(EEA)}),
        ([constraint("spatial", "eq", {"@id": "urn:datafactory:country:worldwide"})], "countries_stated", True),
        ([constraint("spatial", "isAnyOf", ["CH", "SE"])], "countries", {"any": False, "list": ["CH", "SE"]}),
        (
            [constraint("recipient", "eq", f"urn:datafactory:partner:{PARTNER}")],
            "recipients",
            {"any": False, "partners": [PARTNER], "sectors": []},
        ),
        ([constraint("df:commercial", "eq", True)], "commercial", True),
        ([constraint("df:gate", "eq", "required")], "gate", "required"),
        ([constraint("df:course", "isAllOf", ["b", "urn:datafactory:course:a"])], "courses", ["a", "b"]),
        (
            [constraint("dateTime", "gteq", {"@value": "2026-03-29T03:00:00+02:00", "@type": "xsd:dateTime"})],
            "period",
            {"from": 1774746000, "until": END_OF_TIME},
        ),
        ([constraint("dateTime", "lt", "2026-03-29T01:00:00.000Z")], "period", {"from": 0, "until": 1774746000}),
        (
            [
                {
                    "and": [
                        constraint("dateTime", "gteq", "2026-01-01T00:00:00Z"),
                        constraint("df:gate", "eq", "required"),
                    ]
                }
            ],
            "period",
            {"from": 1767225600, "until": END_OF_TIME},
        ),
        (
            [{"and": {"@list": [constraint("df:commercial", "eq", True)]}, "@type": "LogicalConstraint"}],
            "commercial",
            True,
        ),
    ],
)
def test_constraints_that_are_kept(constraints: list[dict[str, Any]], field: str, value: Any) -> None:
    assert dict(kept(policy(*constraints)))[field] == value


@pytest.mark.parametrize(
    ("members", "field", "value"),
    [
        ({"action": "odrl:use"}, "actions", ["read", "prepare", "annotate", "train", "deploy", "share-derivative"]),
        ({"action": "use"}, "derived_use", "allowed"),
        ({"action": "use"}, "commercial", False),
        ({"action": ["read", "odrl:commercialize"]}, "commercial", True),
        ({"action": ["read", "derive"]}, "derived_use", "allowed"),
        ({"action": ["read", "derive"], "duty": {"action": "odrl:shareAlike"}}, "derived_use", "same-terms"),
        (
            {"duty": [{"action": "attribute", "df:text": "B"}, {"action": "attribute", "df:text": "A"}]},
            "attribution",
            "A\nB",
        ),
        ({"duty": {"action": "attribute", "df:text": "<b>Å</b>"}}, "attribution", "<b>Å</b>"),
        ({"duty": {"action": "delete", "constraint": constraint("delayPeriod", "lteq", "P2W")}}, "deletion_days", 14),
        ({"duty": {"action": "delete", "constraint": constraint("delayPeriod", "lteq", "P0D")}}, "deletion_days", 0),
    ],
)
def test_actions_and_duties_that_are_kept(members: dict[str, Any], field: str, value: Any) -> None:
    assert dict(kept(policy(**members)))[field] == value


def test_a_prohibition_overrules_a_permission_only_where_the_policy_says_so() -> None:
    document = policy(action="use")
    document["prohibition"] = {"action": ["df:deploy", "derive", "df:share-derivative"]}
    assert refused(document) == {
        ("/prohibition/action/0", "rules-contradict"),
        ("/prohibition/action/1", "rules-contradict"),
        ("/prohibition/action/2", "rules-contradict"),
    }
    document["conflict"] = "prohibit"
    normal = kept(document)
    assert normal["actions"] == ["read", "prepare", "annotate", "train"]
    assert normal["derived_use"] == "forbidden"


def test_permissions_under_the_same_conditions_are_one() -> None:
    document = policy()
    document["permission"].append({**document["permission"][0], "action": "df:train"})
    assert kept(document)["actions"] == ["read", "train"]
    document["permission"][1]["duty"] = {"action": "attribute", "df:text": "X"}
    assert refused(document) == {("/permission/1", "permissions-differ")}


def test_words_may_be_spelt_in_every_way_json_ld_has() -> None:
    full = ODRL
    spelt_out = {
        "@type": [full + "Offer"],
        full + "permission": {
            full + "action": {"@id": full + "read"},
            full + "constraint": {
                full + "leftOperand": {"@id": full + "purpose"},
                full + "operator": {"@id": full + "eq"},
                full + "rightOperand": [{"@id": "https://datafactory.example/ns#research"}],
            },
        },
    }
    assert kept(spelt_out) == kept(policy())
    ours = policy(action=["read", "train"])
    ours["@context"] = [W3C, "https://datafactory.example/ns#"]
    assert kept(ours)["actions"] == ["read", "train"]


@pytest.mark.parametrize(
    ("extra", "faults"),
    [
        (constraint("count", "lteq", 5), {(LEFT, "not-an-iri")}),
        (constraint("odrl:count", "lteq", 5), {(LEFT, "operand-not-supported")}),
        (constraint("spatial", "neq", "SE"), {(OPERATOR, "not-an-iri")}),
        (constraint("spatial", "isNoneOf", "SE"), {(OPERATOR, "operator-not-supported")}),
        (constraint("spatial", "eq", "ZZ"), {(RIGHT, "country-unknown")}),
        (constraint("spatial", "eq", ["SE", "NO"]), {(RIGHT, "one-value-expected")}),
        (
            constraint("spatial", "isAnyOf", ["SE", "EEA"]),
            {("/permission/0/constraint/1/rightOperand/0", "value-redundant")},
        ),
        (constraint("spatial", "isAnyOf", []), {(RIGHT, "empty-value")}),
        (
            constraint("spatial", "isAnyOf", ["SE", None]),
            {("/permission/0/constraint/1/rightOperand/1", "country-unknown")},
        ),
        (constraint("purpose", "eq", "research"), {(EXTRA, "constraint-twice")}),
        (constraint("recipient", "eq", "urn:datafactory:partner:x"), {(RIGHT, "recipient-unknown")}),
        (constraint("recipient", "isAllOf", "urn:datafactory:sector:public"), {(OPERATOR, "operator-not-supported")}),
        (constraint("dateTime", "lt", "2026-01-01T00:00:00"), {(RIGHT, "time-without-zone")}),
        (constraint("dateTime", "lt", "2026-01-01T00:00:00.5Z"), {(RIGHT, "time-below-a-second")}),
        (constraint("dateTime", "lt", "2026-13-01T00:00:00Z"), {(RIGHT, "time-invalid")}),
        (constraint("dateTime", "lt", "1969-12-31T00:00:00Z"), {(RIGHT, "time-out-of-range")}),
        (
            constraint("dateTime", "lt", {"@value": "2026-01-01", "@type": "xsd:date"}),
            {("/permission/0/constraint/1/rightOperand/@type", "value-type-wrong")},
        ),
        (constraint("dateTime", "lteq", "2026-01-01T00:00:00Z"), {(OPERATOR, "operator-inexact")}),
        (constraint("dateTime", "gt", "2026-01-01T00:00:00Z"), {(OPERATOR, "operator-inexact")}),
        (constraint("dateTime", "eq", "2026-01-01T00:00:00Z"), {(OPERATOR, "operator-not-supported")}),
        (constraint("df:commercial", "eq", 1), {(RIGHT, "value-type-wrong")}),
        (constraint("df:course", "isAnyOf", ["a", "b"]), {(OPERATOR, "operator-not-supported")}),
        (constraint("df:course", "eq", "A b"), {(RIGHT, "course-invalid")}),
        (constraint("df:gate", "eq", "maybe"), {(RIGHT, "gate-unknown")}),
        ({"or": [constraint("df:gate", "eq", "none")]}, {("/permission/0/constraint/1/or", "logic-not-supported")}),
        (
            {"and": [{"and": [constraint("df:gate", "eq", "none")]}]},
            {("/permission/0/constraint/1/and/0/and", "logic-nested")},
        ),
        ({**constraint("df:gate", "eq", "none"), "unit": "x"}, {("/permission/0/constraint/1/unit", "not-supported")}),
        (
            {**constraint("df:gate", "eq", "none"), "@reverse": {"x": 1}},
            {("/permission/0/constraint/1/@reverse", "unknown-key")},
        ),
        ({"@id": "urn:x:elsewhere"}, {(EXTRA, "key-missing")}),
        ("urn:x:elsewhere", {(EXTRA, "object-expected")}),
    ],
)
def test_constraints_that_cannot_be_kept(extra: Any, faults: set[tuple[str, str]]) -> None:
    assert refused(policy(extra)) == faults


@pytest.mark.parametrize(
    ("members", "faults"),
    [
        ({"action": "distribute"}, {("/permission/0/action", "not-an-iri")}),
        ({"action": ["read", "odrl:sell"]}, {("/permission/0/action/1", "action-unknown")}),
        ({"action": ["read", "odrl:read"]}, {("/permission/0/action/1", "value-redundant")}),
        ({"action": ["use", "read"]}, {("/permission", "value-redundant")}),
        ({"action": ["read", "delete"]}, {("/permission/0/action/1", "action-is-a-duty")}),
        (
            {"action": [{"rdf:value": {"@id": "odrl:read"}, "refinement": []}]},
            {("/permission/0/action/0", "action-refined")},
        ),
        ({"assignee": "urn:x:y"}, {("/permission/0/assignee", "assignee-not-supported")}),
        ({"target": "urn:x:y"}, {("/permission/0/target", "target-not-supported")}),
        ({"dct:description": "only on Tuesdays"}, {("/permission/0/dct:description", "unknown-key")}),
        ({"@type": "Prohibition"}, {("/permission/0/@type", "type-wrong")}),
        ({"odrl:action": "read"}, {("/permission/0/odrl:action", "member-twice")}),
        ({"duty": None}, {(DUTY, "empty-value")}),
        ({"duty": {"action": "compensate"}}, {("/permission/0/duty/action", "not-an-iri")}),
        ({"duty": {"action": "attribute"}}, {(DUTY, "key-missing")}),
        ({"duty": {"action": "attribute", "df:text": "a\u0007"}}, {("/permission/0/duty/df:text", "text-unclean")}),
        ({"duty": {"action": "attribute", "df:text": "a\nb"}}, {("/permission/0/duty/df:text", "text-unclean")}),
        (
            {"duty": {"action": "attribute", "df:text": {"@value": "a", "@language": "sv"}}},
            {("/permission/0/duty/df:text", "value-type-wrong")},
        ),
        ({"duty": {"action": "delete"}}, {(DUTY, "delay-missing")}),
        (
            {"duty": {"action": "delete", "constraint": constraint("delayPeriod", "lteq", "P1M")}},
            {("/permission/0/duty/constraint/rightOperand", "duration-not-in-days")},
        ),
        (
            {"duty": {"action": "delete", "constraint": constraint("delayPeriod", "eq", "P1D")}},
            {("/permission/0/duty/constraint/operator", "operator-not-supported")},
        ),
        ({"duty": {"action": "odrl:shareAlike"}}, {("/permission", "share-alike-without-derive")}),
        ({"action": "df:share-derivative"}, {("/permission", "sharing-without-derive")}),
        ({"constraint": constraint("df:gate", "eq", "required")}, {("/permission/0", "purpose-missing")}),
        (
            {"constraint": constraint("purpose", "isAnyOf", ["research", "research/basic"])},
            {("/permission/0/constraint/rightOperand/1", "value-redundant")},
        ),
        (
            {"constraint": constraint("purpose", "eq", "innovation/product-development")},
            {("/permission", "purpose-is-commercial")},
        ),
        (
            {"constraint": constraint("purpose", "eq", "fun")},
            {("/permission/0/constraint/rightOperand", "purpose-unknown")},
        ),
    ],
)
def test_rules_that_cannot_be_kept(members: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    assert refused(policy(**members)) == faults


@pytest.mark.parametrize(
    ("members", "faults"),
    [
        ({"@context": "https://evil.example/context.jsonld"}, {("/@context", "context-unknown")}),
        ({"@context": [W3C, {"df": "https://evil.example/"}]}, {("/@context/1/df", "context-unknown")}),
        ({"@context": [W3C, {"@vocab": ODRL}]}, {("/@context/1/@vocab", "context-unknown")}),
        ({"@context": [W3C, {"permission": ODRL}]}, {("/@context/1/permission", "context-unknown")}),
        ({"@graph": [{"@type": "Offer"}]}, {("/@graph", "unknown-key")}),
        ({"@included": []}, {("/@included", "unknown-key")}),
        ({"@type": "Agreement"}, {("/@type", "not-an-iri")}),
        ({"@type": ["Offer", "Set"]}, {("/@type", "not-an-iri")}),
        ({"uid": "_:b0"}, {("/uid", "uid-invalid")}),
        ({"uid": "urn:x:1", "@id": "urn:x:2"}, {("/@id", "member-twice")}),
        ({"profile": "https://elsewhere.example/profile"}, {("/profile", "profile-unknown")}),
        ({"conflict": "odrl:perm"}, {("/conflict", "conflict-strategy")}),
        ({"inheritFrom": "urn:x:parent"}, {("/inheritFrom", "not-supported")}),
        ({"obligation": [{"action": "delete"}]}, {("/obligation", "obligation-not-supported")}),
        ({"assigner": "urn:x:y"}, {("/assigner", "assigner-not-supported")}),
        ({"constraint": []}, {("/constraint", "belongs-in-permission")}),
        ({"prohibition": {"action": "use"}}, {("/prohibition/action", "rules-contradict")}),
        (
            {"prohibition": {"action": "df:deploy", "constraint": constraint("purpose", "eq", "education")}},
            {("/prohibition/constraint", "prohibition-constrained")},
        ),
        ({"permission": []}, {("/permission", "empty-value")}),
        ({"description": "free text"}, {("/description", "unknown-key")}),
    ],
)
def test_policies_that_cannot_be_kept(members: dict[str, Any], faults: set[tuple[str, str]]) -> None:
    assert refused({**policy(), **members}) == faults


def test_two_nodes_of_one_name_would_be_one_node() -> None:
    document = policy(uid="urn:x:1")
    document["uid"] = "urn:x:1"
    assert refused(document) == {("/permission/0/uid", "uid-twice")}


def test_commerce_is_permitted_or_not_but_never_both() -> None:
    document = policy(constraint("df:commercial", "eq", True))
    document["prohibition"] = {"action": "odrl:commercialize"}
    assert refused(document) == {("/prohibition/action", "rules-contradict")}
    assert refused(policy(constraint("df:commercial", "eq", False), action=["read", "odrl:commercialize"])) == {
        ("/permission", "rules-contradict")
    }


def test_an_empty_period_is_refused() -> None:
    begins, ends = (
        constraint("dateTime", "gteq", "2027-01-01T00:00:00Z"),
        constraint("dateTime", "lt", "2027-01-01T00:00:00Z"),
    )
    assert refused(policy(begins, ends)) == {("/permission/0/constraint", "period-empty")}


def test_courses_that_do_not_exist_are_pointed_out() -> None:
    document = policy(constraint("df:course", "isAllOf", ["using-donated-data", "nowhere"]))
    result = normalise(document, {"using-donated-data"})
    assert isinstance(result, Refused)
    assert [(f.pointer, f.code) for f in result.faults] == [
        ("/permission/0/constraint/1/rightOperand/1", "course-unknown")
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "policy-not-json"),
        (b"\xff\xfe", "policy-not-json"),
        (b'{"a": NaN}', "policy-not-json"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "policy-not-json"),
        (b"[" * 60000, "policy-too-deep"),
        (b'{"@type": "Offer", "@type": "Set"}', "member-twice"),
        (b'"' + b"x" * MAX_BYTES + b'"', "policy-too-large"),
        (b'{"a": "\\ud800"}', "text-not-unicode"),
        (b'{"\\u0000": 1}', "text-not-unicode"),
        (b"[]", "object-expected"),
        (b"null", "object-expected"),
    ],
)
def test_bytes_that_are_no_policy(body: bytes, code: str) -> None:
    result = normalise_text(body)
    assert isinstance(result, Refused)
    assert [fault.code for fault in result.faults] == [code]
    assert code in TEXTS


def test_text_gives_the_policy_back_with_its_normal_form() -> None:
    document = example("open-research")
    result = normalise_text(json.dumps(document).encode())
    assert not isinstance(result, Refused)
    assert result == (normalise(document), document)


def test_attribution_is_limited_in_all() -> None:
    duties = [{"action": "attribute", "df:text": f"{number:03} " + "x" * 990} for number in range(11)]
    assert refused(policy(duty=duties)) == {("/permission/0/duty", "text-too-long")}
    assert len(kept(policy(duty=duties[:10]))["attribution"]) <= 10_000


def test_a_bare_name_as_id_would_be_relative_to_somewhere() -> None:
    assert refused(policy(constraint("df:course", "eq", {"@id": "using-donated-data"}))) == {(RIGHT, "course-invalid")}


def test_faults_are_told_up_to_a_limit() -> None:
    result = normalise({**policy(), **{f"x{n}": n for n in range(500)}})
    assert isinstance(result, Refused)
    assert len(result.faults) == 100
