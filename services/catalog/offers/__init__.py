"""Offering datasets: describe, publish, withdraw."""

from services.catalog.offers.endpoints import router

__all__ = ["router"]
