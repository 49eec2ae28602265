"""Who lets a version through its gate, on which run; and that data about people come out no other way."""

from uuid import UUID, uuid4

import pytest

from services.kit.ids import new_id
from services.kit.tokens import Role
from tests.catalog.derivations.maker import Derived, Maker
from tests.catalog.derivations.test_opening import refusal
from tests.catalog.support import World


async def prepared(world: World, deid: Maker, parent: str) -> Derived:
    """A version that a recipe made, committed."""
    derived = await deid.opened(world.steward, parent)
    await derived.staged({"a/1.txt": b"[name]"})
    await derived.committed()
    return derived


async def test_a_second_steward_lets_it_through(world: World, deid: Maker, parent: str) -> None:
    derived = await prepared(world, deid, parent)
    version_id = derived.version_id
    for person, expected in (
        (world.researcher, (404, "not-found")),
        (world.outsider, (404, "not-found")),
        (world.donor, (403, "role-required")),
        (world.steward, (403, "second-steward-required")),
    ):
        assert refusal(await deid.gate(person, version_id, derived.id)) == expected
    assert (await deid.gate(None, version_id, derived.id)).status_code == 401
    for name in ("annotation", "access"):
        answer = await Maker(world, name).gate(world.steward2, version_id, derived.id)
        assert refusal(answer) == (403, "service-not-allowed")
    assert (await deid.gate(world.steward2, version_id, derived.id, " ")).status_code == 422
    assert (await world.steward.get(f"/versions/{version_id}")).json()["state"] == "committed"
    passed = await deid.gate(world.steward2, version_id, derived.id)
    assert passed.status_code == 200, passed.text
    facts = passed.json()
    assert (facts["state"], facts["gate"], facts["number"], facts["revision"]) == ("released", "passed", 2, 2)
    assert (await deid.gate(world.steward2, version_id, derived.id)).json() == facts, "asked again after a crash"
    third = world.person("steward3", None, Role("steward", "partner", world.partner_id))
    assert refusal(await deid.gate(third, version_id, derived.id)) == (409, "version-not-committed")
    assert (await world.events()).count("factory.catalog.version.released.v1") == 1
    shown = (await world.steward.get(f"/versions/{version_id}")).json()
    assert (shown["state"], shown["gate"]) == ("released", "passed")


async def test_only_the_run_that_made_it_speaks_for_it(world: World, deid: Maker, parent: str) -> None:
    one, other = await prepared(world, deid, parent), await prepared(world, deid, parent)
    look = await deid.opened(world.steward, one.version_id, mode="inspect")
    unfinished = await deid.opened(world.steward, one.version_id)
    for run_id in (other.id, look.id, unfinished.id, str(uuid4())):
        assert refusal(await deid.gate(world.steward2, one.version_id, run_id)) == (409, "gate-run-wrong")
    assert (await deid.gate(world.steward2, other.version_id, other.id)).status_code == 200


@pytest.mark.parametrize(
    ("personal_data", "gate", "code"),
    [
        ("yes", "none", "gate-needs-preparation"),
        ("unknown", "none", "gate-needs-preparation"),
        ("no", "required", "gate-needs-preparation"),
        ("no", "none", "gate-not-required"),
    ],
)
async def test_a_donation_never_passes_as_it_came(
    world: World, deid: Maker, personal_data: str, gate: str, code: str
) -> None:
    terms_id = world.terms(gate=gate)
    donation_id = await world.submitted({"a": b"1"}, personal_data=personal_data, terms_id=terms_id)
    raw = await world.accept(donation_id)
    look = await deid.opened(world.steward, raw, mode="inspect")
    for run_id in (look.id, donation_id, str(uuid4())):
        assert refusal(await deid.gate(world.steward2, raw, run_id)) == (409, code)
    for action in ("read", "annotate", "train"):
        permit = world.permit(world.researcher, raw, action=action)
        assert refusal(await world.researcher.download(raw, "a", permit)) == (403, "version-not-released")
    if code == "gate-needs-preparation":
        answer = await world.steward2.post(f"/versions/{raw}/release", json={"reasons": "x"})
        assert refusal(answer) == (409, "gate-required")
        dataset_id = look.facts["dataset_id"]
        assert refusal(await world.steward.post(f"/datasets/{dataset_id}/publication")) == (409, "nothing-released")
    made = await prepared(world, deid, raw)
    assert (await deid.gate(world.steward2, made.version_id, made.id)).status_code == 200
    assert (await world.steward.get(f"/versions/{raw}")).json()["state"] == "committed", "the raw one stays raw"


