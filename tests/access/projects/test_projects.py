"""A project: who opens it, who sees it, what may change, and that every change is on record."""

import asyncio
from typing import Any

import pytest

from tests.access.support import PROJECT, Person, World


async def test_whoever_opens_a_project_leads_it_and_their_partner_belongs_to_it(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    answer = await anna.post("/projects", json=PROJECT)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    project = answer.json()
    assert project["partner_ids"] == [str(anna.partner_id)]
    assert project["members"] == [
        {"user_id": str(anna.id), "display_name": "Anna", "role": "lead", "created_at": "2026-03-02T09:00:00Z"}
    ]
    shown = {key: project[key] for key in PROJECT if key != "partner_ids"}
    assert shown == {key: value for key, value in PROJECT.items() if key != "partner_ids"}
    assert (project["state"], project["closed_at"]) == ("open", None)
    assert (await anna.get(f"/projects/{project['id']}")).json() == project
    opened, added = await world.emitted()
    assert (opened.type, opened.subject) == ("factory.access.project.opened.v1", project["id"])
    assert list(opened.message.partner_ids) == [str(anna.partner_id)]  # pyright: ignore[reportAttributeAccessIssue]
    assert (added.type, added.message.role) == ("factory.access.member.added.v1", "lead")  # pyright: ignore[reportAttributeAccessIssue]


async def test_without_a_partner_no_project(world: World) -> None:
    nobody = await world.as_user("nobody", roles=["operator"])
    answer = await nobody.post("/projects", json=PROJECT)
    assert (answer.status_code, answer.json()["code"]) == (403, "partner-required")


async def test_fifty_parallel_creations_with_one_key_make_one_project(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    headers = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(*(anna.post("/projects", json=PROJECT, headers=headers) for _ in range(50)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert len((await anna.get("/projects")).json()["items"]) == 1
    assert len(await world.emitted("project.opened")) == 1
    other = await anna.post("/projects", json={**PROJECT, "name": "Another"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"purpose": "world-domination"}, "/purpose", None),
        ({"purpose": "research/"}, "/purpose", None),
        ({"name": " "}, "/name", None),
        ({"name": "a\x00b"}, "/name", "control-character"),
        ({"description": "a\x1bb"}, "/description", "control-character"),
        ({"description": "x" * 20_001}, "/description", None),
        ({"partner_ids": ["acme"]}, "/partner_ids/0", None),
        ({"partner_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"]}, "/partner_ids", "partner-unknown"),
        ({"collaborative": "maybe"}, "/collaborative", None),
        ({"starts_on": "2026-13-01"}, "/starts_on", None),
        ({"starts_on": 1_700_000_000}, "/starts_on", "day-invalid"),
        ({"starts_on": "2026-01-01T00:00:00Z"}, "/starts_on", "day-invalid"),
        ({"ends_on": "9999-12-31"}, "/ends_on", "day-invalid"),
        ({"ends_on": "2025-12-31"}, "/ends_on", "dates-reversed"),
        ({"budget_sek": 250000.0}, "/budget_sek", "amount-invalid"),
        ({"budget_sek": "-1.00"}, "/budget_sek", "amount-invalid"),
        ({"budget_sek": "1.005"}, "/budget_sek", "amount-invalid"),
        ({"budget_sek": "1e3"}, "/budget_sek", "amount-invalid"),
        ({"budget_sek": "NaN"}, "/budget_sek", "amount-invalid"),
        ({"budget_sek": "1234567890123.00"}, "/budget_sek", "amount-invalid"),
        ({"ethics_approval": {"number": "2026-01"}}, "/ethics_approval/valid_until", None),
        ({"owner": "me"}, "/owner", None),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_what_is_wrong_is_named(world: World, changes: dict[str, Any], pointer: str, code: str | None) -> None:
    anna = await world.as_user("anna", partner="Acme")
    answer = await anna.post("/projects", json={**PROJECT, **changes})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, pointer)
    assert code in (None, error["code"])


async def test_html_is_kept_as_text_and_layout_in_descriptions(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna, name="<b>Falls</b>", description="<img src=x onerror=1>\n\tsecond line")
    assert project["name"] == "<b>Falls</b>"
    assert project["description"] == "<img src=x onerror=1>\n\tsecond line"


async def test_a_project_is_seen_by_its_people_and_by_who_looks_after_them(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    bertil = await world.as_user("bertil", partner="Globex")
    shared = await world.project(anna, partner_ids=[str(bertil.partner_id)], collaborative=True, members=[bertil])
    own = await world.project(anna, name="Own")
    people = {
        "lead": anna,
        "member": bertil,
        "colleague": await world.as_user("colleague", partner="Acme"),
        "admin": await world.as_user("admin", partner="Acme", roles=["partner-admin"]),
        "other-admin": await world.as_user("other-admin", partner="Globex", roles=["partner-admin"]),
        "stranger": await world.as_user("stranger", partner="Initech", roles=["partner-admin"]),
        "steward": await world.as_user("steward", roles=["steward:Initech"]),
        "operator": await world.as_user("operator", roles=["operator"]),
    }
    of_all = {"lead", "admin", "operator"}
    for name, person in people.items():
        listed = {p["id"] for p in (await person.get("/projects")).json()["items"]}
        expected = {shared["id"], own["id"]} if name in of_all else {shared["id"]}
        if name in ("colleague", "stranger", "steward"):
            expected = set()
        assert listed == expected, name
        for project in (shared, own):
            status = 200 if project["id"] in expected else 404
            assert (await person.get(f"/projects/{project['id']}")).status_code == status, name
            assert (await person.get(f"/projects/{project['id']}/changes")).status_code == status, name


async def test_every_route_of_an_unseen_project_is_404(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    stranger = await world.as_user("stranger", partner="Globex")
    path = f"/projects/{project['id']}"
    for method, url, body in [
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("GET", f"{path}/changes", None),
        ("POST", f"{path}/members", {"user_id": str(stranger.id), "role": "lead"}),
        ("DELETE", f"{path}/members/{anna.id}", None),
        ("DELETE", f"{path}/members/{stranger.id}", None),
        ("POST", f"{path}/closure", None),
    ]:
        answer = await stranger.request(method, url, json=body, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), url


async def test_lists_come_in_pages(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    made = [(await world.project(anna, name=f"P{n}"))["id"] for n in range(5)]
    found: list[str] = []
    cursor = ""
    while True:
        page = (await anna.get(f"/projects?limit=2{cursor}")).json()
        found += [p["id"] for p in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&after={page['next_cursor']}"
    assert found == made


async def patch(person: Person, project: dict[str, Any], etag: str | None = '"1"', **changes: Any) -> Any:
    headers = {} if etag is None else {"If-Match": etag}
    return await person.patch(f"/projects/{project['id']}", json=changes, headers=headers)


async def test_changes_take_the_revision_that_was_read(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    assert (await patch(anna, project, None, name="New")).status_code == 428
    assert (await patch(anna, project, '"2"', name="New")).status_code == 412
    answer = await patch(anna, project, name="New")
    assert (answer.status_code, answer.headers["etag"], answer.json()["name"]) == (200, '"2"', "New")
    stale = await patch(anna, project, name="Newer")
    assert (stale.status_code, stale.json()["code"], stale.headers["etag"]) == (412, "if-match-stale", '"2"')


async def test_of_ten_simultaneous_changes_of_one_revision_one_is_made(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    answers = await asyncio.gather(*(patch(anna, project, name=f"N{n}") for n in range(10)))
    assert sorted(a.status_code for a in answers) == [200] + [412] * 9


async def test_a_change_of_purpose_is_on_record_and_told(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    world.clock.advance(hours=1)
    approval = {"number": "2026-01234-01", "valid_until": "2026-10-31"}
    answer = await patch(anna, project, purpose="research", ethics_approval=approval, budget_sek="300000.50")
    assert answer.json()["purpose"] == "research"
    changes = (await anna.get(f"/projects/{project['id']}/changes")).json()["items"]
    assert [(c["field"], c["old"], c["new"]) for c in changes] == [
        ("budget_sek", "250000.00", "300000.50"),
        ("ethics_approval", None, approval),
        ("purpose", "research/health", "research"),
    ]
    assert {(c["user_id"], c["at"]) for c in changes} == {(str(anna.id), "2026-03-02T10:00:00Z")}
    told = await world.emitted("project.opened")
    assert [(e.revision, e.message.purpose) for e in told] == [(1, "research/health"), (2, "research")]  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_change_to_what_is_already_so_is_none(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    answer = await patch(anna, project, purpose=project["purpose"], name=project["name"], budget_sek="250000.0")
    assert answer.json()["revision"] == 1
    assert (await anna.get(f"/projects/{project['id']}/changes")).json()["items"] == []


@pytest.mark.parametrize("field", ["name", "purpose", "starts_on", "partner_ids", "budget_sek"])
async def test_only_the_ethics_approval_can_be_emptied(world: World, field: str) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna, ethics_approval={"number": "1", "valid_until": "2026-06-30"})
    assert (await patch(anna, project, **{field: None})).status_code == 422
    answer = await patch(anna, project, ethics_approval=None)
    assert (answer.status_code, answer.json()["ethics_approval"]) == (200, None)


async def test_dates_are_held_against_the_ones_that_stay(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    project = await world.project(anna)
    assert (await patch(anna, project, ends_on="2025-12-31")).status_code == 422
    assert (await patch(anna, project, starts_on="2027-01-01")).status_code == 422
    assert (await patch(anna, project, starts_on="2027-01-01", ends_on="2027-01-01")).status_code == 200


async def test_only_leads_change_a_project(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna, members=[bertil])
    operator = await world.as_user("operator", roles=["operator"])
    for person in (bertil, operator):
        answer = await patch(person, project, '"2"', name="x")
        assert (answer.status_code, answer.json()["code"]) == (403, "lead-required")
    assert (await patch(anna, project, '"2"', name="x")).status_code == 200


async def test_partners_come_and_go_but_not_the_first_and_none_with_members(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Globex")
    project = await world.project(anna)
    both = [str(anna.partner_id), str(bertil.partner_id)]
    assert (await patch(anna, project, partner_ids=both[1:])).json()["errors"][0]["code"] == "own-partner-missing"
    assert (await patch(anna, project, partner_ids=[*both, both[1]])).json()["partner_ids"] == both
    assert (await anna.post(f"/projects/{project['id']}/members", json={"user_id": str(bertil.id)})).status_code == 201
    answer = await patch(anna, project, '"3"', partner_ids=both[:1])
    assert (answer.status_code, answer.json()["code"]) == (409, "partner-has-members")
    assert (await anna.delete(f"/projects/{project['id']}/members/{bertil.id}")).status_code == 204
    assert (await patch(anna, project, '"4"', partner_ids=both[:1])).json()["partner_ids"] == both[:1]


async def test_a_closed_project_stays_closed_and_unchanged(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna, members=[bertil])
    path = f"/projects/{project['id']}"
    assert (await bertil.post(f"{path}/closure")).status_code == 403
    closed = (await anna.post(f"{path}/closure")).json()
    assert (closed["state"], closed["closed_at"]) == ("closed", "2026-03-02T09:00:00Z")
    assert not any(action["allowed"] for action in closed["allowed_actions"])
    assert {action["reason"] for action in closed["allowed_actions"]} == {"The project is closed."}
    for answer in (
        await anna.post(f"{path}/closure"),
        await patch(anna, project, '"3"', name="x"),
        await anna.post(f"{path}/members", json={"user_id": str(bertil.id), "role": "lead"}),
        await anna.delete(f"{path}/members/{bertil.id}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "project-closed")
    assert (await anna.get("/me")).json()["projects"] == []
    (fact,) = await world.emitted("project.closed")
    assert (fact.subject, fact.revision) == (project["id"], 3)


async def test_an_operator_may_close_a_project(world: World) -> None:
    project = await world.project(await world.as_user("anna", partner="Acme"))
    operator = await world.as_user("operator", roles=["operator"])
    assert (await operator.post(f"/projects/{project['id']}/closure")).status_code == 200


async def test_what_may_be_done_is_told_in_the_callers_language(world: World) -> None:
    anna, bertil = await world.as_user("anna", partner="Acme"), await world.as_user("bertil", partner="Acme")
    project = await world.project(anna, members=[bertil])

    async def actions(person: Person) -> dict[str, Any]:
        shown = await person.get(f"/projects/{project['id']}", headers={"Accept-Language": "sv"})
        return {a["action"]: a["reason"] for a in shown.json()["allowed_actions"]}

    last = "Ett projekt behöver en ledare; utse en annan först."
    assert await actions(anna) == {
        "update": None, "add-member": None, "remove-member": None, "leave": last, "close": None,
    }  # fmt: skip
    for_leads = "Det gör projektets ledare."
    assert await actions(bertil) == {
        "update": for_leads, "add-member": for_leads, "remove-member": for_leads, "leave": None, "close": for_leads,
    }  # fmt: skip
