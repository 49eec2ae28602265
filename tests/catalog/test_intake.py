"""A donation case: who works with it, what it must say, how it is checked and decided."""

import asyncio
import base64
import json
from typing import Any
from uuid import UUID

import pytest

from services.catalog.intake.checklist import CHECKLIST
from services.kit.ids import new_id
from services.kit.tokens import Role
from tests.catalog.support import Person, World, sha


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_a_donation_keeps_the_terms_as_they_were(world: World) -> None:
    terms_id = world.terms(gate="required")
    donation = (await world.donor.post("/donations", json=world.case(terms_id=terms_id))).json()
    world.access.terms[UUID(terms_id)]["normal"]["gate"] = "none"
    read = await world.donor.get(f"/donations/{donation['id']}")
    assert read.json()["terms"]["gate"] == "required"
    assert (donation["state"], donation["partner_id"], read.headers["etag"]) == ("draft", str(world.partner_id), '"1"')
    assert donation["dataset_id"] is None


async def test_terms_of_another_partner_and_unknown_terms_are_refused(world: World) -> None:
    for terms_id in (world.terms(new_id()), str(new_id())):
        answer = await world.donor.post("/donations", json=world.case(terms_id=terms_id))
        assert (answer.status_code, pointers(answer)) == (422, ["/terms_id"])
        assert answer.json()["errors"][0]["code"] == "terms-unknown"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"personal_data": "yes", "legal_bases": []}, "/legal_bases"),
        ({"personal_data": "unknown", "legal_bases": []}, "/legal_bases"),
        ({"secrecy": {"marked": True, "provision": None}}, "/secrecy/provision"),
        ({"secrecy": {"marked": False, "provision": "25 kap. 1 § OSL"}}, "/secrecy/marked"),
        ({"retention_until": "2020-01-01"}, "/retention_until"),
        ({"legal_bases": [{"purpose": "research", "article6": "g", "article9": None}]}, "/legal_bases/0/article6"),
        ({"legal_bases": [{"purpose": "research", "article6": "e", "article9": "k"}]}, "/legal_bases/0/article9"),
        ({"legal_bases": [{"purpose": "marketing", "article6": "e", "article9": None}]}, "/legal_bases/0/purpose"),
        ({"legal_bases": [{"purpose": "education", "article6": "e"}] * 2}, "/legal_bases"),
        ({"integrity_class": "secret"}, "/integrity_class"),
        ({"title": "a\u202eb"}, "/title"),
        ({"description": ""}, "/description"),
        ({"color": "red"}, "/color"),
    ],
)
async def test_a_case_that_does_not_hold_is_refused_with_a_pointer(
    world: World, changes: dict[str, Any], pointer: str
) -> None:
    answer = await world.donor.post("/donations", json=world.case(**changes))
    assert (answer.status_code, pointers(answer)) == (422, [pointer])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secrecy": {"marked": True, "provision": "25 kap. 1 § OSL"}}, "secrecy-not-open"),
        ({"personal_data": "yes"}, "personal-data-not-open"),
        ({"personal_data": "unknown"}, "personal-data-not-open"),
    ],
)
async def test_what_is_secret_or_personal_is_not_open(world: World, changes: dict[str, Any], code: str) -> None:
    answer = await world.donor.post("/donations", json=world.case(integrity_class="open", **changes))
    assert (answer.status_code, answer.json()["code"]) == (409, code)


async def test_html_is_text(world: World) -> None:
    title = "<script>alert(1)</script>"
    answer = await world.donor.post("/donations", json=world.case(title=title, description=title))
    assert (answer.status_code, answer.json()["title"]) == (201, title)
    assert answer.headers["content-type"] == "application/json"


async def test_legal_bases_are_written_either_way(world: World) -> None:
    bases = [{"purpose": "research", "article6": "6(1)(e)", "article9": "9(2)(j)"}]
    answer = await world.donor.post("/donations", json=world.case(personal_data="yes", legal_bases=bases))
    assert answer.json()["legal_bases"] == [{"purpose": "research", "article6": "e", "article9": "j"}]


