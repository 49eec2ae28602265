"""A dataset is described, published and withdrawn."""

from datetime import datetime

from services.catalog.datasets import repository, rules
from services.catalog.datasets.models import Dataset
from services.catalog.offers import events
from services.catalog.offers.schemas import DatasetChange
from services.kit.db import RuleSession
from services.kit.problems import conflict, forbidden
from services.kit.tokens import Subject


async def update(session: RuleSession, caller: Subject, dataset: Dataset, change: DatasetChange) -> None:
    """A steward corrects the title or the description. The dataset's row is locked."""
    rules.require_steward(caller, dataset)
    if dataset.state == "withdrawn":
        raise conflict("dataset-is-withdrawn")
    for name in change.model_fields_set:
        value = getattr(change, name)
        if value is not None:
            setattr(dataset, name, value)
    dataset.revision += 1
    session.add(dataset)
    await session.flush()


async def publish(session: RuleSession, caller: Subject, dataset: Dataset, now: datetime) -> None:
    """A steward makes the dataset known; something in it must be released. Publishing twice changes nothing."""
    rules.require_steward(caller, dataset)
    if dataset.state == "published":
        return
    if dataset.state == "withdrawn":
        raise conflict("dataset-is-withdrawn")
    if await repository.latest_version(session, dataset.id, released_only=True) is None:
        raise conflict("nothing-released")
    dataset.state = "published"
    dataset.published_at = now
    dataset.published_by = caller.id
    dataset.revision += 1
    session.add(dataset)
    await session.flush()
    events.dataset_published(session, dataset)


def may_withdraw(caller: Subject, dataset: Dataset) -> bool:
    """The donor's own people and its stewards may."""
    own = any(caller.has(role, "partner", dataset.partner_id) for role in ("donor", "partner-admin"))
    return own or rules.is_steward(caller, dataset)


async def withdraw(session: RuleSession, caller: Subject, dataset: Dataset, reason: str, now: datetime) -> None:
    """Take the dataset back for good: grants end, keys are destroyed, a tombstone stays. Twice changes nothing."""
    if not may_withdraw(caller, dataset):
        raise forbidden("role-required", role="donor / steward")
    if dataset.state == "withdrawn":
        return
    dataset.state = "withdrawn"
    dataset.withdrawn_at = now
    dataset.withdrawn_by = caller.id
    dataset.withdrawal_reason = reason
    dataset.revision += 1
    session.add(dataset)
    await session.flush()
    await repository.withdraw_versions(session, dataset.id)
    version_ids = await repository.version_ids_of(session, dataset.id)
    await rules.erase_versions(session, version_ids, "dataset-withdrawn", now)
    events.dataset_withdrawn(session, dataset, version_ids)
