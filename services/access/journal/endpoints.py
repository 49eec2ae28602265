"""The bus over HTTP, for operators: one JSON object a line, as facts happen."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from services.access.journal.events import TOPICS, readable, unknown_types
from services.kit.context import Context
from services.kit.problems import FieldError, Problem
from services.kit.web import Caller, Ctx, factory_router, requires

router = factory_router(tags=["events"])
Operator = requires("operator")


@router.get(
    "/events",
    operation_id="tail_events",
    summary="Follow the bus",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
async def tail_events(
    operator: Operator,  # pyright: ignore[reportInvalidTypeForm]
    caller: Caller,
    ctx: Ctx,
    types: Annotated[str | None, Query(max_length=2000, description="Event types, separated by commas.")] = None,
    since: Annotated[
        AwareDatetime | None, Query(alias="from", description="Begin at this instant instead of now.")
    ] = None,
) -> StreamingResponse:
    """Events as lines of JSON (NDJSON), from now on or from an instant, until you hang up. Ids only, no names."""
    wanted = [name.strip() for name in (types or "").split(",") if name.strip()]
    unknown = unknown_types(wanted)
    if unknown:
        errors = [FieldError("query:types", "unknown-event-type", {"name": name[:100]}) for name in unknown]
        raise Problem(422, "invalid-request", errors=errors)
    return StreamingResponse(_lines(ctx, wanted, since), media_type="application/x-ndjson")


async def _lines(ctx: Context, wanted: list[str], since: AwareDatetime | None) -> AsyncGenerator[str]:
    async for record in ctx.bus.tail(TOPICS, since or "latest"):
        line = readable(record, wanted)
        if line is not None:
            yield line
