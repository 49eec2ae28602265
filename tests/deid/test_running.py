"""Preparation as it runs: with its workers and on the bus."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from services.kit.app import service_workers
from services.kit.bus import Message
from services.kit.events import catalog
from services.kit.ids import new_id
from services.kit.outbox import OUTBOX
from tests.deid.support import SERVICE, World, deid_world
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres
from tests.support.wait import until

NUMBER = "19811228-9874"


@pytest.fixture
async def running(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """Preparation whose workers run."""
    async with deid_world(postgres, tmp_path, clock, database_pool=8, database_overflow=4) as world:
        async with service_workers(SERVICE, world.ctx):
            yield world


def withdrawn(dataset_id: UUID) -> Message:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(new_id()),
        "ce_type": "factory.catalog.dataset.withdrawn.v1",
        "ce_source": "/factory/catalog",
        "ce_subject": str(dataset_id),
        "ce_time": "2026-03-02T09:00:00Z",
        "ce_dataschema": "urn:protobuf:factory.catalog.v1.DatasetWithdrawn",
        "ce_revision": "3",
        "content-type": "application/protobuf",
    }
    message = catalog.DatasetWithdrawn(dataset_id=str(dataset_id), partner_id=str(new_id()))
    return Message("factory.catalog.v1", str(dataset_id), message.SerializeToString(), headers)


async def state(world: World, run_id: str, *states: str) -> dict[str, Any]:
    """Wait until the run is in one of these states."""

    async def there() -> dict[str, Any] | None:
        run = await world.look(run_id)
        return run if run["state"] in states else None

    return await until(there, seconds=40, what=f"the run is {states}")


async def test_runs_are_carried_out_and_told_of(running: World) -> None:
    recipe_id = await running.recipe()
    runs = [
        await running.run(recipe_id, running.version({f"{n}.txt": NUMBER.encode() for n in range(20)}))
        for _ in range(3)
    ]
    for run_id in runs:
        run = await state(running, run_id, "finished", "failed")
        assert (run["state"], run["files_treated"]) == ("finished", 20)

    async def published() -> bool:
        async with running.ctx.unit() as session:
            waiting = await session.execute(select(OUTBOX.c.id).where(OUTBOX.c.published_at.is_(None)))
            return not waiting.all() and len(await running.events()) == 9

    await until(published, what="all facts are on the bus")


async def test_a_withdrawal_on_the_bus_stops_runs_and_takes_what_was_kept(running: World) -> None:
    recipe_id = await running.recipe()
    version_id = running.version({f"{NUMBER}.txt": NUMBER.encode()})
    dataset_id = running.catalog.versions[version_id].dataset_id
    done = await running.run(recipe_id, version_id)
    await state(running, done, "finished")
    waiting = await running.run(recipe_id, running.version({"a.txt": b"x"}, dataset_id=dataset_id))
    # The catalogue answers nobody: the run can only be stopped by the fact.
    running.catalog.answers = False
    await running.ctx.bus.publish([withdrawn(dataset_id)])
    run = await state(running, waiting, "stopped", "finished")
    keys = running.ctx.components["dataset_keys"].store

    async def destroyed() -> bool:
        return not await keys.exists(f"pseudonyms-{dataset_id}")

    await until(destroyed, what="the dataset's key is destroyed")
    if run["state"] == "stopped":  # it may have been quicker than the fact
        assert run["reason"] == "dataset-withdrawn"
    assert (await running.steward.get(f"/runs/{done}/report")).status_code == 410
    assert (await running.look(done))["files_treated"] == 1, "the record stays"


async def test_stopping_the_service_lets_its_runs_go(
    postgres: TestPostgres, tmp_path: Path, clock: ManualClock
) -> None:
    async with deid_world(postgres, tmp_path, clock, database_pool=8) as world:
        version_id = world.version({f"{n:03}.txt": b"Hej " * 20_000 for n in range(400)})
        run_id = await world.run(await world.recipe(), version_id)

        async def begun() -> bool:
            return (await world.look(run_id))["progress"]["files_done"] > 0

        async with service_workers(SERVICE, world.ctx):
            await until(begun, seconds=40, what="some files are done")
        run = await world.look(run_id)
        if run["state"] != "finished":
            # Nobody holds it: another process goes on at once, with the same clock.
            await world.work()
            run = await world.look(run_id)
        assert (run["state"], run["files_treated"]) == ("finished", 400)
        assert len(world.catalog.versions[UUID(run["result_version_id"])].files) == 400
