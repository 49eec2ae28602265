"""What a search answers."""

from services.catalog.datasets.schemas import DatasetOut
from services.kit.paging import Paged
from services.kit.schemas import Resource


class FacetValue(Resource):
    """How many of the datasets found have this value."""

    value: str
    count: int


class Found(Paged[DatasetOut]):
    """A page of datasets, and counts by facet over everything that was found (not the page alone)."""

    facets: dict[str, list[FacetValue]]
