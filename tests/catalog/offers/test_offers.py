"""A dataset is described, published, and taken back for good."""

from tests.catalog.support import World


async def test_publishing_needs_something_released_and_a_steward(world: World) -> None:
    version_id = await world.accept(await world.submitted({"a": b"1"}))
    dataset_id = (await world.steward.get(f"/versions/{version_id}")).json()["dataset_id"]
    publication = f"/datasets/{dataset_id}/publication"
    early = await world.steward.post(publication)
    assert (early.status_code, early.json()["code"]) == (409, "nothing-released")
    await world.steward2.post(f"/versions/{version_id}/release", json={"reasons": "Fine."})
    for person, status in ((world.outsider, 404), (world.researcher, 404), (world.donor, 403)):
        assert (await person.post(publication)).status_code == status
    assert (await world.researcher.get(f"/datasets/{dataset_id}")).status_code == 404
    assert (await world.steward.post(publication, headers={"If-Match": '"9"'})).status_code == 412
    answer = await world.steward.post(publication)
    assert (answer.status_code, answer.json()["state"]) == (200, "published")
    assert (await world.steward.post(publication)).json()["published_at"] == answer.json()["published_at"]
    assert (await world.researcher.get(f"/datasets/{dataset_id}")).json()["latest_version_id"] == version_id
    assert (await world.events()).count("factory.catalog.dataset.published.v1") == 1


async def test_a_description_is_corrected_without_losing_anothers_correction(world: World) -> None:
    dataset_id = await world.publish(await world.released({"a": b"1"}))
    path = f"/datasets/{dataset_id}"
    tag = (await world.steward.get(path)).headers["etag"]
    assert (await world.steward.ask("PATCH", path, json={"title": "New"})).status_code == 428
    first = await world.steward.ask("PATCH", path, json={"title": "<b>New</b>"}, headers={"If-Match": tag})
    assert (first.status_code, first.json()["title"]) == (200, "<b>New</b>")
    second = await world.steward2.ask("PATCH", path, json={"title": "Other"}, headers={"If-Match": tag})
    assert (second.status_code, second.json()["code"]) == (412, "if-match-stale")
    assert (await world.donor.ask("PATCH", path, json={"title": "Mine"}, headers={"If-Match": "*"})).status_code == 403
    wrong = await world.steward.ask("PATCH", path, json={"state": "draft"}, headers={"If-Match": "*"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/state")
    control = await world.steward.ask("PATCH", path, json={"title": "a\u202eb"}, headers={"If-Match": "*"})
    assert (control.status_code, control.json()["errors"][0]["pointer"]) == (422, "/title")


async def test_withdrawing_leaves_a_tombstone_and_nothing_that_opens(world: World) -> None:
    version_id = await world.released({"a": b"1"})
    dataset_id = await world.publish(version_id)
    withdrawal = f"/datasets/{dataset_id}/withdrawal"
    for person, status in ((world.outsider, 403), (world.researcher, 403), (world.colleague, 403)):
        assert (await person.post(withdrawal, json={"reason": "No."})).status_code == status
    assert (await world.donor.post(withdrawal, json={})).status_code == 422
    answer = await world.donor.post(withdrawal, json={"reason": "The consent was withdrawn."})
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    again = await world.steward.post(withdrawal, json={"reason": "Again."})
    assert again.json()["withdrawal_reason"] == "The consent was withdrawn."
    await world.erase()
    tombstone = (await world.researcher.get(f"/datasets/{dataset_id}")).json()
    assert (tombstone["state"], tombstone["withdrawal_reason"]) == ("withdrawn", "The consent was withdrawn.")
    assert (await world.researcher.get(f"/versions/{version_id}")).json()["state"] == "withdrawn"
    gone = await world.donor.get(f"/versions/{version_id}/files")
    assert (gone.status_code, gone.json()["tombstone"]["dataset_id"]) == (410, dataset_id)
    assert not world.objects()
    late = await world.steward.post(f"/datasets/{dataset_id}/publication")
    assert (late.status_code, late.json()["code"]) == (409, "dataset-is-withdrawn")
    assert (await world.researcher.get("/datasets")).json()["items"] == []
    assert len((await world.researcher.get("/datasets", params={"state": "withdrawn"})).json()["items"]) == 1
    events = await world.events()
    assert events.count("factory.catalog.dataset.withdrawn.v1") == 1
    assert events.count("factory.catalog.key.destroyed.v1") == 1
