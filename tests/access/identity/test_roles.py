"""Who may say what about whom: partners, their people and roles, and what other partners never see."""

from typing import Any
from uuid import UUID

import pytest

from services.kit.ids import new_id
from services.kit.tokens import Role
from tests.access.support import Person, World

ACME: dict[str, Any] = {"name": "Acme", "sector": "industry", "country": "SE"}


async def subjects(world: World) -> dict[str, Person]:
    return {
        "operator": await world.as_user("operator", roles=["operator"]),
        "finance": await world.as_user("finance", roles=["finance"]),
        "steward": await world.as_user("steward", roles=["steward:Acme"]),
        "admin": await world.as_user("admin", partner="Acme", roles=["partner-admin"]),
        "donor": await world.as_user("donor", partner="Acme", roles=["donor"]),
        "colleague": await world.as_user("colleague", partner="Acme"),
        "other-admin": await world.as_user("other-admin", partner="Globex", roles=["partner-admin"]),
        "nobody": await world.as_user("nobody"),
    }


async def statuses(people: dict[str, Person], method: str, path: str, json: Any = None) -> dict[str, int]:
    return {name: (await who.request(method, path, json=json)).status_code for name, who in people.items()}


async def test_only_operators_create_partners(world: World) -> None:
    got = await statuses(await subjects(world), "POST", "/partners", ACME)
    assert got.pop("operator") == 201
    assert set(got.values()) == {403}


async def test_partners_are_seen_by_their_own_people_and_by_who_deals_with_all(world: World) -> None:
    people = await subjects(world)
    acme = people["admin"].partner_id
    got = await statuses(people, "GET", f"/partners/{acme}")
    assert got == {
        "operator": 200, "finance": 200, "steward": 200, "admin": 200, "donor": 200, "colleague": 200,
        "other-admin": 404, "nobody": 404,
    }  # fmt: skip
    assert [p["name"] for p in (await people["colleague"].get("/partners")).json()["items"]] == ["Acme"]
    assert [p["name"] for p in (await people["operator"].get("/partners")).json()["items"]] == ["Acme", "Globex"]
    assert (await people["nobody"].get("/partners")).json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"sector": "none"}, "/sector"),
        ({"country": "ZZ"}, "/country"),
        ({"country": "se"}, "/country"),
        ({"country": "SWE"}, "/country"),
        ({"name": ""}, "/name"),
        ({"name": "a\x07b"}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"owner": "me"}, "/owner"),
    ],
    ids=str,
)
async def test_bad_partners_are_refused_with_a_pointer(world: World, changes: dict[str, Any], pointer: str) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    answer = await operator.post("/partners", json={**ACME, **changes})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_html_in_a_name_is_text(world: World) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    answer = await operator.post("/partners", json={**ACME, "name": "<script>alert(1)</script> & sons"})
    got = await operator.get(f"/partners/{answer.json()['id']}")
    assert got.json()["name"] == "<script>alert(1)</script> & sons"
    assert got.headers["content-type"] == "application/json"


async def test_people_are_added_by_operators_and_the_partners_administrators(world: World) -> None:
    people = await subjects(world)
    path = f"/partners/{people['admin'].partner_id}/members"
    newcomers = {name: await world.as_user(f"new-{name}") for name in people}
    got = {
        name: (await who.post(path, json={"user_id": str(newcomers[name].id)})).status_code
        for name, who in people.items()
    }
    assert got == {
        "operator": 201, "finance": 403, "steward": 403, "admin": 201, "donor": 403, "colleague": 403,
        "other-admin": 404, "nobody": 404,
    }  # fmt: skip
    facts = [(e.subject, e.message.user_id) for e in await world.emitted("member.added")]  # pyright: ignore[reportAttributeAccessIssue]
    acme = str(people["admin"].partner_id)
    assert facts == [(acme, str(newcomers["operator"].id)), (acme, str(newcomers["admin"].id))]


async def test_a_user_has_one_home(world: World) -> None:
    people = await subjects(world)
    path = f"/partners/{people['admin'].partner_id}/members"
    body = {"user_id": str(people["other-admin"].id)}
    answer = await people["operator"].post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "home-elsewhere")
    # An administrator learns no more of another partner's people than of people who do not exist.
    foreign = await people["admin"].post(path, json=body)
    unknown = await people["admin"].post(path, json={"user_id": str(new_id())})
    assert (foreign.status_code, foreign.json()["errors"]) == (422, unknown.json()["errors"])


