"""The list of datasets, as open as each one's terms allow."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import StringConstraints

from services.catalog.datasets import rules
from services.catalog.datasets.endpoints import shown_dataset
from services.catalog.search import repository
from services.catalog.search.repository import Wanted
from services.catalog.search.schemas import FacetValue, Found
from services.kit.paging import Page, encode_cursor
from services.kit.problems import FieldError, Problem
from services.kit.tokens import Subject
from services.kit.web import Caller, Session, factory_router

router = factory_router(tags=["datasets"])

Text = Annotated[str | None, Query(max_length=500)]
Word = Annotated[str | None, Query(max_length=100), StringConstraints(pattern=r"^[\w./+-]+$")]


def _sees(caller: Subject) -> tuple[frozenset[UUID], frozenset[UUID]]:
    partners = set(caller.scopes("steward", "partner"))
    if caller.partner_id is not None:
        partners.add(caller.partner_id)
    return frozenset(partners), frozenset(caller.scopes("steward", "donation"))


def _position(after: list[Any] | None) -> list[Any] | None:
    if after is None:
        return None
    try:
        return [int(after[0]), float(after[1]), str(UUID(str(after[2])))]
    except (ValueError, IndexError):
        raise Problem(422, "invalid-request", errors=[FieldError("query:after", "cursor-invalid")]) from None


@router.get("/datasets", operation_id="list_datasets", summary="Find datasets")
async def list_datasets(
    caller: Caller,
    session: Session,
    paging: Page,
    q: Text = None,
    integrity_class: Word = None,
    purpose: Word = None,
    action: Word = None,
    media_type: Word = None,
    language: Word = None,
    state: Annotated[str | None, Query(pattern="^(draft|published|withdrawn)$")] = None,
    partner_id: Annotated[UUID | None, Query()] = None,
) -> Found:
    """Full text in Swedish and English (`q`: words, "phrases", OR, -not), exact names first, with counts by facet.

    Everyone signed in finds published datasets; drafts are found by the donating partner and its stewards alone.
    `purpose` and `action` find what the terms permit.
    """
    partners, donations = _sees(caller)
    text = " ".join((q or "").replace("\x00", " ").split()) or None
    wanted = Wanted(
        text=text,
        integrity_class=integrity_class,
        purpose=purpose,
        action=action,
        media_type=media_type,
        language=language,
        state=state,
        partner_id=partner_id,
        partners=partners,
        donations=donations,
    )
    rows = await repository.find(session, wanted, after=_position(paging.after), limit=paging.limit)
    kept = rows[: paging.limit]
    latest = await repository.latest_versions(session, [dataset.id for dataset, _, _ in kept])
    counted = await repository.facets(session, wanted)
    more = len(rows) > paging.limit
    return Found(
        items=[
            shown_dataset(caller, dataset, latest.get((dataset.id, not rules.is_insider(caller, dataset))))
            for dataset, _, _ in kept
        ],
        next_cursor=encode_cursor([kept[-1][1], kept[-1][2], kept[-1][0].id]) if more else None,
        facets={
            name: [FacetValue(value=value, count=count) for value, count in values] for name, values in counted.items()
        },
    )
