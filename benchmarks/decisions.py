"""Decisions: the engine as access uses it (schema, result believed only whole), against the bare policy."""

import asyncio
import json
from pathlib import Path
from typing import Any

from opapywasm import OpaWasmPolicy

from benchmarks.measure import Ratio, compare
from services.access.decisions.engine import WasmEngine

COUNT = 1000
BUNDLE = Path(__file__).resolve().parent.parent / "services" / "access" / "policies" / "bundle" / "policy.wasm"


def question() -> dict[str, Any]:
    """Return an input that is permitted."""
    return json.loads((Path(__file__).parent / "decision.json").read_text())


def run() -> list[Ratio]:
    """Measure decisions a second."""
    facts = question()
    bare = OpaWasmPolicy.from_wasm_file(BUNDLE)

    async def judged() -> None:
        engine = WasmEngine()
        try:
            for start in range(0, COUNT, 8):
                results = await asyncio.gather(*(engine.evaluate(facts) for _ in range(start, min(start + 8, COUNT))))
                assert all(result.permit for result in results)
        finally:
            await engine.close()

    def ours() -> float:
        asyncio.run(judged())
        return COUNT

    def peer() -> float:
        for _ in range(COUNT):
            bare.evaluate(facts)
        return COUNT

    return [compare("decisions by the engine / bare wasm", "decisions/s", ours, peer)]
