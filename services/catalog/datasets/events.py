"""Facts about versions and keys, as messages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.catalog.datasets.models import Version, VersionKey
from services.kit.db import RuleSession
from services.kit.events import catalog
from services.kit.outbox import emit


def version_committed(session: RuleSession, version: Version, parents: Sequence[UUID]) -> None:
    """A version exists."""
    message = catalog.VersionCommitted(
        version_id=str(version.id),
        dataset_id=str(version.dataset_id),
        parent_version_ids=[str(parent) for parent in parents],
        digest=version.digest,
        files=version.files,
        bytes=version.bytes,
        personal_data=version.personal_data,
    )
    emit(session, "factory.catalog.version.committed.v1", str(version.id), message, revision=version.revision)


def version_released(session: RuleSession, version: Version) -> None:
    """A version may be used."""
    message = catalog.VersionReleased(
        version_id=str(version.id),
        dataset_id=str(version.dataset_id),
        released_by=str(version.released_by),
        gate=version.gate,
    )
    emit(session, "factory.catalog.version.released.v1", str(version.id), message, revision=version.revision)


def key_destroyed(session: RuleSession, key: VersionKey, at: datetime) -> None:
    """Nothing opens the version any more. The highest revision: after this comes nothing about the version."""
    message = catalog.KeyDestroyed(version_id=str(key.version_id), dataset_id=str(key.dataset_id))
    message.destroyed_at.FromDatetime(at)
    emit(session, "factory.catalog.key.destroyed.v1", str(key.version_id), message, revision=2**31 - 1)
