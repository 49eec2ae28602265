"""The closed JSON Schema of a decision's input, compiled once and held before any engine is asked."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast

from jsonschema import Draft202012Validator

from services.access.decisions.engine.port import DecisionInput, InvalidDecisionInput

SCHEMA_FILE = Path(__file__).parent.parent / "input.schema.json"


class _Error(Protocol):
    absolute_path: Sequence[str | int]
    validator: str


class _Validator(Protocol):
    def iter_errors(self, instance: Any) -> Iterator[_Error]: ...


@cache
def _validator() -> _Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return cast(_Validator, Draft202012Validator(schema))


def check_input(decision_input: DecisionInput) -> None:
    """Raise InvalidDecisionInput with the place and the schema keyword (never a value) of the first thing wrong."""
    error = next(_validator().iter_errors(decision_input), None)
    if error is not None:
        parts = (str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path)
        raise InvalidDecisionInput("".join(f"/{part}" for part in parts), str(error.validator))
