"""A recipe made ready for work: its steps by family, with the dataset's keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from pydantic import ValidationError

from services.deid.engine.catalogue import operator
from services.deid.engine.operator import Family, Keys, Step


class Span(Protocol):
    """Something that was found in a text: offsets into the original, and what stands there afterwards."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def after(self) -> str: ...


class TextResult(Protocol):
    """A treated text."""

    @property
    def text(self) -> str: ...
    @property
    def spans(self) -> Sequence[Span]: ...


class PlanInvalid(ValueError):
    """A recipe's document cannot be carried out: an operator is unknown, or its parameters are not what it takes."""


@dataclass(frozen=True)
class Plan:
    """What is to be done to files. Make one a process and recipe, and use it for many files."""

    steps: tuple[Step, ...]
    keys: Keys

    def of(self, family: Family) -> list[Step]:
        """Return the steps of a family, in the recipe's order."""
        return [step for step in self.steps if step.operator.family == family]

    @cached_property
    def text(self) -> Any:
        """The text operators, ready for use (`engine.text.pipeline.TextPlan`); None when the recipe has none."""
        from services.deid.engine.text.pipeline import build_text_plan

        return build_text_plan(self.of("text"), self.keys)

    @cached_property
    def treated_parts(self) -> dict[str, tuple[str, dict[str, int]]]:
        """Parts of paths that `engine.names` has treated: folders come again with every file in them."""
        return {}


def compile_plan(document: Mapping[str, Any], keys: Keys) -> Plan:
    """Return the plan of a recipe's document: `{"operators": [{"operator", "params"}, …]}`. Raises PlanInvalid."""
    steps: list[Step] = []
    for entry in document["operators"]:
        found = operator(str(entry["operator"]))
        if found is None:
            raise PlanInvalid("no such operator")
        try:
            steps.append(Step(found, found.params.model_validate(entry.get("params") or {})))
        except ValidationError:
            # The error quotes what was given.
            raise PlanInvalid("parameters of the wrong form") from None
    return Plan(tuple(steps), keys)
