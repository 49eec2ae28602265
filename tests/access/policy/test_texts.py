"""People are told each code and each cure in Swedish and English, and a cure names the operation that helps."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.access.decisions import cures as cures_module
from services.access.decisions.cures import Cure, cures
from services.access.decisions.engine import CODES
from services.access.decisions.engine.port import DUTIES
from services.access.decisions.texts import CODE_TEXTS, CURE_TEXTS, OBLIGATION_TEXTS
from tests.access.policy.facts import (
    NOW,
    PERMITTED,
    Facts,
    an_id,
    at,
    newcomer_facts,
    prepare_facts,
    read_facts,
    restricted_facts,
    train_facts,
    with_value,
)
from tests.access.policy.law import ask
from tests.access.policy.test_rules import ALONE

THE_SEVENTEEN = """
purpose-not-permitted recipient-not-permitted country-not-permitted action-not-permitted period-not-open
course-not-valid grant-absent grant-expired grant-revoked agreement-unsigned membership-ended version-not-released
dataset-withdrawn integrity-class-not-met isolation-too-weak audit-absent audit-lapsed
""".split()

# operationIds that outsiders rely on; a cure may name no other.
OPERATIONS = {
    "add_member",
    "create_project",
    "create_request",
    "list_datasets",
    "list_versions",
    "publish_dataset",
    "release_version",
    "sign_agreement",
    "start_attempt",
    "update_project",
}


def told(facts: Facts) -> dict[str, list[Cure]]:
    return cures(ask(facts)["codes"], facts)


def changed(facts: Facts, path: str, value: Any) -> Facts:
    return with_value(facts, at(path), value)


def test_the_codes_are_the_seventeen() -> None:
    assert sorted(THE_SEVENTEEN) == list(CODES)
    assert sorted(CODE_TEXTS) == list(CODES)


def test_every_obligation_is_told_in_both_languages() -> None:
    assert set(OBLIGATION_TEXTS) == set(DUTIES)
    assert all(set(text) == {"sv", "en"} for text in OBLIGATION_TEXTS.values())


@pytest.mark.parametrize("texts", [CODE_TEXTS, CURE_TEXTS], ids=["codes", "cures"])
def test_every_text_is_a_sentence_in_both_languages(texts: dict[str, dict[str, str]]) -> None:
    for name, text in texts.items():
        assert set(text) == {"sv", "en"}, name
        assert text["sv"] != text["en"], name
        for sentence in text.values():
            assert sentence[0].isupper() and sentence.endswith("."), name
            assert len(sentence) > 15, name
    assert len({text["en"] for text in texts.values()}) == len(texts), "two say the same"
    assert len({text["sv"] for text in texts.values()}) == len(texts), "två säger samma sak"


def test_every_cure_text_is_used() -> None:
    source = Path(cures_module.__file__).read_text(encoding="utf-8")
    quoted = set(re.findall(r'"([a-z-]+)"', source))
    assert set(CURE_TEXTS) <= quoted


@pytest.mark.parametrize("case", ALONE, ids=[f"{case[0]}: {case[2]}" for case in ALONE])
def test_every_refusal_shows_a_way_out_or_says_who_could_change_it(case: tuple[str, str, str, Any, list[str]]) -> None:
    _, kind, path, value, codes = case
    if codes:
        facts = changed(PERMITTED[kind](), path, value)
        found = told(facts)
        assert list(found) == codes
        for ways in found.values():
            assert ways
            for cure in ways:
                assert cure.operation_id is None or cure.operation_id in OPERATIONS
                for language in ("sv", "en"):
                    document = cure.told(language)
                    assert document["text"] == CURE_TEXTS[cure.text][language]
                    assert document["kind"] in {"act", "ask", "wait", "choose", "none"}


def test_a_newcomer_is_told_the_four_steps_with_their_ids() -> None:
    facts = newcomer_facts()
    assert told(facts) == {
        "agreement-unsigned": [Cure("act", "sign-later", "sign_agreement")],
        "course-not-valid": [Cure("act", "take-course", "start_attempt", {"course_id": "using-donated-data"})],
        "grant-absent": [
            Cure(
                "act",
                "request-grant",
                "create_request",
                {
                    "project_id": an_id(3),
                    "dataset_id": an_id(4),
                    "actions": ["read"],
                    "purpose": "innovation/product-development",
                },
            )
        ],
        "purpose-not-permitted": [
            Cure(
                "act",
                "change-purpose",
                "update_project",
                {
                    "project_id": an_id(3),
                    "permitted_purposes": [
                        "research",
                        "research/applied",
                        "research/basic",
                        "research/health",
                        "research/method-development",
                    ],
                },
            )
        ],
    }


def one(facts: Facts, code: str) -> Cure:
    (cure,) = told(facts)[code]
    return cure


def test_only_the_missing_courses_are_named() -> None:
    facts = changed(read_facts(), "terms/courses", ["using-donated-data", "imaging"])
    assert one(facts, "course-not-valid").ids == {"course_id": "imaging"}


def test_purposes_that_would_be_commercial_are_not_offered() -> None:
    facts = changed(newcomer_facts(), "terms/purposes", {"any": True, "list": []})
    offered = one(facts, "purpose-not-permitted").ids["permitted_purposes"]
    assert "innovation/pre-commercial" in offered
    assert not {"innovation", "innovation/product-development"} & set(offered)


def test_a_grant_for_another_purpose_is_asked_for_again() -> None:
    facts = changed(read_facts(), "grants/0/purpose", "research/basic")
    assert one(facts, "purpose-not-permitted").operation_id == "create_request"


def test_the_agreement_to_sign_is_that_of_the_grant_in_use() -> None:
    facts = changed(read_facts(), "grants/0/agreement/signed", False)
    assert one(facts, "agreement-unsigned").ids == {"agreement_id": an_id(8)}


def test_a_release_is_someone_elses_act() -> None:
    cure = one(changed(read_facts(), "version/state", "committed"), "version-not-released")
    assert (cure.kind, cure.operation_id, cure.ids) == ("ask", "release_version", {"version_id": an_id(6)})
    cure = one(changed(read_facts(), "version/personal_data", "yes"), "version-not-released")
    assert (cure.kind, cure.text) == ("ask", "gate-first")
    cure = one(changed(read_facts(), "dataset/state", "draft"), "version-not-released")
    assert (cure.kind, cure.operation_id) == ("ask", "publish_dataset")
    cure = one(changed(prepare_facts(), "version/state", "withdrawn"), "version-not-released")
    assert (cure.kind, cure.operation_id) == ("choose", "list_versions")


def test_a_period_is_waited_for_or_over() -> None:
    cure = one(changed(read_facts(), "terms/period/from", NOW + 60), "period-not-open")
    assert (cure.kind, cure.ids) == ("wait", {"opens_at": "2026-11-25T09:47:40+00:00"})
    assert one(changed(read_facts(), "terms/period/until", NOW), "period-not-open").kind == "none"
    assert one(changed(read_facts(), "project/ethics_until", NOW), "period-not-open").operation_id == "update_project"


def test_what_the_donor_alone_can_change_says_so() -> None:
    for facts, code in (
        (changed(read_facts(), "partner/country", "US"), "country-not-permitted"),
        (changed(read_facts(), "terms/actions", ["train"]), "action-not-permitted"),
        (
            changed(read_facts(), "terms/recipients", {"any": False, "partners": [], "sectors": ["public"]}),
            "recipient-not-permitted",
        ),
    ):
        cure = one(facts, code)
        assert (cure.kind, cure.operation_id, cure.ids["partner_id"]) == ("none", None, an_id(5))
        assert "donor" in cure.told("en")["text"] and "givaren" in cure.told("sv")["text"]


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("membership/active", False, "ask-lead-to-add"),
        ("project/partner_ids", [an_id(5)], "ask-lead-for-partner"),
        ("project/ends", NOW, "ask-lead-for-dates"),
        ("project/open", False, "project-closed"),
        ("partner/active", False, "ask-operator"),
    ],
)
def test_an_ended_membership_names_what_ended(path: str, value: Any, text: str) -> None:
    assert one(changed(read_facts(), path, value), "membership-ended").text == text


def test_where_a_cluster_is_wrong_another_is_chosen() -> None:
    none = {"kind": "none"}
    assert one(changed(train_facts(), "environment/cluster", none), "integrity-class-not-met").text == "choose-cluster"
    assert one(changed(restricted_facts(), "environment/cluster/own", False), "integrity-class-not-met").text == (
        "choose-own-cluster"
    )
    cluster = train_facts()["environment"]["cluster"]
    assert one(changed(read_facts(), "environment/cluster", cluster), "integrity-class-not-met").text == (
        "leave-cluster-out"
    )
    assert one(changed(train_facts(), "environment/cluster/isolation", "user"), "isolation-too-weak").ids == {
        "isolation_at_least": "sandbox"
    }
    assert one(changed(train_facts(), "environment/cluster/country", "US"), "country-not-permitted").kind == "choose"


def test_a_code_there_is_not_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        cures(["no-such-code"], read_facts())
