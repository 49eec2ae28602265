"""Requests, agreements and grants over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.access.admission import repository, rules, service
from services.access.admission.catalog import published_dataset
from services.access.admission.models import AccessRequest, Agreement, Grant
from services.access.admission.schemas import (
    AgreementOut,
    GrantOut,
    MessageIn,
    MessageOut,
    ProjectProfile,
    RequestDecisionIn,
    RequestDecisionOut,
    RequestIn,
    RequestOut,
    RevocationIn,
    SignatureIn,
)
from services.access.admission.texts import reason
from services.access.lists import after_id
from services.access.projects import service as projects
from services.kit.db import RuleSession
from services.kit.paging import Page, Paged, page
from services.kit.schemas import AllowedAction
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, IfMatch, Lang, Session, Transaction, etag, factory_router

router = factory_router(tags=["admission"])


def _actions(refusals: rules.Refusals, language: Language) -> list[AllowedAction]:
    return [AllowedAction(action=action, allowed=why is None, reason=reason(why, language)) for action, why in refusals]


async def _requests(
    session: RuleSession, rows: Sequence[AccessRequest], caller: Subject, language: Language
) -> dict[UUID, RequestOut]:
    """Show requests, with five queries however many."""
    ids = [row.id for row in rows]
    profiles = await projects.profiles(session, {row.project_id for row in rows})
    messages = await repository.messages(session, ids)
    made = await repository.grants_of_requests(session, ids)
    shown: dict[UUID, RequestOut] = {}
    for row in rows:
        refusals = rules.request_refusals(
            decided=row.state != "submitted",
            steward=service.is_steward(caller, row),
            member=row.project_id in caller.projects,
            party=service.is_party(caller, row),
        )
        out = RequestOut.model_validate(row)
        out.project = ProjectProfile.model_validate(profiles[row.project_id])
        out.messages = [MessageOut.model_validate(m) for m in messages.get(row.id, ())]
        out.grant_id, out.agreement_id = made.get(row.id, (None, None))
        out.allowed_actions = _actions(refusals, language)
        shown[row.id] = out
    return shown


async def _request(
    session: RuleSession, row: AccessRequest, caller: Subject, language: Language, response: Response
) -> RequestOut:
    response.headers["ETag"] = etag(row.revision)
    return (await _requests(session, [row], caller, language))[row.id]


async def _grants(
    session: RuleSession, rows: Sequence[Grant], caller: Subject, language: Language, now: datetime
) -> dict[UUID, GrantOut]:
    """Show grants as they stand now, with one query however many."""
    agreements = await repository.agreements_of_grants(session, [row.id for row in rows])
    shown: dict[UUID, GrantOut] = {}
    for row in rows:
        agreement = agreements[row.id]
        state = rules.grant_state(
            until=row.until, revoked=row.revoked_at is not None, signed=agreement.signed_at is not None, now=now
        )
        refusals = rules.grant_refusals(state=state, may_end=service.may_revoke(caller, row))
        shown[row.id] = GrantOut.model_validate(
            {
                **row.model_dump(),
                "state": state,
                "agreement_id": agreement.id,
                "allowed_actions": _actions(refusals, language),
            }
        )
    return shown


async def _agreements(
    session: RuleSession, rows: Sequence[Agreement], caller: Subject, language: Language, now: datetime
) -> dict[UUID, AgreementOut]:
    """Show agreements, with one query however many."""
    grants = await repository.grants(session, [row.grant_id for row in rows])
    shown: dict[UUID, AgreementOut] = {}
    for row in rows:
        grant = grants[row.grant_id]
        refusals = rules.agreement_refusals(
            signed=row.signed_at is not None,
            lead=caller.projects.get(row.project_id) == "lead",
            ended=grant.revoked_at is not None or grant.until <= now,
        )
        out = AgreementOut.model_validate(row)
        out.allowed_actions = _actions(refusals, language)
        shown[row.id] = out
    return shown


@router.post("/requests", operation_id="create_request", status_code=201, summary="Ask for access to a dataset")
async def create_request(
    body: RequestIn, caller: Caller, ctx: Ctx, transaction: Transaction, lang: Lang, response: Response
) -> RequestOut:
    """A member of a project asks for a published dataset. What its terms can never permit is refused at once (422)."""
    dataset = await published_dataset(ctx, body.dataset_id)
    session = await transaction()
    row = await service.create_request(session, caller, body, dataset, ctx.clock.now())
    return await _request(session, row, caller, lang, response)


@router.get("/requests", operation_id="list_requests", summary="Requests you may see, newest first")
async def list_requests(
    caller: Caller,
    session: Session,
    paging: Page,
    lang: Lang,
    state: Annotated[Literal["submitted", "approved", "rejected"] | None, Query()] = None,
) -> Paged[RequestOut]:
    """Members see their projects' requests; stewards and donors those for their data."""
    seen = await service.sight(session, caller)
    rows = await repository.list_requests(session, seen, state=state, before=after_id(paging), limit=paging.limit)
    shown = await _requests(session, rows, caller, lang)
    return page(rows, paging.limit, lambda row: (row.id,), lambda row: shown[row.id])


@router.get("/requests/{request_id}", operation_id="get_request", summary="A request with its questions and answers")
async def get_request(request_id: UUID, caller: Caller, session: Session, lang: Lang, response: Response) -> RequestOut:
    """404 unless it is your project's or for data you answer for."""
    row = await service.visible_request(session, caller, request_id)
    return await _request(session, row, caller, lang, response)


