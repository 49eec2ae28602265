"""Members: only people of the project's partners, always a lead, and gone at once when they go."""

import asyncio
from typing import Any

import httpx

from services.kit.ids import new_id
from tests.access.support import Person, World


async def add(lead: Person, project: dict[str, Any], user: Person, role: str = "member") -> httpx.Response:
    return await lead.post(f"/projects/{project['id']}/members", json={"user_id": str(user.id), "role": role})


async def remove(by: Person, project: dict[str, Any], user: Person) -> httpx.Response:
    return await by.delete(f"/projects/{project['id']}/members/{user.id}")


async def roles(world: World, project: dict[str, Any]) -> dict[str, str]:
    operator = await world.as_user("operator", roles=["operator"])
    shown = (await operator.get(f"/projects/{project['id']}")).json()
    return {m["display_name"].lower(): m["role"] for m in shown["members"]}


async def test_members_are_people_of_the_projects_partners(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna)
    answer = await add(anna, project, bertil)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"2"')
    assert {m["display_name"] for m in answer.json()["members"]} == {"Anna", "Bertil"}
    assert (await bertil.get("/me")).json()["projects"] == [{"id": project["id"], "role": "member"}]
    fact = (await world.emitted("member.added"))[-1]
    assert (fact.subject, fact.revision, fact.message.user_id) == (project["id"], 2, str(bertil.id))  # pyright: ignore[reportAttributeAccessIssue]


async def test_nobody_else_can_be_added_and_the_lead_learns_nothing_of_them(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    foreign = await add(anna, project, await world.as_user("other", partner="Globex"))
    homeless = await add(anna, project, await world.as_user("nobody"))
    body = {"user_id": str(new_id())}
    unknown = await anna.post(f"/projects/{project['id']}/members", json=body)
    assert {a.status_code for a in (foreign, homeless, unknown)} == {422}
    (error,) = unknown.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/user_id", "not-of-project-partners")
    assert foreign.json()["errors"] == homeless.json()["errors"] == unknown.json()["errors"]


async def test_only_leads_add(world: World) -> None:
    anna, bertil, cecilia = [await world.as_user(n, partner="Acme") for n in ("anna", "bertil", "cecilia")]
    project = await world.project(anna, members=[bertil])
    answer = await add(bertil, project, cecilia)
    assert (answer.status_code, answer.json()["code"]) == (403, "lead-required")
    assert (await add(anna, project, bertil, "lead")).status_code == 201
    assert (await add(bertil, project, cecilia)).status_code == 201


async def test_adding_again_changes_the_role_or_nothing(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna, members=[bertil])
    assert (await add(anna, project, bertil)).json()["revision"] == 2
    assert (await add(anna, project, bertil, "lead")).json()["revision"] == 3
    assert await roles(world, project) == {"anna": "lead", "bertil": "lead"}
    assert (await add(bertil, project, anna, "member")).status_code == 201
    answer = await add(bertil, project, bertil, "member")
    assert (answer.status_code, answer.json()["code"]) == (409, "last-lead")


async def test_a_lead_removes_a_member_and_the_member_is_out_at_once(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna, members=[bertil])
    assert (await remove(anna, project, bertil)).status_code == 204
    assert (await bertil.get(f"/projects/{project['id']}")).status_code == 404
    assert (await bertil.get("/me")).json()["projects"] == []
    assert (await remove(anna, project, bertil)).status_code == 404
    (fact,) = await world.emitted("member.removed")
    assert (fact.subject, fact.revision) == (project["id"], 3)
    changes = (await anna.get(f"/projects/{project['id']}/changes")).json()["items"]
    who = {"user_id": str(bertil.id), "role": "member"}
    assert [(c["field"], c["old"], c["new"]) for c in changes] == [("members", None, who), ("members", who, None)]


async def test_a_member_who_was_removed_can_come_back(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna, members=[bertil])
    await remove(anna, project, bertil)
    assert (await add(anna, project, bertil)).status_code == 201
    assert await roles(world, project) == {"anna": "lead", "bertil": "member"}


async def test_members_leave_by_themselves_and_remove_nobody(world: World) -> None:
    anna, bertil, cecilia = [await world.as_user(n, partner="Acme") for n in ("anna", "bertil", "cecilia")]
    project = await world.project(anna, members=[bertil, cecilia])
    assert (await remove(bertil, project, cecilia)).json()["code"] == "lead-required"
    assert (await remove(bertil, project, anna)).json()["code"] == "lead-required"
    operator = await world.as_user("operator", roles=["operator"])
    assert (await remove(operator, project, bertil)).status_code == 403
    assert (await remove(bertil, project, bertil)).status_code == 204
    assert set(await roles(world, project)) == {"anna", "cecilia"}


async def test_the_last_lead_cannot_go(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna, members=[bertil])
    answer = await remove(anna, project, anna)
    assert (answer.status_code, answer.json()["code"]) == (409, "last-lead")
    await add(anna, project, bertil, "lead")
    assert (await remove(anna, project, anna)).status_code == 204


async def test_two_leads_cannot_remove_each_other_at_once(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna)
    await add(anna, project, bertil, "lead")
    answers = await asyncio.gather(remove(anna, project, bertil), remove(bertil, project, anna))
    assert sorted(a.status_code for a in answers)[0] == 204
    assert sorted(a.status_code for a in answers)[1] in (403, 404, 409)
    assert list((await roles(world, project)).values()) == ["lead"]


async def test_twenty_parallel_additions_of_one_user_make_one_member(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna)
    answers = await asyncio.gather(*(add(anna, project, bertil) for _ in range(20)))
    assert {a.status_code for a in answers} == {201}
    assert await roles(world, project) == {"anna": "lead", "bertil": "member"}
    assert len(await world.emitted("member.added")) == 2


async def test_who_left_the_partner_no_longer_counts_as_member(world: World) -> None:
    admin = await world.as_user("admin", partner="Acme", roles=["partner-admin"])
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    await world.project(anna, members=[bertil])
    assert (await admin.delete(f"/partners/{admin.partner_id}/members/{bertil.id}")).status_code == 204
    assert (await bertil.get("/me")).json()["projects"] == []
