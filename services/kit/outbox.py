"""Facts leave a service in the transaction that makes them true: a row in its outbox, which a relay publishes in order.

An event is a CloudEvent 1.0 in binary mode (Kafka protocol binding): attributes in headers `ce_…`, protobuf as value.
"""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from google.protobuf.message import Message as Protobuf
from opentelemetry.propagate import inject
from prometheus_client import Counter, Gauge
from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    event,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import registry

from services.kit.bus import MAX_BYTES, Bus, Message
from services.kit.bus.failures import describe, is_passing
from services.kit.clock import Clock, SystemClock
from services.kit.db import UtcDateTime
from services.kit.events.registry import event_type
from services.kit.ids import new_id

log = structlog.get_logger("factory.outbox")

OLDEST = Gauge("factory_outbox_oldest_seconds", "Age of the oldest fact that is not published yet", ["service"])
WAITING = Gauge("factory_outbox_waiting", "Facts that are not published yet", ["service"])
PUBLISHED = Counter("factory_outbox_published_total", "Facts published", ["service"])

BATCH = 200
POLL_S = 0.25
"""How long a fact waits at most when its commit happened in another process than the relay's."""
KEEP_PUBLISHED = timedelta(days=7)
KEEP_HANDLED = timedelta(days=90)
"""How long the inbox knows an event: longer than any broker keeps messages."""
_RELAY_LOCK = 7_341_002
_LONGEST_PAUSE_S = 5.0


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", PgUuid(as_uuid=True), nullable=False, unique=True),
        Column("type", String(100), nullable=False),
        Column("subject", String(100), nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("traceparent", String(100), nullable=False),
        Column("occurred_at", UtcDateTime, nullable=False),
        Column("published_at", UtcDateTime, nullable=True),
        Index("ix_outbox_waiting", "id", postgresql_where=text("published_at IS NULL")),
        Index("ix_outbox_published_at", "published_at"),
    )


def _inbox(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("group", String(160), primary_key=True),
        Column("event_id", PgUuid(as_uuid=True), primary_key=True),
        Column("handled_at", UtcDateTime, nullable=False, index=True),
    )


def outbox_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Add the tables outbox and inbox to a service's metadata and return them."""
    return _outbox(metadata), _inbox(metadata)


# `emit` and the relay work in any service's database, so they have descriptions of the tables of their own.
_registry = registry()
OUTBOX = _outbox(_registry.metadata)
INBOX = _inbox(_registry.metadata)


@_registry.mapped
class Fact:
    """A row of the outbox, as `emit` adds it to the caller's session."""

    __table__ = OUTBOX

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class EventTooLarge(ValueError):
    """An event exceeds what the bus takes; its transaction must not commit, since it could never be published."""


def emit(
    session: AsyncSession,
    event_type_name: str,
    subject: UUID | str,
    message: Protobuf,
    *,
    revision: int,
    at: datetime | None = None,
) -> None:
    """Publish a fact when, and only when, the session's transaction commits.

    `event_type_name` is a `ce_type` of `services.kit.events.registry`; `subject` the id of the aggregate, whose row the
    caller has locked, so that facts about it are numbered in the order in which they became true; `revision` the
    aggregate's revision after the change. `at` is when it happened (now by `session.info["clock"]`, if that is set).
    Raises `UnknownEvent`, ValueError when message and type or subject disagree, `EventTooLarge`.
    """
    known = event_type(event_type_name)
    if not isinstance(message, known.message):
        raise ValueError(f"{event_type_name} carries {known.name}, not {message.DESCRIPTOR.full_name}")
    if known.subject_of(message) != str(subject):
        raise ValueError(f"{known.name} is about another {known.key_noun} than the subject of the event")
    value = message.SerializeToString()
    if len(value) > MAX_BYTES - 4096:
        raise EventTooLarge(f"{known.name} of {len(value)} bytes")
    carrier: dict[str, str] = {}
    inject(carrier)
    clock: Clock = session.info.get("clock") or SystemClock()
    session.add(
        Fact(
            event_id=new_id(),
            type=event_type_name,
            subject=str(subject),
            revision=revision,
            value=value,
            traceparent=carrier.get("traceparent", ""),
            occurred_at=at or clock.now(),
        )
    )
    if not session.info.get("outbox"):
        session.info["outbox"] = True
        event.listen(session.sync_session, "after_commit", _wake)


# Relays of this process by the engine they serve: a commit wakes them without waiting for the next poll.
_relays: "weakref.WeakKeyDictionary[Any, weakref.WeakSet[_Bell]]" = weakref.WeakKeyDictionary()


