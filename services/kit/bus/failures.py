"""Telling what went wrong: is the broker or database away, or is the message to blame; and saying so without data."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Connection exceptions, insufficient resources, operator intervention (PostgreSQL, appendix A); serialization
# failures and deadlocks, which pass when tried again.
_PASSING_CLASSES = ("08", "53", "57")
_PASSING_STATES = ("40001", "40P01", "55P03", "25006")


def is_passing(error: BaseException) -> bool:
    """Whether `error` comes from a connection, server or pool in trouble, so that the same work may succeed later."""
    if isinstance(error, OSError | TimeoutError | PoolTimeout | InterfaceError | OperationalError):
        return True
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or "")
        return error.connection_invalidated or state[:2] in _PASSING_CLASSES or state in _PASSING_STATES
    return False


def describe(error: BaseException) -> str:
    """Return the kind of `error` and the places it went through, innermost first, without its text.

    The text of an exception may quote what people sent (a database error quotes the row), and dead letters are kept.
    """
    places: list[str] = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        file = code.co_filename.replace("\\", "/").rsplit("/site-packages/", 1)[-1]
        places.append(f"{'/'.join(file.split('/')[-3:])}:{step.tb_lineno} in {code.co_name}")
        step = step.tb_next
    return " < ".join([type(error).__qualname__, *reversed(places[-6:])])
