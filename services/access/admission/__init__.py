"""Admission: a project asks for a dataset, a steward decides, an agreement is signed, a grant holds until it ends."""

from services.access.admission.endpoints import router

__all__ = ["router"]
