"""Whatever fails, crashes and is redriven, in whatever order: per key nothing is lost, and nothing overtakes."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.bus.bus import Bus
from services.kit.bus.consumer import PartitionConsumer
from services.kit.bus.message import Message, Record, Start, dead_letter_topic
from services.kit.bus.parking import ParkingLot
from services.kit.bus.port import Owned

GROUP, TOPIC = "g", "t"
DEAD = dead_letter_topic(GROUP, TOPIC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class MemoryLog:
    """One partition a topic, in memory: as much of a log as a consumer of one partition needs."""

    records: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    offsets: dict[str, int] = field(default_factory=dict[str, int])
    appends_until_crash: int = -1

    async def append(self, messages: Sequence[Message], partition: int | None = None) -> None:
        for message in messages:
            lane = self.records[message.topic]
            lane.append(Record(message.topic, 0, len(lane), message.key, message.value, dict(message.headers), NOON))
        if self.appends_until_crash >= 0 and messages[0].topic == DEAD:
            if self.appends_until_crash == 0:
                raise ConnectionResetError("the answer was lost")
            self.appends_until_crash -= 1


@dataclass
class MemoryReader:
    log: MemoryLog
    topic: str
    idle: asyncio.Event
    partition: int = 0
    position: int = 0

    async def seek(self, offset: int) -> None:
        self.position = offset

    async def find(self, start: Start) -> int:
        return 0 if start == "earliest" else len(self.log.records[self.topic])

    async def read(self, limit: int, wait_s: float) -> list[Record]:
        taken = self.log.records[self.topic][self.position : self.position + limit]
        self.position += len(taken)
        if not taken and self.topic == TOPIC:
            # Everything was read: end this turn.
            self.idle.set()
        await asyncio.sleep(0)
        return taken

    async def committed(self) -> int | None:
        return self.log.offsets.get(self.topic)

    async def commit(self, offset: int) -> None:
        self.log.offsets[self.topic] = max(offset, self.log.offsets.get(self.topic, 0))


class World:
    """A partition, a handler whose failures the test decides, and what the handler did."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.sick: set[int] = set()
        self.dies_at: int | None = None
        self.done: dict[str, list[int]] = defaultdict(list)
        self.published: dict[str, list[int]] = defaultdict(list)
        self._number = 0

    async def handle(self, record: Record) -> None:
        number = int(record.value)
        if number in self.sick:
            raise RuntimeError
        if number not in self.done[record.key]:  # the inbox
            self.done[record.key].append(number)
        if number == self.dies_at:
            self.dies_at = None
            raise asyncio.CancelledError

    async def publish(self, key: str) -> None:
        await self.log.append([Message(TOPIC, key, str(self._number).encode())])
        self.published[key].append(self._number)
        self._number += 1

    async def turn(self) -> None:
        """One owner works until everything is read, or until it dies."""
        idle = asyncio.Event()
        owned = Owned(MemoryReader(self.log, TOPIC, idle), MemoryReader(self.log, DEAD, idle), idle)
        broker: Any = self.log
        consumer = PartitionConsumer(broker, owned, GROUP, self.handle, attempts=1, start="earliest")
        with suppress(asyncio.CancelledError, ConnectionResetError):
            await consumer.run()
        self.log.appends_until_crash = -1

    def lot(self) -> ParkingLot:
        lot = ParkingLot(GROUP, TOPIC, 0)
        for record in self.log.records[DEAD]:
            lot.fold(record)
        return lot

    async def redrive(self, key: str) -> None:
        if key in self.lot():
            message = self.lot().resume(key)
            self.log.records[DEAD].append(
                Record(DEAD, 0, len(self.log.records[DEAD]), key, message.value, dict(message.headers), NOON)
            )

    def waiting(self, key: str) -> list[int]:
        lot = self.lot()
        result: list[int] = []
        while (letter := lot.first(key)) is not None:
            result.append(int(letter.value))
            lot.fold(lot.settled(letter))
        return result


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from("abc")),
        st.tuples(st.just("publish sick"), st.sampled_from("ab")),
        st.tuples(st.just("redrive"), st.sampled_from("abc")),
        st.tuples(st.just("cure"), st.sampled_from("abc")),
        st.tuples(st.just("die at"), st.sampled_from("abc")),
        st.tuples(st.just("lose append"), st.sampled_from("ab")),
        st.tuples(st.just("turn"), st.just("")),
        st.tuples(st.just("forget commit"), st.just("")),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_per_key_nothing_is_lost_and_nothing_overtakes(steps: list[tuple[str, str]]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[str, str]]) -> None:
    world = World()
    for step, key in steps:
        match step:
            case "publish":
                await world.publish(key)
            case "publish sick":
                await world.publish(key)
                world.sick.add(world.published[key][-1])
            case "redrive":
                await world.redrive(key)
            case "cure":
                world.sick -= set(world.published[key])
            case "die at" if world.published[key]:
                world.dies_at = world.published[key][-1]
            case "lose append":
                world.log.appends_until_crash = "ab".index(key)
            case "forget commit":
                # A committed offset may be lost: the broker does not wait for the disk.
                offset = world.log.offsets.get(TOPIC, 0)
                world.log.offsets[TOPIC] = max(0, offset - 1)
            case _:
                await world.turn()
        for name, numbers in world.done.items():
            assert numbers == world.published[name][: len(numbers)], "in order, without holes"
    # Whatever happened: with everything cured and redriven until nothing waits, all of it is done.
    world.sick, world.dies_at, world.log.appends_until_crash = set(), None, -1
    for _ in range(3):
        await world.turn()
        for key in "abc":
            await world.redrive(key)
    await world.turn()
    assert {key: numbers for key, numbers in world.done.items() if numbers} == {
        key: numbers for key, numbers in world.published.items() if numbers
    }
    assert not len(world.lot())


async def test_a_parked_key_holds_back_only_itself() -> None:
    world = World()
    for key in "abab":
        await world.publish(key)
    world.sick = {0}
    await world.turn()
    assert world.done["a"] == [] and world.done["b"] == [1, 3]
    assert world.waiting("a") == [0, 2]


async def test_the_books_are_closed_when_nothing_waits() -> None:
    world = World()
    await world.publish("a")
    world.sick = {0}
    await world.turn()
    world.sick = set()
    await world.redrive("a")
    await world.turn()
    await world.turn()
    assert world.log.offsets[DEAD] == len(world.log.records[DEAD]), "the next owner need not read them again"


def test_the_bus_has_no_way_around_the_log() -> None:
    """`Bus` is built on the port alone, so that whatever implements the port gets the same parking."""
    assert Bus.__init__.__annotations__["broker"].__name__ == "Log"
