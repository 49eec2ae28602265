"""Donations over HTTP. The bytes of uploads come by tus (see `tus`)."""

from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import Path, Query, Response

from services.catalog.datasets import repository as datasets
from services.catalog.datasets.manifest import Manifest
from services.catalog.datasets.objects import repository as objects
from services.catalog.datasets.schemas import FileOut
from services.catalog.datasets.service import load_manifest, store_manifest
from services.catalog.datasets.vault import Secrets, vault_of
from services.catalog.intake import repository, rules, uploads
from services.catalog.intake.checklist import CHECKLIST
from services.catalog.intake.models import Donation, Upload
from services.catalog.intake.schemas import (
    Acceptance,
    ChecklistIn,
    ChecklistItem,
    DecisionIn,
    DonationChange,
    DonationIn,
    DonationOut,
    LegalBasis,
    Receipt,
    Secrecy,
    UploadIn,
    UploadOut,
    UploadTotals,
)
from services.catalog.intake.service import spool_of
from services.catalog.intake.storing import clear_unneeded
from services.catalog.lists import after_id
from services.kit.context import Context
from services.kit.db import RuleSession
from services.kit.ids import new_id
from services.kit.paging import Page, Paged, page
from services.kit.problems import Problem, conflict, invalid
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import (
    Caller,
    Ctx,
    IfMatch,
    Lang,
    Session,
    Transaction,
    check_if_match,
    etag,
    factory_router,
    requires,
)

router = factory_router(tags=["donations"])

Donor = requires("donor", "partner-admin")
DonationId = Annotated[UUID, Path(description="The donation.")]
DonationState = Literal["draft", "submitted", "accepted", "rejected"]
UploadState = Literal["open", "received", "stored", "refused"]


async def _terms(ctx: Context, terms_id: UUID, partner_id: UUID) -> dict[str, Any]:
    """Ask access for the terms, and return their normal form; 422 when there are none such."""
    try:
        terms = await ctx.http.get_json("access", f"/internal/v1/terms/{terms_id}")
    except Problem as problem:
        if problem.status == 404:
            raise invalid("/terms_id", "terms-unknown") from None
        raise
    return rules.check_terms(cast("dict[str, Any]", terms), partner_id)


def _show(caller: Subject, donation: Donation, counted: UploadTotals, lang: Language) -> DonationOut:
    accepted = donation.state == "accepted"
    found = donation.checklist
    return DonationOut(
        **{name: getattr(donation, name) for name in _PLAIN},
        legal_bases=[LegalBasis.model_validate(basis) for basis in donation.legal_bases],
        secrecy=Secrecy(marked=donation.secrecy_marked, provision=donation.secrecy_provision),
        terms=donation.terms_snapshot,
        checklist=[
            ChecklistItem(
                key=key,
                text=text[lang],
                ok=bool(found.get(key, {}).get("ok", False)),
                note=found.get(key, {}).get("note"),
                checked_by=found.get(key, {}).get("by"),
                checked_at=found.get(key, {}).get("at"),
            )
            for key, text in CHECKLIST.items()
        ],
        uploads=counted,
        dataset_id=donation.dataset_id if accepted else None,
        version_id=donation.version_id if accepted else None,
        allowed_actions=rules.actions(caller, donation, counted),
    )


_SHOWN_OTHERWISE = {
    "legal_bases",
    "secrecy",
    "terms",
    "checklist",
    "uploads",
    "dataset_id",
    "version_id",
    "allowed_actions",
}
_PLAIN = [name for name in DonationOut.model_fields if name not in _SHOWN_OTHERWISE]


async def _shown(
    session: RuleSession, caller: Subject, donation: Donation, lang: Language, response: Response
) -> DonationOut:
    await session.flush()
    response.headers["ETag"] = etag(donation.revision)
    return _show(caller, donation, await rules.totals(session, donation.id), lang)


@router.post("/donations", status_code=201, operation_id="create_donation", summary="Begin a donation")
async def create_donation(
    body: DonationIn,
    caller: Donor,  # pyright: ignore[reportInvalidTypeForm] - made by a function
    ctx: Ctx,
    transaction: Transaction,
    lang: Lang,
    response: Response,
) -> DonationOut:
    """Begin a donation: say what it is, under which law and which terms. It is a draft until it is submitted."""
    now = ctx.clock.now()
    partner_id = rules.donor_partner(caller, body.partner_id)
    rules.check_case(body, now)
    terms = await _terms(ctx, body.terms_id, partner_id)
    session = await transaction()
    donation = Donation(
        **rules.case_values(body),
        partner_id=partner_id,
        created_by=caller.id,
        terms_snapshot=terms,
        checklist={},
        dataset_id=new_id(),
        version_id=new_id(),
        created_at=now,
    )
    await vault_of(ctx).plan(session, donation.dataset_id, donation.version_id, now)
    session.add(donation)
    response.headers["Location"] = f"/api/v1/donations/{donation.id}"
    return await _shown(session, caller, donation, lang, response)


