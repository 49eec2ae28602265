"""Campaigns are opened by leads whom the law permits to annotate, over what people can look at."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.annotation.campaigns.selection import matches, media_of
from services.kit.tokens import Role
from tests.annotation.support import World, label_schema, labels, mark

FILES = {
    "a/1.png": b"1",
    "a/2.JPG": b"2",
    "a/b/3.tiff": b"3",
    "notes/readme.md": b"4",
    "notes/table.csv": b"5",
    "drawing.svg": b"6",
    "other.bin": b"7",
}


async def test_the_project_and_the_law_decide_who_opens_one(world: World) -> None:
    version_id = world.catalog.add(world.donor_id, FILES)
    body = world.body(version_id)
    for person, status, code in (
        (world.outsider, 404, "not-found"),
        (world.steward, 404, "not-found"),
        (world.member, 403, "lead-required"),
    ):
        answer = await person.post("/campaigns", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    world.access.denied[world.lead.id] = [{"code": "no-grant", "message": "No grant.", "cures": [{"kind": "act"}]}]
    denied = await world.lead.post("/campaigns", json=body)
    assert (denied.status_code, denied.json()["code"], denied.json()["cures"]) == (
        403,
        "decision-denied",
        [{"kind": "act"}],
    )
    world.access.denied.clear()
    world.access.answers = False
    assert (await world.lead.post("/campaigns", json=body)).status_code == 503
    world.access.answers = True
    opened = await world.lead.post("/campaigns", json=body)
    assert opened.status_code == 201
    assert opened.headers["location"] == f"/api/v1/campaigns/{opened.json()['id']}"
    assert opened.headers["etag"] == '"1"'
    assert await world.events() == ["factory.annotation.campaign.opened.v1"]
    question = list(world.access.decisions.values())[-1]
    assert (question["action"], question["purpose"], question["paths"]) == ("annotate", "research/applied", [])


@pytest.mark.parametrize(
    ("selection", "total"),
    [
        ({"media": "image"}, 3),
        ({"media": "image", "paths": ["a/*"]}, 2),
        ({"media": "image", "paths": ["**/*.png", "a/b/**"]}, 2),
        ({"media": "image", "limit": 2}, 2),
        ({"media": "text"}, 2),
        ({"media": "text", "paths": ["notes/*.md"]}, 1),
    ],
)
async def test_items_are_chosen_by_kind_and_globs(world: World, selection: dict[str, Any], total: int) -> None:
    version_id = world.catalog.add(world.donor_id, FILES)
    kind = "image-class" if selection["media"] == "image" else "text-class"
    body = world.body(version_id, schema=label_schema(kind), selection=selection)
    answer = await world.lead.post("/campaigns", json=body)
    assert (answer.status_code, answer.json().get("items", {}).get("total")) == (201, total), answer.text


async def test_long_lists_of_files_are_read_page_by_page(world: World) -> None:
    campaign_id = await world.campaign({f"{n:04}.png": b"" for n in range(450)})
    assert (await world.items(campaign_id))["total"] == 450


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"overlap": 0}, "/overlap", None),
        ({"overlap": 11}, "/overlap", None),
        ({"title": "\u202egnp"}, "/title", "control-character"),
        ({"guidelines": " "}, "/guidelines", "blank-text"),
        ({"selection": {"media": "sound"}}, "/selection/media", None),
        ({"selection": {"media": "text"}}, "/selection/media", "media-for-kind"),
        ({"selection": {"media": "image", "paths": ["nowhere/*"]}}, "/selection", "nothing-selected"),
        ({"schema": {**label_schema("boxes"), "kind": "circles"}}, "/schema/kind", None),
        ({"schema": {**label_schema("boxes"), "labels": []}}, "/schema/labels", None),
        ({"schema": {**label_schema("boxes"), "labels": labels("a", "a")}}, "/schema/labels/1/name", "label-twice"),
        ({"schema": {**label_schema("boxes"), "labels": labels("a ")}}, "/schema/labels/0/name", "label-name-form"),
        ({"unknown": 1}, "/unknown", None),
    ],
)
async def test_what_is_wrong_is_told_where_it_stands(
    world: World, changes: dict[str, Any], pointer: str, code: str | None
) -> None:
    body = world.body(world.catalog.add(world.donor_id, FILES), **changes)
    answer = await world.lead.post("/campaigns", json=body)
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert [error["pointer"] for error in errors] == [pointer]
    assert code is None or errors[0]["code"] == code
    assert await world.events() == []


async def test_a_version_that_cannot_be_seen_does_not_exist(world: World) -> None:
    answer = await world.lead.post("/campaigns", json=world.body(uuid4()))
    assert answer.status_code == 404


async def test_who_sees_a_campaign(world: World) -> None:
    campaign_id = await world.campaign(FILES, annotators=[world.anna])
    helper = world.person("helper", None)
    await world.give(campaign_id, helper, "annotator")
    stranger = world.person(
        "stranger", None, Role("steward", "partner", uuid4()), Role("annotator", "campaign", uuid4())
    )
    seen = (world.lead, world.member, world.anna, helper, world.reviewer, world.steward)
    for person in seen:
        assert (await person.get(f"/campaigns/{campaign_id}")).status_code == 200
        assert [c["id"] for c in (await person.get("/campaigns")).json()["items"]] == [campaign_id]
    for person in (world.outsider, stranger):
        assert (await person.get(f"/campaigns/{campaign_id}")).status_code == 404
        assert (await person.get("/campaigns")).json()["items"] == []
        for method, path in (
            ("GET", f"/campaigns/{campaign_id}/agreement"),
            ("GET", f"/campaigns/{campaign_id}/export"),
            ("GET", f"/campaigns/{campaign_id}/guidelines"),
            ("GET", f"/campaigns/{campaign_id}/members"),
            ("GET", f"/reviews?campaign_id={campaign_id}"),
            ("POST", f"/campaigns/{campaign_id}/claims"),
            ("POST", f"/campaigns/{campaign_id}/closure"),
            ("POST", f"/campaigns/{campaign_id}/import"),
        ):
            assert (await person.ask(method, path)).status_code == 404, path


async def test_lists_are_filtered_and_paged(world: World) -> None:
    ids = [await world.campaign(FILES) for _ in range(3)]
    first = (await world.lead.get("/campaigns?limit=2")).json()
    assert [c["id"] for c in first["items"]] == ids[:0:-1]
    rest = (await world.lead.get(f"/campaigns?limit=2&after={first['next_cursor']}")).json()
    assert ([c["id"] for c in rest["items"]], rest["next_cursor"]) == (ids[:1], None)
    one = (await world.lead.get(f"/campaigns/{ids[0]}")).json()
    for query, expected in (
        (f"version_id={one['version_id']}", ids[:1]),
        (f"dataset_id={one['dataset_id']}&state=open", ids[:1]),
        (f"project_id={uuid4()}", []),
        ("state=closed", []),
    ):
        assert [c["id"] for c in (await world.lead.get(f"/campaigns?{query}")).json()["items"]] == expected
    assert (await world.lead.get("/campaigns?after=bm8")).status_code == 422
    assert (await world.lead.get("/campaigns?stat=open")).status_code == 422


async def test_guidelines_have_wordings_and_changes_are_not_lost(world: World) -> None:
    campaign_id = await world.campaign(FILES)
    change = f"/campaigns/{campaign_id}"
    assert (await world.lead.ask("PATCH", change, json={"title": "x"})).status_code == 428
    assert (await world.member.ask("PATCH", change, {"If-Match": '"1"'}, json={"title": "x"})).status_code == 403
    for body in ({"title": None}, {"overlap": 3}, {"guidelines": ""}):
        assert (await world.lead.ask("PATCH", change, {"If-Match": '"1"'}, json=body)).status_code == 422
    answer = await world.lead.ask("PATCH", change, {"If-Match": '"1"'}, json={"guidelines": "Look thrice."})
    assert (answer.status_code, answer.headers["etag"], answer.json()["guidelines_number"]) == (200, '"2"', 2)
    assert (await world.lead.ask("PATCH", change, {"If-Match": '"1"'}, json={"title": "x"})).status_code == 412
    same = await world.lead.ask("PATCH", change, {"If-Match": '"2"'}, json={"guidelines": "Look thrice."})
    assert same.headers["etag"] == '"2"'
    wordings = (await world.anna.get(f"{change}/guidelines")).json()
    assert [(w["number"], w["text"]) for w in wordings] == [(1, "Look twice."), (2, "Look thrice.")]
    task = await world.anna.claim(campaign_id)
    assert task is not None and (task["guidelines"], task["guidelines_number"]) == ("Look thrice.", 2)


async def test_roles_are_the_leads_to_give(world: World) -> None:
    campaign_id = await world.campaign(FILES, annotators=[world.anna])
    body = {"user_id": str(world.bo.id), "role": "annotator"}
    for person in (world.member, world.anna, world.reviewer, world.steward):
        assert (await person.post(f"/campaigns/{campaign_id}/members", json=body)).status_code == 403
        assert (await person.get(f"/campaigns/{campaign_id}/members")).status_code == 403
    assert (
        await world.lead.post(f"/campaigns/{campaign_id}/members", json={**body, "role": "lead"})
    ).status_code == 422
    both = await world.lead.post(f"/campaigns/{campaign_id}/members", json={**body, "role": "reviewer"})
    assert both.status_code == 201
    both = await world.lead.post(f"/campaigns/{campaign_id}/members", json=body)
    assert (both.json()["name"], both.json()["roles"]) == ("annotator-3", ["annotator", "reviewer"])
    assert Role("annotator", "campaign", UUID(campaign_id)) in world.bo.subject.roles


async def test_actions_say_why_they_are_not_allowed(world: World) -> None:
    campaign_id = await world.campaign(FILES, annotators=[world.anna])

    async def reasons(person: Any, language: str = "en") -> dict[str, str | None]:
        answer = await person.get(f"/campaigns/{campaign_id}", headers={"Accept-Language": language})
        return {action["action"]: action["reason"] for action in answer.json()["allowed_actions"]}

    lead = await reasons(world.lead)
    assert lead["update"] is None and lead["import"] is None and lead["export"] is None
    assert (
        lead["close"] == "3 items are not done. Wait for them, or close with accept_incomplete: they are left out then."
    )
    assert lead["claim"] == "This takes the role annotator."
    anna = await reasons(world.anna, "sv")
    assert (anna["claim"], anna["close"]) == (None, "Det gör projektets ledare.")
    assert anna["export"] is not None and anna["export"].startswith("Den som märker")
    assert (await reasons(world.reviewer))["review"] == "Nothing waits for review."
    await world.anna.work(campaign_id, mark("cat"))
    assert (await reasons(world.lead))["close"] is None


# --- globs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*.png", "a.png", True),
        ("*.png", "a/b.png", False),
        ("**/*.png", "b.png", True),
        ("**/*.png", "a/b/c.png", True),
        ("a/**", "a/b/c", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**/c", "b/c", False),
        ("?.png", "ab.png", False),
        ("[ab].png", "b.png", True),
        ("[!ab].png", "b.png", False),
        ("A.png", "a.png", False),
        ("**", "a/b", True),
        ("", "a", False),
    ],
)
def test_globs(glob: str, path: str, fits: bool) -> None:
    assert matches(path, [glob]) is fits


@given(st.text("ab*?[]!/", max_size=60), st.text("ab/", max_size=60))
def test_any_glob_is_matched_in_no_time(glob: str, path: str) -> None:
    matches(path, [glob])
    assert matches(path, [])


def test_a_glob_made_to_be_slow_is_not() -> None:
    assert not matches("a" * 1000, ["*a" * 200 + "b"])
    assert not matches("/".join("a" * 300), ["/".join(["**", "a"] * 100) + "/b"])


def test_what_people_can_look_at() -> None:
    assert media_of("image/PNG; x=1") == "image"
    assert media_of("text/markdown") == "text"
    assert [media_of(t) for t in ("image/svg+xml", "application/pdf", "")] == [None, None, None]
