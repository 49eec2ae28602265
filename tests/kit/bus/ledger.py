"""A service as small as can be: an outbox, an inbox, a table of effects, and a bus that can be away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, String, Table, func, insert, select

from services.kit.bus import Bus, BusAway, Message
from services.kit.db import Database, RuleSession, make_base
from services.kit.events import access
from services.kit.ids import new_id
from services.kit.inbox import Event
from services.kit.outbox import OUTBOX, Relay, outbox_tables
from tests.support.clock import ManualClock

_base, METADATA = make_base("ledger")
OUTBOX_TABLE, INBOX_TABLE = outbox_tables(METADATA)
EFFECTS = Table(
    "effects", METADATA, Column("id", Integer, primary_key=True), Column("subject", String), Column("n", Integer)
)

REVOKED = "factory.access.grant.revoked.v1"
TOPIC = "factory.access.v1"


def revoked(grant: UUID | str) -> access.GrantRevoked:
    return access.GrantRevoked(grant_id=str(grant), project_id=str(new_id()), dataset_id=str(new_id()))


@dataclass
class Ctx:
    """As much of a service's context as outbox and inbox use."""

    db: Database
    bus: Bus
    clock: ManualClock
    bus_url: str

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
