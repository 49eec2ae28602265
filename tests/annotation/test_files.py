"""Annotations go out as files and come in again: nothing lost, nothing taken that does not fit."""

import json
from typing import Any

import pytest

from services.annotation.closing.worker import close_one
from tests.annotation.support import World, label_schema, mark
from tests.annotation.test_saving import picture

PNG = picture(100, 100)
TEXT = "Åsa bor på Storgatan 1.".encode()

CASES: list[tuple[str, str, list[Any]]] = [
    ("image-class", "csv", [mark("cat")]),
    ("image-class", "jsonl", [mark("cat")]),
    ("boxes", "coco", [mark("cat", box=[1.5, 2, 30.25, 4]), mark("dog", box=[0, 0, 100, 100])]),
    ("boxes", "jsonl", [mark("cat", box=[1.5, 2, 30.25, 4])]),
    ("boxes", "csv", [mark("cat", box=[1.5, 2, 30.25, 4])]),
    ("polygons", "coco", [mark("cat", polygon=[[0, 0], [9.5, 0], [9, 9]])]),
    ("text-spans", "jsonl", [mark("cat", span=[0, 3]), mark("dog", span=[11, 22])]),
    ("text-spans", "csv", [mark("cat", span=[0, 3])]),
    ("text-class", "csv", [mark("dog")]),
]


def files(kind: str, number: int = 3) -> dict[str, bytes]:
    if kind.startswith("text"):
        return {f"texts/{n} å.txt": TEXT for n in range(number)}
    return {f"pictures/{n} å.png": PNG for n in range(number)}


async def export(world: World, campaign_id: str, form: str) -> bytes:
    answer = await world.lead.get(f"/campaigns/{campaign_id}/export?format={form}")
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return answer.content


async def bring(world: World, campaign_id: str, form: str, content: bytes, more: str = "") -> Any:
    return await world.lead.post(f"/campaigns/{campaign_id}/import?format={form}{more}", content=content)


@pytest.mark.parametrize(("kind", "form", "marks"), CASES)
async def test_out_and_in_and_out_is_the_same(world: World, kind: str, form: str, marks: list[Any]) -> None:
    schema = label_schema(kind)
    campaign_id = await world.campaign(files(kind), schema=schema, annotators=[world.anna])
    task = await world.anna.claim(campaign_id)
    assert task is not None
    await world.anna.submit(task, *marks, comment='A "comment";\n=1+1')
    task = await world.anna.claim(campaign_id)
    assert task is not None
    await world.anna.submit(task, *marks[:1])
    first = await export(world, campaign_id, form)
    # Into the same campaign: everything holds already.
    same = await bring(world, campaign_id, form, first)
    assert same.json() == {"campaign_id": campaign_id, "accepted": 0, "unchanged": 2, "ended": 0}
    assert await export(world, campaign_id, form) == first
    # Into another one over the same files.
    other = await world.campaign(files(kind), schema=schema, annotators=[world.anna])
    taken = await bring(world, other, form, first)
    assert (taken.status_code, taken.json()["accepted"]) == (200, 2), taken.text
    second = await export(world, other, form)
    third = await world.campaign(files(kind), schema=schema, annotators=[world.anna])
    assert (await bring(world, third, form, second)).status_code == 200
    assert (await export(world, third, form)).replace(third.encode(), other.encode()) == second
    assert (await world.items(other))["accepted"] == 2
    events = await world.events()
    assert events.count("factory.annotation.annotation.accepted.v1") == 6


async def test_an_import_ends_what_is_being_done_and_skips_what_is_reviewed(world: World) -> None:
    campaign_id = await world.campaign(files("image-class"), overlap=2, annotators=[world.anna, world.bo])
    task = await world.anna.claim(campaign_id)
    assert task is not None
    lines = [{"path": path, "annotations": [{"labels": ["dog"]}]} for path in files("image-class")]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    taken = await bring(world, campaign_id, "jsonl", content)
    assert taken.json() | {"accepted": 3, "ended": 1} == taken.json()
    assert (await world.anna.save(task, [])).json()["code"] == "claim-ended"
    assert await world.bo.claim(campaign_id) is None
    # What holds is not replaced by accident.
    lines[1]["annotations"] = [{"labels": ["cat"]}]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    refused = await bring(world, campaign_id, "jsonl", content)
    assert (refused.status_code, [e["code"] for e in refused.json()["errors"]]) == (422, ["already-accepted"])
    replaced = await bring(world, campaign_id, "jsonl", content, "&replace=true")
    assert replaced.json() | {"accepted": 1, "unchanged": 2} == replaced.json()


