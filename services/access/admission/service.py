"""What happens in admission: requests, questions, decisions, agreements, grants and their ends."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.access.admission import events, repository, rules
from services.access.admission.catalog import DatasetFacts
from services.access.admission.models import AccessRequest, Agreement, Grant, RequestMessage
from services.access.admission.rules import Owned, Sight
from services.access.admission.schemas import RequestDecisionIn, RequestIn
from services.access.identity import service as identity
from services.access.projects import service as projects
from services.access.terms import service as terms
from services.kit.db import RuleSession
from services.kit.problems import FieldError, Problem, conflict, forbidden, invalid, not_found, unavailable
from services.kit.schemas import epoch
from services.kit.tokens import Subject
from services.kit.web import check_if_match


async def sight(session: RuleSession, caller: Subject) -> Sight:
    """Return what `caller` sees: a project's people its own, donors and stewards what is about their data."""
    mine = await projects.roles_in_projects(session, caller.id, caller.partner_id, closed=True)
    donors = (caller.scopes(role, "partner") for role in ("steward", "donor", "partner-admin"))
    return Sight(
        projects=frozenset(mine),
        donors=frozenset[UUID]().union(*donors),
        donations=frozenset(caller.scopes("steward", "donation")),
        everything=caller.has("operator"),
    )


def is_steward(caller: Subject, thing: Owned) -> bool:
    """Whether `caller` handles what is about this data: stewards of the donor, or of the case it came from."""
    return identity.is_steward_of(caller, thing.donor_id, thing.donation_id)


def is_party(caller: Subject, request: AccessRequest) -> bool:
    """Whether the request is of the caller's project, or was made by the caller (who may have left the project)."""
    return request.project_id in caller.projects or request.requester_id == caller.id


async def _asking_project(session: RuleSession, caller: Subject, project_id: UUID) -> projects.ProjectFacts:
    """Return the project in whose name the caller may ask; 404 for one they are not in, 409 for a closed one."""
    found = (await projects.facts(session, [project_id])).get(project_id)
    if project_id not in caller.projects:
        past = await projects.roles_in_projects(session, caller.id, caller.partner_id, closed=True)
        raise conflict("project-closed") if project_id in past else not_found("project")
    assert found is not None
    return found


def _until_errors(until: datetime, now: datetime, last: int) -> list[FieldError]:
    if until <= now:
        return [FieldError("/until", "until-passed")]
    if until > rules.LAST_UNTIL:
        return [FieldError("/until", "until-too-late")]
    return [FieldError("/until", "until-beyond-terms")] if epoch(until) > last else []


async def create_request(
    session: RuleSession, caller: Subject, body: RequestIn, dataset: DatasetFacts, now: datetime
) -> AccessRequest:
    """A member of a project asks for a published dataset. What its terms can never permit is refused at once (422)."""
    project = await _asking_project(session, caller, body.project_id)
    normal = (await terms.get_normals(session, [dataset.terms_id])).get(dataset.terms_id)
    if normal is None:  # the catalogue names terms that nobody stated
        raise unavailable("terms")
    partners = await identity.partner_facts(session, [UUID(p) for p in project["partner_ids"]])
    recipients = [rules.Recipient(p["id"], p["sector"]) for p in partners.values()]
    until = rules.whole_second(body.until)
    errors = [
        FieldError(p, code) for p, code in rules.refusal_of_request(normal, body.actions, body.purpose, recipients)
    ]
    if not rules.covers(project["purpose"], body.purpose):
        errors.append(FieldError("/purpose", "purpose-not-of-project", {"purpose": project["purpose"]}))
    errors += _until_errors(until, now, normal["period"]["until"])
    if errors:
        raise Problem(422, "invalid-request", errors=errors)
    request = AccessRequest(
        project_id=body.project_id,
        dataset_id=body.dataset_id,
        dataset_title=dataset.title,
        donor_id=dataset.partner_id,
        donation_id=dataset.donation_id,
        terms_id=dataset.terms_id,
        requester_id=caller.id,
        actions=sorted(set(body.actions)),
        purpose=body.purpose,
        purpose_text=body.purpose_text,
        until=until,
        created_at=now,
    )
    if await repository.open_request(session, body.project_id, body.dataset_id) is not None:
        raise conflict("request-pending")
    try:
        await repository.add(session, request)
    except IntegrityError:
        raise conflict("request-pending") from None
    events.request_submitted(session, request)
    return request


