"""What all say is accepted; what they do not agree on, somebody else settles, who is not told who said what."""

from typing import Any

import pytest

from tests.annotation.support import World, label_schema, mark
from tests.annotation.test_saving import picture

PNG = picture(100, 100)


async def said(world: World, campaign_id: str, *answers: list[Any]) -> None:
    """One item is annotated by as many people as there are answers."""
    for person, marks in zip((world.anna, world.bo, world.cia), answers, strict=False):
        task = await person.claim(campaign_id)
        assert task is not None
        await person.submit(task, *marks, comment=f"by {len(marks)}" if person is world.anna else "")


async def only_review(world: World, campaign_id: str) -> dict[str, Any]:
    reviews = (await world.reviewer.get(f"/reviews?campaign_id={campaign_id}")).json()["items"]
    assert len(reviews) == 1
    return reviews[0]


@pytest.mark.parametrize(
    ("kind", "answers", "agreed"),
    [
        ("image-class", [[mark("cat")], [mark("cat")]], True),
        ("image-class", [[mark("cat")], [mark("dog")]], False),
        ("boxes", [[mark("cat", box=[0, 0, 50, 50])], [mark("cat", box=[1, 1, 50, 50])]], True),
        ("boxes", [[mark("cat", box=[0, 0, 50, 50])], [mark("dog", box=[0, 0, 50, 50])]], False),
        ("boxes", [[mark("cat", box=[0, 0, 50, 50])], [mark("cat", box=[30, 30, 50, 50])]], False),
        ("boxes", [[mark("cat", box=[0, 0, 50, 50])], []], False),
        ("boxes", [[], []], True),
        ("text-spans", [[mark("cat", span=[0, 3])], [mark("cat", span=[0, 3])]], True),
        ("text-spans", [[mark("cat", span=[0, 3])], [mark("cat", span=[0, 4])]], False),
        ("text-class", [[mark("cat")], [mark("cat")]], True),
    ],
)
async def test_what_all_say_is_accepted(world: World, kind: str, answers: list[list[Any]], agreed: bool) -> None:
    files = {"a.txt": b"four words and more"} if kind.startswith("text") else {"a.png": PNG}
    campaign_id = await world.campaign(files, schema=label_schema(kind), overlap=2)
    await said(world, campaign_id, *answers)
    items = await world.items(campaign_id)
    assert (items["accepted"], items["to_review"]) == ((1, 0) if agreed else (0, 1))
    accepted = "factory.annotation.annotation.accepted.v1"
    assert (await world.events()).count(accepted) == agreed


async def test_one_answer_holds_where_one_is_asked_for(world: World) -> None:
    campaign_id = await world.campaign({"a.png": PNG})
    await said(world, campaign_id, [mark("cat")])
    assert (await world.items(campaign_id))["accepted"] == 1


async def test_a_review_names_nobody(world: World) -> None:
    campaign_id = await world.campaign({"a.png": PNG}, schema=label_schema("boxes"), overlap=3)
    one, two, three = ([mark("cat", box=[0, 0, n, n])] for n in (10, 20, 30))
    await said(world, campaign_id, one, two, three)
    review = await only_review(world, campaign_id)
    assert sorted(answer["marks"][0]["geometry"]["box"][2] for answer in review["answers"]) == [10, 20, 30]
    text = str(review)
    for person in (world.anna, world.bo, world.cia):
        assert str(person.id) not in text
    assert "annotator-" not in text
    assert (review["item"]["path"], review["item"]["width"], review["guidelines"]) == ("a.png", 100, "Look twice.")
    permit = {"Factory-Permit": review["permit_token"]}
    single = (await world.reviewer.get(f"/reviews/{review['id']}", headers=permit)).json()
    assert single["answers"] == review["answers"]
    asked = [d for d in world.access.decisions.values() if d["subject_id"] == world.reviewer.id]
    assert [d["paths"] for d in asked] == [["a.png"], ["a.png"]]


