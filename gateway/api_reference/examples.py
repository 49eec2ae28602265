"""An example for every shape: the author's own where there is one, else one made from the schema."""

import re
from typing import Any

Json = dict[str, Any]

_DEPTH = 8
_FORMATS: dict[str, str] = {
    "uuid": "0199f0aa-1c2e-7d4b-9a31-5f3c2b1a0d9e",
    "date-time": "2026-03-02T09:00:00Z",
    "date": "2026-03-02",
    "uri": "https://example.org/",
    "email": "person@example.org",
    "binary": "bytes",
    "password": "a-long-secret-from-the-factory",
}
# What a field of this name usually holds here; used only where the schema allows it.
_NAMES: dict[str, Any] = {
    "name": "Digits study",
    "title": "Scanned digits",
    "description": "1,797 scanned digits with labels.",
    "display_name": "Rut Forskare",
    "purpose": "research",
    "purpose_text": "Compare two ways to read handwriting.",
    "text": "May the images leave the country?",
    "reasons": "The checklist is complete.",
    "reason": "The donor asked for it.",
    "language": "sv",
    "lang": "sv",
    "integrity_class": "internal",
    "country": "SE",
    "sector": "academia",
    "path": "images/0001.png",
    "media_type": "image/png",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "budget_sek": "250000.00",
    "action": "read",
    "actions": ["read"],
    "q": "digits",
    "code": "not-found",
    "upload_url": "/api/v1/uploads/0199f0aa-1c2e-7d4b-9a31-5f3c2b1a0d9e",
    "If-Match": '"1"',
    "Idempotency-Key": "4f6c0f0e-2a55-4a55-8f0e-6a1a6f0e2a55",
    "Range": "bytes=0-1023",
    "Tus-Resumable": "1.0.0",
}
_CHOICE = re.compile(r"\^\(([\w.-]+)(?:\|[\w.-]+)*\)\$")
_STRINGS = ("example", "SE", "sv", "research", "1.00", "1", "a" * 43, "0" * 64, '"1"', "bytes=0-1", "a/b")


class Examples:
    """Makes examples for schemas of one document; `schemas` is its `components/schemas`."""

    def __init__(self, schemas: Json) -> None:
        self._schemas = schemas

    def of(self, schema: Json, name: str = "", depth: int = 0) -> Any:
        """Return an example for `schema`; `name` is the field's, if it has one."""
        if "$ref" in schema:
            target = self._schemas.get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
            merged = {**target, **{k: v for k, v in schema.items() if k not in ("$ref", "title", "description")}}
            return self.of(merged, name, depth + 1) if depth < _DEPTH else None
        if "example" in schema:
            return schema["example"]
        if schema.get("examples"):
            return schema["examples"][0]
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.of(self._first(schema[key], depth), name, depth)
        if schema.get("allOf"):
            return self._all_of(schema["allOf"], name, depth)
        return self._of_type(schema, name, depth)

    def _first(self, choices: list[Json], depth: int) -> Json:
        real = [choice for choice in choices if choice.get("type") != "null"]
        if depth >= _DEPTH - 2 and len(real) < len(choices):
            return {"type": "null"}
        return (real or choices)[0]

    def _all_of(self, parts: list[Json], name: str, depth: int) -> Any:
        values = [self.of(part, name, depth) for part in parts]
        if values and all(isinstance(value, dict) for value in values):
            return {key: item for value in values for key, item in value.items()}
        return values[0] if values else None

    def _of_type(self, schema: Json, name: str, depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "null")
        if kind == "string":
            return self._string(schema, name)
        if kind in ("integer", "number"):
            return self._number(schema)
        if kind == "boolean":
            return bool(schema.get("default", True))
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "null":
            return None
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        return _NAMES.get(name, "example") if not schema else None

    def _object(self, schema: Json, depth: int) -> Json:
        required = set(schema.get("required", ()))
        properties: Json = schema.get("properties", {})
        # Deep down only what must be there, so that shapes that contain themselves end.
        wanted = {n: s for n, s in properties.items() if depth < _DEPTH - 2 or n in required}
        made = {name: self.of(part, name, depth + 1) for name, part in wanted.items()}
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict) and not properties and depth < _DEPTH - 2:
            names = schema.get("propertyNames") or {}
            made[str(self.of(names, "key", depth + 1)) if names else "key"] = self.of(extra, "", depth + 1)
        return made

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:  # a tuple: each place has a schema of its own
            return [self.of(item, name, depth + 1) for item in schema["prefixItems"]]
        items = schema.get("items")
        if not isinstance(items, dict) or depth >= _DEPTH - 2:
            return []
        singular = name.removesuffix("s")
        return [self.of(items, singular, depth + 1) for _ in range(max(1, int(schema.get("minItems", 1))))]

    def _number(self, schema: Json) -> int | float:
        if isinstance(schema.get("default"), int | float):
            return schema["default"]
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        value = max(1, low + 1 if "exclusiveMinimum" in schema and low is not None else low or 1)
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        return value if high is None else min(value, high)

    def _string(self, schema: Json, name: str) -> str:
        choice = _CHOICE.fullmatch(str(schema.get("pattern", "")))
        candidates = [
            schema.get("default"),
            _FORMATS.get(str(schema.get("format"))),
            None if schema.get("format") in _FORMATS else _NAMES.get(name),
            choice[1] if choice else None,
            *_STRINGS,
        ]
        for candidate in candidates:
            if isinstance(candidate, str) and _fits(candidate, schema):
                return candidate
        shortest = int(schema.get("minLength", 0))
        return "x" * max(shortest, 1)


def _fits(value: str, schema: Json) -> bool:
    if not int(schema.get("minLength", 0)) <= len(value) <= int(schema.get("maxLength", 10**9)):
        return False
    pattern = schema.get("pattern")
    return pattern is None or re.search(pattern, value) is not None
