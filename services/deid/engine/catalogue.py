"""Every operator there is: importing the families enters them in the registry. Cheap; nothing heavy is loaded."""

from importlib import import_module

from services.deid.engine.operator import REGISTRY, Operator, Registry

_FAMILIES = ("services.deid.engine.text", "services.deid.engine.image", "services.deid.engine.table")


def operators() -> Registry:
    """Return the registry with every family's operators in it."""
    for family in _FAMILIES:
        import_module(f"{family}.operators")
    return REGISTRY


def operator(name: str) -> Operator | None:
    """Return an operator by name, or None."""
    return operators().get(name)
