"""What projects do and tell. Takes a session and never ends it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from services.access.identity import service as identity
from services.access.projects import events, repository, rules
from services.access.projects.models import Project, ProjectChange, ProjectMember, ProjectPartner
from services.access.projects.rules import MemberRole, MembershipFacts, Names, Profile, ProjectFacts, viewer_of
from services.access.projects.schemas import EthicsApproval, MemberIn, ProjectIn, ProjectPatch
from services.kit.db import RuleSession
from services.kit.problems import conflict, forbidden, invalid, not_found
from services.kit.tokens import Subject
from services.kit.web import check_if_match

__all__ = ["MembershipFacts", "Names", "ProjectFacts", "facts", "memberships", "names"]


async def facts(session: RuleSession, project_ids: Collection[UUID]) -> dict[UUID, ProjectFacts]:
    """Return what decisions need to know of projects, in two queries however many; unknown ids are absent."""
    rows = await repository.projects(session, project_ids)
    partners = await repository.partners_of(session, project_ids)
    return {
        row.id: ProjectFacts(
            id=str(row.id),
            purpose=row.purpose,
            open=row.closed_at is None,
            starts=rules.start_of(row.starts_on),
            ends=rules.end_of(row.ends_on),
            partner_ids=[str(partner_id) for partner_id in partners.get(row.id, ())],
            ethics_until=rules.end_of(row.ethics_valid_until) if row.ethics_valid_until else rules.FOR_EVER,
        )
        for row in rows
    }


async def memberships(
    session: RuleSession, pairs: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], MembershipFacts]:
    """Return what decisions need to know of each pair of (project, user); every pair asked for is in the answer.

    Whether their partner takes part in the project is for the policy: it gets the partner and the project's partners.
    """
    rows = await repository.memberships(session, pairs)
    return {
        pair: MembershipFacts(active=True, role=cast(MemberRole, rows[pair].role))
        if pair in rows
        else MembershipFacts(active=False, role="none")
        for pair in pairs
    }


async def roles_in_projects(
    session: RuleSession, user_id: UUID, partner_id: UUID | None, *, closed: bool = False
) -> dict[UUID, str]:
    """Return the user's role in each open project of their partner's; with `closed`, in closed ones too.

    A closed project gives nobody rights, but its people still need to read what they agreed to.
    """
    if partner_id is None:
        return {}
    return dict(await repository.of_user(session, user_id, partner_id, closed=closed))


async def names(session: RuleSession, project_id: UUID) -> Names:
    """Return what people call a project and its partners; 404 if there is no such project."""
    for row in await repository.projects(session, [project_id]):
        partner_ids = (await repository.partners_of(session, [project_id]))[project_id]
        return Names(row.name, sorted((await identity.partner_names(session, partner_ids)).values()))
    raise not_found("project")


async def profiles(session: RuleSession, project_ids: Collection[UUID]) -> dict[UUID, Profile]:
    """Return what a steward needs to know of projects that ask for data, by id. Three queries, however many."""
    partners = await repository.partners_of(session, project_ids)
    named = await identity.partner_names(session, {partner for ids in partners.values() for partner in ids})
    return {
        row.id: Profile(
            name=row.name,
            purpose=row.purpose,
            description=row.description,
            partners=sorted(named[partner] for partner in partners[row.id]),
            collaborative=row.collaborative,
            ethics_number=row.ethics_number,
            ethics_valid_until=row.ethics_valid_until,
        )
        for row in await repository.projects(session, project_ids)
    }


async def visible_project(session: RuleSession, caller: Subject, project_id: UUID, *, lock: bool = False) -> Project:
    """Return a project that the caller may see; 404 otherwise."""
    row = await repository.project(session, project_id, viewer_of(caller), lock=lock)
    if row is None:
        raise not_found("project")
    return row


def approval_of(row: Project) -> EthicsApproval | None:
    """Return the ethics approval of a project, if it has one."""
    if row.ethics_number is None or row.ethics_valid_until is None:
        return None
    return EthicsApproval(number=row.ethics_number, valid_until=row.ethics_valid_until)


def _change(project: Project, by: UUID, at: datetime, field: str, old: Any, new: Any) -> ProjectChange:
    return ProjectChange(project_id=project.id, at=at, user_id=by, field=field, old=old, new=new)


async def create_project(session: RuleSession, caller: Subject, body: ProjectIn, now: datetime) -> Project:
    """Open a project with the caller as lead. 403 `partner-required` for who has no partner."""
    home = (await identity.facts(session, [caller.id]))[caller.id]["partner"]
    if home is None or not home["active"]:
        raise forbidden("partner-required")
    own = UUID(home["id"])
    rules.check_dates(body.starts_on, body.ends_on)
    partner_ids = rules.unique([own, *body.partner_ids])
    rules.check_partners(partner_ids, own, await identity.partner_facts(session, partner_ids), ())
    project = Project(
        owner_partner_id=own,
        name=body.name,
        purpose=body.purpose,
        description=body.description,
        collaborative=body.collaborative,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        budget_sek=body.budget_sek,
        ethics_number=body.ethics_approval.number if body.ethics_approval else None,
        ethics_valid_until=body.ethics_approval.valid_until if body.ethics_approval else None,
        created_at=now,
        created_by=caller.id,
    )
    lead = ProjectMember(project_id=project.id, user_id=caller.id, role="lead", created_at=now, created_by=caller.id)
    await repository.add(session, project)
    await repository.add(
        session, *(ProjectPartner(project_id=project.id, partner_id=partner_id) for partner_id in partner_ids), lead
    )
    events.opened(session, project, sorted(partner_ids))
    events.member_added(session, project, caller.id, "lead")
    return project


async def _led(session: RuleSession, caller: Subject, project_id: UUID) -> tuple[Project, dict[UUID, ProjectMember]]:
    """Return a project locked, with its members, if the caller leads it and it is open."""
    project = await visible_project(session, caller, project_id, lock=True)
    members = {row.user_id: row for row in (await repository.members_of(session, [project_id]))[project_id]}
    if caller.id not in members or members[caller.id].role != "lead":
        raise forbidden("lead-required")
    return project, members


def _check_open(project: Project) -> None:
    if project.closed_at is not None:
        raise conflict("project-closed")


def _leads(members: dict[UUID, ProjectMember]) -> list[UUID]:
    return [user_id for user_id, row in members.items() if row.role == "lead"]


def _shown(value: Any) -> Any:
    """Return a value as it is written in JSON, for the record of changes."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [str(item) for item in cast(list[object], value)]
    return value if isinstance(value, bool | str | None) else str(value)


