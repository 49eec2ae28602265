"""The catalogue's part of the chain: donate, check, accept, release, publish, download."""

from tests.catalog.support import World, sha


async def test_a_donation_becomes_a_dataset_whose_files_a_permit_opens(world: World) -> None:
    files = {"labels.csv": b"a,b\n1,2\n", "images/1.png": b"\x89PNG" * 1000, "empty.txt": b""}
    donation_id = await world.submitted(files)
    version_id = await world.accept(donation_id)

    receipt = (await world.donor.get(f"/donations/{donation_id}/receipt")).json()
    assert {f["path"]: f["sha256"] for f in receipt["files"]} == {p: sha(c) for p, c in files.items()}
    version = (await world.donor.get(f"/versions/{version_id}")).json()
    assert (version["state"], version["digest"]) == ("committed", receipt["version_digest"])
    assert (await world.researcher.get(f"/versions/{version_id}")).status_code == 404

    answer = await world.steward2.post(f"/versions/{version_id}/release", json={"reasons": "Looks right."})
    assert (answer.status_code, answer.json()["state"]) == (200, "released")
    dataset_id = await world.publish(version_id)
    assert (await world.researcher.get(f"/datasets/{dataset_id}")).json()["latest_version_id"] == version_id

    permit = world.permit(world.researcher, version_id)
    for path, content in files.items():
        answer = await world.researcher.download(version_id, path, permit)
        assert (answer.status_code, answer.content) == (200, content), answer.text
    assert await world.events() == [
        "factory.catalog.donation.submitted.v1",
        "factory.catalog.version.committed.v1",
        "factory.catalog.donation.accepted.v1",
        "factory.catalog.version.released.v1",
        "factory.catalog.dataset.published.v1",
    ]
