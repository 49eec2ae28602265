"""Requests, agreements and grants over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.access.admission import repository, rules, service
from services.access.admission.models import AccessRequest, Agreement, Grant, RequestMessage
from services.access.admission.schemas import (
    AgreementOut,
    GrantOut,
    MessageIn,
    MessageOut,
    RequestDecisionIn,
    RequestDecisionOut,
    RequestIn,
    RequestOut,
    RevocationIn,
    SignatureIn,
)
from services.kit.paging import Page, Paged, page
from services.kit.schemas import AllowedAction
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, Session, Transaction, etag, factory_router

router = factory_router(tags=["admission"])


def _action(name: str, reason: str | None) -> AllowedAction:
    return AllowedAction(action=name, allowed=reason is None, reason=reason)


def _show_request(
    row: AccessRequest, messages: list[RequestMessage], made: tuple[UUID, UUID] | None, caller: Subject
) -> RequestOut:
    steward = None if service.is_steward(caller, row.donor_id) else "only for stewards of the donor"
    member = None if row.project_id in caller.projects else "only for members of the project"
    decided = None if row.state == "submitted" else "the request is decided"
    own = "a steward decides no request of an own project" if row.project_id in caller.projects else None
    out = RequestOut.model_validate(row)
    out.messages = [MessageOut.model_validate(m) for m in messages]
    out.grant_id, out.agreement_id = made or (None, None)
    out.allowed_actions = [
        _action("ask_question", decided or steward),
        _action("answer_question", decided or member),
        _action("decide_request", decided or steward or own),
    ]
    return out


def _show_grant(row: Grant, agreement: Agreement, caller: Subject, now: datetime) -> GrantOut:
    state = rules.grant_state(
        until=row.until, revoked=row.revoked_at is not None, signed=agreement.signed_at is not None, now=now
    )
    reason = None if service.may_revoke(caller, row) else "only for the donor, its stewards and the project's lead"
    if state in ("revoked", "expired"):
        reason = "the grant has ended"
    return GrantOut(
        id=row.id, request_id=row.request_id, project_id=row.project_id, dataset_id=row.dataset_id,
        actions=row.actions, purpose=row.purpose, starts_at=row.starts_at, until=row.until, state=state,
        revoked_at=row.revoked_at, revoke_reason=row.revoke_reason, agreement_id=agreement.id,
        allowed_actions=[_action("revoke_grant", reason)],
    )  # fmt: skip


def _show_agreement(row: Agreement, caller: Subject) -> AgreementOut:
    out = AgreementOut.model_validate(row)
    reason = None if caller.projects.get(row.project_id) == "lead" else "only for the lead of the project"
    out.allowed_actions = [_action("sign_agreement", "signed already" if row.signed_at else reason)]
    return out


@router.post("/requests", operation_id="create_request", status_code=201, summary="Ask for access to a dataset")
async def create_request(body: RequestIn, caller: Caller, ctx: Ctx, transaction: Transaction) -> RequestOut:
    """A member of a project asks for a published dataset. What its terms can never permit is refused at once (422)."""
    facts = await ctx.http.post_json(
        "catalog",
        "/internal/v1/version-facts",
        {"version_ids": [], "dataset_ids": [str(body.dataset_id)]},
        idempotent=True,
    )
    dataset = service.DatasetFacts.of(body.dataset_id, facts)
    session = await transaction()
    row = await service.create_request(session, caller, body, dataset, ctx.clock.now())
    return _show_request(row, [], None, caller)


@router.get("/requests", operation_id="list_requests", summary="Requests you may see, newest first")
async def list_requests(
    caller: Caller,
    session: Session,
    paging: Page,
    state: Annotated[str | None, Query(pattern="^(submitted|approved|rejected)$")] = None,
) -> Paged[RequestOut]:
    """Members see their projects' requests; stewards and donors those for their data."""
    seen = service.sight(caller)
    rows = await repository.list_requests(
        session, paging, projects=seen.projects, donors=seen.donors, everything=seen.everything, state=state
    )
    messages, made = await service.threads(session, rows)
    return page(
        rows,
        paging.limit,
        lambda r: (r.id,),
        lambda r: _show_request(r, messages.get(r.id, []), made.get(r.id), caller),
    )


@router.get("/requests/{request_id}", operation_id="get_request", summary="A request with its questions and answers")
async def get_request(request_id: UUID, caller: Caller, session: Session, response: Response) -> RequestOut:
    """404 unless it is your project's or for data you answer for."""
    row = await service.visible_request(session, caller, request_id)
    response.headers["ETag"] = etag(row.revision)
    messages, made = await service.threads(session, [row])
    return _show_request(row, messages.get(row.id, []), made.get(row.id), caller)


