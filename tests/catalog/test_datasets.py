"""Datasets and versions: what is committed never changes, a second steward releases it, others may ask its state."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.datasets.manifest import Entry, build, read, write
from services.kit.ids import new_id
from services.kit.tokens import AUDIENCE, SERVICE_TYPE, Role
from tests.catalog.support import World


async def test_the_first_version_comes_from_its_donation(world: World) -> None:
    donation_id = await world.submitted({"a.csv": b"1", "b.png": b"22", "c.png": b"333"})
    version_id = await world.accept(donation_id)
    answer = await world.donor.get(f"/versions/{version_id}")
    version = answer.json()
    assert (version["number"], version["state"], version["gate"]) == (1, "committed", "not-required")
    assert (version["files"], version["bytes"]) == (3, 6)
    assert version["media_types"] == {"image/png": 2, "text/csv": 1}
    assert answer.headers["etag"] == '"1"'
    lineage = (await world.donor.get(f"/versions/{version_id}/lineage")).json()
    edge = {"version_id": version_id, "parent_version_id": None, "source_kind": "donation", "source_id": donation_id}
    assert lineage["parents"] == [{**edge, "details": {}}]
    assert (lineage["children"], lineage["digest"]) == ([], version["digest"])


async def test_a_second_steward_releases(world: World) -> None:
    version_id = await world.accept(await world.submitted({"a": b"1"}))
    release = f"/versions/{version_id}/release"
    body = {"reasons": "Fine."}
    for person, status, code in (
        (world.outsider, 404, "not-found"),
        (world.researcher, 404, "not-found"),
        (world.donor, 403, "role-required"),
        (world.colleague, 403, "role-required"),
        (world.steward, 403, "second-steward-required"),
    ):
        answer = await person.post(release, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await world.steward2.post(release, json={"reasons": " "})).status_code == 422
    stale = await world.steward2.post(release, json=body, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    answer = await world.steward2.post(release, json=body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["state"], answer.headers["etag"]) == (200, "released", '"2"')
    again = await world.steward2.post(release, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "version-not-committed")
    assert (await world.events()).count("factory.catalog.version.released.v1") == 1


@pytest.mark.parametrize(
    ("personal_data", "gate", "status"),
    [("no", "none", 200), ("no", "required", 409), ("yes", "none", 409), ("unknown", "none", 409)],
)
async def test_with_personal_data_or_where_the_terms_say_so_only_a_gate_releases(
    world: World, personal_data: str, gate: str, status: int
) -> None:
    terms_id = world.terms(gate=gate)
    version_id = await world.accept(await world.submitted({"a": b"1"}, personal_data=personal_data, terms_id=terms_id))
    answer = await world.steward2.post(f"/versions/{version_id}/release", json={"reasons": "x"})
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["code"] == "gate-required"


async def test_actions_say_why_they_are_not_allowed(world: World) -> None:
    version_id = await world.accept(await world.submitted({"a": b"1"}))
    reasons = {
        name: (await getattr(world, name).get(f"/versions/{version_id}")).json()["allowed_actions"][0]["reason"]
        for name in ("donor", "steward", "steward2")
    }
    assert reasons == {"donor": "role-required", "steward": "second-steward-required", "steward2": None}


async def test_outsiders_see_of_a_published_dataset_what_is_released(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    dataset_id = await world.publish(version_id)
    listed = (await world.researcher.get(f"/datasets/{dataset_id}/versions")).json()["items"]
    assert [v["id"] for v in listed] == [version_id]
    dataset = (await world.researcher.get(f"/datasets/{dataset_id}")).json()
    assert (dataset["state"], dataset["terms"]["purposes"]["list"]) == ("published", ["research"])
    assert not any(action["allowed"] for action in dataset["allowed_actions"])


async def test_a_steward_of_one_case_is_none_of_another(world: World) -> None:
    donation_id = await world.submitted({"a": b"1"})
    version_id = await world.accept(donation_id)
    other = await world.accept(await world.submitted({"a": b"1"}))
    one = world.person("one", None, Role("steward", "donation", UUID(donation_id)))
    assert (await one.post(f"/versions/{version_id}/release", json={"reasons": "x"})).status_code == 200
    assert (await one.post(f"/versions/{other}/release", json={"reasons": "x"})).status_code == 404


async def test_facts_are_for_services(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    dataset_id = (await world.donor.get(f"/versions/{version_id}")).json()["dataset_id"]
    url, body = "/internal/v1/version-facts", {"version_ids": [version_id, str(uuid4())], "dataset_ids": [str(uuid4())]}
    assert (await world.client.post(url, json=body)).status_code == 401
    assert (await world.client.post(url, json=body, headers=world.steward.headers())).status_code == 401
    token = world.access.tokens.sign(SERVICE_TYPE, AUDIENCE, 300, {"sub": str(new_id()), "service": "access"})
    answer = await world.client.post(url, json=body, headers={"Factory-Service": token})
    assert answer.status_code == 200, answer.text
    assert answer.json()["versions"] == {
        version_id: {"dataset_id": dataset_id, "state": "released", "gate": "not-required", "personal_data": "no"}
    }
    facts = answer.json()["datasets"][dataset_id]
    assert (facts["state"], facts["integrity_class"], facts["version_ids"]) == ("draft", "internal", [version_id])
    assert facts["partner_id"] == str(world.partner_id)
    await world.publish(version_id)
    await world.donor.post(f"/datasets/{dataset_id}/withdrawal", json={"reason": "x"})
    answer = (await world.client.post(url, json=body, headers={"Factory-Service": token})).json()
    assert answer["versions"][version_id]["state"] == "withdrawn"
    assert answer["datasets"][dataset_id]["state"] == "withdrawn"


# --- manifests --------------------------------------------------------------------------------------------------------

PATHS = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20), unique=True, max_size=30
)


def entry(path: str, content: str = "0") -> Entry:
    return Entry(path, 1, content * 64, "text/plain", "object", b"key")


@given(PATHS)
def test_a_manifest_is_read_as_it_was_written(paths: list[str]) -> None:
    manifest = build(uuid4(), uuid4(), [uuid4()], map(entry, paths))
    again = read(write(manifest))
    assert again == manifest
    assert again.digest() == manifest.digest()
    assert [manifest.find(path) for path in paths] == [entry(path) for path in paths]
    assert manifest.find("not there at all, since it is longer than twenty") is None
    walked: list[str] = []
    while page := manifest.after(walked[-1] if walked else None, 7):
        walked += [e.path for e in page]
    assert walked == sorted(paths, key=lambda path: path.encode())


def test_a_digest_names_ids_parents_and_files_but_not_keys() -> None:
    dataset, version, parent = uuid4(), uuid4(), uuid4()
    base = build(dataset, version, (), [entry("a"), entry("b")])
    assert build(dataset, uuid4(), (), [entry("b"), entry("a")]).digest() == base.digest()
    rewrapped = Entry("a", 1, "0" * 64, "text/plain", "elsewhere", b"other key")
    assert build(dataset, version, (), [rewrapped, entry("b")]).digest() == base.digest()
    others = [
        build(uuid4(), version, (), base.entries),
        build(dataset, version, (parent,), base.entries),
        build(dataset, version, (), [entry("a")]),
        build(dataset, version, (), [entry("a", "1"), entry("b")]),
        build(dataset, version, (), [entry("a"), entry("c")]),
    ]
    assert len({base.digest(), *(other.digest() for other in others)}) == 6


def test_two_entries_never_share_a_path() -> None:
    with pytest.raises(ValueError, match="same path"):
        build(uuid4(), uuid4(), (), [entry("a"), entry("a", "1")])


def test_two_writings_of_a_manifest_differ() -> None:
    manifest = build(uuid4(), uuid4(), (), [entry("a")])
    assert write(manifest) != write(manifest)
