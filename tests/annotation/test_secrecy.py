"""Nothing of what is annotated, nor of what annotators say, can be read at rest; and withdrawal erases it."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.annotation.closing.withdrawal import erase_one, on_withdrawn
from services.annotation.closing.worker import close_one
from services.kit.events import catalog
from services.kit.ids import new_id
from services.kit.inbox import Event
from tests.annotation.support import World, label_schema, mark


async def rows(world: World) -> list[tuple[str, bytes]]:
    """Every value of every table, as PostgreSQL writes it out."""
    found: list[tuple[str, bytes]] = []
    async with world.ctx.unit() as session:
        tables = await session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables.scalars().all():
            for row in (await session.execute(text(f'SELECT * FROM "{table}"'))).all():
                found += [(table, v if isinstance(v, bytes) else str(v).encode()) for v in row]
    return found


async def test_a_marker_is_found_nowhere(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    marker = f"marker{secrets.token_hex(16)}"
    path = f"{marker}/{marker}.txt"
    schema = label_schema("text-spans")
    content = f"{marker} lives here".encode()
    campaign_id = await world.campaign({path: content}, schema=schema, overlap=2, annotators=[world.anna, world.bo])
    key = {"Idempotency-Key": "one"}
    claimed = await world.anna.post(f"/campaigns/{campaign_id}/claims", headers=key)
    task = claimed.json()
    assert task["item"]["path"] == path
    await world.anna.submit(task, mark("cat", span=[0, 5]), comment=f"I know {marker}")
    other = await world.bo.claim(campaign_id)
    assert other is not None
    await world.bo.submit(other, mark("cat", span=[0, 6]), comment=f"{marker}?")
    await world.bo.save(other, [mark(marker, span=[0, 1])])
    review = (await world.reviewer.get(f"/reviews?campaign_id={campaign_id}")).json()["items"][0]
    held = {"marks": [mark("dog", span=[0, 6])], "comment": f"settled: {marker}"}
    answer = await world.reviewer.post(f"/reviews/{review['id']}", json=held, headers={"Idempotency-Key": "two"})
    assert answer.status_code == 200
    exported = await world.lead.get(f"/campaigns/{campaign_id}/export")
    assert marker.encode() in exported.content
    broken = exported.content.replace(b"dog", b"cow")
    refused = await world.lead.post(
        f"/campaigns/{campaign_id}/import", content=broken, headers={"Idempotency-Key": "3"}
    )
    assert refused.status_code == 422
    await world.lead.get(f"/campaigns/{campaign_id}/agreement")
    await world.lead.post(f"/campaigns/{campaign_id}/closure", json={})
    assert await close_one(world.ctx)
    assert marker not in str(world.catalog.derivations.popitem()[1].details)
    for table, value in await rows(world):
        for needle in (marker.encode(), marker.encode("utf-16-le"), marker.upper().encode()):
            assert needle not in value, f"found in {table}"
    out, err = capfd.readouterr()
    assert marker not in out and marker not in err


async def test_permits_are_not_to_be_read_in_rows(world: World) -> None:
    campaign_id = await world.campaign({"a.png": b""})
    task = await world.anna.claim(campaign_id)
    assert task is not None
    signature = task["permit_token"].rpartition(".")[2].encode()
    assert not [table for table, value in await rows(world) if signature in value]


def event(kind: str, at: datetime, **ids: Any) -> Event:
    message = {
        "dataset.withdrawn": catalog.DatasetWithdrawn,
        "key.destroyed": catalog.KeyDestroyed,
    }[kind](**ids)
    return Event(new_id(), f"factory.catalog.{kind}.v1", "/factory/catalog", "x", at, 1, message, "")


@pytest.mark.parametrize("by", ["dataset.withdrawn", "key.destroyed"])
async def test_withdrawal_takes_all_contents_away(world: World, by: str) -> None:
    files = {f"{n}.png": b"" for n in range(3)}
    campaign_id = await world.campaign(files, annotators=[world.anna])
    other_id = await world.campaign(files, annotators=[world.anna])
    task = await world.anna.claim(campaign_id)
    assert task is not None
    await world.anna.submit(task, mark("cat"), comment="seen")
    task = await world.anna.claim(campaign_id)
    assert task is not None
    await world.anna.save(task, [mark("dog")])
    campaign = (await world.lead.get(f"/campaigns/{campaign_id}")).json()
    ids = {"dataset_id": campaign["dataset_id"]}
    if by == "key.destroyed":
        ids["version_id"] = campaign["version_id"]
    async with world.ctx.unit() as session:
        await on_withdrawn(world.ctx, session, event(by, world.clock.now(), **ids))
    shown = (await world.lead.get(f"/campaigns/{campaign_id}")).json()
    assert (shown["state"], shown["items"]["accepted"], shown["items"]["in_work"]) == ("withdrawn", 1, 0)
    assert not any(action["allowed"] for action in shown["allowed_actions"])
    for method, path in (
        ("GET", f"/campaigns/{campaign_id}/export"),
        ("GET", f"/campaigns/{campaign_id}/agreement"),
        ("POST", f"/campaigns/{campaign_id}/closure"),
        ("POST", f"/campaigns/{campaign_id}/import"),
    ):
        answer = await world.lead.ask(method, path)
        assert (answer.status_code, answer.json()["code"]) == (410, "campaign-withdrawn"), path
    for answer in (
        await world.anna.get(f"/tasks/{task['id']}"),
        await world.anna.save(task, []),
        await world.anna.post(f"/campaigns/{campaign_id}/claims"),
        await world.reviewer.get(f"/reviews?campaign_id={campaign_id}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "campaign-withdrawn")
    assert [t["campaign_id"] for t in (await world.anna.get("/tasks")).json()["items"]] == []
    # Then its key, without which backups open nothing either.
    assert await erase_one(world.ctx) and not await erase_one(world.ctx)
    async with world.ctx.unit() as session:
        left = await session.execute(
            text("SELECT count(*) FROM items WHERE campaign_id = :id AND sealed IS NOT NULL"), {"id": UUID(campaign_id)}
        )
        key = await session.execute(text("SELECT wrapped_key FROM campaigns WHERE id = :id"), {"id": UUID(campaign_id)})
        assert (left.scalar_one(), key.scalar_one()) == (0, None)
    assert await world.anna.claim(other_id), "another dataset's campaign goes on"
