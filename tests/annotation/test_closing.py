"""A campaign becomes a version, whatever dies on the way; what it lacks, its lead accepts or waits for."""

import json
from typing import Any

import pytest
from fastapi import HTTPException

from services.annotation.campaigns.shapes import CampaignDocument
from services.annotation.closing import derivation, worker
from services.annotation.closing.worker import close_one
from services.annotation.exports import head
from services.annotation.exports.formats import native
from tests.annotation.support import World, label_schema, mark
from tests.annotation.test_saving import picture

FILES = {f"{n}.png": picture(40, 40) for n in range(3)}
CLOSED = "factory.annotation.campaign.closed.v1"


async def finished(world: World, **changes: Any) -> str:
    """A campaign whose items are all accepted."""
    campaign_id = await world.campaign({**FILES, "readme.txt": b"kept"}, annotators=[world.anna], **changes)
    kind = changes.get("schema", {}).get("kind")
    await world.anna.work(campaign_id, mark("cat", box=[0, 0, 9.5, 9]) if kind == "boxes" else mark("cat"))
    return campaign_id


async def close(world: World, campaign_id: str, **body: Any) -> None:
    answer = await world.lead.post(f"/campaigns/{campaign_id}/closure", json=body)
    assert answer.status_code == 202, answer.text


async def state(world: World, campaign_id: str) -> dict[str, Any]:
    return (await world.lead.get(f"/campaigns/{campaign_id}")).json()


async def test_the_version_holds_all_files_and_the_annotations(world: World) -> None:
    campaign_id = await finished(world, schema=label_schema("boxes"))
    await close(world, campaign_id)
    assert (await state(world, campaign_id))["state"] == "closing"
    assert await close_one(world.ctx) and not await close_one(world.ctx)
    campaign = await state(world, campaign_id)
    assert (campaign["state"], campaign["items"]["accepted"]) == ("closed", 3)
    work = world.catalog.derivations[next(iter(world.catalog.derivations))]
    assert campaign["result_version_id"] == str(work.version_id)
    folder = f"annotations/{campaign_id}"
    assert sorted(work.files) == sorted([*FILES, "readme.txt", f"{folder}/coco.json", f"{folder}/campaign.json"])
    coco = json.loads(work.files[f"{folder}/coco.json"][1])
    assert [annotation["bbox"] for annotation in coco["annotations"]] == [[0, 0, 9.5, 9]] * 3
    told = json.loads(work.files[f"{folder}/campaign.json"][1])
    assert told["annotators"] == [{"name": "annotator-1", "submitted": 3}]
    assert (told["accepted"], told["counts"]["marks"], told["overlap"]) == ({"agreement": 3}, 3, 1)
    # Nobody is named, anywhere.
    for name in (f"{folder}/coco.json", f"{folder}/campaign.json"):
        assert str(world.anna.id).encode() not in work.files[name][1]
    assert work.details | {"campaign_id": campaign_id, "kind": "boxes", "items": 3, "annotators": 1} == work.details
    # The two files together are the campaign again.
    head_of = head.read(work.files[f"{folder}/campaign.json"][1])
    assert isinstance(head_of, CampaignDocument) and head_of.title == "Cats and dogs"
    assert len(native("boxes").read(work.files[f"{folder}/coco.json"][1], head_of.schema)) == 3
    assert (await world.events()).count(CLOSED) == 1


async def test_what_is_not_complete_is_not_closed_by_accident(world: World) -> None:
    campaign_id = await world.campaign(FILES, overlap=2, annotators=[world.anna, world.bo])
    for person in (world.member, world.anna, world.reviewer, world.steward):
        assert (await person.post(f"/campaigns/{campaign_id}/closure", json={})).status_code == 403
    missing = await world.lead.post(f"/campaigns/{campaign_id}/closure", headers={"Accept-Language": "sv"})
    assert (missing.status_code, missing.json()["code"]) == (409, "items-missing")
    assert missing.json()["detail"].startswith("3 är inte färdiga")
    await world.anna.work(campaign_id, mark("cat"))
    task = await world.bo.claim(campaign_id)
    assert task is not None
    await world.bo.submit(task, mark("dog"))
    task = await world.bo.claim(campaign_id)
    assert task is not None
    await world.bo.submit(task, mark("cat"))
    held = await world.bo.claim(campaign_id)
    assert held is not None
    refused = await world.lead.post(f"/campaigns/{campaign_id}/closure", json={"accept_incomplete": False})
    assert (refused.status_code, refused.json()["code"]) == (409, "reviews-open")
    assert world.catalog.steps == []
    stale = await world.lead.post(
        f"/campaigns/{campaign_id}/closure", json={"accept_incomplete": True}, headers={"If-Match": '"7"'}
    )
    assert stale.status_code == 412
    await close(world, campaign_id, accept_incomplete=True)
    # Nothing more is taken in.
    assert (await world.bo.save(held, [mark("cat")])).json()["code"] == "campaign-not-open"
    assert (await world.bo.post(f"/campaigns/{campaign_id}/claims")).json()["code"] == "campaign-not-open"
    assert (await world.reviewer.get(f"/reviews?campaign_id={campaign_id}")).json()["code"] == "campaign-not-open"
    again = await world.lead.post(f"/campaigns/{campaign_id}/closure", json={})
    assert (again.status_code, again.json()["state"]) == (202, "closing")
    assert await close_one(world.ctx)
    campaign = await state(world, campaign_id)
    assert (campaign["state"], campaign["items"]["accepted"], campaign["items"]["in_work"]) == ("closed", 1, 0)
    table = next(c for p, (_t, c) in world.catalog.derivations.popitem()[1].files.items() if p.endswith(".csv"))
    assert table.count(b"cat") == 1


