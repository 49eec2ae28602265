"""What a row of the matrix says: one operation, and what each sort of person gets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.e2e.matrix import World

EVERYONE = "everyone"
Content = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One operation. `other` and `wrong` are the answers to those subjects; EVERYONE: they may, and see their own."""

    op: str
    method: str
    path: str
    right: str
    gets: int = 200
    wrong_one: str = "clerk"
    wrong: int | str = 403
    other: int | str = 404
    json: Content | None = None
    extra: Content | None = None


def lists(op: str, path: str, right: str) -> Row:
    """Return the row of a list, in which everyone sees their own."""
    return Row(op, "GET", path, right, wrong=EVERYONE, other=EVERYONE)