@router.post(
    "/requests/{request_id}/questions",
    operation_id="ask_question",
    status_code=201,
    summary="A steward asks the project",
)
async def ask_question(
    request_id: UUID, body: MessageIn, caller: Caller, session: Session, ctx: Ctx, lang: Lang, response: Response
) -> RequestOut:
    """Only while the request waits for a decision."""
    row = await service.add_message(session, caller, request_id, "question", body.text, ctx.clock.now())
    return await _request(session, row, caller, lang, response)


@router.post(
    "/requests/{request_id}/answers", operation_id="answer_question", status_code=201, summary="The project answers"
)
async def answer_question(
    request_id: UUID, body: MessageIn, caller: Caller, session: Session, ctx: Ctx, lang: Lang, response: Response
) -> RequestOut:
    """Only while the request waits for a decision."""
    row = await service.add_message(session, caller, request_id, "answer", body.text, ctx.clock.now())
    return await _request(session, row, caller, lang, response)


@router.post("/requests/{request_id}/decision", operation_id="decide_request", summary="A steward decides a request")
async def decide_request(
    request_id: UUID,
    body: RequestDecisionIn,
    caller: Caller,
    session: Session,
    ctx: Ctx,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> RequestDecisionOut:
    """Approval makes a grant, which is inert until the project's lead has signed the agreement."""
    row, grant, agreement = await service.decide(session, caller, request_id, body, if_match, ctx.clock.now())
    return RequestDecisionOut(
        request=await _request(session, row, caller, lang, response),
        grant_id=grant.id if grant else None,
        agreement_id=agreement.id if agreement else None,
    )


@router.get("/agreements", operation_id="list_agreements", summary="Agreements you may see, newest first")
async def list_agreements(caller: Caller, session: Session, ctx: Ctx, paging: Page, lang: Lang) -> Paged[AgreementOut]:
    """Those of your projects, and those about data you answer for."""
    seen = await service.sight(session, caller)
    rows = await repository.list_agreements(session, seen, before=after_id(paging), limit=paging.limit)
    shown = await _agreements(session, rows, caller, lang, ctx.clock.now())
    return page(rows, paging.limit, lambda row: (row.id,), lambda row: shown[row.id])


@router.get("/agreements/{agreement_id}", operation_id="get_agreement", summary="The text of an agreement")
async def get_agreement(
    agreement_id: UUID, caller: Caller, session: Session, ctx: Ctx, lang: Lang, response: Response
) -> AgreementOut:
    """In Swedish and English, with the digest that is signed."""
    row = await service.visible_agreement(session, caller, agreement_id)
    response.headers["ETag"] = etag(row.revision)
    return (await _agreements(session, [row], caller, lang, ctx.clock.now()))[row.id]


@router.post(
    "/agreements/{agreement_id}/signature", operation_id="sign_agreement", summary="Accept an agreement for the project"
)
async def sign_agreement(
    agreement_id: UUID,
    body: SignatureIn,
    caller: Caller,
    session: Session,
    ctx: Ctx,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> AgreementOut:
    """The project's lead accepts exactly the text with this digest; only then does the grant hold."""
    now = ctx.clock.now()
    row = await service.sign(session, caller, agreement_id, body.digest, if_match, now)
    response.headers["ETag"] = etag(row.revision)
    return (await _agreements(session, [row], caller, lang, now))[row.id]


@router.get("/grants", operation_id="list_grants", summary="Grants you may see, newest first")
async def list_grants(
    caller: Caller,
    session: Session,
    ctx: Ctx,
    paging: Page,
    lang: Lang,
    project_id: Annotated[UUID | None, Query()] = None,
    dataset_id: Annotated[UUID | None, Query()] = None,
) -> Paged[GrantOut]:
    """Those of your projects, and those on data you answer for: who uses it, for what, until when."""
    seen = await service.sight(session, caller)
    rows = await repository.list_grants(
        session, seen, project_id=project_id, dataset_id=dataset_id, before=after_id(paging), limit=paging.limit
    )
    shown = await _grants(session, rows, caller, lang, ctx.clock.now())
    return page(rows, paging.limit, lambda row: (row.id,), lambda row: shown[row.id])


@router.get("/grants/{grant_id}", operation_id="get_grant", summary="A grant and its state")
async def get_grant(
    grant_id: UUID, caller: Caller, session: Session, ctx: Ctx, lang: Lang, response: Response
) -> GrantOut:
    """404 unless it is your project's or on data you answer for."""
    row = await service.visible_grant(session, caller, grant_id)
    response.headers["ETag"] = etag(row.revision)
    return (await _grants(session, [row], caller, lang, ctx.clock.now()))[row.id]


@router.post("/grants/{grant_id}/revocation", operation_id="revoke_grant", summary="Take a grant back")
async def revoke_grant(
    grant_id: UUID,
    body: RevocationIn,
    caller: Caller,
    session: Session,
    ctx: Ctx,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> GrantOut:
    """What runs or streams under it stops within seconds. Revoking twice changes nothing."""
    now = ctx.clock.now()
    row = await service.revoke(session, caller, grant_id, body.reason, if_match, now)
    response.headers["ETag"] = etag(row.revision)
    return (await _grants(session, [row], caller, lang, now))[row.id]