async def visible_request(
    session: RuleSession, caller: Subject, request_id: UUID, *, lock: bool = False
) -> AccessRequest:
    """Return a request that `caller` may see, or 404."""
    request = await repository.request(session, request_id, lock=lock)
    if request is None or not (await sight(session, caller)).reaches(request):
        raise not_found("request")
    return request


async def add_message(
    session: RuleSession, caller: Subject, request_id: UUID, kind: str, text: str, now: datetime
) -> AccessRequest:
    """A steward asks, or a member of the project answers; only while the request waits."""
    request = await visible_request(session, caller, request_id, lock=True)
    if kind == "question" and not is_steward(caller, request):
        raise forbidden("steward-required")
    if kind == "answer" and request.project_id not in caller.projects:
        raise forbidden("member-required")
    if request.state != "submitted":
        raise conflict("request-decided")
    request.revision += 1
    message = RequestMessage(request_id=request.id, author_id=caller.id, kind=kind, text=text, created_at=now)
    await repository.add(session, request, message)
    return request


async def decide(
    session: RuleSession,
    caller: Subject,
    request_id: UUID,
    body: RequestDecisionIn,
    if_match: str | None,
    now: datetime,
) -> tuple[AccessRequest, Grant | None, Agreement | None]:
    """A steward of the donor decides. Approval makes a grant, inert until its agreement is signed."""
    request = await visible_request(session, caller, request_id, lock=True)
    if not is_steward(caller, request):
        raise forbidden("steward-required")
    if is_party(caller, request):
        raise forbidden("own-project")
    _check_match(if_match, request.revision)
    if request.state != "submitted":
        raise conflict("request-decided")
    until = await _granted_until(session, request, body, now)
    request.state = "approved" if body.approve else "rejected"
    request.reasons = body.reasons
    request.decided_by = caller.id
    request.decided_at = now
    request.revision += 1
    made = await _make_grant(session, request, until, now) if until is not None else (None, None)
    await repository.add(session, request)
    grant, agreement = made
    events.request_decided(session, request, grant)
    if grant is not None and agreement is not None:
        events.grant_issued(session, grant, agreement)
    return request, grant, agreement


async def _granted_until(
    session: RuleSession, request: AccessRequest, body: RequestDecisionIn, now: datetime
) -> datetime | None:
    """Return the end of the grant that a decision makes; None for a rejection. 409 for a project that has closed."""
    if not body.approve:
        if body.until is not None:
            raise invalid("/until", "until-of-rejection")
        return None
    until = rules.whole_second(body.until or request.until)
    if until <= now:
        raise invalid("/until", "until-passed")
    if until > request.until:
        raise invalid("/until", "until-beyond-request")
    if not (await projects.facts(session, [request.project_id]))[request.project_id]["open"]:
        raise conflict("project-closed")
    return until


async def _make_grant(
    session: RuleSession, request: AccessRequest, until: datetime, now: datetime
) -> tuple[Grant, Agreement]:
    grant = Grant(
        request_id=request.id,
        project_id=request.project_id,
        dataset_id=request.dataset_id,
        donor_id=request.donor_id,
        donation_id=request.donation_id,
        actions=request.actions,
        purpose=request.purpose,
        starts_at=now,
        until=until,
        created_at=now,
    )
    text = rules.agreement_text(await _agreement_facts(session, request, until))
    agreement = Agreement(
        grant_id=grant.id,
        project_id=request.project_id,
        donor_id=request.donor_id,
        donation_id=request.donation_id,
        text=text,
        digest=rules.agreement_digest(text),
        created_at=now,
    )
    await repository.add(session, grant)
    await repository.add(session, agreement)
    return grant, agreement


def _check_match(if_match: str | None, revision: int) -> None:
    """412 when the caller says what they read and that has changed since. These states guard themselves without it."""
    if if_match is not None:
        check_if_match(if_match, revision)


async def _agreement_facts(session: RuleSession, request: AccessRequest, until: datetime) -> rules.AgreementFacts:
    names = await projects.names(session, request.project_id)
    donor = await identity.partner_names(session, [request.donor_id])
    return rules.AgreementFacts(
        project_name=names.project,
        project_partners=names.partners,
        donor_name=donor.get(request.donor_id, str(request.donor_id)),
        dataset_title=request.dataset_title,
        dataset_id=str(request.dataset_id),
        actions=request.actions,
        purpose=request.purpose,
        purpose_text=request.purpose_text,
        until=until,
        summary=await terms.get_summary(session, request.terms_id),
    )


async def visible_agreement(
    session: RuleSession, caller: Subject, agreement_id: UUID, *, lock: bool = False
) -> Agreement:
    """Return an agreement that `caller` may see, or 404."""
    agreement = await repository.agreement(session, agreement_id, lock=lock)
    if agreement is None or not (await sight(session, caller)).reaches(agreement):
        raise not_found("agreement")
    return agreement