async def _message(
    kind: str, request_id: UUID, body: MessageIn, caller: Subject, session: Session, ctx: Ctx
) -> RequestOut:
    row = await service.add_message(session, caller, request_id, kind, body.text, ctx.clock.now())
    messages, made = await service.threads(session, [row])
    return _show_request(row, messages.get(row.id, []), made.get(row.id), caller)


@router.post(
    "/requests/{request_id}/questions",
    operation_id="ask_question",
    status_code=201,
    summary="A steward asks the project",
)
async def ask_question(request_id: UUID, body: MessageIn, caller: Caller, session: Session, ctx: Ctx) -> RequestOut:
    """Only while the request waits for a decision."""
    return await _message("question", request_id, body, caller, session, ctx)


@router.post(
    "/requests/{request_id}/answers", operation_id="answer_question", status_code=201, summary="The project answers"
)
async def answer_question(request_id: UUID, body: MessageIn, caller: Caller, session: Session, ctx: Ctx) -> RequestOut:
    """Only while the request waits for a decision."""
    return await _message("answer", request_id, body, caller, session, ctx)


@router.post("/requests/{request_id}/decision", operation_id="decide_request", summary="A steward decides a request")
async def decide_request(
    request_id: UUID, body: RequestDecisionIn, caller: Caller, session: Session, ctx: Ctx
) -> RequestDecisionOut:
    """Approval makes a grant, which is inert until the project's lead has signed the agreement."""
    row, grant, agreement = await service.decide(session, caller, request_id, body, ctx.clock.now())
    messages, made = await service.threads(session, [row])
    return RequestDecisionOut(
        request=_show_request(row, messages.get(row.id, []), made.get(row.id), caller),
        grant_id=grant.id if grant else None,
        agreement_id=agreement.id if agreement else None,
    )


@router.get("/agreements", operation_id="list_agreements", summary="Agreements you may see, newest first")
async def list_agreements(caller: Caller, session: Session, paging: Page) -> Paged[AgreementOut]:
    """Those of your projects, and those about data you answer for."""
    seen = service.sight(caller)
    rows = await repository.list_agreements(
        session, paging, projects=seen.projects, donors=seen.donors, everything=seen.everything
    )
    return page(rows, paging.limit, lambda r: (r.id,), lambda r: _show_agreement(r, caller))


@router.get("/agreements/{agreement_id}", operation_id="get_agreement", summary="The text of an agreement")
async def get_agreement(agreement_id: UUID, caller: Caller, session: Session) -> AgreementOut:
    """In Swedish and English, with the digest that is signed."""
    return _show_agreement(await service.visible_agreement(session, caller, agreement_id), caller)


@router.post(
    "/agreements/{agreement_id}/signature", operation_id="sign_agreement", summary="Accept an agreement for the project"
)
async def sign_agreement(
    agreement_id: UUID, body: SignatureIn, caller: Caller, session: Session, ctx: Ctx
) -> AgreementOut:
    """The project's lead accepts exactly the text with this digest; only then does the grant hold."""
    return _show_agreement(await service.sign(session, caller, agreement_id, body.digest, ctx.clock.now()), caller)


@router.get("/grants", operation_id="list_grants", summary="Grants you may see, newest first")
async def list_grants(
    caller: Caller,
    session: Session,
    ctx: Ctx,
    paging: Page,
    project_id: Annotated[UUID | None, Query()] = None,
    dataset_id: Annotated[UUID | None, Query()] = None,
) -> Paged[GrantOut]:
    """Those of your projects, and those on data you answer for: who uses it, for what, until when."""
    seen = service.sight(caller)
    rows = await repository.list_grants(
        session, paging, projects=seen.projects, donors=seen.donors, everything=seen.everything,
        project_id=project_id, dataset_id=dataset_id,
    )  # fmt: skip
    agreements = await repository.agreements_of_grants(session, [r.id for r in rows])
    now = ctx.clock.now()
    return page(rows, paging.limit, lambda r: (r.id,), lambda r: _show_grant(r, agreements[r.id], caller, now))


@router.get("/grants/{grant_id}", operation_id="get_grant", summary="A grant and its state")
async def get_grant(grant_id: UUID, caller: Caller, session: Session, ctx: Ctx) -> GrantOut:
    """404 unless it is your project's or on data you answer for."""
    row = await service.visible_grant(session, caller, grant_id)
    agreements = await repository.agreements_of_grants(session, [row.id])
    return _show_grant(row, agreements[row.id], caller, ctx.clock.now())


@router.post("/grants/{grant_id}/revocation", operation_id="revoke_grant", summary="Take a grant back")
async def revoke_grant(grant_id: UUID, body: RevocationIn, caller: Caller, session: Session, ctx: Ctx) -> GrantOut:
    """What runs or streams under it stops within seconds. Revoking twice changes nothing."""
    row = await service.revoke(session, caller, grant_id, body.reason, ctx.clock.now())
    agreements = await repository.agreements_of_grants(session, [row.id])
    return _show_grant(row, agreements[row.id], caller, ctx.clock.now())
