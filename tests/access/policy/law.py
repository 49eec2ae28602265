"""The compiled law asked directly: no schema before it, nothing that checks its answer after it."""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from opapywasm import OpaWasmPolicy

from services.access.decisions.engine.bundle import read_bundle

Law = Callable[[Any], dict[str, Any]]


@cache
def _policy() -> OpaWasmPolicy:
    return OpaWasmPolicy.from_wasm_bytes(read_bundle().wasm)


def ask(value: Any) -> dict[str, Any]:
    """The law's raw result for any JSON value."""
    return cast(dict[str, Any], _policy().evaluate(value))


def left_out(value: Any) -> set[str]:
    """The rules that did not pass."""
    result = ask(value)
    return set(result["required"]) - set(result["passed"])
