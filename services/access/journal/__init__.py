"""The journal: what the factory's services tell each other, readable for operators."""

from services.access.journal.endpoints import router

__all__ = ["router"]