async def test_leaving_a_partner_ends_the_roles_held_for_it(world: World) -> None:
    people = await subjects(world)
    donor, acme = people["donor"], people["admin"].partner_id
    assert (await people["colleague"].delete(f"/partners/{acme}/members/{donor.id}")).status_code == 403
    assert (await people["other-admin"].delete(f"/partners/{acme}/members/{donor.id}")).status_code == 404
    assert (await people["admin"].delete(f"/partners/{acme}/members/{donor.id}")).status_code == 204
    assert (await people["admin"].delete(f"/partners/{acme}/members/{donor.id}")).status_code == 404
    me = (await donor.get("/me")).json()
    assert (me["partner"], me["roles"]) == (None, [])
    assert [e.subject for e in await world.emitted("member.removed")] == [str(acme)]


async def test_users_are_listed_for_operators_and_for_administrators_their_own(world: World) -> None:
    people = await subjects(world)
    got = await statuses(people, "GET", "/users")
    assert {name for name, status in got.items() if status == 200} == {"operator", "admin", "other-admin"}
    assert set(got.values()) == {200, 403}
    mine = (await people["admin"].get("/users")).json()["items"]
    assert {u["display_name"] for u in mine} == {"Admin", "Donor", "Colleague"}
    assert {u["partner"]["name"] for u in mine} == {"Acme"}
    first = (await people["operator"].get("/users?limit=5")).json()
    rest = (await people["operator"].get(f"/users?limit=5&after={first['next_cursor']}")).json()
    assert len(first["items"]) + len(rest["items"]) == len(people)
    assert rest["next_cursor"] is None


