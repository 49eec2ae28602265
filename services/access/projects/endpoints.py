"""Projects over HTTP."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import Response

from services.access.identity import service as identity
from services.access.lists import after_id
from services.access.projects import repository, rules, service
from services.access.projects.models import Project
from services.access.projects.schemas import (
    MemberIn,
    MemberOut,
    ProjectChangeOut,
    ProjectIn,
    ProjectOut,
    ProjectPatch,
)
from services.access.texts import reason
from services.kit.db import RuleSession
from services.kit.paging import Page, Paged, page
from services.kit.schemas import AllowedAction
from services.kit.texts import Language
from services.kit.tokens import Subject
from services.kit.web import Caller, Ctx, IfMatch, Lang, Session, etag, factory_router

router = factory_router(tags=["projects"])


async def _show(
    session: RuleSession, rows: Sequence[Project], caller: Subject, language: Language
) -> dict[UUID, ProjectOut]:
    """Show projects, with three queries however many."""
    ids = [row.id for row in rows]
    partners = await repository.partners_of(session, ids)
    members = await repository.members_of(session, ids)
    names = await identity.names(session, {m.user_id for each in members.values() for m in each})
    shown: dict[UUID, ProjectOut] = {}
    for row in rows:
        mine = next((m.role for m in members[row.id] if m.user_id == caller.id), None)
        leads = sum(m.role == "lead" for m in members[row.id])
        refusals = rules.refusals(
            closed=row.closed_at is not None,
            lead=mine == "lead",
            member=mine is not None,
            last_lead=mine == "lead" and leads == 1,
            operator=caller.has("operator"),
        )
        actions = [
            AllowedAction(action=action, allowed=why is None, reason=reason(why, language)) for action, why in refusals
        ]
        people = [
            MemberOut.model_validate({**m.model_dump(), "display_name": names.get(m.user_id, "")})
            for m in members[row.id]
        ]
        shown[row.id] = ProjectOut.model_validate(
            {
                **row.model_dump(),
                "partner_ids": partners[row.id],
                "state": "open" if row.closed_at is None else "closed",
                "ethics_approval": service.approval_of(row),
                "members": people,
                "allowed_actions": actions,
            }
        )
    return shown


async def _answer(
    session: RuleSession, row: Project, caller: Subject, language: Language, response: Response
) -> ProjectOut:
    response.headers["ETag"] = etag(row.revision)
    return (await _show(session, [row], caller, language))[row.id]


@router.post("/projects", operation_id="create_project", status_code=201)
async def create_project(
    body: ProjectIn, caller: Caller, session: Session, ctx: Ctx, lang: Lang, response: Response
) -> ProjectOut:
    """Open a project. You become its lead, and your partner always belongs to it."""
    row = await service.create_project(session, caller, body, ctx.clock.now())
    return await _answer(session, row, caller, lang, response)


@router.get("/projects", operation_id="list_projects")
async def list_projects(caller: Caller, session: Session, lang: Lang, paging: Page) -> Paged[ProjectOut]:
    """List the projects you may see: those you are in; for a partner's administrators, those of the partner."""
    rows = await repository.page_of_projects(session, rules.viewer_of(caller), after_id(paging), paging.limit)
    shown = await _show(session, rows, caller, lang)
    return page(rows, paging.limit, lambda row: (row.id,), lambda row: shown[row.id])


@router.get("/projects/{id}", operation_id="get_project")
async def get_project(id: UUID, caller: Caller, session: Session, lang: Lang, response: Response) -> ProjectOut:
    """Return a project, with its ETag."""
    return await _answer(session, await service.visible_project(session, caller, id), caller, lang, response)


@router.patch("/projects/{id}", operation_id="update_project")
async def update_project(
    id: UUID,
    body: ProjectPatch,
    caller: Caller,
    session: Session,
    ctx: Ctx,
    lang: Lang,
    response: Response,
    if_match: IfMatch = None,
) -> ProjectOut:
    """Change a project, as its lead, as you read it (If-Match). Every change is put on record."""
    row = await service.update_project(session, caller, id, body, if_match, ctx.clock.now())
    return await _answer(session, row, caller, lang, response)


@router.get("/projects/{id}/changes", operation_id="list_project_changes")
async def list_project_changes(id: UUID, caller: Caller, session: Session, paging: Page) -> Paged[ProjectChangeOut]:
    """List what was changed in a project, when and by whom, the oldest first."""
    await service.visible_project(session, caller, id)
    rows = await repository.page_of_changes(session, id, after_id(paging), paging.limit)
    return page(rows, paging.limit, lambda row: (row.id,), ProjectChangeOut.model_validate)


@router.post("/projects/{id}/members", operation_id="add_member", status_code=201)
async def add_member(
    id: UUID, body: MemberIn, caller: Caller, session: Session, ctx: Ctx, lang: Lang, response: Response
) -> ProjectOut:
    """Make a user of one of the project's partners a member, as its lead. Naming a member again changes the role."""
    row = await service.add_member(session, caller, id, body, ctx.clock.now())
    return await _answer(session, row, caller, lang, response)


@router.delete("/projects/{id}/members/{user_id}", operation_id="remove_member", status_code=204)
async def remove_member(id: UUID, user_id: UUID, caller: Caller, session: Session, ctx: Ctx) -> None:
    """End a membership: your own, or as lead anyone's. What the member has running under the project stops."""
    await service.remove_member(session, caller, id, user_id, ctx.clock.now())


@router.post("/projects/{id}/closure", operation_id="close_project")
async def close_project(
    id: UUID, caller: Caller, session: Session, ctx: Ctx, lang: Lang, response: Response
) -> ProjectOut:
    """End a project, as its lead or an operator."""
    row = await service.close_project(session, caller, id, ctx.clock.now())
    return await _answer(session, row, caller, lang, response)