async def test_copying_everything_is_no_way_around(world: World, deid: Maker, parent: str) -> None:
    """A recipe that keeps every file makes a version with a gate all the same."""
    derived = await deid.opened(world.steward, parent)
    await derived.keep(["a/1.txt", "big.bin"])
    made = await derived.committed()
    assert made["gate"] == "required"
    answer = await world.steward2.post(f"/versions/{made['version_id']}/release", json={"reasons": "x"})
    assert refusal(answer) == (409, "gate-required")


async def test_without_personal_data_a_second_steward_may_release_or_the_gate(world: World, deid: Maker) -> None:
    raw = await world.accept(await world.submitted({"a": b"1"}))
    one, other = await prepared(world, deid, raw), await prepared(world, deid, raw)
    assert (await world.steward.get(f"/versions/{one.version_id}")).json()["gate"] == "not-required"
    first = await world.steward.post(f"/versions/{one.version_id}/release", json={"reasons": "x"})
    assert refusal(first) == (403, "second-steward-required"), "whoever ran the recipe"
    answer = await world.steward2.post(f"/versions/{one.version_id}/release", json={"reasons": "x"})
    assert (answer.status_code, answer.json()["state"]) == (200, "released")
    passed = await deid.gate(world.steward2, other.version_id, other.id)
    assert (passed.status_code, passed.json()["gate"]) == (200, "passed")


async def test_what_a_campaign_made_is_judged_by_a_run_that_looked_at_it(
    world: World, deid: Maker, annotation: Maker
) -> None:
    source = await world.released({"1.png": b"one"})
    lead = world.person("lead", None, Role("steward", "partner", world.partner_id))
    token = world.permit(lead, source, action="annotate")
    work = await annotation.opened(lead, source, source_kind="campaign", permit_token=token)
    await work.staged({"annotations.json": b"{}"})
    version_id = (await work.committed())["version_id"]
    assert refusal(await deid.gate(world.steward2, version_id, work.id)) == (409, "gate-run-wrong")
    elsewhere = await deid.opened(world.steward, source, mode="inspect")
    assert refusal(await deid.gate(world.steward2, version_id, elsewhere.id)) == (409, "gate-run-wrong")
    treated = await deid.opened(world.steward, version_id)
    assert refusal(await deid.gate(world.steward2, version_id, treated.id)) == (409, "gate-run-wrong")
    look = await deid.opened(world.steward, version_id, mode="inspect")
    for person in (world.steward, lead):
        assert refusal(await deid.gate(person, version_id, look.id)) == (403, "second-steward-required")
    await look.abandon()
    passed = await deid.gate(world.steward2, version_id, look.id)
    assert (passed.status_code, passed.json()["state"]) == (200, "released")


async def test_withdrawn_versions_pass_no_gate(world: World, deid: Maker, parent: str) -> None:
    derived = await prepared(world, deid, parent)
    url = f"/datasets/{derived.facts['dataset_id']}/withdrawal"
    assert (await world.donor.post(url, json={"reason": "x"})).status_code == 200
    assert refusal(await deid.gate(world.steward2, derived.version_id, derived.id)) == (410, "dataset-withdrawn")
    assert refusal(await deid.gate(world.steward2, str(new_id()), derived.id)) == (404, "not-found")
    assert UUID(derived.id)