@router.get("/donations", operation_id="list_donations", summary="List donations")
async def list_donations(
    caller: Caller,
    session: Session,
    params: Page,
    lang: Lang,
    state: Annotated[DonationState | None, Query(description="Only donations in this state.")] = None,
) -> Paged[DonationOut]:
    """List the donations that you work with, newest first: your partner's as donor, those in your care as steward."""
    partners: set[UUID] | None = {
        scope for role in (*rules.DONORS, "steward") for scope in caller.scopes(role, "partner")
    }
    if any(role.name == "steward" and role.scope_kind == "global" for role in caller.roles):
        partners = None
    rows = await repository.donations(
        session,
        partners=partners,
        cases=caller.scopes("steward", "donation"),
        state=state,
        before=after_id(params),
        limit=params.limit,
    )
    counted = await repository.upload_totals(session, [row.id for row in rows])
    return page(
        rows,
        params.limit,
        lambda row: (row.id,),
        lambda row: _show(caller, row, rules.totals_of(counted, row.id), lang),
    )


@router.get("/donations/{donation_id}", operation_id="get_donation", summary="Read a donation")
async def get_donation(
    donation_id: DonationId, caller: Caller, session: Session, lang: Lang, response: Response
) -> DonationOut:
    """Read a donation case: what the donor says, what the steward found, how far the uploads are."""
    donation = await rules.donation_for(session, caller, donation_id)
    return await _shown(session, caller, donation, lang, response)


