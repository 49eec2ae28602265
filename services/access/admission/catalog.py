"""What the catalogue says of datasets and versions, held to its shape: what cannot be believed is no answer (503)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from services.kit.context import Context
from services.kit.problems import Problem, not_found, unavailable

log = structlog.get_logger("factory.access")

# As many as the catalogue takes in one question.
_AT_ONCE = 500


class DatasetFacts(BaseModel):
    """A dataset, as the catalogue tells it to other services. Its title is for people; no decision sees it."""

    model_config = ConfigDict(frozen=True)

    state: Literal["draft", "published", "withdrawn"]
    integrity_class: Literal["open", "internal", "confidential", "restricted"]
    partner_id: UUID
    terms_id: UUID
    title: str
    donation_id: UUID | None = None
    """The case it came from, whose stewards answer for it beside the donor's."""


class VersionFacts(BaseModel):
    """A version, as the catalogue tells it to other services."""

    model_config = ConfigDict(frozen=True)

    dataset_id: UUID
    state: Literal["committed", "released", "withdrawn", "redacted"]
    gate: Literal["not-required", "required", "passed"]
    personal_data: Literal["yes", "no", "unknown"]


class _Answer(BaseModel):
    versions: dict[UUID, VersionFacts]
    datasets: dict[UUID, DatasetFacts]


@dataclass(frozen=True)
class CatalogFacts:
    """Versions and datasets by id; what does not exist is absent. The dataset of each version is there."""

    versions: Mapping[UUID, VersionFacts]
    datasets: Mapping[UUID, DatasetFacts]

    def dataset_of(self, version_id: UUID) -> tuple[UUID, DatasetFacts] | None:
        """Return id and facts of a version's dataset; None for a version there is not."""
        version = self.versions.get(version_id)
        return (version.dataset_id, self.datasets[version.dataset_id]) if version else None


def _read(answer: object) -> CatalogFacts:
    try:
        read = _Answer.model_validate(answer)
        if any(version.dataset_id not in read.datasets for version in read.versions.values()):
            raise ValueError("a version without its dataset")
    except ValidationError as error:
        # Places only: a title is somebody's text.
        places = [".".join(str(part) for part in e["loc"][2:]) for e in error.errors()[:5]]
        log.error("catalog.unbelievable", where=places)
        raise unavailable("catalog") from None
    except ValueError:
        log.error("catalog.unbelievable", where=["dataset_id"])
        raise unavailable("catalog") from None
    return CatalogFacts(read.versions, read.datasets)


async def _ask(ctx: Context, versions: list[str], datasets: list[str]) -> CatalogFacts:
    question = {"version_ids": versions, "dataset_ids": datasets}
    try:
        answer: Any = await ctx.http.post_json("catalog", "/internal/v1/version-facts", question, idempotent=True)
    except ValueError:  # what came with 200 is not JSON
        raise unavailable("catalog") from None
    except Problem as problem:
        # It refuses a question that is always asked alike: a fault between the services, not of whoever asks us.
        raise problem if problem.status >= 500 else unavailable("catalog") from None
    return _read(answer)


async def version_facts(ctx: Context, version_ids: Iterable[UUID]) -> CatalogFacts:
    """Ask about versions and their datasets, 500 a question. Before a transaction is open; 503 if unsure."""
    wanted = sorted({str(version_id) for version_id in version_ids})
    versions: dict[UUID, VersionFacts] = {}
    datasets: dict[UUID, DatasetFacts] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        facts = await _ask(ctx, wanted[start : start + _AT_ONCE], [])
        versions |= facts.versions
        datasets |= facts.datasets
    return CatalogFacts(versions, datasets)


async def published_dataset(ctx: Context, dataset_id: UUID) -> DatasetFacts:
    """Ask about one dataset; 404 unless it is published. Before a transaction is open; 503 if unsure."""
    facts = (await _ask(ctx, [], [str(dataset_id)])).datasets.get(dataset_id)
    if facts is None or facts.state != "published":
        raise not_found("dataset")
    return facts
