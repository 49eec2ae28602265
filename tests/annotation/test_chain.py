"""The whole way: a campaign is opened, annotated blind, reviewed, and becomes a version."""

from services.annotation.closing.worker import close_one
from tests.annotation.support import World, mark

FILES = {f"images/{n}.png": b"not looked at" for n in range(4)}


async def test_a_campaign_becomes_a_version(world: World) -> None:
    campaign_id = await world.campaign(
        {**FILES, "labels.txt": b"no image"}, overlap=2, annotators=[world.anna, world.bo]
    )
    assert await world.items(campaign_id) == {
        "total": 4, "waiting": 4, "in_work": 0, "submitted": 0, "to_review": 0, "accepted": 0,
    }  # fmt: skip
    for person in (world.anna, world.bo):
        for number in range(4):
            task = await person.claim(campaign_id)
            assert task is not None and task["item"]["path"] == f"images/{number}.png"
            said = "dog" if number == 3 and person is world.bo else "cat"
            done = await person.submit(task, mark(said), comment=f"from {said}" if number == 3 else "")
            assert done["state"] == "submitted"
        assert await person.claim(campaign_id) is None
    assert await world.items(campaign_id) == {
        "total": 4, "waiting": 0, "in_work": 0, "submitted": 0, "to_review": 1, "accepted": 3,
    }  # fmt: skip

    refused = await world.lead.post(f"/campaigns/{campaign_id}/closure", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "reviews-open")
    reviews = (await world.reviewer.get(f"/reviews?campaign_id={campaign_id}")).json()["items"]
    assert [review["item"]["path"] for review in reviews] == ["images/3.png"]
    assert sorted(answer["marks"][0]["label"] for answer in reviews[0]["answers"]) == ["cat", "dog"]
    settled = await world.reviewer.post(f"/reviews/{reviews[0]['id']}", json={"marks": [mark("dog")], "comment": ""})
    assert (settled.status_code, settled.json()["how"]) == (200, "review")

    closing = await world.lead.post(f"/campaigns/{campaign_id}/closure", json={})
    assert (closing.status_code, closing.json()["state"]) == (202, "closing")
    assert await close_one(world.ctx)
    campaign = (await world.lead.get(f"/campaigns/{campaign_id}")).json()
    assert campaign["state"] == "closed"
    version = world.catalog.versions[world.catalog.derivations[next(iter(world.catalog.derivations))].version_id]
    folder = f"annotations/{campaign_id}"
    assert sorted(version.files) == sorted([*FILES, "labels.txt", f"{folder}/campaign.json", f"{folder}/labels.csv"])
    table = version.files[f"{folder}/labels.csv"][1].decode()
    assert table.count("cat") == 3 and table.count("dog") == 1 and "reviewer-" in table
    assert await world.events() == [
        "factory.annotation.campaign.opened.v1",
        *["factory.annotation.annotation.accepted.v1"] * 4,
        "factory.annotation.campaign.closed.v1",
    ]
