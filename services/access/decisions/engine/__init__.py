"""Engines that evaluate the law, behind one port: wasm in this process, or a remote OPA. `make_engine` picks by URL."""

from services.access.decisions.engine.port import (
    CODES,
    RULES,
    DecisionInput,
    EngineUnavailable,
    InvalidDecisionInput,
    PolicyEngine,
    PolicyResult,
)
from services.access.decisions.engine.remote import OpaEngine
from services.access.decisions.engine.wasm import WasmEngine

__all__ = [
    "CODES",
    "RULES",
    "DecisionInput",
    "EngineUnavailable",
    "InvalidDecisionInput",
    "OpaEngine",
    "PolicyEngine",
    "PolicyResult",
    "WasmEngine",
    "make_engine",
]


def make_engine(url: str, *, token: str | None = None) -> PolicyEngine:
    """Return the engine that `url` names: `wasm:` (in process) or `http(s)://host:port` (OPA; with `token` as bearer).

    Raises ValueError for any other URL, EngineUnavailable when the committed bundle does not hold.
    """
    if url == "wasm:":
        return WasmEngine()
    if url.startswith(("http://", "https://")):
        return OpaEngine(url, token=token)
    raise ValueError("the policy engine is wasm: or http(s)://host:port")
