"""How long work tells how far it has come."""

from typing import Protocol


class OnProgress(Protocol):
    """Called often, from any thread, with a name for the work and how much of it is done, in bytes."""

    def __call__(self, name: str, done: int, total: int) -> None: ...


def quiet(name: str, done: int, total: int) -> None:
    """Tell nobody."""
