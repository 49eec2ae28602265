"""The life of a donation: who may do what to it, what must hold, and what it becomes."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.catalog.datasets import rules as datasets
from services.catalog.datasets.manifest import Entry, Manifest, build
from services.catalog.datasets.models import Dataset, Version
from services.catalog.datasets.vault import Secrets
from services.catalog.intake import events, repository
from services.catalog.intake.checklist import CHECKLIST
from services.catalog.intake.models import Donation, StagedFile
from services.catalog.intake.schemas import CheckIn, DonationIn, UploadTotals
from services.kit.db import RuleSession
from services.kit.problems import FieldError, Problem, conflict, forbidden, invalid, not_found
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject

STOCKHOLM = ZoneInfo("Europe/Stockholm")
DONORS = ("donor", "partner-admin")


def is_donor(caller: Subject, partner_id: UUID) -> bool:
    """Whether the caller donates for this partner."""
    return any(caller.has(role, "partner", partner_id) for role in DONORS)


def is_steward(caller: Subject, donation: Donation) -> bool:
    """Whether the caller is a steward of the donor or of this case."""
    return caller.has("steward", "partner", donation.partner_id) or caller.has("steward", "donation", donation.id)


def donor_partner(caller: Subject, wanted: UUID | None) -> UUID:
    """Return the partner that the caller donates for: the one wanted, or their own; 404 for another partner."""
    partner_id = wanted or caller.partner_id
    if partner_id is None or not is_donor(caller, partner_id):
        if partner_id is not None and caller.partner_id == partner_id:
            raise forbidden("role-required", role="donor")
        raise not_found("partner")
    return partner_id


async def donation_for(
    session: RuleSession, caller: Subject, donation_id: UUID, *, lock: bool = False, share: bool = False
) -> Donation:
    """Return a donation that the caller works with: 404 for other partners, 403 for colleagues without the role."""
    donation = await repository.donation(session, donation_id, lock=lock, share=share)
    if donation is None:
        raise not_found("donation")
    if not is_donor(caller, donation.partner_id) and not is_steward(caller, donation):
        if caller.partner_id == donation.partner_id:
            raise forbidden("role-required", role="donor")
        raise not_found("donation")
    return donation


async def donation_of_donor(
    session: RuleSession, caller: Subject, donation_id: UUID, *, lock: bool = False, share: bool = False
) -> Donation:
    """Return a donation that the caller may fill: a donor of its partner; 403 for its stewards."""
    donation = await donation_for(session, caller, donation_id, lock=lock, share=share)
    if not is_donor(caller, donation.partner_id):
        raise forbidden("role-required", role="donor")
    return donation


async def donation_of_steward(session: RuleSession, caller: Subject, donation_id: UUID) -> Donation:
    """Return a donation that the caller may judge, locked: its steward; 403 for its donors."""
    donation = await donation_for(session, caller, donation_id, lock=True)
    if not is_steward(caller, donation):
        raise forbidden("role-required", role="steward")
    return donation


def check_case(case: DonationIn, now: datetime) -> None:
    """Refuse a case that contradicts itself, or the law: 422 with pointers, 409 where two answers cannot both stand."""
    errors: list[FieldError] = []
    if case.personal_data != "no" and not case.legal_bases:
        # GDPR Article 5(1)(a), 6(1): no processing without a basis; what is unknown counts as yes.
        errors.append(FieldError("/legal_bases", "legal-basis-required"))
    if case.secrecy.marked and case.secrecy.provision is None:
        errors.append(FieldError("/secrecy/provision", "provision-required"))
    if not case.secrecy.marked and case.secrecy.provision is not None:
        errors.append(FieldError("/secrecy/marked", "provision-without-marking"))
    if case.retention_until is not None and case.retention_until < now.astimezone(STOCKHOLM).date():
        errors.append(FieldError("/retention_until", "date-past"))
    if errors:
        raise Problem(422, "invalid-request", errors=errors)
    if case.secrecy.marked and case.integrity_class == "open":
        raise conflict("secrecy-not-open")
    if case.personal_data != "no" and case.integrity_class == "open":
        raise conflict("personal-data-not-open")


def check_terms(terms: Mapping[str, Any], partner_id: UUID) -> dict[str, Any]:
    """Return the normal form of the terms to keep with the case; 422 when they are not this partner's."""
    if str(terms.get("partner_id")) != str(partner_id):
        raise invalid("/terms_id", "terms-unknown")
    return dict(terms["normal"])


def case_values(case: DonationIn) -> dict[str, Any]:
    """Return the columns that hold what the donor says."""
    values = case.model_dump(exclude={"secrecy", "partner_id", "legal_bases"})
    values["legal_bases"] = [basis.model_dump() for basis in case.legal_bases]
    values["secrecy_marked"] = case.secrecy.marked
    values["secrecy_provision"] = case.secrecy.provision
    return values


def case_of(donation: Donation) -> DonationIn:
    """Return what the donor said, as it was said."""
    said = {name: getattr(donation, name) for name in DonationIn.model_fields if name != "secrecy"}
    secrecy = {"marked": donation.secrecy_marked, "provision": donation.secrecy_provision}
    return DonationIn.model_validate({**said, "secrecy": secrecy})


def require_state(donation: Donation, *states: str) -> None:
    """409 unless the donation is in one of these states."""
    if donation.state not in states:
        raise conflict(f"donation-not-{states[0]}", state=donation.state)


async def totals(session: RuleSession, donation_id: UUID) -> UploadTotals:
    """Return how far the donation's uploads are."""
    return totals_of(await repository.upload_totals(session, [donation_id]), donation_id)


