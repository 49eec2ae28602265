"""Who may have a version made of another, and what a derivation's service is told."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.kit.ids import new_id
from services.kit.tokens import Role, Subject
from tests.catalog.derivations.maker import Derived, Maker
from tests.catalog.support import Person, World


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_recipe_is_for_stewards_of_the_dataset(world: World, deid: Maker, parent: str) -> None:
    for person, expected in (
        (world.donor, (403, "role-required")),
        (world.colleague, (403, "role-required")),
        (world.researcher, (404, "not-found")),
        (world.outsider, (404, "not-found")),
    ):
        assert refusal(await deid.open(person, parent)) == expected
        assert refusal(await deid.open(person, parent, mode="inspect")) == expected
    assert refusal(await deid.open(world.steward, str(uuid4()))) == (404, "not-found")
    donation_id = (await deid.opened(world.steward2, parent)).facts["donation_id"]
    of_case = world.person("of-case", None, Role("steward", "donation", UUID(donation_id)))
    assert (await deid.open(of_case, parent)).status_code == 200


async def test_a_steward_of_a_minute_ago_is_none_now(world: World, deid: Maker, parent: str) -> None:
    """The bearer's token may still say it; what they hold is asked for."""
    was = world.person("was", None, Role("steward", "partner", world.partner_id))
    world.access.subjects[was.id] = Subject(id=was.id, kind="user", token="")
    assert refusal(await deid.open(was, parent)) == (404, "not-found")


async def test_services_do_their_own_kind_of_work(world: World, parent: str) -> None:
    body = {"id": str(new_id()), "parent_version_id": parent, "source_kind": "recipe"}
    no_one = await world.client.post("/internal/v1/derivations", json=body, headers=world.steward.headers())
    assert no_one.status_code == 401
    assert (await Maker(world, "deid").open(None, parent)).status_code == 401, "the user goes along"
    for name, kind, mode in (
        ("access", "recipe", "treat"),
        ("catalog", "recipe", "inspect"),
        ("annotation", "recipe", "treat"),
        ("annotation", "campaign", "inspect"),
        ("deid", "campaign", "treat"),
    ):
        answer = await Maker(world, name).open(world.steward, parent, source_kind=kind, mode=mode)
        assert refusal(answer) == (403, "service-not-allowed"), (name, kind, mode)


async def test_another_services_derivation_is_not_there(world: World, derived: Derived, annotation: Maker) -> None:
    theirs = Derived(annotation, derived.facts)
    for answer in (
        await theirs.get(),
        await theirs.files(),
        await theirs.read(["a/1.txt"]),
        await theirs.read_range("a/1.txt", 0, 1),
        await theirs.stage({"x": b"1"}),
        await theirs.put("x", b"1"),
        await theirs.keep(["a/1.txt"]),
        await theirs.commit(),
        await theirs.abandon(),
    ):
        assert refusal(answer) == (404, "not-found")
    other = Derived(Maker(world, "billing"), derived.facts)
    assert refusal(await other.get()) == (403, "service-not-allowed")
    assert (await derived.get()).json()["state"] == "open"


async def test_the_same_question_gives_the_same_answer(world: World, deid: Maker, parent: str) -> None:
    run_id = new_id()
    first = (await deid.opened(world.steward, parent, id=run_id)).facts
    assert (await deid.opened(world.steward, parent, id=run_id)).facts == first
    assert (await deid.opened(world.steward2, parent, id=run_id)).facts == first, "a steward goes on for another"
    assert refusal(await deid.open(world.steward, parent, id=run_id, mode="inspect")) == (409, "derivation-differs")
    second = await world.accept(await world.submitted({"x": b"1"}))
    assert refusal(await deid.open(world.steward, second, id=run_id)) == (409, "derivation-differs")
    other = await deid.opened(world.steward, parent)
    assert other.version_id != first["version_id"], "two runs at once have a version each"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"id": "1"}, "/id"),
        ({"mode": "write"}, "/mode"),
        ({"source_kind": "job"}, "/source_kind"),
        ({"parent_version_id": None}, "/parent_version_id"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, deid: Maker, changes: dict[str, Any], pointer: str) -> None:
    body = {"id": str(new_id()), "parent_version_id": str(new_id()), "source_kind": "recipe", **changes}
    answer = await deid.ask("POST", "/derivations", world.steward, json=body)
    assert (answer.status_code, [e["pointer"] for e in answer.json()["errors"]]) == (422, [pointer])


# --- looking without writing ------------------------------------------------------------------------------------------