@router.patch("/donations/{donation_id}", operation_id="update_donation", summary="Change a draft")
async def update_donation(
    donation_id: DonationId,
    body: DonationChange,
    caller: Caller,
    ctx: Ctx,
    transaction: Transaction,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> DonationOut:
    """Change a draft. Members left out stay as they are."""
    terms: dict[str, Any] | None = None
    if body.terms_id is not None:
        async with ctx.unit() as reading:
            before = await rules.donation_of_donor(reading, caller, donation_id)
        terms = await _terms(ctx, body.terms_id, before.partner_id)
    session = await transaction()
    donation = await rules.donation_of_donor(session, caller, donation_id, lock=True)
    check_if_match(if_match, donation.revision)
    rules.require_state(donation, "draft")
    changed = {name: getattr(body, name) for name in body.model_fields_set}
    case = DonationIn.model_validate({**rules.case_of(donation).model_dump(), **_plain(changed)})
    rules.check_case(case, ctx.clock.now())
    for name, value in rules.case_values(case).items():
        setattr(donation, name, value)
    if terms is not None:
        donation.terms_snapshot = terms
    donation.revision += 1
    session.add(donation)
    return await _shown(session, caller, donation, lang, response)


def _plain(changed: dict[str, Any]) -> dict[str, Any]:
    """Return changes as plain values; null is only a value where something may be absent."""
    for name, value in changed.items():
        if value is None and name != "retention_until":
            raise invalid(f"/{name}", "not-null")
    dumped = DonationChange.model_construct(**changed).model_dump(exclude_unset=True)
    return {name: dumped[name] for name in changed}


@router.post(
    "/donations/{donation_id}/uploads", status_code=201, operation_id="create_upload", summary="Announce a file"
)
async def create_upload(
    donation_id: DonationId, body: UploadIn, caller: Caller, ctx: Ctx, session: Session, response: Response
) -> UploadOut:
    """Announce a file: where it belongs, its size and its digest. Then send its bytes to `upload_url`, by tus 1.0."""
    donation = await rules.donation_of_donor(session, caller, donation_id, share=True)
    secrets = await vault_of(ctx).open(session, donation.version_id)
    limit = ctx.settings.upload_max_bytes
    upload = await uploads.plan(session, donation, secrets, body, limit=limit, by=caller.id, now=ctx.clock.now())
    response.headers["Location"] = f"/api/v1/uploads/{upload.id}"
    return uploads.show(upload, secrets, 0)


@router.get("/donations/{donation_id}/uploads", operation_id="list_uploads", summary="List a donation's uploads")
async def list_uploads(
    donation_id: DonationId,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    params: Page,
    state: Annotated[UploadState | None, Query(description="Only uploads in this state.")] = None,
) -> Paged[UploadOut]:
    """List the uploads of a donation: how much of each is here, and what became of it."""
    donation = await rules.donation_for(session, caller, donation_id)
    secrets = await vault_of(ctx).open(session, donation.version_id)
    rows = await repository.uploads_of(session, donation.id, state=state, after=after_id(params), limit=params.limit)
    offsets = {row.id: await _offset(ctx, row) for row in rows[: params.limit]}
    return page(rows, params.limit, lambda row: (row.id,), lambda row: uploads.show(row, secrets, offsets[row.id]))


async def _offset(ctx: Context, upload: Upload) -> int:
    return await spool_of(ctx).size(str(upload.id)) if upload.state == "open" else upload.size


@router.post("/donations/{donation_id}/submission", operation_id="submit_donation", summary="Hand a donation in")
async def submit_donation(
    donation_id: DonationId,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> DonationOut:
    """Hand the donation in. 409 `uploads-unfinished` until every upload is stored; take refused ones back first."""
    donation = await rules.donation_of_donor(session, caller, donation_id, lock=True)
    if if_match is not None:
        check_if_match(if_match, donation.revision)
    await rules.submit(session, donation, caller.id, ctx.clock.now())
    secrets = await vault_of(ctx).open(session, donation.version_id)
    await uploads.check_paths(secrets, await repository.staged_files(session, donation.id))
    return await _shown(session, caller, donation, lang, response)


@router.put("/donations/{donation_id}/checklist", operation_id="update_checklist", summary="Record what was checked")
async def update_checklist(
    donation_id: DonationId,
    body: ChecklistIn,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> DonationOut:
    """Record what you found, as the donation's steward. Acceptance takes every item."""
    donation = await rules.donation_of_steward(session, caller, donation_id)
    if if_match is not None:
        check_if_match(if_match, donation.revision)
    rules.check(donation, body.items, caller.id, ctx.clock.now())
    return await _shown(session, caller, donation, lang, response)


@router.post("/donations/{donation_id}/acceptance", operation_id="accept_donation", summary="Accept a donation")
async def accept_donation(
    donation_id: DonationId,
    body: DecisionIn,
    caller: Caller,
    ctx: Ctx,
    transaction: Transaction,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> Acceptance:
    """Accept a donation: it becomes a dataset with a first version, raw until a second steward releases it."""
    # The manifest goes into the store before the transaction that names it; if that fails, nobody knows of it.
    async with ctx.unit() as reading:
        before = await rules.donation_of_steward(reading, caller, donation_id)
        if if_match is not None:
            check_if_match(if_match, before.revision)
        prepared = None
        if rules.acceptance_refusal(caller, before) is None:
            prepared = await _prepare(ctx, reading, before)
    stored_as = await store_manifest(ctx, *prepared) if prepared is not None else None
    session = await transaction()
    donation = await rules.donation_of_steward(session, caller, donation_id)
    refusal = rules.acceptance_refusal(caller, donation)
    if refusal is not None:
        raise refusal
    if prepared is None or stored_as is None or donation.revision != before.revision:
        raise conflict("donation-changed")
    _secrets, manifest = prepared
    await rules.accept(session, donation, manifest, stored_as, by=caller.id, reasons=body.reasons, now=ctx.clock.now())
    shown = await _shown(session, caller, donation, lang, response)
    return Acceptance(donation=shown, dataset_id=donation.dataset_id, version_id=donation.version_id)


async def _prepare(ctx: Context, session: RuleSession, donation: Donation) -> tuple[Secrets, Manifest]:
    secrets = await vault_of(ctx).open(session, donation.version_id)
    await clear_unneeded(session, donation.id, donation.version_id)
    staged = await repository.staged_files(session, donation.id)
    keys = await objects.keys_of(session, donation.version_id)
    return secrets, await rules.manifest_of(donation, secrets, staged, keys)


@router.post("/donations/{donation_id}/rejection", operation_id="reject_donation", summary="Reject a donation")
async def reject_donation(
    donation_id: DonationId,
    body: DecisionIn,
    caller: Caller,
    ctx: Ctx,
    session: Session,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> DonationOut:
    """Reject a donation, with reasons: its files are deleted, and the key that opens them is destroyed."""
    donation = await rules.donation_of_steward(session, caller, donation_id)
    if if_match is not None:
        check_if_match(if_match, donation.revision)
    await rules.reject(session, caller, donation, body.reasons, ctx.clock.now())
    return await _shown(session, caller, donation, lang, response)


@router.get("/donations/{donation_id}/receipt", operation_id="get_receipt", summary="Read the receipt")
async def get_receipt(donation_id: DonationId, caller: Caller, ctx: Ctx, session: Session) -> Receipt:
    """Read the receipt of an accepted donation: the digest of every file, and of the version they became."""
    donation = await rules.donation_for(session, caller, donation_id)
    rules.require_state(donation, "accepted")
    found = await datasets.version(session, donation.version_id)
    assert found is not None and donation.decided_at is not None
    version, _dataset = found
    secrets = await vault_of(ctx).open(session, version.id)
    manifest = await load_manifest(ctx, secrets, version)
    return Receipt(
        donation_id=donation.id,
        dataset_id=donation.dataset_id,
        version_id=version.id,
        version_digest=version.digest,
        accepted_at=donation.decided_at,
        files=[FileOut.model_validate(entry) for entry in manifest.entries],
    )
