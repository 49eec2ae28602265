"""Preparation: operators, recipes, runs, their reports, places to judge, and the gate."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from datafactory.errors import Json
from datafactory.transport import Transport

ENDED = frozenset({"finished", "failed", "stopped"})
"""States that a run never leaves."""


class Recipes:
    """What can be done to files, and recipes of it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def operators(self) -> list[Json]:
        """Return every operator: what it finds, where its rule comes from, what it misses, and its JSON Schema."""
        return self._transport.get("/api/v1/operators")["items"]

    def create(self, name: str, operators: Sequence[Mapping[str, Any]], description: str) -> Json:
        """Make a recipe of `{operator, params}` in order; the same name again makes its next number."""
        body = {"name": name, "description": description, "operators": [dict(o) for o in operators]}
        return self._transport.post("/api/v1/recipes", body)

    def all(self, *, most: int | None = None) -> list[Json]:
        """Return the recipes there are."""
        return list(self._transport.pages("/api/v1/recipes", most=most))

    def get(self, recipe_id: str) -> Json:
        """Return one recipe."""
        return self._transport.get(f"/api/v1/recipes/{recipe_id}")

    def test(self, recipe_id: str, **what: Any) -> list[Json]:
        """Try a recipe without keeping anything: `version_id` with `paths` or `sample`, or `text`."""
        body = {name: value for name, value in what.items() if value is not None}
        return self._transport.post(f"/api/v1/recipes/{recipe_id}/test", body)["files"]

    def suggest(self, version_id: str, path: str) -> Json:
        """Return what to do with the columns of a table, each with its reason."""
        return self._transport.post("/api/v1/recipes/suggestion", {"version_id": version_id, "path": path})


class Runs:
    """Runs of recipes over versions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, recipe_id: str, version_id: str, *, mode: str = "treat") -> Json:
        """Start a run: `treat` writes the next version, `inspect` only looks."""
        return self._transport.post("/api/v1/runs", {"recipe_id": recipe_id, "version_id": version_id, "mode": mode})

    def all(self, *, version_id: str | None = None, dataset_id: str | None = None) -> list[Json]:
        """Return the runs the caller may see."""
        return list(self._transport.pages("/api/v1/runs", {"version_id": version_id, "dataset_id": dataset_id}))

    def get(self, run_id: str) -> Json:
        """Return one run with its progress."""
        return self._transport.get(f"/api/v1/runs/{run_id}")

    def stop(self, run_id: str) -> Json:
        """Stop a run: nothing of it stays but its record."""
        return self._transport.post(f"/api/v1/runs/{run_id}/stop")

    def wait(
        self,
        run_id: str,
        *,
        timeout_s: float = 3600,
        every_s: float = 0.5,
        on_progress: Callable[[Json], None] | None = None,
    ) -> Json:
        """Return the run when it has ended, whatever its end; TimeoutError when it has not within `timeout_s`."""
        until = time.monotonic() + timeout_s
        while True:
            run = self.get(run_id)
            if on_progress:
                on_progress(run)
            if run["state"] in ENDED:
                return run
            if time.monotonic() > until:
                raise TimeoutError(f"run {run_id} is still {run['state']} after {timeout_s:.0f} s")
            time.sleep(every_s)

    def report(self, run_id: str) -> Json:
        """Return what was found, treated and withheld, and what the gate would say."""
        return self._transport.get(f"/api/v1/runs/{run_id}/report")

    def report_files(self, run_id: str) -> Iterator[Json]:
        """Yield what became of each file."""
        return self._transport.pages(f"/api/v1/runs/{run_id}/report/files")

    def samples(self, run_id: str) -> list[Json]:
        """Return the places that were drawn for a steward to judge."""
        return list(self._transport.pages(f"/api/v1/runs/{run_id}/review-samples"))

    def judge(self, run_id: str, sample_id: str, judgement: str) -> Json:
        """Judge one place: `right`, `missed` or `needless`."""
        return self._transport.put(f"/api/v1/runs/{run_id}/review-samples/{sample_id}", {"judgement": judgement})

    def gate(self, run_id: str) -> Json:
        """Return what the gate has said so far."""
        return self._transport.get(f"/api/v1/runs/{run_id}/gate")

    def decide_gate(self, run_id: str, decision: str, reasons: str) -> Json:
        """Ask the gate to `pass` (a no is an answer, with what would pass), or `refuse`."""
        return self._transport.post(f"/api/v1/runs/{run_id}/gate", {"decision": decision, "reasons": reasons})
