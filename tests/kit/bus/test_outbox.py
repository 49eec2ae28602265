"""A fact leaves exactly when its transaction commits, in order, through one relay, and arrives with one effect."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, String, Table, func, insert, select

from services.kit.bus import Bus, BusAway, Message, make_bus
from services.kit.clock import Clock
from services.kit.db import Database, RuleSession, make_base
from services.kit.events import access
from services.kit.events.registry import UnknownEvent
from services.kit.ids import new_id
from services.kit.inbox import Event, Subscription, run_subscription
from services.kit.outbox import OUTBOX, PUBLISHED, EventTooLarge, Relay, emit, outbox_tables
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres
from tests.support.wait import until

_base, METADATA = make_base("ledger")
OUTBOX_TABLE, INBOX_TABLE = outbox_tables(METADATA)
EFFECTS = Table("effects", METADATA, Column("id", Integer, primary_key=True), Column("subject", String), Column("n", Integer))

REVOKED = "factory.access.grant.revoked.v1"
TOPIC = "factory.access.v1"


def revoked(grant: UUID | str) -> access.GrantRevoked:
    return access.GrantRevoked(grant_id=str(grant), project_id=str(new_id()), dataset_id=str(new_id()))


@dataclass
class Ctx:
    """As much of a service's context as outbox and inbox use."""

    db: Database
    bus: Bus
    clock: Clock

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[RuleSession]:
        async with self.db.unit() as session:
            yield session

    async def effects(self) -> list[tuple[str, int]]:
        async with self.unit() as session:
            rows = await session.execute(select(EFFECTS.c.subject, EFFECTS.c.n).order_by(EFFECTS.c.id))
            return [(row.subject, row.n) for row in rows]

    async def unpublished(self) -> int:
        async with self.unit() as session:
            query = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.published_at.is_(None))
            return (await session.execute(query)).scalar_one()

    def relay(self, bus: Any = None) -> Relay:
        return Relay(self.db.engine, bus or self.bus, METADATA, "ledger", self.clock)


@dataclass
class FlakyBus:
    """Stands before a bus: is away while told so, and remembers what passed."""

    bus: Bus
    away: bool = False
    refused: int = 0
    passed: list[Message] = field(default_factory=list[Message])

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.away:
            self.refused += 1
            raise BusAway("away")
        await self.bus.publish(messages)
        self.passed.extend(messages)


@pytest.fixture
async def ctx(postgres: TestPostgres, clock: ManualClock) -> AsyncIterator[Ctx]:
    database = Database(await postgres.empty("ledger"))
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    bus = make_bus(f"pglog+{await postgres.empty('bus')}")
    await bus.start()
    yield Ctx(database, bus, clock)
    await bus.close()
    await database.dispose()


@asynccontextmanager
async def running(*works: Any) -> AsyncIterator[asyncio.Event]:
    """Run what is called with a stop event; set it at the end and let all finish."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(work(stop)) for work in works]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def record_effect(_ctx: Any, session: Any, event: Event) -> None:
    await session.execute(insert(EFFECTS).values(subject=event.subject, n=event.revision))


async def test_a_fact_reaches_its_subscriber_once_when_the_transaction_commits(ctx: Ctx) -> None:
    grant = new_id()
    seen: list[Event] = []

    async def handler(_ctx: Any, session: Any, event: Event) -> None:
        seen.append(event)
        await record_effect(_ctx, session, event)

    subscription = Subscription(TOPIC, "ledger", handler)
    async with running(ctx.relay().run, lambda stop: run_subscription(ctx, subscription, METADATA, stop)):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=3, at=ctx.clock.now())
        await until(lambda: seen)
    event = seen[0]
    assert (event.type, event.subject, event.revision) == (REVOKED, str(grant), 3)
    assert event.time == ctx.clock.now() and event.source == "/factory/access"
    assert isinstance(event.message, access.GrantRevoked) and event.message.grant_id == str(grant)
    assert await ctx.effects() == [(str(grant), 3)]


async def test_a_transaction_that_rolls_back_tells_nobody(ctx: Ctx) -> None:
    bus = FlakyBus(ctx.bus)
    lost, kept = new_id(), new_id()
    async with running(ctx.relay(bus).run):
        with pytest.raises(ZeroDivisionError):
            async with ctx.unit() as session:
                emit(session, REVOKED, lost, revoked(lost), revision=1)
                await session.flush()
                raise ZeroDivisionError
        async with ctx.unit() as session:
            emit(session, REVOKED, kept, revoked(kept), revision=1)
        await until(lambda: bus.passed)
    assert [message.key for message in bus.passed] == [str(kept)]
