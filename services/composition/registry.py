"""The services there are. Loaded by name, so that one runs where the others' packages are not installed."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what a service is made of imports slowly, and `up` and `down` only want the names
    from services.kit.service import Service

NAMES = ("access", "catalog", "deid", "annotation")
"""Services behind the gateway, in the order in which they start."""

DATABASES = (*NAMES, "gateway")
"""Who has a database of its own."""


def load(name: str) -> "Service":
    """Return the service called `name`."""
    from services.kit.service import Service

    if name == "gateway":
        service = import_module("gateway").gateway
    else:
        service = import_module(f"services.{name}").service
    assert isinstance(service, Service)
    return service