async def update_project(
    session: RuleSession, caller: Subject, project_id: UUID, body: ProjectPatch, if_match: str | None, now: datetime
) -> Project:
    """Change a project, as its lead, as it was read. Each changed field is put on record with its old value."""
    project, members = await _led(session, caller, project_id)
    check_if_match(if_match, project.revision)
    _check_open(project)
    old_partners = (await repository.partners_of(session, [project_id]))[project_id]
    before: dict[str, Any] = {
        **{name: getattr(project, name) for name in ProjectPatch.model_fields if name in Project.model_fields},
        "partner_ids": old_partners,
        "ethics_approval": approval_of(project),
    }
    after = {name: getattr(body, name) for name in body.model_fields_set}
    if "partner_ids" in after:
        after["partner_ids"] = sorted(rules.unique(after["partner_ids"]))
        await _check_partners(session, project, members, after["partner_ids"])
    changed = {name: value for name, value in after.items() if value != before[name]}
    if not changed:
        return project
    rules.check_dates(changed.get("starts_on", project.starts_on), changed.get("ends_on", project.ends_on))
    for name, value in changed.items():
        if name == "ethics_approval":
            project.ethics_number = value.number if value else None
            project.ethics_valid_until = value.valid_until if value else None
        elif name != "partner_ids":
            setattr(project, name, value)
    project.revision += 1
    record = [
        _change(project, caller.id, now, name, _shown(before[name]), _shown(value))
        for name, value in sorted(changed.items())
    ]
    await repository.add(session, project, *record)
    if "partner_ids" in changed:
        await repository.set_partners(session, project_id, changed["partner_ids"])
    if changed.keys() & {"purpose", "partner_ids", "collaborative"}:
        events.opened(session, project, changed.get("partner_ids", old_partners))
    return project


