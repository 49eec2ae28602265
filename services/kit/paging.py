"""Lists in pages by key: stable under inserts, and as quick at the end as at the start."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from services.kit.problems import FieldError, Problem

T = TypeVar("T")
R = TypeVar("R")


class Paged(BaseModel, Generic[T]):
    """One page of a list. `next_cursor` goes into `after` for the next page; null at the end."""

    items: list[T]
    next_cursor: str | None = None


@dataclass(frozen=True)
class PageParams:
    """`limit` (1–200, default 50) and the decoded cursor `after` (a list of JSON values, or None at the start)."""

    limit: int
    after: list[Any] | None


async def _page(
    limit: Annotated[int, Query(ge=1, le=200, description="Most items in the page.")] = 50,
    after: Annotated[str | None, Query(max_length=2000, description="Cursor from next_cursor.")] = None,
) -> PageParams:
    return PageParams(limit, decode_cursor(after) if after else None)


Page = Annotated[PageParams, Depends(_page)]


def encode_cursor(values: Sequence[object]) -> str:
    """Return an opaque cursor for the sort key of a row."""
    raw = json.dumps([str(v) if not isinstance(v, int | float | str) else v for v in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """Return the sort key in `cursor`; 422 if it was not made here."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, UnicodeDecodeError):
        values = None
    if not isinstance(values, list) or not all(isinstance(v, int | float | str) for v in values):  # pyright: ignore[reportUnknownVariableType]
        raise Problem(422, "invalid-request", errors=[FieldError("query:after", "cursor-invalid")])
    return values  # pyright: ignore[reportUnknownVariableType]


def page(rows: Sequence[R], limit: int, key: Callable[[R], Sequence[object]], show: Callable[[R], T]) -> Paged[T]:
    """Make a page from up to `limit + 1` rows (repositories fetch one more than asked, to know
    whether more follow); `key` gives the sort key of a row, as a tuple."""
    kept = rows[:limit]
    cursor = None
    if len(rows) > limit:
        cursor = encode_cursor(key(kept[-1]))
    return Paged(items=[show(row) for row in kept], next_cursor=cursor)
