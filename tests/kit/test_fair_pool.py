"""Whoever has waited longest for a connection gets the next one, also while others keep coming."""

import asyncio

from services.kit.db import Database
from services.kit.fair_pool import FairPool
from tests.support.postgres import TestPostgres


async def test_nobody_is_passed_by_under_steady_load(postgres: TestPostgres) -> None:
    """Forty who come back at once, on two connections: at no time is anyone several rounds behind."""
    database = Database(await postgres.empty(), pool=2, overflow=0)
    assert isinstance(database.engine.pool, FairPool)
    rounds, people = 5, 40
    done = [0] * people
    furthest_apart = 0

    async def come_back(person: int) -> None:
        nonlocal furthest_apart
        for _ in range(rounds):
            async with database.engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
            done[person] += 1
            furthest_apart = max(furthest_apart, max(done) - min(done))

    try:
        # Both connections are made before anyone counts: how long that takes is the machine's affair.
        async with database.engine.connect(), database.engine.connect():
            pass
        await asyncio.gather(*(come_back(person) for person in range(people)))
    finally:
        await database.dispose()
    assert done == [rounds] * people
    assert furthest_apart <= 2


async def test_who_gives_up_leaves_the_connection_to_the_next(postgres: TestPostgres) -> None:
    database = Database(await postgres.empty(), pool=1, overflow=0)
    try:
        async with database.engine.connect():
            impatient = asyncio.create_task(database.engine.connect().__aenter__())
            patient = asyncio.create_task(database.engine.connect().__aenter__())
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.gather(impatient, return_exceptions=True)
        async with asyncio.timeout(5):
            connection = await patient
        await connection.close()
    finally:
        await database.dispose()