async def _check_partners(
    session: RuleSession, project: Project, members: dict[UUID, ProjectMember], partner_ids: Sequence[UUID]
) -> None:
    known = await identity.partner_facts(session, partner_ids)
    users = (await identity.facts(session, members)).values()
    homes = {UUID(user["partner"]["id"]) for user in users if user["partner"] is not None}
    current = set((await repository.partners_of(session, [project.id]))[project.id])
    rules.check_partners(partner_ids, project.owner_partner_id, known, homes & current)


async def add_member(session: RuleSession, caller: Subject, project_id: UUID, body: MemberIn, now: datetime) -> Project:
    """Make a user of one of the project's partners a member, or change a member's role.

    422 `not-of-project-partners` for everyone else, whether they exist or not; 409 `last-lead`, `project-closed`.
    """
    project, members = await _led(session, caller, project_id)
    _check_open(project)
    partner_ids = (await repository.partners_of(session, [project_id]))[project_id]
    user = (await identity.facts(session, [body.user_id])).get(body.user_id)
    home = user["partner"] if user is not None and user["active"] else None
    if home is None or UUID(home["id"]) not in partner_ids:
        raise invalid("/user_id", "not-of-project-partners")
    present = members.get(body.user_id)
    if present is not None and present.role == body.role:
        return project
    if present is not None and present.role == "lead":
        rules.check_lead_remains(_leads(members), body.user_id)
    old = {"user_id": str(body.user_id), "role": present.role} if present is not None else None
    project.revision += 1
    if present is not None:
        present.role = body.role
    else:
        present = ProjectMember(
            project_id=project_id, user_id=body.user_id, role=body.role, created_at=now, created_by=caller.id
        )
    new = {"user_id": str(body.user_id), "role": body.role}
    await repository.add(session, project, present, _change(project, caller.id, now, "members", old, new))
    events.member_added(session, project, body.user_id, body.role)
    return project


async def remove_member(session: RuleSession, caller: Subject, project_id: UUID, user_id: UUID, now: datetime) -> None:
    """End a membership: one's own, or as lead anyone's. 409 `last-lead` when that would leave none."""
    project = await visible_project(session, caller, project_id, lock=True)
    members = {row.user_id: row for row in (await repository.members_of(session, [project_id]))[project_id]}
    lead = caller.id in members and members[caller.id].role == "lead"
    if not lead and user_id != caller.id:
        raise forbidden("lead-required")
    row = members.get(user_id)
    if row is None:
        raise not_found("member")
    _check_open(project)
    if row.role == "lead":
        rules.check_lead_remains(_leads(members), user_id)
    row.ended_at, row.ended_by = now, caller.id
    project.revision += 1
    old = {"user_id": str(user_id), "role": row.role}
    await repository.add(session, project, row, _change(project, caller.id, now, "members", old, None))
    events.member_removed(session, project, user_id)


async def close_project(session: RuleSession, caller: Subject, project_id: UUID, now: datetime) -> Project:
    """End a project, as its lead or an operator: nothing may be used in its name any more."""
    project = await visible_project(session, caller, project_id, lock=True)
    pair = (project_id, caller.id)
    membership = (await memberships(session, [pair]))[pair]
    if membership["role"] != "lead" and not caller.has("operator"):
        raise forbidden("lead-required")
    _check_open(project)
    project.closed_at, project.closed_by = now, caller.id
    project.revision += 1
    await repository.add(session, project, _change(project, caller.id, now, "state", "open", "closed"))
    events.closed(session, project, caller.id)
    return project