HOSTILE: list[tuple[str, str, bytes, str]] = [
    ("image-class", "jsonl", b'{"path": "nowhere.png", "labels": ["cat"]}', "item-unknown"),
    ("image-class", "jsonl", b'{"path": "../../etc/passwd", "labels": ["cat"]}', "item-unknown"),
    ("image-class", "jsonl", '{"path": "pictures/0 å.png", "labels": ["cow"]}'.encode(), "label-unknown"),
    ("image-class", "jsonl", b"[" * 100_000, "too-deep"),
    ("image-class", "jsonl", b"{", "not-json"),
    ("image-class", "jsonl", b"\xff\xfe{\x00}\x00", "file-not-utf8"),
    ("image-class", "csv", b"", ""),
    ("image-class", "csv", b"\x00" * 1000, ""),
    ("boxes", "coco", b'{"images": [], "annotations": NaN}', ""),
    ("boxes", "coco", b"null", ""),
    ("boxes", "coco", b'{"images": 1, "annotations": 2, "categories": 3}', ""),
]


@pytest.mark.parametrize(("kind", "form", "content", "code"), HOSTILE)
async def test_hostile_files_are_told_what_is_wrong(
    world: World, kind: str, form: str, content: bytes, code: str
) -> None:
    campaign_id = await world.campaign(files(kind), schema=label_schema(kind))
    answer = await bring(world, campaign_id, form, content)
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert errors and all(error["detail"] for error in errors)
    assert not code or code in [error["code"] for error in errors]
    assert all(error["detail"] != error["code"] for error in errors), "every code has its words"
    assert (await world.items(campaign_id))["accepted"] == 0


async def test_places_outside_a_measured_item_are_refused(world: World) -> None:
    campaign_id = await world.campaign(files("boxes"), schema=label_schema("boxes"), annotators=[world.anna])
    assert await world.anna.claim(campaign_id)
    line = {"path": next(iter(files("boxes"))), "boxes": [{"box": [0, 0, 101, 10], "label": "cat"}]}
    answer = await bring(world, campaign_id, "jsonl", json.dumps(line).encode())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "place-outside")


async def test_formats_and_sizes(world: World) -> None:
    campaign_id = await world.campaign(files("text-class"), schema=label_schema("text-class"))
    wrong = await bring(world, campaign_id, "coco", b"{}")
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "format-for-kind")
    assert wrong.json()["errors"][0]["detail"].endswith("csv, jsonl.")
    assert (await world.lead.get(f"/campaigns/{campaign_id}/export?format=coco")).status_code == 422
    assert (await world.lead.get(f"/campaigns/{campaign_id}/export?format=xml")).status_code == 422
    large = await bring(world, campaign_id, "csv", b" " * (32 * 1024 * 1024 + 1))
    assert large.status_code == 413
    assert (await world.lead.get(f"/campaigns/{campaign_id}/export")).headers["content-type"].startswith("text/csv")


async def test_comments_come_only_where_they_are_taken(world: World) -> None:
    schema = label_schema("image-class", comment=False)
    campaign_id = await world.campaign(files("image-class"), schema=schema)
    line = {"path": next(iter(files("image-class"))), "annotations": [{"labels": ["cat"], "comment": "free text"}]}
    answer = await bring(world, campaign_id, "jsonl", json.dumps(line).encode())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "comment-unexpected")


async def test_who_may_export_and_import(world: World) -> None:
    campaign_id = await world.campaign(files("image-class"), annotators=[world.anna])
    await world.anna.work(campaign_id, mark("cat"))
    url = f"/campaigns/{campaign_id}/export"
    for person, status, code in (
        (world.outsider, 404, "not-found"),
        (world.steward, 403, "not-of-project"),
        (world.anna, 403, "still-blind"),
    ):
        answer = await person.get(url)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    for person, action in ((world.lead, "annotate"), (world.reviewer, "annotate"), (world.member, "read")):
        assert (await person.get(url)).status_code == 200
        assert list(world.access.decisions.values())[-1]["action"] == action
        world.access.denied[person.id] = [{"code": "no-grant", "message": "No.", "cures": []}]
        assert (await person.get(url)).json()["code"] == "decision-denied"
        del world.access.denied[person.id]
    for person in (world.member, world.anna, world.reviewer, world.steward):
        assert (await person.post(f"/campaigns/{campaign_id}/import", content=b"")).status_code == 403
    assert (await world.lead.post(f"/campaigns/{campaign_id}/closure", json={})).status_code == 202
    assert await close_one(world.ctx)
    assert (await world.anna.get(url)).status_code == 200
    assert (await bring(world, campaign_id, "csv", b"")).json()["code"] == "campaign-not-open"
