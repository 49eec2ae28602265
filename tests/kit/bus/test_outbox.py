"""A fact leaves exactly when its transaction commits, in order, through one relay, whatever is away."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, insert, select, text

from services.kit.events import access
from services.kit.events.registry import UnknownEvent
from services.kit.ids import new_id
from services.kit.inbox import Event, Subscription, run_subscription
from services.kit.outbox import EventTooLarge, emit
from tests.kit.bus.ledger import (
    INBOX_TABLE,
    METADATA,
    OUTBOX_TABLE,
    REVOKED,
    TOPIC,
    Ctx,
    FlakyBus,
    record_effect,
    revoked,
    running,
)
from tests.support.wait import until


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