async def test_nothing_accepted_leaves_no_version(world: World) -> None:
    campaign_id = await world.campaign(FILES)
    await close(world, campaign_id, accept_incomplete=True)
    campaign = await state(world, campaign_id)
    assert (campaign["state"], campaign["result_version_id"]) == ("closed", None)
    assert world.catalog.steps == [] and not await close_one(world.ctx)
    assert (await world.events()).count(CLOSED) == 1


async def test_the_law_is_asked_before_it_is_closed(world: World) -> None:
    campaign_id = await finished(world)
    world.access.denied[world.lead.id] = [{"code": "no-grant", "message": "No.", "cures": []}]
    answer = await world.lead.post(f"/campaigns/{campaign_id}/closure", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "decision-denied")
    assert (await state(world, campaign_id))["state"] == "open"


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


@pytest.mark.parametrize("step", ["open", "look", "files", "keep", "stage", "commit", "after commit"])
async def test_a_killed_closing_goes_on(world: World, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "PAGE", 2)
    campaign_id = await finished(world)
    await close(world, campaign_id)
    died: list[str] = []

    def kill(name: str) -> None:
        if name == step and not died:
            died.append(name)
            raise Killed

    async def finish(*arguments: Any) -> None:
        died.append("after commit")
        raise Killed

    world.catalog.breaking = kill
    if step == "after commit":
        monkeypatch.setattr(worker.service, "finish", finish)
    if step == "open":  # long done when the worker begins
        died.append(step)
    else:
        with pytest.raises(BaseException) as caught:
            await close_one(world.ctx)
        assert "Killed" in repr(caught.value) or caught.group_contains(Killed)
    monkeypatch.undo()
    world.catalog.breaking = None
    if step != "open":
        assert not await close_one(world.ctx), "somebody may still be at it"
    world.clock.advance(seconds=61)
    assert await close_one(world.ctx)
    assert died == [step]
    campaign = await state(world, campaign_id)
    work = world.catalog.derivations.popitem()[1]
    assert (campaign["state"], campaign["result_version_id"], work.commits) == ("closed", str(work.version_id), 1)
    assert len(work.files) == 4 + 2
    assert (await world.events()).count(CLOSED) == 1


async def test_an_outage_is_waited_out(world: World) -> None:
    campaign_id = await finished(world)
    await close(world, campaign_id)

    def away(name: str) -> None:
        raise HTTPException(503)

    world.catalog.breaking = away
    for _ in range(8):
        assert await close_one(world.ctx)
        world.clock.advance(seconds=40)
    assert (await state(world, campaign_id))["state"] == "closing"
    world.catalog.breaking = None
    assert await close_one(world.ctx)
    assert (await state(world, campaign_id))["state"] == "closed"


async def test_a_commit_that_was_cut_off_is_repeated(world: World) -> None:
    campaign_id = await finished(world)
    await close(world, campaign_id)

    def cut_off(name: str) -> None:
        if name == "commit":
            next(iter(world.catalog.derivations.values())).state = "committing"
            raise HTTPException(503)

    world.catalog.breaking = cut_off
    assert await close_one(world.ctx)
    world.catalog.breaking = None
    world.clock.advance(seconds=40)
    assert await close_one(world.ctx)
    assert (await state(world, campaign_id))["state"] == "closed"
    assert len(world.catalog.derivations.popitem()[1].files) == 6


async def test_what_cannot_be_closed_opens_again_and_says_why(world: World) -> None:
    campaign_id = await finished(world)
    await close(world, campaign_id)
    for work in world.catalog.derivations.values():
        work.state = "open"
    parents = dict(world.catalog.derivations)
    world.catalog.derivations.clear()
    for _ in range(5):
        assert await close_one(world.ctx)
        world.clock.advance(seconds=40)
    campaign = await state(world, campaign_id)
    assert (campaign["state"], campaign["reason"]) == ("open", "not-found")
    world.catalog.derivations.update(parents)
    await close(world, campaign_id)
    assert await close_one(world.ctx)
    assert (await state(world, campaign_id))["state"] == "closed"


async def test_a_worker_whose_claim_ran_out_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = await finished(world)
    await close(world, campaign_id)
    put = derivation.put
    other: list[bool] = []

    async def slow(*arguments: Any) -> None:
        if not other:
            other.append(True)
            world.clock.advance(seconds=61)
            assert await close_one(world.ctx), "another worker takes it over"
        await put(*arguments)

    monkeypatch.setattr(derivation, "put", slow)
    assert await close_one(world.ctx)
    assert (await state(world, campaign_id))["state"] == "closed"
    assert (await world.events()).count(CLOSED) == 1


async def test_a_withdrawn_dataset_ends_its_closing(world: World) -> None:
    campaign_id = await finished(world)
    await close(world, campaign_id)
    world.catalog.withdrawn = {version.dataset_id for version in world.catalog.versions.values()}
    assert await close_one(world.ctx)
    assert (await state(world, campaign_id))["state"] == "withdrawn"
    assert not await close_one(world.ctx)


async def test_large_results_travel_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "_SMALL", 10)
    campaign_id = await finished(world)
    await close(world, campaign_id)
    assert await close_one(world.ctx)
    assert len(world.catalog.derivations.popitem()[1].files) == 6
