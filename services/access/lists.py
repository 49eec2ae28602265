"""Lists ordered by id share one cursor."""

from uuid import UUID

from services.kit.paging import PageParams
from services.kit.problems import FieldError, Problem


def after_id(page: PageParams) -> UUID | None:
    """Return the id after which the page begins, or None at the start; 422 if the cursor was not made here."""
    if page.after is None:
        return None
    try:
        (value,) = page.after
        return UUID(str(value))
    except ValueError:
        raise Problem(422, "invalid-request", errors=[FieldError("query:after", "cursor-invalid")]) from None
