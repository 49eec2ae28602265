"""A fact leaves exactly when its transaction commits, in order, through one relay, and arrives with one effect."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from opentelemetry import trace
from prometheus_client import REGISTRY
from sqlalchemy import Column, Integer, String, Table, func, insert, select, text, update
from sqlalchemy.exc import OperationalError

from services.kit.bus import Bus, BusAway, Message, make_bus
from services.kit.db import Database, RuleSession, make_base
from services.kit.events import access
from services.kit.events.registry import UnknownEvent
from services.kit.ids import new_id
from services.kit.inbox import Event, Subscription, run_subscription
from services.kit.outbox import OUTBOX, EventTooLarge, Relay, emit, outbox_tables
from services.kit.problems import unavailable
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres
from tests.support.wait import until

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


async def test_two_relays_at_once_publish_each_fact_once_and_in_order(ctx: Ctx) -> None:
    bus = FlakyBus(ctx.bus)
    grants = [new_id() for _ in range(5)]
    async with running(ctx.relay(bus).run, ctx.relay(bus).run):
        for revision in range(1, 21):
            async with ctx.unit() as session:
                for grant in grants:
                    emit(session, REVOKED, grant, revoked(grant), revision=revision)
        await until(lambda: len(bus.passed) >= 100)
        assert await ctx.unpublished() == 0
    assert len({message.headers["ce_id"] for message in bus.passed}) == len(bus.passed) == 100
    for grant in grants:
        revisions = [int(m.headers["ce_revision"]) for m in bus.passed if m.key == str(grant)]
        assert revisions == [*range(1, 21)]


async def test_another_relay_takes_over_when_the_first_ends(ctx: Ctx) -> None:
    first, second = FlakyBus(ctx.bus), FlakyBus(ctx.bus)
    grant = new_id()
    async with running(ctx.relay(first).run):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=1)
        await until(lambda: first.passed)
    async with running(ctx.relay(second).run):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=2)
        await until(lambda: second.passed)
    assert [message.headers["ce_revision"] for message in first.passed + second.passed] == ["1", "2"]


async def test_the_relay_waits_out_a_bus_that_is_away_and_then_keeps_the_order(ctx: Ctx) -> None:
    bus = FlakyBus(ctx.bus, away=True)
    grant = new_id()
    async with running(ctx.relay(bus).run):
        for revision in range(1, 4):
            async with ctx.unit() as session:
                emit(session, REVOKED, grant, revoked(grant), revision=revision, at=ctx.clock.now())
        await until(lambda: bus.refused >= 2)
        assert await ctx.unpublished() == 3
        ctx.clock.advance(seconds=40)

        def oldest() -> bool:
            return REGISTRY.get_sample_value("factory_outbox_oldest_seconds", {"service": "ledger"}) == 40

        await until(oldest)
        bus.away = False
        await until(lambda: len(bus.passed) == 3)
        await until(lambda: REGISTRY.get_sample_value("factory_outbox_waiting", {"service": "ledger"}) == 0)
    assert [message.headers["ce_revision"] for message in bus.passed] == ["1", "2", "3"]


async def test_the_relay_survives_the_loss_of_its_database_connection(ctx: Ctx) -> None:
    bus = FlakyBus(ctx.bus)
    grant = new_id()
    async with running(ctx.relay(bus).run):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=1)
        await until(lambda: bus.passed)
        async with ctx.unit() as session:
            await session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                     "AND pid <> pg_backend_pid()")
            )  # fmt: skip
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=2)
        await until(lambda: len(bus.passed) == 2)
    assert bus.passed[1].headers["ce_revision"] == "2"


async def test_an_event_delivered_twice_has_one_effect(ctx: Ctx) -> None:
    bus = FlakyBus(ctx.bus)
    grant, marker = new_id(), new_id()
    async with running(ctx.relay(bus).run):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=1)
        await until(lambda: bus.passed)
        # As after a relay that died between publishing and writing it down.
        async with ctx.unit() as session:
            await session.execute(update(OUTBOX).values(published_at=None))
        await until(lambda: len(bus.passed) >= 2)
        async with ctx.unit() as session:
            emit(session, REVOKED, marker, revoked(marker), revision=1)
        await until(lambda: bus.passed[-1].key == str(marker))
    subscription = Subscription(TOPIC, "ledger", record_effect)

    async def both() -> bool:
        return len(await ctx.effects()) >= 2

    async with running(lambda stop: run_subscription(ctx, subscription, METADATA, stop)):
        await until(both)
    assert sorted(await ctx.effects()) == sorted([(str(grant), 1), (str(marker), 1)])
    assert bus.passed[0].headers["ce_id"] == bus.passed[1].headers["ce_id"]


async def test_a_handler_that_fails_leaves_no_effect_and_no_memory_of_the_event(ctx: Ctx) -> None:
    fails = [True]

    async def half_done(_ctx: Any, session: Any, event: Event) -> None:
        await record_effect(_ctx, session, event)
        await session.flush()
        if fails[0]:
            raise ZeroDivisionError

    grant = new_id()
    subscription = Subscription(TOPIC, "ledger", half_done)
    async with running(ctx.relay().run, lambda stop: run_subscription(ctx, subscription, METADATA, stop)):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=1)
        await until(lambda: ctx.bus.parked("ledger"))
        assert await ctx.effects() == []
        fails[0] = False
        await ctx.bus.redrive("ledger", str(grant))
        await until(ctx.effects)
    assert await ctx.effects() == [(str(grant), 1)]


async def test_a_handler_whose_database_or_neighbour_is_away_parks_nothing(ctx: Ctx) -> None:
    troubles: list[Exception] = [
        OperationalError("SELECT 1", {}, Exception()),
        ConnectionRefusedError(),
        unavailable("catalog"),
        BusAway("away"),
        TimeoutError(),
        TimeoutError(),
    ]
    grant = new_id()

    async def handler(_ctx: Any, session: Any, event: Event) -> None:
        if troubles:
            raise troubles.pop()
        await record_effect(_ctx, session, event)

    subscription = Subscription(TOPIC, "ledger", handler)
    async with running(ctx.relay().run, lambda stop: run_subscription(ctx, subscription, METADATA, stop)):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=1)
        await until(ctx.effects, seconds=20)
    assert await ctx.bus.parked("ledger") == []


async def test_a_subscription_gets_the_types_it_asked_for_and_skips_what_it_cannot_know(ctx: Ctx) -> None:
    seen: list[str] = []

    async def handler(_ctx: Any, _session: Any, event: Event) -> None:
        seen.append(event.type)

    project, grant = new_id(), new_id()
    future = {"ce_specversion": "1.0", "ce_type": "factory.access.moon.landed.v9", "ce_id": str(new_id())}
    await ctx.bus.publish([Message(TOPIC, str(grant), b"\xff", future)])
    wanted = Subscription(TOPIC, "ledger", handler, types=frozenset({REVOKED}))
    async with running(ctx.relay().run, lambda stop: run_subscription(ctx, wanted, METADATA, stop)):
        async with ctx.unit() as session:
            opened = access.ProjectOpened(project_id=str(project), purpose="research")
            emit(session, "factory.access.project.opened.v1", project, opened, revision=1)
            emit(session, REVOKED, grant, revoked(grant), revision=1)
        await until(lambda: seen)
    assert seen == [REVOKED]
    with pytest.raises(ValueError, match=r"factory\.access\.moon"):
        Subscription(TOPIC, "ledger", handler, types=frozenset({"factory.access.moon.landed.v9"}))


async def test_broadcast_reaches_each_instance_without_writing_to_the_inbox(ctx: Ctx) -> None:
    seen: dict[str, list[str]] = {"one": [], "two": []}
    works: list[Any] = [ctx.relay().run]
    for name in seen:
        instance = Ctx(ctx.db, make_bus(ctx.bus_url), ctx.clock, ctx.bus_url)

        async def handler(_ctx: Any, _session: Any, event: Event, name: str = name) -> None:
            seen[name].append(event.subject)

        subscription = Subscription(TOPIC, "ledger-leases", handler, broadcast=True)

        async def work(
            stop: asyncio.Event, instance: Ctx = instance, subscription: Subscription = subscription
        ) -> None:
            await run_subscription(instance, subscription, METADATA, stop)
            await instance.bus.close()

        works.append(work)
    async with running(*works):

        async def both_hear() -> bool:
            async with ctx.unit() as session:
                grant = new_id()
                emit(session, REVOKED, grant, revoked(grant), revision=1)
            return all(seen.values())

        await until(both_hear)
    async with ctx.unit() as session:
        assert (await session.execute(select(func.count()).select_from(INBOX_TABLE))).scalar_one() == 0


async def test_an_event_continues_the_trace_of_the_request_that_caused_it(ctx: Ctx) -> None:
    trace_id = 0x0AF7651916CD43DD8448EB211C80319C
    cause = trace.NonRecordingSpan(trace.SpanContext(trace_id, 0xB7AD6B7169203331, False, trace.TraceFlags(1)))
    seen: list[tuple[str, int]] = []

    async def handler(_ctx: Any, _session: Any, event: Event) -> None:
        seen.append((event.traceparent, trace.get_current_span().get_span_context().trace_id))

    subscription = Subscription(TOPIC, "ledger", handler)
    async with running(ctx.relay().run, lambda stop: run_subscription(ctx, subscription, METADATA, stop)):
        with trace.use_span(cause):
            async with ctx.unit() as session:
                grant = new_id()
                emit(session, REVOKED, grant, revoked(grant), revision=1)
        await until(lambda: seen)
    [(traceparent, seen_trace)] = seen
    assert traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert seen_trace == trace_id


async def test_what_is_emitted_must_agree_with_the_registry(ctx: Ctx) -> None:
    grant = new_id()
    async with ctx.unit() as session:
        with pytest.raises(UnknownEvent):
            emit(session, "factory.access.grant.renamed.v1", grant, revoked(grant), revision=1)
        with pytest.raises(ValueError, match="carries"):
            emit(session, "factory.access.grant.expired.v1", grant, revoked(grant), revision=1)
        with pytest.raises(ValueError, match="another grant"):
            emit(session, REVOKED, new_id(), revoked(grant), revision=1)
        with pytest.raises(ValueError, match="exactly one"):
            emit(session, "factory.access.member.added.v1", grant, access.MemberAdded(user_id="x"), revision=1)
        with pytest.raises(EventTooLarge):
            huge = access.GrantIssued(grant_id=str(grant), actions=["x" * 1024 * 1024])
            emit(session, "factory.access.grant.issued.v1", grant, huge, revision=1)


async def test_old_rows_are_forgotten_and_fresh_ones_are_not(ctx: Ctx) -> None:
    clock = ctx.clock
    grant = new_id()
    async with running(ctx.relay().run):
        async with ctx.unit() as session:
            emit(session, REVOKED, grant, revoked(grant), revision=1, at=clock.now())
            await session.execute(
                insert(INBOX_TABLE).values(group="g", event_id=new_id(), handled_at=clock.now() - timedelta(days=84))
            )

        async def published() -> bool:
            return await ctx.unpublished() == 0

        await until(published)

        async def rows() -> tuple[int, int]:
            async with ctx.unit() as session:
                counts = [
                    (await session.execute(select(func.count()).select_from(table))).scalar_one()
                    for table in (OUTBOX_TABLE, INBOX_TABLE)
                ]
            return (counts[0], counts[1])

        clock.advance(days=6, hours=22)
        assert await rows() == (1, 1)
        clock.advance(hours=3)

        async def forgotten() -> bool:
            return await rows() == (0, 0)

        await until(forgotten)
