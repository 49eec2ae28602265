"""The codes that the gate's modules refuse with, as they stand in the code."""

import ast
from pathlib import Path

import services.deid.gate

# Which argument of a call is the code.
CODES = {"conflict": 0, "forbidden": 0, "invalid": 1, "Problem": 1, "FieldError": 1}


def refused_codes() -> set[str]:
    """Return every code."""
    found: set[str] = set()
    for path in Path(str(services.deid.gate.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CODES:
                position = CODES[node.func.id]
                if len(node.args) > position and isinstance(argument := node.args[position], ast.Constant):
                    found.add(str(argument.value))
    return found