async def test_a_cursor_that_was_not_made_here_is_refused(world: World) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    for cursor in ("nonsense", "WzFd", "WyJ4Il0", "WzEsMl0"):
        answer = await operator.get(f"/users?after={cursor}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "query:after")


async def test_suspension_is_for_operators_and_happens_once(world: World) -> None:
    people = await subjects(world)
    acme = people["admin"].partner_id
    operator = people.pop("operator")
    got = await statuses(people, "POST", f"/partners/{acme}/suspension")
    assert got == {
        "finance": 403, "steward": 403, "admin": 403, "donor": 403, "colleague": 403, "other-admin": 404, "nobody": 404,
    }  # fmt: skip
    actions = {a["action"]: a for a in (await operator.get(f"/partners/{acme}")).json()["allowed_actions"]}
    assert actions["suspend"] == {"action": "suspend", "allowed": True, "reason": None}
    answer = await operator.post(f"/partners/{acme}/suspension")
    assert answer.json()["suspended_at"] == "2026-03-02T09:00:00Z"
    actions = {a["action"]: a for a in answer.json()["allowed_actions"]}
    assert actions["suspend"] == {"action": "suspend", "allowed": False, "reason": "The partner is suspended."}
    assert (await operator.post(f"/partners/{acme}/suspension")).json()["code"] == "partner-suspended"
    (fact,) = await world.emitted("partner.suspended")
    assert (fact.subject, fact.revision) == (str(acme), 2)


async def assignable(world: World, people: dict[str, Person]) -> dict[str, tuple[str, str, UUID | None]]:
    acme, globex = people["admin"].partner_id, people["other-admin"].partner_id
    assert acme is not None and globex is not None
    return {
        "operator": ("operator", "global", None),
        "finance": ("finance", "global", None),
        "steward of Acme": ("steward", "partner", acme),
        "steward of a case": ("steward", "donation", new_id()),
        "administrator of Acme": ("partner-admin", "partner", acme),
        "donor of Acme": ("donor", "partner", acme),
        "annotator": ("annotator", "campaign", new_id()),
        "reviewer": ("reviewer", "campaign", new_id()),
    }


def assignment(user: Person, role: str, kind: str, scope: UUID | None) -> dict[str, Any]:
    scope_id = str(scope) if scope else None
    return {"user_id": str(user.id), "role": role, "scope": {"kind": kind, "id": scope_id}}


async def test_the_matrix_of_who_gives_which_role(world: World) -> None:
    people = await subjects(world)
    target = await world.as_user("target", partner="Acme")
    of_own = {"administrator of Acme", "donor of Acme"}
    for what, (role, kind, scope) in (await assignable(world, people)).items():
        body = assignment(target, role, kind, scope)
        got = await statuses({k: v for k, v in people.items() if k != "operator"}, "POST", "/role-assignments", body)
        for name, status in got.items():
            expected = 403
            if what in of_own:
                expected = {"admin": 201, "other-admin": 404, "nobody": 404}.get(name, 403)
            assert status == expected, (what, name)
    for what, (role, kind, scope) in (await assignable(world, people)).items():
        answer = await people["operator"].post("/role-assignments", json=assignment(target, role, kind, scope))
        assert answer.status_code == 201, what
    assert len((await target.get("/me")).json()["roles"]) == 8


@pytest.mark.parametrize(
    ("role", "kind", "with_id", "pointer"),
    [
        ("lead", "project", True, "/role"),
        ("member", "project", True, "/role"),
        ("steward", "global", False, "/scope/kind"),
        ("operator", "partner", True, "/scope/kind"),
        ("donor", "donation", True, "/scope/kind"),
        ("operator", "global", True, "/scope/id"),
        ("steward", "partner", False, "/scope/id"),
        ("steward", "partner", True, "/scope/id"),
        ("king", "global", False, "/role"),
        ("operator", "galaxy", False, "/scope/kind"),
    ],
)
async def test_roles_that_make_no_sense_are_refused(
    world: World, role: str, kind: str, with_id: bool, pointer: str
) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    body = assignment(operator, role, kind, new_id() if with_id else None)
    answer = await operator.post("/role-assignments", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_only_a_partners_own_people_are_its_donors_and_administrators(world: World) -> None:
    people = await subjects(world)
    acme = people["admin"].partner_id
    for who in ("other-admin", "nobody"):
        for by in ("operator", "admin"):
            answer = await people[by].post("/role-assignments", json=assignment(people[who], "donor", "partner", acme))
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/user_id")


async def test_the_same_role_twice_is_one_assignment(world: World) -> None:
    people = await subjects(world)
    body = assignment(people["nobody"], "finance", "global", None)
    first = await people["operator"].post("/role-assignments", json=body)
    again = await people["operator"].post("/role-assignments", json=body)
    assert first.json()["id"] == again.json()["id"]


async def test_assignments_are_seen_and_taken_back_by_who_could_give_them(world: World) -> None:
    people = await subjects(world)
    mine = (await people["colleague"].get("/role-assignments")).json()["items"]
    assert mine == []
    of_admin = (await people["admin"].get("/role-assignments")).json()["items"]
    assert {(a["role"], a["user_id"]) for a in of_admin} == {
        ("steward", str(people["steward"].id)),
        ("partner-admin", str(people["admin"].id)),
        ("donor", str(people["donor"].id)),
    }
    donor = next(a["id"] for a in of_admin if a["role"] == "donor")
    steward = next(a["id"] for a in of_admin if a["role"] == "steward")
    path = f"/role-assignments/{donor}"
    got = await statuses({k: v for k, v in people.items() if k not in ("operator", "admin")}, "DELETE", path)
    assert got == {
        "finance": 404, "steward": 404, "donor": 403, "colleague": 404, "other-admin": 404, "nobody": 404,
    }  # fmt: skip
    assert (await people["admin"].delete(f"/role-assignments/{steward}")).status_code == 403
    assert (await people["operator"].delete(f"/role-assignments/{steward}")).status_code == 204
    assert (await people["admin"].delete(path)).status_code == 204
    assert (await people["admin"].delete(path)).status_code == 404
    assert (await people["donor"].get("/me")).json()["roles"] == []


async def test_the_last_operator_stays(world: World) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    (held,) = (await operator.get("/role-assignments")).json()["items"]
    answer = await operator.delete(f"/role-assignments/{held['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "last-operator")
    await world.as_user("second", roles=["operator"])
    assert (await operator.delete(f"/role-assignments/{held['id']}")).status_code == 204
    assert (await operator.post("/partners", json=ACME)).status_code == 403


async def test_a_steward_of_a_case_or_of_a_donor_is_told_from_others(world: World) -> None:
    from services.access.identity.service import is_steward_of
    from services.kit.tokens import Subject

    donor, case = new_id(), new_id()

    def subject(*roles: Role) -> Subject:
        return Subject(id=new_id(), kind="user", token="", roles=frozenset(roles))

    assert is_steward_of(subject(Role("steward", "partner", donor)), donor)
    assert not is_steward_of(subject(Role("steward", "partner", new_id())), donor)
    assert is_steward_of(subject(Role("steward", "donation", case)), donor, case)
    assert not is_steward_of(subject(Role("steward", "donation", case)), donor)
    assert not is_steward_of(subject(Role("operator")), donor, case)


async def test_strangers_get_401_everywhere_before_their_body_is_read(world: World) -> None:
    for method, path in [("POST", "/partners"), ("GET", "/users"), ("POST", "/role-assignments"), ("GET", "/me")]:
        answer = await world.anonymous.request(method, path, content=b"{broken")
        assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in"), path
