"""Who sees a dataset and its versions, how versions come to be, and who releases them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.catalog.datasets import events, repository
from services.catalog.datasets.manifest import Manifest
from services.catalog.datasets.models import Dataset, Lineage, ObjectUse, StoredObject, Version
from services.kit.db import RuleSession
from services.kit.problems import Problem, conflict, forbidden, not_found
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject

INTEGRITY_CLASSES = ("open", "internal", "confidential", "restricted")


def is_steward(caller: Subject, dataset: Dataset) -> bool:
    """Whether the caller is a steward of the dataset's donor or of its donation."""
    return caller.has("steward", "partner", dataset.partner_id) or caller.has(
        "steward", "donation", dataset.donation_id
    )


def is_insider(caller: Subject, dataset: Dataset) -> bool:
    """Whether the caller belongs to the donating partner or is its steward: those who see what is not published."""
    return caller.partner_id == dataset.partner_id or is_steward(caller, dataset)


def sees_dataset(caller: Subject, dataset: Dataset) -> bool:
    """Whether the caller may know that the dataset exists. What was once published leaves a tombstone for everyone."""
    return dataset.published_at is not None or is_insider(caller, dataset)


def sees_version(caller: Subject, version: Version, dataset: Dataset) -> bool:
    """Whether the caller may know that the version exists; raw ones are for insiders."""
    return sees_dataset(caller, dataset) and (version.released_at is not None or is_insider(caller, dataset))


async def dataset_for(session: RuleSession, caller: Subject, dataset_id: UUID, *, lock: bool = False) -> Dataset:
    """Return a dataset that the caller may see, or 404."""
    dataset = await repository.dataset(session, dataset_id, lock=lock)
    if dataset is None or not sees_dataset(caller, dataset):
        raise not_found("dataset")
    return dataset


async def version_for(
    session: RuleSession, caller: Subject, version_id: UUID, *, lock: bool = False
) -> tuple[Version, Dataset]:
    """Return a version that the caller may see, with its dataset, or 404."""
    found = await repository.version(session, version_id, lock=lock)
    if found is None or not sees_version(caller, *found):
        raise not_found("version")
    return found


def require_steward(caller: Subject, dataset: Dataset) -> None:
    """403 for those who see the dataset and are not its steward."""
    if not is_steward(caller, dataset):
        raise forbidden("role-required", role="steward")


def state_of(version: Version, dataset: Dataset) -> str:
    """Return the version's state as it counts: a withdrawn dataset takes all its versions with it."""
    return "withdrawn" if dataset.state == "withdrawn" else version.state


def require_alive(version: Version, dataset: Dataset) -> None:
    """410, with the tombstone, for what was withdrawn or redacted."""
    state = state_of(version, dataset)
    if state not in ("withdrawn", "redacted"):
        return
    tombstone = {
        "dataset_id": str(dataset.id),
        "version_id": str(version.id),
        "state": state,
        "withdrawn_at": dataset.withdrawn_at.isoformat() if dataset.withdrawn_at else None,
        "reason": dataset.withdrawal_reason,
    }
    raise Problem(410, "dataset-withdrawn", extra={"tombstone": tombstone})


def gate_of(personal_data: str, terms: Mapping[str, Any], source_kind: str) -> str:
    """Return whether a new version must pass a gate: with personal data (or unknown), or where the terms ask.

    And always when it comes from a campaign: annotators type free text.
    """
    free = personal_data == "no" and terms.get("gate") == "none" and source_kind != "campaign"
    return "not-required" if free else "required"


async def commit_version(
    session: RuleSession,
    dataset: Dataset,
    manifest: Manifest,
    *,
    stored_as: tuple[str, bytes, int],
    source: tuple[str, UUID],
    by: UUID,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> Version:
    """Record an immutable version whose manifest is stored as `stored_as`: object, wrapped key, size in plaintext.

    `source` is what made it: a kind (donation, recipe, job, campaign) and its id; `details` how, in the words of the
    service that did. The dataset's row is new or locked.
    """
    kind, source_id = source
    version = Version(
        id=manifest.version_id,
        dataset_id=dataset.id,
        number=await repository.next_number(session, dataset.id),
        gate=gate_of(dataset.personal_data, dataset.terms_snapshot, kind),
        personal_data=dataset.personal_data,
        digest=manifest.digest(),
        manifest_object=stored_as[0],
        manifest_key=stored_as[1],
        manifest_bytes=stored_as[2],
        files=len(manifest.entries),
        bytes=manifest.bytes,
        media_types=manifest.media_types,
        committed_at=now,
        committed_by=by,
    )
    session.add(version)
    session.add(
        StoredObject(
            dataset_id=dataset.id,
            name=version.manifest_object,
            size=version.manifest_bytes,
            stored=True,
            created_at=now,
        )
    )
    await session.flush()
    session.add(
        ObjectUse(
            dataset_id=dataset.id,
            name=version.manifest_object,
            version_id=version.id,
            wrapped_key=version.manifest_key,
        )
    )
    for parent in manifest.parents or (None,):
        session.add(
            Lineage(
                version_id=version.id,
                parent_id=parent,
                source_kind=kind,
                source_id=source_id,
                details=dict(details or {}),
            )
        )
    events.version_committed(session, version, manifest.parents)
    return version


def release_refusal(caller: Subject, version: Version, dataset: Dataset) -> Problem | None:
    """Return why the caller cannot release the version now, or None."""
    if not is_steward(caller, dataset):
        return forbidden("role-required", role="steward")
    if dataset.state == "withdrawn" or version.state != "committed":
        return conflict("version-not-committed", state=version.state)
    if version.gate == "required":
        return conflict("gate-required")
    if caller.id == version.committed_by:
        return forbidden("second-steward-required")
    return None


def release(
    session: RuleSession, caller: Subject, version: Version, dataset: Dataset, reasons: str, now: datetime
) -> None:
    """Release a version: a second steward says that it may be used. The version's row is locked."""
    refusal = release_refusal(caller, version, dataset)
    if refusal is not None:
        raise refusal
    set_released(session, caller, version, reasons, now)


def set_released(session: RuleSession, caller: Subject, version: Version, reasons: str, now: datetime) -> None:
    """Record that the version, locked and found in order, may be used."""
    version.state = "released"
    version.released_at = now
    version.released_by = caller.id
    version.release_reasons = reasons
    version.revision += 1
    events.version_released(session, version)


def dataset_actions(caller: Subject, dataset: Dataset) -> list[AllowedAction]:
    """Return what the caller may do to the dataset, as far as its own state tells."""
    steward = is_steward(caller, dataset)
    donor = any(caller.has(role, "partner", dataset.partner_id) for role in ("donor", "partner-admin"))

    def action(name: str, right: bool, *states: str) -> AllowedAction:
        reason = None if dataset.state in states else f"dataset-{dataset.state}"
        return AllowedAction(action=name, allowed=right and reason is None, reason=reason if right else "role-required")

    return [
        action("update", steward, "draft", "published"),
        action("publish", steward, "draft"),
        action("withdraw", steward or donor, "draft", "published"),
    ]


async def erase_versions(session: RuleSession, version_ids: Sequence[UUID], reason: str, now: datetime) -> None:
    """Decide that these versions' keys are destroyed. A worker does it (see `erasure`) and says so on the bus."""
    await repository.request_erasure(session, version_ids, reason, now)
