"""The only place that queries the table of recipes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.deid.recipes.models import Recipe
from services.kit.db import RuleSession


async def recipe(session: RuleSession, recipe_id: UUID) -> Recipe | None:
    """Return a recipe."""
    return (await session.exec(select(Recipe).where(Recipe.id == recipe_id))).one_or_none()


async def next_number(session: RuleSession, name: str) -> int:
    """Return the number of the next recipe of this name."""
    highest = (await session.exec(select(func.max(Recipe.number)).where(Recipe.name == name))).one_or_none()
    return (highest or 0) + 1


async def add_recipe(session: RuleSession, values: dict[str, Any]) -> Recipe | None:
    """Enter a recipe; None when its number is taken by now."""
    statement = insert(Recipe).values(**values).on_conflict_do_nothing(index_elements=["name", "number"])
    return (await session.execute(statement.returning(Recipe))).scalar_one_or_none()


async def recipes(session: RuleSession, *, name: str | None, before: UUID | None, limit: int) -> Sequence[Recipe]:
    """Return recipes, newest first, one more than `limit`."""
    query = select(Recipe)
    if name is not None:
        query = query.where(Recipe.name == name)
    if before is not None:
        query = query.where(col(Recipe.id) < before)
    return (await session.exec(query.order_by(col(Recipe.id).desc()).limit(limit + 1))).all()
