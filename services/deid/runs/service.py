"""What working on a run takes: its plan, its keys, the catalogue's derivation, and the processes that treat."""

import asyncio
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from services.deid.pool.pool import Pool
from services.deid.pool.shapes import PlanSpec
from services.deid.recipes import rules as recipe_rules
from services.deid.recipes.models import Recipe
from services.deid.runs.models import Run
from services.deid.settings import DeidSettings
from services.deid.sources.catalogue import Derivation
from services.deid.sources.keys import DatasetSecrets
from services.kit.context import Context


class ClaimLost(Exception):
    """The run was stopped, or another process works on it."""


class Ended(Exception):
    """The run cannot be finished; `reason` is a stable code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Work:
    """A run that this process has claimed."""

    run_id: UUID
    claim: UUID
    dataset_id: UUID
    mode: str
    listed: bool
    changed: bool
    """Operators or models are other ones than when the run was made: its files would be treated in two ways."""
    attempts: int
    details: dict[str, object]
    plan: PlanSpec
    secrets: DatasetSecrets = field(repr=False)
    derivation: Derivation = field(repr=False)

    @property
    def inspect(self) -> bool:
        """Whether the run only looks."""
        return self.mode == "inspect"


def work_of(ctx: Context, run: Run, recipe: Recipe, secrets: DatasetSecrets) -> Work:
    """Return what working on a claimed run takes."""
    assert run.claim is not None
    operators = [{"operator": o["operator"], "params": o["params"]} for o in recipe.operators]
    details: dict[str, object] = {
        "recipe_id": str(recipe.id),
        "recipe_number": recipe.number,
        "recipe_digest": recipe.digest,
        "operators": run.operators,
        "models": run.models,
        "key_id": str(run.key_id),
    }
    return Work(
        run_id=run.id,
        claim=run.claim,
        dataset_id=run.dataset_id,
        mode=run.mode,
        listed=run.files_total is not None,
        changed=bool(recipe_rules.outdated(recipe)) or recipe_rules.models(recipe) != run.models,
        attempts=run.attempts,
        details=details,
        # Another dataset has other keys: the plan is told apart by both.
        plan=PlanSpec(f"{recipe.digest}:{run.key_id}", operators, str(run.key_id), secrets.pseudonym),
        secrets=secrets,
        derivation=Derivation(ctx, run.id),
    )


def settings_of(ctx: Context) -> DeidSettings:
    """Return the service's settings."""
    assert isinstance(ctx.settings, DeidSettings)
    return ctx.settings


def pool_of(ctx: Context) -> Pool:
    """Return the processes that treat the files of runs."""
    return cast(Pool, ctx.components["pool"])


def bell_of(ctx: Context) -> asyncio.Event:
    """Return what wakes the workers of this process."""
    return cast(asyncio.Event, ctx.components["runs_bell"])


def poke(ctx: Context) -> None:
    """Let a worker of this process look for work now."""
    bell_of(ctx).set()
