"""Preparation: recipes treat a version into the next, a report says how well, and a gate lets it through or not."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.deid.assembly import service as service


def __getattr__(name: str) -> Any:
    # Processes that treat files import the engine and no more: all that a service is made of would cost each of them
    # a second and a hundred megabytes.
    if name == "service":
        from services.deid.assembly import service

        return service
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