class _Bell:
    """Rings a relay from the thread of its own event loop."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()


def _wake(session: Any) -> None:
    for bell in _relays.get(session.get_bind().engine, ()):
        bell.rung.set()


def _message(row: Any) -> Message:
    known = event_type(row.type)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(row.event_id),
        "ce_type": row.type,
        "ce_source": f"/factory/{known.service}",
        "ce_subject": row.subject,
        "ce_time": row.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_dataschema": known.schema,
        # An extension attribute: the aggregate's revision after the change, which orders its events.
        "ce_revision": str(row.revision),
        "content-type": "application/protobuf",
    }
    if row.traceparent:
        headers["traceparent"] = row.traceparent
    return Message(known.topic, row.subject, bytes(row.value), headers)


@dataclass
class Relay:
    """Publishes the outbox of one service. Of several, in whatever processes, one works and the others stand by."""

    engine: AsyncEngine
    bus: Bus
    metadata: MetaData
    service: str
    clock: Clock

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; outages of bus and database are waited out, and nothing changes places."""
        bell = _Bell()
        _relays.setdefault(self.engine.sync_engine, weakref.WeakSet()).add(bell)
        pause = 0.1
        while not stop.is_set():
            try:
                async with self._turn(stop, bell) as connection:
                    if connection is not None:
                        pause = 0.1
                        await self._work(connection, stop, bell)
            except Exception as error:
                say = log.warning if is_passing(error) else log.error
                say("relay.interrupted", service=self.service, why=describe(error), again_in_s=pause)
                await _rest(stop, None, pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    @asynccontextmanager
    async def _turn(self, stop: asyncio.Event, bell: _Bell) -> AsyncGenerator[AsyncConnection | None]:
        """Wait to be the one that works; give None when stopped before."""
        async with self.engine.connect() as connection:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            while not stop.is_set():
                taken = await connection.execute(text("SELECT pg_try_advisory_lock(:k)"), {"k": _RELAY_LOCK})
                if taken.scalar_one():
                    break
                await _rest(stop, None, POLL_S)
            else:
                yield None
                return
            try:
                yield connection
            finally:
                # A connection that goes back to the pool keeps its locks; one that is broken has none.
                with contextlib.suppress(Exception):
                    await connection.execute(text("SELECT pg_advisory_unlock(:k)"), {"k": _RELAY_LOCK})

    async def _work(self, connection: AsyncConnection, stop: asyncio.Event, bell: _Bell) -> None:
        tidy_at = self.clock.now()
        while not stop.is_set():
            bell.rung.clear()
            rows = await self._next(connection)
            if rows:
                await self.bus.publish([_message(row) for row in rows])
                await connection.execute(
                    update(OUTBOX)
                    .where(OUTBOX.c.id.in_([row.id for row in rows]))
                    .values(published_at=self.clock.now())
                )
                PUBLISHED.labels(self.service).inc(len(rows))
                continue
            if self.clock.now() >= tidy_at:
                await self._tidy(connection)
                tidy_at = self.clock.now() + timedelta(hours=1)
            await _rest(stop, bell, POLL_S)

    async def _next(self, connection: AsyncConnection) -> Sequence[Any]:
        query = select(OUTBOX).where(OUTBOX.c.published_at.is_(None)).order_by(OUTBOX.c.id).limit(BATCH)
        rows = (await connection.execute(query)).all()
        age = (self.clock.now() - rows[0].occurred_at).total_seconds() if rows else 0.0
        OLDEST.labels(self.service).set(max(0.0, age))
        waiting = len(rows)
        if waiting == BATCH:
            count = select(func.count()).where(OUTBOX.c.published_at.is_(None)).select_from(OUTBOX)
            waiting = (await connection.execute(count)).scalar_one()
        WAITING.labels(self.service).set(waiting)
        return rows

    async def _tidy(self, connection: AsyncConnection) -> None:
        now = self.clock.now()
        await connection.execute(delete(OUTBOX).where(OUTBOX.c.published_at < now - KEEP_PUBLISHED))
        if "inbox" in self.metadata.tables:
            await connection.execute(delete(INBOX).where(INBOX.c.handled_at < now - KEEP_HANDLED))


async def _rest(stop: asyncio.Event, bell: _Bell | None, seconds: float) -> None:
    """Wait until stopped or rung, at most `seconds`."""
    events = (stop,) if bell is None else (stop, bell.rung)
    waits = [asyncio.create_task(each.wait()) for each in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
