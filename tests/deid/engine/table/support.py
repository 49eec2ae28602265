"""What tests of tables share."""

import csv
import io
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from services.deid.engine.operator import REGISTRY, Keys, Step, Treated
from services.deid.engine.table import operators as table_operators
from services.deid.engine.table.treat import treat_csv
from services.deid.engine.text import operators as text_operators
from services.deid.engine.text.pipeline import TextPlan, build_text_plan

assert table_operators, text_operators

KEYS = Keys("key-1", bytes(range(32)))
TEXT = ("text.personal-number", "text.email", "text.phone", "text.name")


def step(name: str, **params: Any) -> Step:
    """Return an operator with its parameters checked."""
    operator = REGISTRY.get(name)
    assert operator is not None, name
    return Step(operator, operator.params.model_validate(params))


def text_steps(action: str = "label") -> list[Step]:
    """Return some text operators."""
    return [step(name, action=action) for name in TEXT]


def text_plan(action: str = "label", keys: Keys = KEYS) -> TextPlan:
    """Return a plan of some text operators."""
    plan = build_text_plan(text_steps(action), keys)
    assert plan is not None
    return plan


def treat(content: bytes | str, *steps: Step, text: bool = False, action: str = "label", keys: Keys = KEYS) -> Treated:
    """Treat a CSV file by table operators, and by text operators too when told so."""
    content = content.encode() if isinstance(content, str) else content
    every = [*steps, *(text_steps(action) if text else [])]
    return treat_csv(content, every, keys, text_plan(action, keys) if text else None)


def read(treated: Treated, delimiter: str = ",") -> list[list[str]]:
    """Read what came out with the standard library's reader."""
    assert treated.withheld is None, treated.withheld
    assert treated.content is not None
    return list(csv.reader(io.StringIO(treated.content.decode(), newline=""), delimiter=delimiter))


def as_rows(treated: Treated, delimiter: str = ",") -> list[dict[str, str]]:
    """Read what came out row by row, by column."""
    names, *rows = read(treated, delimiter)
    return [dict(zip(names, row, strict=True)) for row in rows]


def table(rows: Sequence[Sequence[str]], names: Sequence[str]) -> str:
    """Write a CSV file with the standard library's writer."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows(rows)
    return buffer.getvalue()


def smallest_class(rows: Sequence[Mapping[str, Hashable]], columns: Sequence[str], person: str | None = None) -> int:
    """Count k a second way: persons per combination of values, with nothing but dictionaries and sets."""
    classes: dict[tuple[Hashable, ...], set[Hashable]] = defaultdict(set)
    for number, row in enumerate(rows):
        classes[tuple(row[c] for c in columns)].add(number if person is None else row[person])
    return min((len(people) for people in classes.values()), default=0)
