"""Terms are stored once, numbered, and read ever after."""

import hashlib
import json
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.access.terms import events, repository
from services.access.terms.models import Terms
from services.access.terms.normalise import normalise_text
from services.access.terms.render import summary
from services.access.terms.vocabulary import Normal, Refused
from services.access.training.bank import courses
from services.kit.db import RuleSession
from services.kit.problems import FieldError, Problem, forbidden, invalid, not_found
from services.kit.texts import Language
from services.kit.tokens import Subject

WRITERS = ("donor", "partner-admin", "steward")


def digest_of(normal: Normal) -> str:
    """Return the SHA-256 (hex) of a normal form as JSON with sorted keys and no space."""
    text = json.dumps(normal, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def partner_to_write_for(caller: Subject, asked: UUID | None) -> UUID:
    """Return the partner whose terms the caller is about to write: its donors, administrators and stewards may.

    Unasked it is the caller's own partner, or the only one they may write for. 403 `role-required` for who may write
    for none, 404 for a partner that is not theirs, 422 `partner-ambiguous` when it must be said.
    """
    may = {partner for role in WRITERS for partner in caller.scopes(role, "partner")}
    if asked is not None and asked not in may and asked != caller.partner_id:
        raise not_found("partner")
    if not may or (asked is not None and asked not in may):
        raise forbidden("role-required", role=" / ".join(WRITERS))
    if asked is not None:
        return asked
    if caller.partner_id is not None and caller.partner_id in may:
        return caller.partner_id
    if len(may) > 1:
        raise invalid("query:partner_id", "partner-ambiguous")
    return next(iter(may))


async def create_terms(session: RuleSession, caller: Subject, partner_id: UUID, body: bytes, now: datetime) -> Terms:
    """Store the ODRL policy in `body` with every constraint in its normal form.

    422 with a pointer to each part that cannot be kept: nothing is ignored.
    """
    result = normalise_text(body, courses().keys())
    if isinstance(result, Refused):
        errors = [FieldError(fault.pointer, fault.code, fault.params) for fault in result.faults]
        raise Problem(422, "invalid-request", errors=errors)
    normal, odrl = result
    terms = Terms(
        partner_id=partner_id,
        number=await repository.next_number(session, partner_id),
        digest=digest_of(normal),
        odrl=odrl,
        normal={**normal},
        created_at=now,
        created_by=caller.id,
    )
    await repository.add(session, terms)
    events.terms_published(session, terms)
    return terms


async def get_terms(session: RuleSession, terms_id: UUID) -> Terms:
    """Return terms, or 404."""
    found = (await repository.of(session, [terms_id])).get(terms_id)
    if found is None:
        raise not_found("terms")
    return found


async def get_normals(session: RuleSession, terms_ids: Collection[UUID]) -> dict[UUID, Normal]:
    """Return normal forms by id of the terms; unknown ids are absent. One query."""
    return {terms_id: row.meaning() for terms_id, row in (await repository.of(session, terms_ids)).items()}


def summary_of(terms: Terms) -> dict[Language, list[str]]:
    """Return terms in plain words, by language."""
    return {
        language: summary(terms.meaning(), language, {c.id: c.title[language] for c in courses().values()})
        for language in ("sv", "en")
    }


async def get_summary(session: RuleSession, terms_id: UUID) -> dict[Language, list[str]]:
    """Return the summary of terms by language, or 404."""
    return summary_of(await get_terms(session, terms_id))
