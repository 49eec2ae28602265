"""Where a page begins: cursors are made here, and what was not is refused."""

from uuid import UUID

from services.kit.paging import PageParams
from services.kit.problems import FieldError, Problem


def after_id(page: PageParams) -> UUID | None:
    """Return the id after which the page begins, None at the start; 422 if the cursor was not made here."""
    value = _only(page)
    try:
        return None if value is None else UUID(str(value))
    except ValueError:
        raise _invalid() from None


def after_number(page: PageParams) -> int | None:
    """Return the number after which the page begins, None at the start; 422 if the cursor was not made here."""
    value = _only(page)
    if value is None or (isinstance(value, int) and abs(value) < 2**31):
        return value
    raise _invalid()


def _only(page: PageParams) -> object | None:
    if page.after is None:
        return None
    if len(page.after) != 1:
        raise _invalid()
    return page.after[0]


def _invalid() -> Problem:
    return Problem(422, "invalid-request", errors=[FieldError("query:after", "cursor-invalid")])
