"""A fact arrives with one effect: delivered twice, half handled, or while something it needs is away."""

import asyncio
from typing import Any

import pytest
from opentelemetry import trace
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from services.kit.bus import BusAway, Message, make_bus
from services.kit.events import access
from services.kit.ids import new_id
from services.kit.inbox import Event, Subscription, run_subscription
from services.kit.outbox import OUTBOX, emit
from services.kit.problems import unavailable
from tests.kit.bus.ledger import (
    INBOX_TABLE,
    METADATA,
    REVOKED,
    TOPIC,
    Ctx,
    FlakyBus,
    record_effect,
    revoked,
    running,
)
from tests.support.wait import until


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