async def test_a_reviewer_settles_once(world: World) -> None:
    campaign_id = await world.campaign({"a.png": PNG}, schema=label_schema("boxes"), overlap=2)
    await said(world, campaign_id, [mark("cat", box=[0, 0, 9, 9])], [])
    review = await only_review(world, campaign_id)
    url = f"/reviews/{review['id']}"
    bad = await world.reviewer.post(url, json={"marks": [mark("cow", box=[0, 0, 200, 9])], "comment": ""})
    assert [e["pointer"] for e in bad.json()["errors"]] == ["/marks/0/label", "/marks/0/geometry/box"]
    stale = await world.reviewer.post(url, json={"marks": [], "comment": ""}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    held = {"marks": [mark("dog", box=[1, 1, 8, 8])], "comment": "A dog, on closer look."}
    settled = await world.reviewer.post(url, json=held, headers={"If-Match": f'"{review["revision"]}"'})
    assert settled.status_code == 200
    assert settled.json() | held | {"how": "review", "state": "accepted"} == settled.json()
    again = await world.reviewer.post(url, json=held)
    assert (again.status_code, again.json()["code"]) == (409, "item-not-to-review")
    assert (await world.reviewer.get(f"/reviews?campaign_id={campaign_id}")).json()["items"] == []


async def test_who_may_review(world: World) -> None:
    campaign_id = await world.campaign({"a.png": PNG}, overlap=2)
    await said(world, campaign_id, [mark("cat")], [mark("dog")])
    review = await only_review(world, campaign_id)
    url, body = f"/reviews/{review['id']}", {"marks": [mark("cat")], "comment": ""}
    for person, status, code in (
        (world.outsider, 404, "not-found"),
        (world.lead, 403, "role-required"),
        (world.cia, 403, "role-required"),
        (world.steward, 403, "role-required"),
    ):
        for answer in (await person.post(url, json=body), await person.get(url)):
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    # Whoever annotated it is no judge of it, whatever role they are given besides.
    await world.give(campaign_id, world.anna, "reviewer")
    answer = await world.anna.post(url, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "own-work")
    assert (await world.anna.get(f"/reviews?campaign_id={campaign_id}")).json()["items"] == []
    await world.give(campaign_id, world.cia, "reviewer")
    world.access.denied[world.cia.id] = [{"code": "no-grant", "message": "No.", "cures": []}]
    for answer in (await world.cia.post(url, json=body), await world.cia.get(f"/reviews?campaign_id={campaign_id}")):
        assert (answer.status_code, answer.json()["code"]) == (403, "decision-denied")
    world.access.denied.clear()
    assert (await world.cia.post(url, json=body)).status_code == 200


async def test_reviews_come_in_pages(world: World) -> None:
    campaign_id = await world.campaign({f"{n}.png": PNG for n in range(5)}, overlap=2)
    for person, label in ((world.anna, "cat"), (world.bo, "dog")):
        assert await person.work(campaign_id, mark(label)) == 5
    first = (await world.reviewer.get(f"/reviews?campaign_id={campaign_id}&limit=3")).json()
    rest = (await world.reviewer.get(f"/reviews?campaign_id={campaign_id}&after={first['next_cursor']}")).json()
    paths = [review["item"]["path"] for review in first["items"] + rest["items"]]
    assert (paths, rest["next_cursor"]) == ([f"{n}.png" for n in range(5)], None)
    assert (await world.reviewer.get("/reviews")).status_code == 422


async def test_agreement_is_told_by_label_and_annotator(world: World) -> None:
    campaign_id = await world.campaign(
        {f"{n}.png": PNG for n in range(4)}, overlap=2, annotators=[world.anna, world.bo]
    )
    empty = (await world.lead.get(f"/campaigns/{campaign_id}/agreement", headers={"Accept-Language": "sv"})).json()
    assert (
        empty["krippendorff_alpha"] | {"value": None, "text": "Bara en person har svarat."}
        == empty["krippendorff_alpha"]
    )
    for number in range(4):
        for person in (world.anna, world.bo):
            task = await person.claim(campaign_id)
            assert task is not None
            await person.submit(task, mark("dog" if number == 3 or (number == 2 and person is world.bo) else "cat"))
    figures = (await world.lead.get(f"/campaigns/{campaign_id}/agreement")).json()
    # Cats 2, dogs 1, one item of each: po = 3/4, pe = (3/4 · 2/4) + (1/4 · 2/4) = 1/2.
    assert figures["percent"]["value"] == 75
    assert figures["cohen_kappa"]["value"] == pytest.approx(0.5)
    assert figures["cohen_kappa"]["pairs"][0]["annotators"] == ["annotator-1", "annotator-2"]
    assert figures["krippendorff_alpha"]["value"] == pytest.approx(1 - 7 * 2 / (2 * 3 * 5), abs=1e-9)
    assert [label["label"] for label in figures["per_label"]] == ["cat", "dog"]
    assert [one["user_id"] for one in figures["per_annotator"]] == [str(world.anna.id), str(world.bo.id)]
    for person in (world.member, world.reviewer, world.anna, world.steward):
        theirs = (await person.get(f"/campaigns/{campaign_id}/agreement")).json()
        assert [(one["annotator"], one["user_id"]) for one in theirs["per_annotator"]] == [
            ("annotator-1", None),
            ("annotator-2", None),
        ]
        assert theirs["percent"] == figures["percent"]
    review = await only_review(world, campaign_id)
    await world.reviewer.post(f"/reviews/{review['id']}", json={"marks": [mark("dog")], "comment": ""})
    settled = (await world.lead.get(f"/campaigns/{campaign_id}/agreement")).json()
    assert [one["accepted"]["percent"]["value"] for one in settled["per_annotator"]] == [75, 100]
