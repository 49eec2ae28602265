"""The real services behind the door: every route leads to its service, and one document describes them all."""

from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.api_reference.aggregate import aggregate, operations
from gateway.routing import PREFIX, SERVICES, misplaced
from services.composition.registry import NAMES, load
from services.kit.app import service_app

Json = dict[str, Any]

# What issue 4 promises to outsiders by name.
PROMISED = """
redeem_operator_secret exchange_token get_me create_partner assign_role create_api_key create_project update_project
add_member remove_member create_terms get_terms create_donation create_upload submit_donation accept_donation
reject_donation list_datasets get_dataset get_version list_files download_file release_version publish_dataset
withdraw_dataset evaluate_decision evaluate_decisions get_decision replay_decision list_courses get_course start_attempt
submit_attempt create_request decide_request sign_agreement list_grants revoke_grant
""".split()


@pytest.fixture(scope="module")
def documents() -> dict[str, Json]:
    """What each service says of itself."""
    return {name: service_app(load(name), cast(Any, None)).openapi() for name in NAMES}


@pytest.fixture(scope="module")
def whole(documents: dict[str, Json]) -> Json:
    return aggregate(documents)


def test_every_route_leads_to_the_service_that_has_it(documents: dict[str, Json]) -> None:
    assert set(SERVICES) == set(documents)
    for name, document in documents.items():
        assert misplaced(name, document["paths"]) == []


def test_no_noun_leads_nowhere(documents: dict[str, Json]) -> None:
    for name, document in documents.items():
        nouns = {path.removeprefix(PREFIX).split("/")[0] for path in document["paths"] if path.startswith(PREFIX)}
        assert SERVICES[name] - nouns == set()


def test_the_document_is_valid(whole: Json) -> None:
    OpenAPIV31SpecValidator(cast(Any, whole)).validate()


def test_what_outsiders_rely_on_is_there(whole: Json) -> None:
    ids = {operation["operationId"] for _, _, operation in operations(whole)}
    assert set(PROMISED) - ids == set()


def test_nothing_internal_is_described(whole: Json) -> None:
    assert not [path for path in whole["paths"] if "internal" in path]
    assert not [op for _, _, op in operations(whole) if any(key.startswith("x-internal") for key in op)]


def test_every_operation_has_an_example_and_its_refusals(whole: Json) -> None:
    lacking: list[str] = []
    for path, method, operation in operations(whole):
        parameters = operation.get("parameters", [])
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        media = [m for body in bodies for m in body.get("content", {}).values()]
        shown = [x for x in [*parameters, *media] if "example" in x or "examples" in x or "$ref" in x]
        if not shown or "503" not in operation["responses"]:
            lacking.append(f"{method} {path}")
    assert lacking == []


def test_the_examples_fit_their_schemas(whole: Json) -> None:
    wrong: list[str] = []
    for path, method, operation in operations(whole):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        shown = [m for body in bodies for m in body.get("content", {}).values() if "example" in m]
        shown += [p for p in operation.get("parameters", []) if "example" in p]
        for item in shown:
            validator = Draft202012Validator({**item["schema"], "components": whole["components"]})
            wrong += [f"{method} {path}: {error.message[:150]}" for error in validator.iter_errors(item["example"])]
    assert wrong == []


def test_few_operations_are_public(whole: Json) -> None:
    public = sorted(op["operationId"] for _, _, op in operations(whole) if op.get("security") == [])
    assert {"exchange_token", "get_jwks"} <= set(public)
    assert len(public) <= 6, public
