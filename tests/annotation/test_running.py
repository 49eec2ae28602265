"""The service as it runs: with its workers, on the bus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from services.annotation.campaigns.keys import keys_of
from services.kit.app import service_workers
from services.kit.bus import Message
from services.kit.events import access, catalog
from services.kit.ids import new_id
from services.kit.outbox import OUTBOX
from tests.annotation.support import SERVICE, World, annotation_world, mark
from tests.annotation.test_pool import decision_of
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres
from tests.support.wait import until

pytestmark = pytest.mark.enable_socket

FILES = {f"{n}.png": b"" for n in range(2)}


@pytest.fixture
async def running(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """A service whose workers run, and whose lease keeper asks only when something happens."""
    async with annotation_world(
        postgres, tmp_path, clock, lease_poll_s=0.3, lease_silence_s=60, database_pool=8, database_overflow=4
    ) as world:
        async with service_workers(SERVICE, world.ctx):
            yield world


def fact(kind: str, subject: str, message: access.GrantRevoked | catalog.DatasetWithdrawn) -> Message:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(new_id()),
        "ce_type": f"factory.{kind}.v1",
        "ce_source": f"/factory/{kind.split('.')[0]}",
        "ce_subject": subject,
        "ce_time": "2026-03-02T09:00:00Z",
        "ce_dataschema": "urn:protobuf:x",
        "ce_revision": "2",
        "content-type": "application/protobuf",
    }
    return Message(f"factory.{kind.split('.')[0]}.v1", subject, message.SerializeToString(), headers)


async def test_workers_close_and_publish_what_happened(running: World) -> None:
    campaign_id = await running.campaign(FILES, annotators=[running.anna])
    await running.anna.work(campaign_id, mark("cat"))
    assert (await running.lead.post(f"/campaigns/{campaign_id}/closure", json={})).status_code == 202

    async def closed() -> bool:
        return (await running.lead.get(f"/campaigns/{campaign_id}")).json()["state"] == "closed"

    await until(closed)

    async def published() -> bool:
        async with running.ctx.unit() as session:
            waiting = await session.execute(select(OUTBOX.c.id).where(OUTBOX.c.published_at.is_(None)))
            return not waiting.all() and len(await running.events()) == 4

    await until(published, what="all facts are on the bus")


async def test_a_deadline_that_passes_returns_the_item(running: World) -> None:
    campaign_id = await running.campaign(FILES, annotators=[running.anna])
    task = await running.anna.claim(campaign_id)
    assert task is not None
    running.clock.advance(seconds=901)

    async def returned() -> bool:
        return (await running.items(campaign_id))["waiting"] == 2

    await until(returned)


async def test_a_revoked_grant_ends_the_task_and_a_withdrawal_the_campaign(running: World) -> None:
    campaign_id = await running.campaign(FILES, annotators=[running.anna])
    task = await running.anna.claim(campaign_id)
    assert task is not None
    decision = decision_of(running, running.anna)

    async def asked() -> bool:
        return any(decision in each for each in running.access.asked)

    await until(asked, what="the task's lease is held")
    running.access.dead[decision] = ["grant-revoked"]
    grant = str(new_id())
    await running.ctx.bus.publish([fact("access.grant.revoked", grant, access.GrantRevoked(grant_id=grant))])

    async def ended() -> bool:
        return (await running.anna.get(f"/tasks/{task['id']}")).json()["reason"] == "grant-revoked"

    await until(ended)
    dataset_id = (await running.lead.get(f"/campaigns/{campaign_id}")).json()["dataset_id"]
    message = catalog.DatasetWithdrawn(dataset_id=dataset_id)
    await running.ctx.bus.publish([fact("catalog.dataset.withdrawn", dataset_id, message)])

    async def withdrawn() -> bool:
        answer = await running.lead.get(f"/campaigns/{campaign_id}/export")
        return answer.status_code == 410

    await until(withdrawn)
    store = keys_of(running.ctx).store

    async def erased() -> bool:
        return not await store.exists(f"campaign-{campaign_id}")

    await until(erased, what="the campaign's key is destroyed")
