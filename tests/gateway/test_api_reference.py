"""One description for the whole API: valid, complete, and nobody's name clashes with anybody's."""

import copy
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.api_reference.aggregate import Disagreement, aggregate, operations
from gateway.upstream import HttpUpstream, InProcessUpstream
from tests.gateway.conftest import Site, StartSite
from tests.gateway.serving import listening_socket, serving

Json = dict[str, Any]


def described(path: str, operation_id: str, schemas: Json, result: str = "Thing") -> Json:
    """Return a small service's document, as FastAPI writes it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1"},
        "paths": {
            path: {
                "post": {
                    "operationId": operation_id,
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{result}"}}},
                    },
                    "responses": {
                        "201": {
                            "description": "Made",
                            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{result}"}}},
                        },
                        "422": {
                            "description": "Validation Error",
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}
                            },
                        },
                    },
                }
            }
        },
        "components": {"schemas": {**schemas, "HTTPValidationError": {"type": "object"}}},
    }


def thing(field: str) -> Json:
    return {"type": "object", "required": [field], "properties": {field: {"type": "string"}}}


def box() -> Json:
    return {
        "type": "object",
        "properties": {"things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}},
    }


def test_names_that_mean_different_things_are_told_apart_together_with_what_holds_them() -> None:
    same = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    one = described("/api/v1/a", "make_a", {"Thing": thing("a"), "Box": box(), "Same": same}, "Box")
    other = described("/api/v1/b", "make_b", {"Thing": thing("b"), "Box": box(), "Same": same}, "Box")

    whole = aggregate({"access": one, "catalog": other})

    schemas = whole["components"]["schemas"]
    assert set(schemas) == {"AccessThing", "AccessBox", "CatalogThing", "CatalogBox", "Same", "Problem"}
    made = whole["paths"]["/api/v1/b"]["post"]["responses"]["201"]["content"]["application/json"]
    assert made["schema"] == {"$ref": "#/components/schemas/CatalogBox"}
    assert made["example"] == {"things": [{"b": "example"}]}
    OpenAPIV31SpecValidator(whole).validate()


def test_two_operations_of_one_name_are_refused() -> None:
    one = described("/api/v1/a", "make", {"Thing": thing("a")})
    other = described("/api/v1/b", "make", {"Thing": thing("a")})
    with pytest.raises(Disagreement, match="operationId make"):
        aggregate({"access": one, "catalog": other})


def test_two_services_with_one_path_are_refused() -> None:
    one = described("/api/v1/a", "make_a", {"Thing": thing("a")})
    with pytest.raises(Disagreement, match="path /api/v1/a"):
        aggregate({"access": one, "catalog": copy.deepcopy(one)})


def test_every_operation_says_how_it_refuses() -> None:
    whole = aggregate({"access": described("/api/v1/a/{id}", "make_a", {"Thing": thing("a")})})
    operation = whole["paths"]["/api/v1/a/{id}"]["post"]
    assert set(operation["responses"]) == {"201", "401", "403", "404", "409", "413", "422", "429", "503"}
    assert "HTTPValidationError" not in str(whole)
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in operation["parameters"]


async def test_the_served_document_is_valid_and_complete(site: Site, browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/openapi.json")

    whole = answer.json()
    OpenAPIV31SpecValidator(whole).validate()
    assert "servers" not in whole
    assert {"sign_in", "issue_session_token", "get_session", "exchange_token"} <= {
        operation["operationId"] for _, _, operation in operations(whole)
    }
    assert all(path.startswith(("/api/v1/", "/auth/")) for path in whole["paths"])
    again = await browser.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_public_operations_are_marked_and_few(browser: httpx.AsyncClient) -> None:
    whole = (await browser.get("/openapi.json")).json()
    public = {operation["operationId"] for _, _, operation in operations(whole) if operation.get("security") == []}
    assert public == {"sign_in", "finish_sign_in", "get_session", "redeem_cli_code", "exchange_token"}


async def test_examples_fit_their_schemas(browser: httpx.AsyncClient) -> None:
    whole = (await browser.get("/openapi.json")).json()
    checked = 0
    for _, _, operation in operations(whole):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in (m for body in bodies for m in body.get("content", {}).values() if "example" in m):
            schema = {**media["schema"], "components": whole["components"]}
            Draft202012Validator(schema).validate(media["example"])
            checked += 1
    assert checked >= 4


async def test_a_service_that_never_answered_is_named(start_site: StartSite) -> None:
    closed = listening_socket()
    port = closed.getsockname()[1]
    closed.close()
    site = await start_site(
        upstreams=lambda access: {
            "access": InProcessUpstream("access", access.app),
            "catalog": HttpUpstream("catalog", f"http://127.0.0.1:{port}"),
        }
    )
    async with site.browser() as browser:
        refused = await browser.get("/openapi.json")
    assert refused.status_code == 503
    assert refused.json()["missing"] == ["catalog"]
    assert refused.json()["code"] == "openapi-incomplete"


async def test_a_service_apart_is_asked_over_http(start_site: StartSite, site: Site) -> None:
    async with serving(site.access.app) as url:
        apart = await start_site(upstreams=lambda access: {"access": HttpUpstream("access", url)})
        async with apart.browser() as browser:
            whole = (await browser.get("/openapi.json")).json()
    assert "/api/v1/token" in whole["paths"]


async def test_the_page_brings_all_it_needs_itself(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for name, kind in (
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("init.js", "text/javascript"),
    ):
        assert f"/docs/assets/{name}" in page.text
        asset = await browser.get(f"/docs/assets/{name}")
        assert asset.status_code == 200
        assert asset.headers["content-type"].startswith(kind)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert (await browser.get("/docs/assets/..%2f__init__.py")).status_code == 404
