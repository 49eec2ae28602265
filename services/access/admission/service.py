"""What happens in admission: requests, questions, decisions, agreements, grants and their ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from services.access.admission import events, repository, rules
from services.access.admission.models import AccessRequest, Agreement, Grant, RequestMessage
from services.access.admission.schemas import RequestDecisionIn, RequestIn
from services.access.identity import service as identity
from services.access.projects import service as projects
from services.access.terms import service as terms
from services.kit.db import RuleSession
from services.kit.problems import FieldError, Problem, conflict, forbidden, invalid, not_found
from services.kit.schemas import epoch
from services.kit.tokens import Subject


@dataclass(frozen=True)
class DatasetFacts:
    """What catalog says of a dataset."""

    id: UUID
    title: str
    state: str
    partner_id: UUID
    terms_id: UUID

    @classmethod
    def of(cls, dataset_id: UUID, facts: Mapping[str, Any]) -> "DatasetFacts":
        """Read catalog's answer; 404 when it has no such dataset."""
        found = facts["datasets"].get(str(dataset_id))
        if found is None:
            raise not_found("dataset")
        return cls(dataset_id, found["title"], found["state"], UUID(found["partner_id"]), UUID(found["terms_id"]))


@dataclass(frozen=True)
class Sight:
    """Which admissions a subject sees: those of its projects, those about data of its partner or its stewardship."""

    projects: set[UUID]
    donors: set[UUID]
    everything: bool


def sight(caller: Subject) -> Sight:
    """Return what `caller` sees."""
    donors = caller.scopes("steward", "partner") | caller.scopes("donor", "partner")
    donors |= caller.scopes("partner-admin", "partner")
    return Sight(set(caller.projects), donors, caller.has("operator") or any(_global_steward(caller)))


def _global_steward(caller: Subject) -> Iterable[bool]:
    return (r.name == "steward" and r.scope_kind == "global" for r in caller.roles)


def is_steward(caller: Subject, donor_id: UUID) -> bool:
    """Whether `caller` handles requests for data of partner `donor_id`."""
    return caller.has("steward", "partner", donor_id)


async def create_request(
    session: RuleSession, caller: Subject, body: RequestIn, dataset: DatasetFacts, now: datetime
) -> AccessRequest:
    """A member of a project asks for a published dataset. What its terms can never permit is refused at once."""
    project = await projects.facts(session, [body.project_id])
    if body.project_id not in caller.projects or body.project_id not in project:
        raise not_found("project")
    if dataset.state != "published":
        raise not_found("dataset")
    if not project[body.project_id]["open"]:
        raise conflict("project-closed")
    normal = await terms.get_normal(session, dataset.terms_id)
    errors = [FieldError(p, code) for p, code in rules.refusal_of_request(normal, body.actions, body.purpose)]
    if not rules.covers(project[body.project_id]["purpose"], body.purpose):
        errors.append(
            FieldError("/purpose", "purpose-not-of-project", {"purpose": project[body.project_id]["purpose"]})
        )
    if body.until <= now:
        errors.append(FieldError("/until", "until-passed"))
    elif epoch(body.until) > normal["period"]["until"]:
        errors.append(FieldError("/until", "until-beyond-terms"))
    if errors:
        raise Problem(422, "invalid-request", errors=errors)
    request = AccessRequest(
        project_id=body.project_id,
        dataset_id=dataset.id,
        dataset_title=dataset.title,
        donor_id=dataset.partner_id,
        terms_id=dataset.terms_id,
        requester_id=caller.id,
        actions=sorted(set(body.actions)),
        purpose=body.purpose,
        purpose_text=body.purpose_text,
        until=body.until,
        created_at=now,
    )
    if await repository.open_request(session, body.project_id, dataset.id) is not None:
        raise conflict("request-pending")
    session.add(request)
    try:
        await session.flush()
    except IntegrityError:
        raise conflict("request-pending") from None
    events.request_submitted(session, request)
    return request


async def visible_request(
    session: RuleSession, caller: Subject, request_id: UUID, *, lock: bool = False
) -> AccessRequest:
    """Return a request that `caller` may see, or 404."""
    request = await repository.request(session, request_id, lock=lock)
    seen = sight(caller)
    if request is None or not (
        seen.everything or request.project_id in seen.projects or request.donor_id in seen.donors
    ):
        raise not_found("request")
    return request


async def add_message(
    session: RuleSession, caller: Subject, request_id: UUID, kind: str, text: str, now: datetime
) -> AccessRequest:
    """A steward asks, or a member of the project answers; only while the request waits."""
    request = await visible_request(session, caller, request_id, lock=True)
    if kind == "question" and not is_steward(caller, request.donor_id):
        raise forbidden("role-required", role="steward")
    if kind == "answer" and request.project_id not in caller.projects:
        raise forbidden("role-required", role="lead / member")
    if request.state != "submitted":
        raise conflict("request-decided", state=request.state)
    session.add(RequestMessage(request_id=request.id, author_id=caller.id, kind=kind, text=text, created_at=now))
    request.revision += 1
    await session.flush()
    return request