def totals_of(found: Mapping[UUID, Mapping[str, tuple[int, int, int]]], donation_id: UUID) -> UploadTotals:
    """Sum up what the repository counted for one donation."""
    by_state = found.get(donation_id, {})
    numbers = {state: number for state, (number, _files, _bytes) in by_state.items()}
    files = sum(files for _number, files, _bytes in by_state.values())
    return UploadTotals(**numbers, files=files, bytes=sum(size for _number, _files, size in by_state.values()))


async def submit(session: RuleSession, donation: Donation, by: UUID, now: datetime) -> None:
    """Hand a draft in. The row is locked."""
    require_state(donation, "draft")
    check_case(case_of(donation), now)
    counted = await totals(session, donation.id)
    unfinished = {"open": counted.open, "received": counted.received, "refused": counted.refused}
    if any(unfinished.values()):
        raise Problem(409, "uploads-unfinished", params=unfinished, extra={"uploads": unfinished})
    if not counted.files:
        raise conflict("donation-empty")
    donation.state = "submitted"
    donation.submitted_at, donation.submitted_by = now, by
    donation.revision += 1
    events.donation_submitted(session, donation)


def check(donation: Donation, items: Mapping[str, CheckIn], by: UUID, now: datetime) -> None:
    """Record what a steward found. 422 for a key that is not on the list."""
    require_state(donation, "submitted")
    errors = [FieldError(f"/items/{key[:60]}", "checklist-unknown", {}) for key in items if key not in CHECKLIST]
    if errors:
        raise Problem(422, "invalid-request", errors=errors)
    found = {
        key: {"ok": item.ok, "note": item.note, "by": str(by), "at": now.isoformat()} for key, item in items.items()
    }
    # A new dict: SQLAlchemy does not see changes inside a JSON value.
    donation.checklist = {**donation.checklist, **found}
    donation.revision += 1


def acceptance_refusal(caller: Subject, donation: Donation) -> Problem | None:
    """Return why the caller cannot accept the donation now, or None."""
    if not is_steward(caller, donation):
        return forbidden("role-required", role="steward")
    if donation.state != "submitted":
        return conflict("donation-not-submitted", state=donation.state)
    if caller.id in (donation.created_by, donation.submitted_by):
        return forbidden("own-donation")
    missing = [key for key in CHECKLIST if not donation.checklist.get(key, {}).get("ok")]
    if missing:
        return Problem(409, "checklist-incomplete", params={"missing": ", ".join(missing)}, extra={"missing": missing})
    return None


async def manifest_of(
    donation: Donation, secrets: Secrets, staged: Sequence[StagedFile], keys: Mapping[str, bytes]
) -> Manifest:
    """Return the manifest of the donation's verified files. `keys` gives wrapped data keys by object name."""

    def entry(row: StagedFile) -> Entry:
        said = secrets.unseal(row.path_mark, row.sealed)
        return Entry(said["path"], row.size, said["sha256"], said["media_type"], row.object_name, keys[row.object_name])

    return await asyncio.to_thread(lambda: build(donation.dataset_id, donation.version_id, (), map(entry, staged)))


async def accept(
    session: RuleSession,
    donation: Donation,
    manifest: Manifest,
    stored_as: tuple[str, bytes, int],
    *,
    by: UUID,
    reasons: str,
    now: datetime,
) -> Version:
    """Turn a donation, locked and found in order, into a dataset with a first version."""
    dataset = Dataset(
        id=donation.dataset_id,
        title=donation.title,
        description=donation.description,
        language=donation.language,
        partner_id=donation.partner_id,
        donation_id=donation.id,
        terms_id=donation.terms_id,
        terms_snapshot=donation.terms_snapshot,
        integrity_class=donation.integrity_class,
        personal_data=donation.personal_data,
        created_at=now,
    )
    session.add(dataset)
    await session.flush()
    version = await datasets.commit_version(
        session, dataset, manifest, stored_as=stored_as, source=("donation", donation.id), by=by, now=now
    )
    await repository.clear_staged(session, donation.id)
    _decide(donation, "accepted", by, reasons, now)
    events.donation_accepted(session, donation)
    return version


async def reject(session: RuleSession, caller: Subject, donation: Donation, reasons: str, now: datetime) -> None:
    """Refuse a donation, locked: its files go, and the key that opens them is destroyed."""
    require_state(donation, "submitted")
    await repository.clear_staged(session, donation.id)
    await datasets.erase_versions(session, [donation.version_id], "donation-rejected", now)
    _decide(donation, "rejected", caller.id, reasons, now)
    events.donation_rejected(session, donation)


def _decide(donation: Donation, state: str, by: UUID, reasons: str, now: datetime) -> None:
    donation.state = state
    donation.decided_at, donation.decided_by, donation.reasons = now, by, reasons
    donation.revision += 1


def actions(caller: Subject, donation: Donation, counted: UploadTotals) -> list[AllowedAction]:
    """Return what the caller may do to the donation now."""
    donor = is_donor(caller, donation.partner_id)
    steward = is_steward(caller, donation)

    def action(name: str, right: bool, state: str, otherwise: str | None = None) -> AllowedAction:
        reason = otherwise if donation.state == state else f"donation-not-{state}"
        reason = reason if right else "role-required"
        return AllowedAction(action=name, allowed=reason is None, reason=reason)

    unfinished = "uploads-unfinished" if counted.open + counted.received + counted.refused else None
    refusal = acceptance_refusal(caller, donation)
    return [
        action("update", donor, "draft"),
        action("upload", donor, "draft"),
        action("submit", donor, "draft", unfinished or (None if counted.files else "donation-empty")),
        action("check", steward, "submitted"),
        AllowedAction(action="accept", allowed=refusal is None, reason=refusal.code if refusal else None),
        action("reject", steward, "submitted"),
    ]
