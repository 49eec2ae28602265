"""What a recipe must be: known operators, with parameters that each operator's JSON Schema takes."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError
from pydantic import ValidationError

from services.deid.engine.catalogue import models_of, operators
from services.deid.engine.operator import Operator
from services.deid.recipes import repository
from services.deid.recipes.models import Recipe
from services.kit.db import RuleSession
from services.kit.problems import FieldError, Problem, conflict, not_found
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject

Step = Mapping[str, Any]


def checked(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return the steps as a recipe keeps them: `{"operator", "version", "params"}`, every parameter filled in.

    422 with a JSON pointer for each thing that is wrong, and what would be right.
    """
    errors: list[FieldError] = []
    made: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for index, step in enumerate(steps):
        name, pointer = str(step["operator"]), f"/operators/{index}"
        known = operators().get(name)
        if known is None:
            errors.append(_unknown(name, pointer))
            continue
        # Two custom patterns are two things to look for; any other operator twice contradicts itself.
        if name in seen and not repeatable(name):
            errors.append(FieldError(f"{pointer}/operator", "operator-twice", {"first": seen[name]}))
        seen.setdefault(name, index)
        params = dict(step.get("params") or {})
        wrong = list(_schema_errors(known, params, f"{pointer}/params"))
        if not wrong:
            try:
                full = known.params.model_validate(params)
            except ValidationError as error:
                wrong = list(_model_errors(error, f"{pointer}/params"))
            else:
                made.append({"operator": name, "version": known.version, "params": full.model_dump(mode="json")})
        errors += wrong
    if errors:
        raise Problem(422, "invalid-request", errors=errors)
    return made


def repeatable(name: str) -> bool:
    """Whether an operator may stand in a recipe more than once."""
    return name == "text.custom" or (name.startswith("table.") and name != "table.k-anonymity")


def digest_of(steps: Sequence[Step]) -> str:
    """Return the SHA-256 (hex) of the steps in canonical JSON (RFC 8785 for what occurs here)."""
    return hashlib.sha256(
        json.dumps(list(steps), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    ).hexdigest()


async def recipe_for(session: RuleSession, recipe_id: UUID) -> Recipe:
    """Return a recipe, or 404."""
    found = await repository.recipe(session, recipe_id)
    if found is None:
        raise not_found("recipe")
    return found


def outdated(recipe: Recipe) -> list[str]:
    """Return the recipe's operators that are of another version by now, or gone: it would not do what it did."""
    registry = operators()
    return [
        step["operator"]
        for step in recipe.operators
        if (known := registry.get(step["operator"])) is None or known.version != step["version"]
    ]


def require_current(recipe: Recipe) -> None:
    """409 for a recipe whose operators have changed since it was made."""
    changed = outdated(recipe)
    if changed:
        raise conflict("recipe-outdated", operators=", ".join(sorted(set(changed))))


def models(recipe: Recipe) -> list[dict[str, str]]:
    """Return the models and word lists that the recipe's operators use."""
    return models_of(step["operator"] for step in recipe.operators)


def actions(caller: Subject, recipe: Recipe) -> list[AllowedAction]:
    """Return what the caller may do with the recipe."""
    role = None if caller.has("steward") else "role-required"
    reason = role or ("recipe-outdated" if outdated(recipe) else None)
    return [
        AllowedAction(action="test", allowed=reason is None, reason=reason),
        AllowedAction(action="run", allowed=reason is None, reason=reason),
    ]


def _unknown(name: str, pointer: str) -> FieldError:
    names = [operator.name for operator in operators().all()]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names
    return FieldError(f"{pointer}/operator", "operator-unknown", {"known": ", ".join(near)})


def _schema_errors(operator: Operator, params: Mapping[str, Any], pointer: str) -> Iterator[FieldError]:
    validator = Draft202012Validator(operator.schema())
    found = cast("Iterable[SchemaError]", validator.iter_errors(params))  # pyright: ignore[reportUnknownMemberType]
    for error in sorted(found, key=lambda error: [str(part) for part in error.absolute_path]):
        yield from _told(error, pointer)


def _told(error: SchemaError, pointer: str) -> Iterator[FieldError]:
    """Say what one violation is: where, and what would be right. Never quotes what was given."""
    where = pointer + "".join(_part(part) for part in cast("Iterable[str | int]", error.absolute_path))
    keyword, wanted, given = str(error.validator), cast(Any, error.validator_value), cast(Any, error.instance)
    match keyword:
        case "additionalProperties":
            allowed = cast("dict[str, Any]", error.schema).get("properties", {})
            for name in sorted(set(given) - set(allowed)):
                yield FieldError(where + _part(name), "param-unknown", {"allowed": ", ".join(sorted(allowed)) or "–"})
        case "required":
            for name in wanted:
                if name not in given:
                    yield FieldError(where + _part(name), "param-missing")
        case "type":
            types = cast("list[Any]", wanted if isinstance(wanted, list) else [wanted])
            yield FieldError(where, "param-type", {"expected": " / ".join(str(t) for t in types)})
        case "enum" | "const":
            values = cast("list[Any]", wanted if keyword == "enum" else [wanted])
            yield FieldError(where, "param-choice", {"allowed": ", ".join(json.dumps(v) for v in values)})
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
            yield FieldError(where, "param-range", {"expected": f"{signs[keyword]} {wanted}"})
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
            sign = "≥" if keyword.startswith("min") else "≤"
            yield FieldError(where, "param-length", {"expected": f"{sign} {wanted}"})
        case "anyOf" | "oneOf":
            inner = list(error.context or [])
            deepest = max((len(e.absolute_path) for e in inner), default=0)
            # The branch that got furthest is what was meant.
            if deepest > len(error.absolute_path):
                for each in inner:
                    if len(each.absolute_path) == deepest:
                        yield from _told(each, pointer)
                return
            expected = " / ".join(sorted({_shape(schema) for schema in cast("list[Any]", wanted)}))
            yield FieldError(where, "param-type", {"expected": expected})
        case _:
            yield FieldError(where, "param-invalid", {"rule": keyword})


def _shape(schema: Any) -> str:
    for key in ("const", "enum", "type", "title", "$ref"):
        if key in schema:
            value = schema[key]
            return str(value).rsplit("/", 1)[-1] if key in ("type", "title", "$ref") else json.dumps(value)
    return "?"


def _model_errors(error: ValidationError, pointer: str) -> Iterator[FieldError]:
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        where = pointer + "".join(_part(part) for part in each["loc"])
        yield FieldError(where, "param-invalid", {"rule": each["type"]}, detail=each["msg"])


def _part(part: str | int) -> str:
    return "/" + str(part).replace("~", "~0").replace("/", "~1")