async def decide(
    session: RuleSession, caller: Subject, request_id: UUID, body: RequestDecisionIn, now: datetime
) -> tuple[AccessRequest, Grant | None, Agreement | None]:
    """A steward of the donor decides. Approval makes a grant, inert until its agreement is signed."""
    request = await visible_request(session, caller, request_id, lock=True)
    if not is_steward(caller, request.donor_id):
        raise forbidden("role-required", role="steward")
    if request.project_id in caller.projects:
        raise forbidden("own-project")
    if request.state != "submitted":
        raise conflict("request-decided", state=request.state)
    until = body.until or request.until
    if body.approve and until <= now:
        raise invalid("/until", "until-passed")
    if body.approve and until > request.until:
        raise invalid("/until", "until-beyond-request")
    request.state = "approved" if body.approve else "rejected"
    request.reasons = body.reasons
    request.decided_by = caller.id
    request.decided_at = now
    request.revision += 1
    session.add(request)
    grant = agreement = None
    if body.approve:
        grant = Grant(
            request_id=request.id,
            project_id=request.project_id,
            dataset_id=request.dataset_id,
            donor_id=request.donor_id,
            actions=request.actions,
            purpose=request.purpose,
            starts_at=now,
            until=until,
            created_at=now,
        )
        session.add(grant)
        await session.flush()
        text = rules.agreement_text(await _agreement_facts(session, request, until))
        agreement = Agreement(
            grant_id=grant.id,
            project_id=request.project_id,
            donor_id=request.donor_id,
            text=text,
            digest=rules.agreement_digest(text),
            created_at=now,
        )
        session.add(agreement)
        await session.flush()
        events.grant_issued(session, grant, agreement)
    events.request_decided(session, request, grant)
    return request, grant, agreement


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
    seen = sight(caller)
    if agreement is None or not (
        seen.everything or agreement.project_id in seen.projects or agreement.donor_id in seen.donors
    ):
        raise not_found("agreement")
    return agreement


async def sign(session: RuleSession, caller: Subject, agreement_id: UUID, digest: str, now: datetime) -> Agreement:
    """The lead of the project accepts exactly the text with this digest, which makes the grant effective."""
    agreement = await visible_agreement(session, caller, agreement_id, lock=True)
    if caller.projects.get(agreement.project_id) != "lead":
        raise forbidden("role-required", role="lead")
    if digest != agreement.digest:
        raise conflict("agreement-changed")
    if agreement.signed_at is not None:
        return agreement
    grant = await repository.grant(session, agreement.grant_id, lock=True)
    assert grant is not None
    if grant.revoked_at is not None or grant.until <= now:
        raise conflict("grant-ended")
    agreement.signed_at = now
    agreement.signed_by = caller.id
    agreement.revision += 1
    session.add(agreement)
    await session.flush()
    events.agreement_signed(session, agreement)
    return agreement


async def visible_grant(session: RuleSession, caller: Subject, grant_id: UUID, *, lock: bool = False) -> Grant:
    """Return a grant that `caller` may see, or 404."""
    grant = await repository.grant(session, grant_id, lock=lock)
    seen = sight(caller)
    if grant is None or not (seen.everything or grant.project_id in seen.projects or grant.donor_id in seen.donors):
        raise not_found("grant")
    return grant


def may_revoke(caller: Subject, grant: Grant) -> bool:
    """Stewards of the donor, the donor's own people, and the project's lead (who gives it up) may."""
    own = any(caller.has(role, "partner", grant.donor_id) for role in ("donor", "partner-admin"))
    return own or is_steward(caller, grant.donor_id) or caller.projects.get(grant.project_id) == "lead"


async def revoke(session: RuleSession, caller: Subject, grant_id: UUID, reason: str, now: datetime) -> Grant:
    """Take a grant back; what runs or streams under it stops within seconds. Revoking twice changes nothing."""
    grant = await visible_grant(session, caller, grant_id, lock=True)
    if not may_revoke(caller, grant):
        raise forbidden("role-required", role="steward / donor / lead")
    if grant.revoked_at is None:
        await _end(session, grant, caller.id, reason, now)
    return grant


async def _end(session: RuleSession, grant: Grant, by: UUID | None, reason: str, now: datetime) -> None:
    grant.revoked_at = now
    grant.revoked_by = by
    grant.revoke_reason = reason
    grant.revision += 1
    session.add(grant)
    await session.flush()
    events.grant_revoked(session, grant)


async def end_grants_of_dataset(session: RuleSession, dataset_id: UUID, now: datetime) -> int:
    """End every grant on a withdrawn dataset; return how many."""
    grants = await repository.live_grants_of_dataset(session, dataset_id)
    for grant in grants:
        await _end(session, grant, None, "dataset-withdrawn", now)
    return len(grants)


async def announce_ended(session: RuleSession, now: datetime, limit: int = 200) -> int:
    """Tell the bus of grants that ran out; return how many."""
    grants = await repository.ended_unannounced(session, now, limit)
    for grant in grants:
        grant.end_announced_at = now
        grant.revision += 1
        session.add(grant)
        await session.flush()
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


async def threads(
    session: RuleSession, requests: Sequence[AccessRequest]
) -> tuple[dict[UUID, list[RequestMessage]], dict[UUID, tuple[UUID, UUID]]]:
    """Return messages and (grant, agreement) ids of requests, for showing them."""
    ids = [r.id for r in requests]
    return await repository.messages(session, ids), await repository.grants_of_requests(session, ids)
