"""Finding datasets: full text in Swedish and English, exact names first, counts by facet."""

from services.catalog.search.endpoints import router

__all__ = ["router"]
