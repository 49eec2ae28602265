"""Training: courses about the rules, examined, with a completion that decisions ask for."""

from services.access.training.endpoints import router

__all__ = ["router"]
