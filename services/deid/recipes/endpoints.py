"""Operators and recipes over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from services.deid.engine.catalogue import operators
from services.deid.engine.operator import Operator
from services.deid.lists import after_id
from services.deid.pool.worker import WorkerDied, WorkerLate
from services.deid.reasons import reason_text
from services.deid.recipes import repository, rules, trying
from services.deid.recipes.models import Recipe
from services.deid.recipes.schemas import (
    OperatorOut,
    OperatorsOut,
    RecipeIn,
    RecipeOut,
    SuggestionIn,
    SuggestionOut,
    TestIn,
    TestOut,
    TriedFile,
)
from services.kit.ids import new_id
from services.kit.paging import Page, Paged, page
from services.kit.problems import conflict, invalid
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, Lang, Session, factory_router, requires

router = factory_router(tags=["recipes"])

Steward = requires("steward")
RecipeId = Annotated[UUID, Path(description="The recipe.")]
_SUGGEST_S = 20.0
_SAMPLE = 5


def _show_operator(operator: Operator) -> OperatorOut:
    return OperatorOut.model_validate(
        {
            "name": operator.name,
            "version": operator.version,
            "family": operator.family,
            "summary": operator.summary,
            "finds": list(operator.finds),
            "source": operator.source,
            "misses": operator.misses,
            "schema": operator.schema(),
        }
    )


def _show(caller: Subject, recipe: Recipe) -> RecipeOut:
    fields = {name: getattr(recipe, name) for name in RecipeOut.model_fields if hasattr(recipe, name)}
    return RecipeOut.model_validate({**fields, "allowed_actions": rules.actions(caller, recipe)})


def _show_tried(tried: trying.Tried, lang: Language) -> TriedFile:
    outcome = tried.outcome
    return TriedFile.model_validate(
        {
            "path": tried.path,
            "target": tried.target,
            "media_type": outcome.media_type,
            "withheld": outcome.withheld,
            "withheld_text": reason_text(outcome.withheld, lang),
            "counts": outcome.counts,
            "findings": trying.findings_of(outcome),
            "after": outcome.preview.get("text"),
            "picture": outcome.preview.get("picture"),
            "measures": outcome.measures,
        }
    )


@router.get("/operators", operation_id="list_operators", summary="List the operators there are")
async def list_operators(caller: Caller) -> OperatorsOut:
    """List the operators that recipes are made of: what each finds and misses, and the JSON Schema it takes."""
    return OperatorsOut(items=[_show_operator(operator) for operator in operators().all()])


@router.post("/recipes", status_code=201, operation_id="create_recipe", summary="Write a recipe")
async def create_recipe(
    body: RecipeIn,
    caller: Steward,  # pyright: ignore[reportInvalidTypeForm] - made by a function
    ctx: Ctx,
    session: Session,
) -> RecipeOut:
    """Write a recipe: operators in order, with parameters. The same name again is its next number; none ever changes.

    422 with a JSON pointer for each thing that an operator's schema does not take, and what would be right.
    """
    steps = rules.checked([step.model_dump() for step in body.operators])
    for _ in range(5):
        recipe = await repository.add_recipe(
            session,
            {
                "id": new_id(),
                "name": body.name,
                "number": await repository.next_number(session, body.name),
                "description": body.description,
                "operators": steps,
                "digest": rules.digest_of(steps),
                "created_by": caller.id,
                "created_at": ctx.clock.now(),
            },
        )
        # Somebody else has written the same number meanwhile: ours is the one after it.
        if recipe is not None:
            return _show(caller, recipe)
    raise conflict("recipe-busy")


@router.get("/recipes", operation_id="list_recipes", summary="List recipes")
async def list_recipes(
    caller: Steward,  # pyright: ignore[reportInvalidTypeForm]
    session: Session,
    params: Page,
    name: Annotated[str | None, Query(max_length=200, description="Only those of this name.")] = None,
) -> Paged[RecipeOut]:
    """List recipes, newest first."""
    rows = await repository.recipes(session, name=name, before=after_id(params), limit=params.limit)
    return page(rows, params.limit, lambda row: (row.id,), lambda row: _show(caller, row))


@router.get("/recipes/{recipe_id}", operation_id="get_recipe", summary="Read a recipe")
async def get_recipe(
    recipe_id: RecipeId,
    caller: Steward,  # pyright: ignore[reportInvalidTypeForm]
    session: Session,
) -> RecipeOut:
    """Read a recipe: its operators with every parameter filled in."""
    return _show(caller, await rules.recipe_for(session, recipe_id))


@router.post("/recipes/{recipe_id}/test", operation_id="test_recipe", summary="Try a recipe")
async def test_recipe(
    recipe_id: RecipeId,
    body: TestIn,
    caller: Steward,  # pyright: ignore[reportInvalidTypeForm]
    ctx: Ctx,
    lang: Lang,
) -> TestOut:
    """Try a recipe on a text, or on some files of a version whose steward you are. Nothing of it is kept.

    Pseudonyms are made with a key of the moment: they are other ones than those of a run.
    """
    async with ctx.unit() as session:
        recipe = await rules.recipe_for(session, recipe_id)
    rules.require_current(recipe)
    if body.text is not None:
        tried = await trying.try_text(ctx, recipe, body.text)
    else:
        assert body.version_id is not None
        tried = await trying.try_files(ctx, recipe, caller, body.version_id, body.paths, body.sample or _SAMPLE)
    return TestOut(files=[_show_tried(each, lang) for each in tried])


@router.post("/recipes/suggestion", operation_id="suggest_recipe", summary="Suggest operators for a table")
async def suggest_recipe(
    body: SuggestionIn,
    caller: Steward,  # pyright: ignore[reportInvalidTypeForm]
    ctx: Ctx,
    lang: Lang,
) -> SuggestionOut:
    """Look at a table (CSV or Parquet) and suggest, column by column and with the reason, what could be done to it.

    A suggestion is a beginning: who knows the data decides.
    """
    content = await trying.one_file(ctx, caller, body.version_id, body.path)
    try:
        async with trying.trial_pool_of(ctx).worker() as worker:
            suggested = await worker.suggest(content, body.path, "", _SUGGEST_S)
    except (WorkerDied, WorkerLate):
        suggested = {"columns": []}
    if not suggested["columns"]:
        raise invalid("/path", "not-a-table")
    reason = "reason_sv" if lang == "sv" else "reason"
    columns = [{**column, "reason": column[reason]} for column in suggested["columns"]]
    return SuggestionOut.model_validate({"columns": columns, "operators": suggested["operators"]})
