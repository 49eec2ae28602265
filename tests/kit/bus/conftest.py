"""The small service that outbox and inbox are tried on."""

from collections.abc import AsyncIterator

import pytest

from services.kit.bus import make_bus
from services.kit.db import Database
from tests.kit.bus.ledger import METADATA, Ctx
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres


@pytest.fixture
async def ctx(postgres: TestPostgres, clock: ManualClock) -> AsyncIterator[Ctx]:
    database = Database(await postgres.empty("ledger"))
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    bus_url = f"pglog+{await postgres.empty('bus')}"
    bus = make_bus(bus_url)
    await bus.start()
    yield Ctx(database, bus, clock, bus_url)
    await bus.close()
    await database.dispose()
