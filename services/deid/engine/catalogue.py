"""Every operator there is: importing the families enters them in the registry. Cheap; nothing heavy is loaded."""

from collections.abc import Iterable
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


def models_of(names: Iterable[str]) -> list[dict[str, str]]:
    """Return the models and word lists that these operators use: `[{"name", "sha256"}]`, each once."""
    operators()
    found: dict[str, str] = {}
    wanted = set(names)
    for family in _FAMILIES:
        used = getattr(import_module(f"{family}.operators"), "MODELS", {})
        for name in sorted(wanted & used.keys()):
            found.update(used[name])
    return [{"name": name, "sha256": digest} for name, digest in sorted(found.items())]