async def test_who_inspects_reads_and_writes_nothing(world: World, deid: Maker, parent: str) -> None:
    look = await deid.opened(world.steward, parent, mode="inspect")
    assert (look.facts["version_id"], look.facts["mode"]) == (None, "inspect")
    assert (await look.contents(["a/1.txt"])) == {"a/1.txt": b"Anna"}
    assert (await look.read_range("b.csv", 4, 3)).content == b"1,2"
    for answer in (
        await look.stage({"x": b"1"}),
        await look.put("x", b"1"),
        await look.keep(["a/1.txt"]),
        await look.commit(),
    ):
        assert refusal(answer) == (409, "derivation-inspects")
    assert (await look.abandon()).status_code == 204
    assert (await look.get()).json()["state"] == "abandoned"


# --- campaigns --------------------------------------------------------------------------------------------------------


async def test_a_campaign_takes_a_live_permit_to_annotate_the_whole_released_version(
    world: World, annotation: Maker
) -> None:
    version_id = await world.released({"1.png": b"one", "2.png": b"two"})
    lead, decision = world.researcher, new_id()

    async def open_with(token: str | None, person: Person = lead, parent: str = version_id) -> httpx.Response:
        return await annotation.open(person, parent, source_kind="campaign", permit_token=token)

    good = world.permit(lead, version_id, action="annotate", decision=decision)
    for token, code in (
        (None, "permit-required"),
        ("x.y.z", "permit-invalid"),
        (world.permit(lead, version_id), "permit-mismatch"),
        (world.permit(lead, version_id, action="annotate", paths=["1.png"]), "permit-mismatch"),
        (world.permit(world.steward, version_id, action="annotate"), "permit-mismatch"),
        (world.permit(lead, str(new_id()), action="annotate"), "permit-mismatch"),
        (world.permit(lead, version_id, action="annotate", seconds=-60), "permit-expired"),
    ):
        assert refusal(await open_with(token)) == (403, code)
    answer = await open_with(good)
    assert answer.status_code == 200, answer.text
    assert answer.json()["parent"]["state"] == "released"
    world.access.dead[decision] = ["grant-expired"]
    ended = await open_with(good)
    assert refusal(ended) == (403, "permit-not-live") and ended.json()["codes"] == ["grant-expired"]
    world.access.answers = False
    assert (await open_with(good)).status_code == 503


async def test_raw_versions_are_not_annotated(world: World, annotation: Maker, parent: str) -> None:
    token = world.permit(world.steward, parent, action="annotate")
    answer = await annotation.open(world.steward, parent, source_kind="campaign", permit_token=token)
    assert refusal(answer) == (403, "version-not-released")


async def test_a_campaign_adds_to_what_it_keeps_and_comes_out_raw(world: World, deid: Maker, annotation: Maker) -> None:
    version_id = await world.released({"1.png": b"one", "2.png": b"two"})
    dataset_id = await world.publish(version_id)
    lead = world.researcher
    token = world.permit(lead, version_id, action="annotate")
    work = await annotation.opened(lead, version_id, source_kind="campaign", permit_token=token)
    assert (await work.keep(["1.png", "2.png"])).json() == {"staged": 2}
    await work.staged({f"annotations/{work.id}/coco.json": b"{}"})
    made = await work.committed(kind="boxes")
    assert (made["number"], made["files"], made["gate"]) == (2, 3, "required"), "annotators type free text"
    seen = (await world.researcher.get(f"/datasets/{dataset_id}/versions")).json()["items"]
    assert [v["number"] for v in seen] == [1], "whoever annotated does not see it before the gate"
    answer = await world.steward2.post(f"/versions/{made['version_id']}/release", json={"reasons": "x"})
    assert refusal(answer) == (409, "gate-required")
    children = (await world.researcher.get(f"/versions/{version_id}/lineage")).json()["children"]
    assert children == []
    children = (await world.steward.get(f"/versions/{version_id}/lineage")).json()["children"]
    assert [(c["source_kind"], c["details"]) for c in children] == [("campaign", {"kind": "boxes"})]


# --- what a user is to a dataset --------------------------------------------------------------------------------------


async def test_facts_of_a_dataset_for_one_user(world: World, deid: Maker, annotation: Maker, parent: str) -> None:
    url = f"/versions/{parent}/dataset-facts"
    facts = (await deid.ask("GET", url, world.steward)).json()
    assert (facts["is_steward"], facts["is_insider"], facts["state"], facts["gate"]) == (
        True,
        True,
        "committed",
        "required",
    )
    assert facts["partner_id"] == str(world.partner_id) and facts["terms"]["schema"] == 1
    facts = (await deid.ask("GET", url, world.donor)).json()
    assert (facts["is_steward"], facts["is_insider"]) == (False, True)
    assert refusal(await deid.ask("GET", url, world.researcher)) == (404, "not-found")
    assert refusal(await Maker(world, "billing").ask("GET", url, world.steward)) == (403, "service-not-allowed")
    released = await world.released({"a": b"1"})
    await world.publish(released)
    facts = (await annotation.ask("GET", f"/versions/{released}/dataset-facts", world.researcher)).json()
    assert (facts["is_steward"], facts["is_insider"], facts["state"]) == (False, False, "released")
