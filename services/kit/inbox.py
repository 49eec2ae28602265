"""Facts of other services arrive: each has its effect exactly once, since effect and event id are written together."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from google.protobuf.message import Message as Protobuf
from opentelemetry import trace
from opentelemetry.propagate import extract
from sqlalchemy import MetaData
from sqlalchemy.dialects.postgresql import insert

from services.kit.bus import Bus, BusAway, Later, Record, Start
from services.kit.bus.failures import is_passing
from services.kit.clock import Clock
from services.kit.events.registry import EVENTS, event_type
from services.kit.outbox import INBOX
from services.kit.problems import Problem

log = structlog.get_logger("factory.inbox")
_tracer = trace.get_tracer("factory")

PARALLEL = 2
"""Events of one subscription handled at once (each of another partition), so that requests keep their connections."""


class Unit(Protocol):
    """What a subscription needs of a service: its units of work, its clock and the bus."""

    @property
    def bus(self) -> Bus: ...

    @property
    def clock(self) -> Clock: ...

    def unit(self) -> AbstractAsyncContextManager[Any]: ...


@dataclass(frozen=True)
class Event:
    """A fact, as a handler gets it."""

    id: UUID
    type: str
    """`ce_type`, such as `factory.access.grant.revoked.v1`."""
    source: str
    subject: str
    """Id of the aggregate."""
    time: datetime
    revision: int
    """The aggregate's revision after the change."""
    message: Protobuf
    """The decoded message, of the class that `services.kit.events.registry` names for the type."""
    traceparent: str


EventHandler = Callable[[Any, Any, Event], Awaitable[None]]
"""`async (ctx, session, event)`: the effect, inside a transaction that commits after it returns."""


@dataclass(frozen=True)
class Subscription:
    """A service's interest in the facts of `topic`.

    `group` is remembered by the broker and the inbox: one per service and effect. With `broadcast`, each running
    instance gets every event from now on, possibly repeated, for effects in its own memory; what fails repeatedly is
    skipped. `types` lists the `ce_type`s that the handler wants; empty for all. `start` is where a new group begins.
    """

    topic: str
    group: str
    handler: EventHandler
    broadcast: bool = False
    types: frozenset[str] = frozenset()
    start: Start | None = None

    def __post_init__(self) -> None:
        unknown = self.types - EVENTS.keys()
        if unknown:
            raise ValueError(f"no such types of event: {', '.join(sorted(unknown))}")


def decode(record: Record) -> Event | None:
    """Return the event in `record`; None if its type is not known (a newer publisher). ValueError if it is broken."""
    headers = record.headers
    name = headers.get("ce_type", "")
    if headers.get("ce_specversion") != "1.0" or not name:
        raise ValueError("not a CloudEvent 1.0")
    if name not in EVENTS:
        return None
    return Event(
        id=UUID(headers["ce_id"]),
        type=name,
        source=headers["ce_source"],
        subject=headers["ce_subject"],
        time=datetime.fromisoformat(headers["ce_time"]),
        revision=int(headers["ce_revision"]),
        message=event_type(name).decode(record.value),
        traceparent=headers.get("traceparent", ""),
    )


async def run_subscription(ctx: Unit, subscription: Subscription, metadata: MetaData, stop: asyncio.Event) -> None:
    """Handle the events of `subscription` until `stop` is set.

    A handler that fails because database, bus or another service is away is tried again until it goes. After any other
    failure it is tried a few times more; then the event is parked with all later ones of its key (`Bus.redrive` resumes
    it).
    """
    if not subscription.broadcast and "inbox" not in metadata.tables:
        raise ValueError(f"{subscription.group} needs the table inbox; call outbox_tables(metadata)")
    room = asyncio.Semaphore(PARALLEL)

    async def handle(record: Record) -> None:
        event = decode(record)
        if event is None or (subscription.types and event.type not in subscription.types):
            return
        context = extract({"traceparent": event.traceparent} if event.traceparent else {})
        with _tracer.start_as_current_span(f"{subscription.group} {event.type}", context, trace.SpanKind.CONSUMER):
            try:
                async with room:
                    await _handle_once(ctx, subscription, event)
            except Exception as error:
                if _is_away(error):
                    raise Later from error
                raise

    await ctx.bus.consume(
        subscription.group,
        [subscription.topic],
        handle,
        stop=stop,
        start=subscription.start or ("latest" if subscription.broadcast else "earliest"),
        broadcast=subscription.broadcast,
    )


async def _handle_once(ctx: Unit, subscription: Subscription, event: Event) -> None:
    async with ctx.unit() as session:
        # What instances keep in memory is repeated in each, and gone with it: no row could say that it was done.
        if not subscription.broadcast:
            row = {"group": subscription.group, "event_id": event.id, "handled_at": ctx.clock.now()}
            taken = await session.execute(
                insert(INBOX).values(row).on_conflict_do_nothing().returning(INBOX.c.event_id)
            )
            if taken.first() is None:
                log.debug("inbox.repeated", group=subscription.group, event_id=str(event.id))
                return
        await subscription.handler(ctx, session, event)


def _is_away(error: Exception) -> bool:
    return is_passing(error) or isinstance(error, BusAway) or (isinstance(error, Problem) and error.status == 503)
