"""Makes one OpenAPI 3.1 document of several. Pure: documents in, document out."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from gateway.api_reference.examples import Examples
from gateway.api_reference.responses import PROBLEM_SCHEMA, UNSAFE, name_of, problem_components, statuses_of

Json = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_VALIDATION = frozenset({"HTTPValidationError", "ValidationError"})
_SCHEMAS = "#/components/schemas/"

DESCRIPTION = """The Data Factory's public API: donate data under terms, find it, ask for it, get it, and see why not.

Sign in at `/auth/login` (a browser then holds a session cookie; requests that change something repeat the session's
token in `X-CSRF-Token`), or send `Authorization: Bearer …` with a token from `/api/v1/token`. Refusals are
`application/problem+json`. Lists are paged by `after`; changes to a resource take `If-Match`; a POST with
`Idempotency-Key` may be repeated safely."""

SECURITY_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From /api/v1/token."},
    "session": {"type": "apiKey", "in": "cookie", "name": "factory_session", "description": "From /auth/login."},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "From /auth/session."},
}

IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of your own; the same request with the same key is carried out once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "example": "4f6c0f0e-2a55-4a55-8f0e-6a1a6f0e2a55",
}


class Disagreement(Exception):
    """The services' descriptions do not fit together: a path or an operationId is there twice."""


def aggregate(documents: Mapping[str, Json], *, session_cookie: str = "factory_session") -> Json:
    """Return one document for all public operations of `documents` (service name → its own OpenAPI document).

    Raises Disagreement when two services claim one path or one operationId.
    """
    prepared = {name: _renamed(name, documents) for name in sorted(documents)}
    paths: Json = {}
    schemas: Json = {"Problem": copy.deepcopy(PROBLEM_SCHEMA)}
    tags: dict[str, Json] = {}
    for document in prepared.values():
        for tag in document.get("tags", ()):
            tags.setdefault(tag["name"], tag)
        schemas.update(_without_validation(document))
        for path, item in document.get("paths", {}).items():
            if not path.startswith(("/api/v1/", "/auth/")):
                continue
            if path in paths:
                raise Disagreement(f"path {path}")
            paths[path] = _public(item)
    _unique_operation_ids(paths)
    security_schemes = copy.deepcopy(SECURITY_SCHEMES)
    security_schemes["session"]["name"] = session_cookie
    whole: Json = {
        "openapi": "3.1.0",
        "info": {"title": "Data Factory", "version": "1", "description": DESCRIPTION},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": problem_components(),
            "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY},
            "securitySchemes": security_schemes,
        },
        "security": [{"bearer": []}, {"session": [], "csrf": []}],
        "tags": list(tags.values()),
    }
    examples = Examples(whole["components"]["schemas"])
    for path, method, operation in operations(whole):
        _complete(path, method, operation, examples)
    return whole


def operations(document: Json) -> list[tuple[str, str, Json]]:
    """Return path, method (lower case) and operation of all operations of a document."""
    return [
        (path, method, item[method])
        for path, item in document.get("paths", {}).items()
        for method in _METHODS
        if method in item
    ]


def _schemas_of(document: Json) -> Json:
    return document.get("components", {}).get("schemas", {})


def _without_validation(document: Json) -> Json:
    return {name: schema for name, schema in _schemas_of(document).items() if name not in _VALIDATION}


def _references(part: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref" and isinstance(value, str) and value.startswith(_SCHEMAS):
                found.add(value.removeprefix(_SCHEMAS))
            else:
                found |= _references(value)
    elif isinstance(part, list):
        for value in part:
            found |= _references(value)
    return found


def _differing(documents: Mapping[str, Json]) -> set[str]:
    """Return the component names that mean different things to services, by themselves or by what they hold."""
    spellings: dict[str, set[str]] = {}
    holders: dict[str, int] = {}
    references: dict[str, set[str]] = {}
    for document in documents.values():
        for name, schema in _without_validation(document).items():
            spellings.setdefault(name, set()).add(json.dumps(schema, sort_keys=True))
            holders[name] = holders.get(name, 0) + 1
            references.setdefault(name, set()).update(_references(schema))
    differing = {name for name, spelled in spellings.items() if len(spelled) > 1} | {"Problem"}
    while True:
        more = {n for n, held in references.items() if holders[n] > 1 and held & differing} - differing
        if not more:
            return differing
        differing |= more


def _renamed(service: str, documents: Mapping[str, Json]) -> Json:
    """Return the service's document with its own name before every component that others understand otherwise."""
    differing = _differing(documents)
    mine = set(_schemas_of(documents[service]))
    names = {name: f"{service.title()}{name}" for name in differing & mine}

    def rename(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                key: _SCHEMAS + names[value.removeprefix(_SCHEMAS)]
                if key == "$ref" and isinstance(value, str) and value.removeprefix(_SCHEMAS) in names
                else rename(value)
                for key, value in part.items()
            }
        return [rename(value) for value in part] if isinstance(part, list) else part

    document: Json = rename(copy.deepcopy(documents[service]))
    schemas = _schemas_of(document)
    for old, new in names.items():
        schemas[new] = schemas.pop(old)
    return document


def _public(item: Json) -> Json:
    return {key: value for key, value in item.items() if not (key in _METHODS and value.get("x-internal"))}


def _unique_operation_ids(paths: Json) -> None:
    seen: dict[str, str] = {}
    for path, method, operation in operations({"paths": paths}):
        operation_id = operation.get("operationId")
        here = f"{method.upper()} {path}"
        if not operation_id:
            raise Disagreement(f"no operationId: {here}")
        if operation_id in seen:
            raise Disagreement(f"operationId {operation_id}: {seen[operation_id]} and {here}")
        seen[operation_id] = here


def _complete(path: str, method: str, operation: Json, examples: Examples) -> None:
    session_only = operation.pop("x-session", False)
    if session_only:
        operation["security"] = [{"session": [], "csrf": []}]
    public = operation.get("security") == []
    from_service = path.startswith("/api/v1/")
    if method == "post" and from_service and not public:
        parameters = operation.setdefault("parameters", [])
        if not any(str(p.get("name", "")).lower() == "idempotency-key" for p in parameters):
            parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    responses: Json = operation.setdefault("responses", {})
    if _VALIDATION & _references(responses.get("422")):
        del responses["422"]
    for status in statuses_of(method, path, operation, public=public):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{name_of(status)}"})
    _give_examples(method, operation, examples)


def _give_examples(method: str, operation: Json, examples: Examples) -> None:
    for parameter in operation.get("parameters", ()):
        if "schema" in parameter and not {"example", "examples"} & parameter.keys():
            parameter["example"] = examples.of(parameter["schema"], str(parameter.get("name", "")))
    if method in UNSAFE:
        for media in operation.get("requestBody", {}).get("content", {}).values():
            _example_for(media, examples)
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            for kind, media in response.get("content", {}).items():
                if kind.endswith("json"):
                    _example_for(media, examples)


def _example_for(media: Json, examples: Examples) -> None:
    schema = media.get("schema")
    if not schema or {"example", "examples"} & media.keys():
        return
    if "$ref" in schema or "type" in schema or {"anyOf", "oneOf", "allOf"} & schema.keys():
        media["example"] = examples.of(schema)