def everyone(world: World) -> dict[str, Person]:
    return {
        "outsider": world.outsider,
        "researcher": world.researcher,
        "colleague": world.colleague,
        "steward": world.steward,
        "donor": world.donor,
    }


async def test_only_donors_of_the_partner_begin_one(world: World) -> None:
    body = world.case(partner_id=str(world.partner_id))
    found = {name: (await p.post("/donations", json=body)).status_code for name, p in everyone(world).items()}
    assert found == {"outsider": 404, "researcher": 403, "colleague": 403, "steward": 403, "donor": 201}


async def test_who_reads_a_case(world: World) -> None:
    donation_id = await world.draft()
    found = {n: (await p.get(f"/donations/{donation_id}")).status_code for n, p in everyone(world).items()}
    assert found == {"outsider": 404, "researcher": 404, "colleague": 403, "steward": 200, "donor": 200}
    listed = {n: len((await p.get("/donations")).json()["items"]) for n, p in everyone(world).items()}
    assert listed == {"outsider": 0, "researcher": 0, "colleague": 0, "steward": 1, "donor": 1}
    one_case = world.person("case steward", None, Role("steward", "donation", UUID(donation_id)))
    assert (await one_case.get(f"/donations/{donation_id}")).status_code == 200
    assert len((await one_case.get("/donations?state=draft")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"title": "Mine"}),
        ("POST", "/uploads", {"path": "a", "size": 1, "sha256": "0" * 64}),
        ("GET", "/uploads", None),
        ("POST", "/submission", None),
        ("PUT", "/checklist", {"items": {"origin": {"ok": True}}}),
        ("POST", "/acceptance", {"reasons": "x"}),
        ("POST", "/rejection", {"reasons": "x"}),
        ("GET", "/receipt", None),
    ],
)
async def test_another_partners_case_does_not_exist(world: World, method: str, path: str, body: Any) -> None:
    donation_id = await world.draft()
    answer = await world.outsider.ask(method, f"/donations/{donation_id}{path}", json=body, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_a_draft_is_changed_under_its_tag(world: World) -> None:
    donation_id = await world.draft()
    url = f"/donations/{donation_id}"
    assert (await world.donor.ask("PATCH", url, json={"title": "B"})).status_code == 428
    answer = await world.donor.ask("PATCH", url, json={"title": "B"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["title"], answer.headers["etag"]) == (200, "B", '"2"')
    assert (await world.donor.ask("PATCH", url, json={"title": "C"}, headers={"If-Match": '"1"'})).status_code == 412
    answer = await world.donor.ask("PATCH", url, json={"title": None}, headers={"If-Match": '"2"'})
    assert (answer.status_code, pointers(answer)) == (422, ["/title"])
    answer = await world.donor.ask("PATCH", url, json={"personal_data": "yes"}, headers={"If-Match": '"2"'})
    assert answer.json()["personal_data"] == "yes"
    terms_id = world.terms(commercial=True)
    answer = await world.donor.ask("PATCH", url, json={"terms_id": terms_id}, headers={"If-Match": '"3"'})
    assert (answer.json()["terms_id"], answer.json()["terms"]["commercial"]) == (terms_id, True)


async def test_fifty_parallel_creations_with_one_key_make_one_donation(world: World) -> None:
    body = world.case()
    headers = {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(world.donor.post("/donations", json=body, headers=headers) for _ in range(50)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert len((await world.donor.get("/donations")).json()["items"]) == 1


async def test_submission_takes_files_that_are_all_stored(world: World) -> None:
    donation_id = await world.draft()
    answer = await world.donor.post(f"/donations/{donation_id}/submission")
    assert (answer.status_code, answer.json()["code"]) == (409, "donation-empty")
    await world.announce(donation_id, "a.txt", b"abc")
    await world.upload(donation_id, "b.txt", b"abc")
    answer = await world.donor.post(f"/donations/{donation_id}/submission")
    assert (answer.status_code, answer.json()["code"]) == (409, "uploads-unfinished")
    assert answer.json()["uploads"] == {"open": 1, "received": 1, "refused": 0}
    await world.ingest()
    assert (await world.donor.post(f"/donations/{donation_id}/submission")).status_code == 409
    open_upload = (await world.uploads(donation_id))["a.txt"]
    await world.donor.send(open_upload["upload_url"], b"abc")
    await world.ingest()
    answer = await world.donor.post(f"/donations/{donation_id}/submission")
    assert (answer.status_code, answer.json()["state"]) == (200, "submitted")
    assert (await world.donor.post(f"/donations/{donation_id}/submission")).json()["code"] == "donation-not-draft"
    answer = await world.announce(donation_id, "c.txt", b"abc")
    assert (answer.status_code, answer.json()["code"]) == (409, "donation-not-draft")


async def test_a_name_is_a_file_or_a_folder(world: World) -> None:
    donation_id = await world.draft()
    await world.upload(donation_id, "a", b"1")
    await world.upload(donation_id, "A/b", b"2")
    await world.ingest()
    answer = await world.donor.post(f"/donations/{donation_id}/submission")
    assert (answer.status_code, answer.json()["code"]) == (409, "paths-collide")


async def test_acceptance_takes_every_item_of_the_list(world: World) -> None:
    donation_id = await world.submitted({"a.txt": b"abc"})
    accept = f"/donations/{donation_id}/acceptance"
    answer = await world.steward.post(accept, json={"reasons": "Fine."})
    assert (answer.status_code, answer.json()["code"]) == (409, "checklist-incomplete")
    assert answer.json()["missing"] == list(CHECKLIST)
    await world.check(donation_id)
    items = {"secrecy": {"ok": False, "note": "Ask the lawyer."}}
    answer = await world.steward.ask("PUT", f"/donations/{donation_id}/checklist", json={"items": items})
    shown = {item["key"]: item for item in answer.json()["checklist"]}
    assert (shown["secrecy"]["ok"], shown["secrecy"]["note"]) == (False, "Ask the lawyer.")
    assert shown["secrecy"]["checked_by"] == str(world.steward.id)
    assert (await world.steward.post(accept, json={"reasons": "Fine."})).json()["missing"] == ["secrecy"]
    assert (await world.steward.post(accept, json={})).status_code == 422
    items = {"luck": {"ok": True}}
    answer = await world.steward.ask("PUT", f"/donations/{donation_id}/checklist", json={"items": items})
    assert (answer.status_code, pointers(answer)) == (422, ["/items/luck"])


async def test_the_list_speaks_swedish(world: World) -> None:
    donation_id = await world.draft()
    answer = await world.steward.get(f"/donations/{donation_id}", headers={"Accept-Language": "sv"})
    assert answer.json()["checklist"][0]["text"].startswith("Varje ändamål")


async def test_roles_part_donors_and_stewards(world: World) -> None:
    donation_id = await world.submitted({"a.txt": b"abc"})
    for path, body in (("acceptance", {"reasons": "x"}), ("rejection", {"reasons": "x"})):
        answer = await world.donor.post(f"/donations/{donation_id}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "role-required")
    assert (await world.steward.post(f"/donations/{donation_id}/submission")).status_code == 403
    upload = {"path": "b", "size": 1, "sha256": "0" * 64}
    assert (await world.steward.post(f"/donations/{donation_id}/uploads", json=upload)).status_code == 403
    allowed = {
        a["action"]: a["allowed"]
        for a in (await world.steward.get(f"/donations/{donation_id}")).json()["allowed_actions"]
    }
    assert allowed == {
        "update": False, "upload": False, "submit": False, "check": True, "accept": False, "reject": True,
    }  # fmt: skip


async def test_nobody_accepts_what_they_handed_in(world: World) -> None:
    both = world.person(
        "both",
        world.partner_id,
        Role("donor", "partner", world.partner_id),
        Role("steward", "partner", world.partner_id),
    )
    world.people["donor"] = both
    donation_id = await world.submitted({"a.txt": b"abc"})
    await world.check(donation_id)
    answer = await both.post(f"/donations/{donation_id}/acceptance", json={"reasons": "Mine."})
    assert (answer.status_code, answer.json()["code"]) == (403, "own-donation")


async def test_parallel_acceptances_make_one_dataset(world: World) -> None:
    donation_id = await world.submitted({"a.txt": b"abc", "b.txt": b"abc"})
    await world.check(donation_id)
    accept = f"/donations/{donation_id}/acceptance"
    answers = await asyncio.gather(*(world.steward.post(accept, json={"reasons": "Fine."}) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    version_id = next(a for a in answers if a.status_code == 200).json()["version_id"]
    listed = (await world.donor.get(f"/versions/{version_id}/files")).json()["items"]
    assert [(f["path"], f["sha256"]) for f in listed] == [("a.txt", sha(b"abc")), ("b.txt", sha(b"abc"))]


async def test_a_rejected_donation_is_erased(world: World) -> None:
    donation_id = await world.submitted({"a.txt": b"abc", "big.bin": bytes(3_000_000)})
    assert len(world.objects()) == 2
    answer = await world.steward.post(f"/donations/{donation_id}/rejection", json={"reasons": "No basis."})
    assert (answer.json()["state"], answer.json()["reasons"]) == ("rejected", "No basis.")
    await world.erase()
    assert world.objects() == []
    assert not list((world.folder / "keys").rglob("*.key"))
    answer = await world.donor.get(f"/donations/{donation_id}/uploads")
    assert (answer.status_code, answer.json()["code"]) == (410, "key-destroyed")
    assert (await world.events())[-2:] == ["factory.catalog.donation.rejected.v1", "factory.catalog.key.destroyed.v1"]
    assert (await world.steward.post(f"/donations/{donation_id}/acceptance", json={"reasons": "x"})).status_code == 409


async def test_lists_are_paged(world: World) -> None:
    ids = [await world.draft(title=f"Case {n}") for n in range(5)]
    first = (await world.donor.get("/donations?limit=3")).json()
    second = (await world.donor.get(f"/donations?limit=3&after={first['next_cursor']}")).json()
    assert [d["id"] for d in (*first["items"], *second["items"])] == list(reversed(ids))
    assert second["next_cursor"] is None


@pytest.mark.parametrize("values", [["x"], [1], [], ["a", "b"], [1.5], ["\ud800"], ["0" * 36]])
async def test_cursors_that_were_not_made_here_are_refused(world: World, values: list[object]) -> None:
    version_id = await world.released({"a": b"1"})
    dataset_id = (await world.donor.get(f"/versions/{version_id}")).json()["dataset_id"]
    donation_id = (await world.donor.get("/donations")).json()["items"][0]["id"]
    after = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
    for path in (
        "/donations", f"/donations/{donation_id}/uploads", f"/datasets/{dataset_id}/versions",
        f"/versions/{version_id}/files",
    ):  # fmt: skip
        answer = await world.donor.get(f"{path}?after={after}")
        fits = {"/versions": values == [1], "/files": values in (["x"], ["0" * 36])}
        expected = 200 if any(path.endswith(end) and fit for end, fit in fits.items()) else 422
        assert answer.status_code == expected, (path, answer.text)


async def test_nothing_is_added_while_a_case_is_submitted(world: World) -> None:
    donation_id = await world.draft()
    await world.upload(donation_id, "a.txt", b"abc")
    await world.ingest()
    answers = await asyncio.gather(
        *(world.announce(donation_id, f"{n}.txt", b"abc") for n in range(6)),
        world.donor.post(f"/donations/{donation_id}/submission"),
        *(world.announce(donation_id, f"{n}.bin", b"abc") for n in range(6)),
    )
    added = sum(a.status_code == 201 for a in answers)
    submitted = answers[6].status_code == 200
    state = (await world.donor.get(f"/donations/{donation_id}")).json()
    assert (state["state"], state["uploads"]["open"]) == ("submitted" if submitted else "draft", added)
    assert not (submitted and added)
