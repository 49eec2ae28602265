"""Terms: ODRL policies in, one normal form inside, plain words out."""

from services.access.terms.endpoints import internal, router
from services.access.terms.texts import TEXTS

__all__ = ["TEXTS", "internal", "router"]
