"""Terms over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request

from services.access.lists import after_id
from services.access.terms import repository, service
from services.access.terms.jsonld import MAX_BYTES
from services.access.terms.models import Terms
from services.access.terms.schemas import NamedTermsOut, TermsOut, policy_examples
from services.kit.paging import Page, Paged, page
from services.kit.problems import Problem
from services.kit.web import Caller, Ctx, ServiceCaller, Session, Transaction, factory_router

router = factory_router(tags=["terms"])
internal = factory_router(internal=True)

_MEDIA_TYPES = ("application/json", "application/ld+json")
_POLICY: dict[str, Any] = {
    "required": True,
    "description": "An ODRL 2.2 policy (JSON-LD), at most 64 KiB.",
    "content": {
        media_type: {"schema": {"type": "object"}, "examples": policy_examples()} for media_type in _MEDIA_TYPES
    },
}


def _named(row: Terms) -> dict[str, Any]:
    return {
        "id": row.id,
        "partner_id": row.partner_id,
        "number": row.number,
        "digest": row.digest,
        "normal": row.normal,
        "summary": service.summary_of(row),
    }


def _shown(row: Terms) -> TermsOut:
    return TermsOut(**_named(row), odrl=row.odrl, created_at=row.created_at)


async def _body(request: Request) -> bytes:
    """Return the body, not more than a policy may have. Read raw: a JSON parser would drop a member said twice."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise Problem(415, "policy-media-type", params={"expected": ", ".join(_MEDIA_TYPES)})
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Problem(413, "body-too-large", params={"limit": MAX_BYTES})
    return body


@router.post(
    "/terms",
    operation_id="create_terms",
    status_code=201,
    summary="Publish terms",
    openapi_extra={"requestBody": _POLICY},
)
async def create_terms(
    request: Request,
    caller: Caller,
    transaction: Transaction,
    ctx: Ctx,
    partner_id: Annotated[
        UUID | None, Query(description="Whose terms; unless said, your own partner's, or the one you are steward of.")
    ] = None,
) -> TermsOut:
    """A partner's donors, administrators and stewards publish terms: an ODRL policy, kept with everything it says.

    What cannot be kept exactly is refused (422) with a pointer to it; nothing is ignored and nothing is fetched. Terms
    never change: publish new ones instead.
    """
    partner = service.partner_to_write_for(caller, partner_id)
    body = await _body(request)
    session = await transaction()
    return _shown(await service.create_terms(session, caller, partner, body, ctx.clock.now()))


@router.get("/terms", operation_id="list_terms", summary="Terms there are")
async def list_terms(
    caller: Caller,
    session: Session,
    paging: Page,
    partner_id: Annotated[UUID | None, Query(description="Only this partner's.")] = None,
) -> Paged[TermsOut]:
    """Of all partners, the oldest first: whoever is signed in may read terms."""
    rows = await repository.page_of_terms(session, partner_id, after_id(paging), paging.limit)
    return page(rows, paging.limit, lambda row: (row.id,), _shown)


@router.get("/terms/{id}", operation_id="get_terms", summary="Terms, in ODRL, in normal form and in words")
async def get_terms(id: UUID, caller: Caller, session: Session) -> TermsOut:
    """Whoever is signed in may read terms."""
    return _shown(await service.get_terms(session, id))


@internal.get("/terms/{id}")
async def get_terms_for_service(id: UUID, service_caller: ServiceCaller, session: Session) -> NamedTermsOut:
    """Return terms to a service; 404 if there are none."""
    return NamedTermsOut(**_named(await service.get_terms(session, id)))
