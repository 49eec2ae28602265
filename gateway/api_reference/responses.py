"""How operations refuse: the problem document and when each status comes (RFC 9457)."""

from typing import Any

from gateway.texts import TEXTS
from services.kit.problems import Problem, describe
from services.kit.texts import KIT_TEXTS

Json = dict[str, Any]

PROBLEM_SCHEMA: Json = {
    "title": "Problem",
    "description": "Why the request was refused (RFC 9457). Branch on `code`; `detail` is for people.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable, in lower case with hyphens."},
        "errors": {
            "type": "array",
            "description": "What is wrong where: a JSON pointer into the body, or `query:name`, `header:name`.",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "cures": {
            "type": "array",
            "description": "Operations that would help.",
            "items": {"type": "object", "additionalProperties": True},
        },
        "instance": {"type": "string", "description": "Quote it when you ask about this."},
    },
    "additionalProperties": True,
}

_REQUEST = "0199f0aa-0000-7000-8000-000000000001"
_HEADERS: dict[int, Json] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to authenticate."}},
    412: {"ETag": {"schema": {"type": "string"}, "description": "The revision there is now."}},
    429: {
        "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."},
        "RateLimit": {"schema": {"type": "string"}, "description": "What is left of the quota."},
        "RateLimit-Policy": {"schema": {"type": "string"}, "description": "The quota and its window in seconds."},
    },
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
}
_WHAT: dict[int, tuple[str, Json, str]] = {
    401: ("not-signed-in", {}, "No bearer token or session, or one that does not hold."),
    403: ("role-required", {"role": "steward"}, "The caller is known and may not do this."),
    404: ("not-found", {"noun": "dataset"}, "There is no such thing that the caller may know of."),
    409: ("idempotency-key-reused", {}, "The state of things does not allow it; `code` says why."),
    412: ("if-match-stale", {}, "The resource has changed since it was read."),
    413: ("body-too-large", {"limit": 1048576}, "The request is larger than this route takes."),
    422: ("invalid-request", {}, "Something in the request is wrong; `errors` says what and where."),
    428: ("if-match-required", {}, "Send If-Match with the ETag of the resource as you read it."),
    429: ("rate-limited", {"seconds": 3}, "Too many requests; wait as long as Retry-After says."),
    503: ("unavailable", {"what": "catalog"}, "A part of the factory does not answer right now; try again."),
}

UNSAFE = frozenset({"post", "put", "patch", "delete"})


def problem_components() -> dict[str, Json]:
    """Return `components/responses` for each status, with an example."""
    components: dict[str, Json] = {}
    for status, (code, params, description) in _WHAT.items():
        document = describe(Problem(status, code, params=params), {**KIT_TEXTS, **TEXTS}, "en", _REQUEST)
        if status == 422:
            document["errors"] = [{"pointer": "/name", "code": "missing", "detail": "Field required"}]
        component: Json = {
            "description": description,
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": document,
                }
            },
        }
        if status in _HEADERS:
            component["headers"] = _HEADERS[status]
        components[name_of(status)] = component
    return components


def name_of(status: int) -> str:
    """Return the component's name of a status."""
    return f"Problem{status}"


def statuses_of(method: str, path: str, operation: Json, *, public: bool) -> list[int]:
    """Return the statuses with which an operation may refuse."""
    parameters: list[Json] = operation.get("parameters", [])
    statuses = [429, 503]
    if not public:
        statuses += [401, 403]
    if "{" in path:
        statuses.append(404)
    if method in UNSAFE and not public:
        statuses.append(409)
    if any(str(p.get("name", "")).lower() == "if-match" for p in parameters):
        statuses += [412, 428]
    if "requestBody" in operation:
        statuses.append(413)
    if parameters or "requestBody" in operation:
        statuses.append(422)
    return sorted(statuses)