async def sign(
    session: RuleSession, caller: Subject, agreement_id: UUID, digest: str, if_match: str | None, now: datetime
) -> Agreement:
    """The lead of the project accepts exactly the text with this digest, which makes the grant effective."""
    agreement = await visible_agreement(session, caller, agreement_id, lock=True)
    if caller.projects.get(agreement.project_id) != "lead":
        raise forbidden("lead-required")
    if digest != agreement.digest:
        raise conflict("agreement-changed")
    if agreement.signed_at is not None:
        return agreement
    _check_match(if_match, agreement.revision)
    # Whoever revokes the grant holds its row: one of the two comes first, and the other finds it so.
    grant = await repository.grant(session, agreement.grant_id, lock=True)
    assert grant is not None
    if grant.revoked_at is not None or grant.until <= now:
        raise conflict("grant-ended")
    agreement.signed_at = now
    agreement.signed_by = caller.id
    agreement.revision += 1
    await repository.add(session, agreement)
    events.agreement_signed(session, agreement)
    return agreement


async def visible_grant(session: RuleSession, caller: Subject, grant_id: UUID, *, lock: bool = False) -> Grant:
    """Return a grant that `caller` may see, or 404."""
    grant = await repository.grant(session, grant_id, lock=lock)
    if grant is None or not (await sight(session, caller)).reaches(grant):
        raise not_found("grant")
    return grant


def may_revoke(caller: Subject, grant: Grant) -> bool:
    """Stewards of the donor, the donor's own people, and the project's lead (who gives it up) may."""
    own = any(caller.has(role, "partner", grant.donor_id) for role in ("donor", "partner-admin"))
    return own or is_steward(caller, grant) or caller.projects.get(grant.project_id) == "lead"


async def revoke(
    session: RuleSession, caller: Subject, grant_id: UUID, reason: str, if_match: str | None, now: datetime
) -> Grant:
    """Take a grant back; what runs or streams under it stops within seconds. Revoking twice changes nothing."""
    grant = await visible_grant(session, caller, grant_id, lock=True)
    if not may_revoke(caller, grant):
        raise forbidden("revoker-required")
    if grant.revoked_at is None:
        _check_match(if_match, grant.revision)
        await _end(session, grant, caller.id, reason, now)
    return grant


async def _end(session: RuleSession, grant: Grant, by: UUID | None, reason: str, now: datetime) -> None:
    grant.revoked_at = now
    grant.revoked_by = by
    grant.revoke_reason = reason
    grant.revision += 1
    await repository.add(session, grant)
    events.grant_revoked(session, grant)


WITHDRAWN = "dataset-withdrawn"
"""The reason (a code of the law) of what ended with its dataset and not by anyone's decision."""


async def end_for_dataset(session: RuleSession, dataset_id: UUID, now: datetime) -> None:
    """End every grant on a withdrawn dataset that has not ended, and reject every request that waits."""
    for grant in await repository.live_grants_of_dataset(session, dataset_id):
        if grant.until > now:
            await _end(session, grant, None, WITHDRAWN, now)
    for request in await repository.open_requests_for(session, dataset_id):
        request.state, request.reasons, request.decided_at = "rejected", WITHDRAWN, now
        request.revision += 1
        await repository.add(session, request)
        events.request_decided(session, request, None)


async def announce_ended(session: RuleSession, now: datetime, limit: int = 200) -> int:
    """Tell the bus of grants that ran out; return how many."""
    grants = await repository.ended_unannounced(session, now, limit)
    for grant in grants:
        grant.end_announced_at = now
        grant.revision += 1
    await repository.add(session, *grants)
    for grant in grants:
        events.grant_expired(session, grant)
    return len(grants)


async def grants_for_decisions(
    session: RuleSession, pairs: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], list[dict[str, Any]]]:
    """Return, by (project, dataset), every grant as a decision's input has it. One query for all."""
    found: dict[tuple[UUID, UUID], list[dict[str, Any]]] = {}
    for grant, agreement in await repository.grants_between(session, pairs):
        found.setdefault((grant.project_id, grant.dataset_id), []).append(
            {
                "id": str(grant.id),
                "actions": list(grant.actions),
                "purpose": grant.purpose,
                "from": epoch(grant.starts_at),
                "until": epoch(grant.until),
                "revoked": grant.revoked_at is not None,
                "agreement": {"id": str(agreement.id), "signed": agreement.signed_at is not None},
            }
        )
    return found
