"""Facts about offers, as messages."""

from collections.abc import Sequence
from uuid import UUID

from services.catalog.datasets.models import Dataset
from services.kit.db import RuleSession
from services.kit.events import catalog
from services.kit.outbox import emit


def dataset_published(session: RuleSession, dataset: Dataset) -> None:
    """Everyone signed in may find the dataset."""
    message = catalog.DatasetPublished(
        dataset_id=str(dataset.id),
        partner_id=str(dataset.partner_id),
        terms_id=str(dataset.terms_id),
        integrity_class=dataset.integrity_class,
    )
    emit(session, "factory.catalog.dataset.published.v1", str(dataset.id), message, revision=dataset.revision)


def dataset_withdrawn(session: RuleSession, dataset: Dataset, version_ids: Sequence[UUID]) -> None:
    """The dataset is no more: rights on it end, its keys are destroyed, a tombstone stays."""
    assert dataset.withdrawn_at is not None
    message = catalog.DatasetWithdrawn(
        dataset_id=str(dataset.id),
        partner_id=str(dataset.partner_id),
        version_ids=[str(version_id) for version_id in version_ids],
    )
    message.withdrawn_at.FromDatetime(dataset.withdrawn_at)
    emit(session, "factory.catalog.dataset.withdrawn.v1", str(dataset.id), message, revision=dataset.revision)
