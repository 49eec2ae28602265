"""What every bus promises, over each broker there is: order per key, at least once, groups, replay, parking by key.

The PostgreSQL log always runs; Kafka (or anything that speaks its protocol) when FACTORY_TEST_KAFKA_URL names one.
A `Bus` object stands for a process: what is said of several holds between processes.
"""

import asyncio
import itertools
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from services.kit.bus import MAX_BYTES, Bus, BusAway, Later, Message, MessageTooLarge, Record, Start, make_bus
from services.kit.ids import new_id
from tests.contracts.bus_members import Broker, Member, first, member
from tests.support.postgres import TestPostgres
from tests.support.wait import until

KAFKA_URL = os.environ.get("FACTORY_TEST_KAFKA_URL", "")
BROKERS = ["postgres-log", *(["kafka"] if KAFKA_URL else [])]
UNREACHABLE = {
    "postgres-log": "pglog+postgresql+asyncpg://postgres@/log?host=/nowhere",
    "kafka": "kafka://127.0.0.1:1",
}


@pytest.fixture(params=BROKERS)
async def broker(request: pytest.FixtureRequest, postgres: TestPostgres) -> AsyncIterator[Broker]:
    url = KAFKA_URL if request.param == "kafka" else f"pglog+{await postgres.empty('bus')}"
    broker = Broker(request.param, url)
    yield broker
    for bus in broker.opened:
        await bus.close()


async def test_messages_arrive_whole_and_in_order_per_key(broker: Broker) -> None:
    bus = await broker.process()
    keys = [str(new_id()) for _ in range(12)]
    for start in range(0, 30, 10):
        batch = [broker.messages(key, range(start, start + 10)) for key in keys]
        await bus.publish([message for several in zip(*batch, strict=True) for message in several])
    headers = {"ce_type": "factory.test.v1", "odd": "å ∀ \n"}
    await bus.publish([Message(broker.topic, "", b"", headers), Message(broker.topic, "ö", b"\x00\xff" * 5, headers)])
    seen: list[Record] = []

    async def note(record: Record) -> None:
        seen.append(record)

    stop = asyncio.Event()
    task = asyncio.create_task((await broker.process()).consume(broker.group, [broker.topic], note, stop=stop))
    await until(lambda: len(seen) == 12 * 30 + 2, seconds=20)
    stop.set()
    await task
    assert {key: [int(r.value) for r in seen if r.key == key] for key in keys} == {key: [*range(30)] for key in keys}
    odd = {record.key: record for record in seen if record.key in ("", "ö")}
    assert odd[""].value == b"" and odd["ö"].value == b"\x00\xff" * 5
    assert dict(odd["ö"].headers) == headers
    assert len({record.partition for record in seen}) > 1, "keys are spread over partitions"


async def test_what_was_done_but_not_committed_is_delivered_again(broker: Broker) -> None:
    publisher = await broker.process()
    await publisher.publish(broker.messages("k", range(5)))
    effects: list[int] = []

    async def effect_then_die(record: Record) -> None:
        effects.append(int(record.value))
        if record.value == b"2":
            await asyncio.Event().wait()

    victim = await Member(broker, effect_then_die).start()
    await until(lambda: effects == [0, 1, 2], seconds=20)
    await victim.crash()
    async with member(broker) as heir:
        await until(lambda: heir.values[-1:] == [4], seconds=30)
    assert heir.values[-3:] == [2, 3, 4], "the interrupted one again, then the rest, in order"
    assert heir.values == sorted(heir.values)


VICTIM = """
import asyncio, sys
from services.kit.bus import make_bus

async def main(url, group, topic):
    async def handle(record):
        print(record.value.decode(), flush=True)
        if record.value == b"2":
            await asyncio.Event().wait()
    await make_bus(url).consume(group, [topic], handle, stop=asyncio.Event())

asyncio.run(main(*sys.argv[1:]))
"""


async def test_the_partitions_of_a_killed_process_are_taken_over(broker: Broker) -> None:
    await (await broker.process()).publish(broker.messages("k", range(5)))
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, broker.url, broker.group, broker.topic, stdout=asyncio.subprocess.PIPE
    )
    assert victim.stdout is not None
    async with member(broker, group=f"{broker.group}-other"):
        done = [int(await asyncio.wait_for(victim.stdout.readline(), 60)) for _ in range(3)]
    victim.kill()
    await victim.wait()
    async with member(broker) as heir:
        await until(lambda: heir.values[-1:] == [4], seconds=45)
    assert done == [0, 1, 2] and heir.values[-3:] == [2, 3, 4]
    assert heir.values == sorted(heir.values)


async def test_a_member_that_stops_leaves_nothing_to_repeat(broker: Broker) -> None:
    publisher = await broker.process()
    await publisher.publish(broker.messages("k", range(50)))
    async with member(broker) as one:
        await until(lambda: len(one.values) >= 10, seconds=20)
    await publisher.publish(broker.messages("k", range(50, 60)))
    async with member(broker) as two:
        await until(lambda: two.values[-1:] == [59], seconds=20)
    assert one.values + two.values == [*range(60)]


async def test_members_of_a_group_share_the_work(broker: Broker) -> None:
    publisher = await broker.process()
    numbers = itertools.count()

    async def publish_some() -> None:
        await publisher.publish([m for n in range(16) for m in broker.messages(f"key-{n}", [next(numbers)])])

    async with member(broker) as one, member(broker) as two:

        async def both_work() -> bool:
            await publish_some()
            return bool(one.records and two.records)

        await until(both_work, seconds=30, what="both members getting messages")
        await publish_some()
        total = next(numbers)
        await until(lambda: len({*one.values, *two.values}) == total, seconds=20)
        partitions_of_two = {record.partition for record in two.records[-4:]}
        # While partitions change hands a message may come twice; nothing is lost and no order is broken.
        for group_member in (one, two):
            for values in group_member.by_key().values():
                assert values == sorted(values)
        before = len(one.records)
        await two.crash()
        await publish_some()
        fresh = set(range(total + 1, total + 17))
        await until(lambda: fresh <= set(one.values), seconds=30, what="the survivor taking over")
    assert partitions_of_two <= {record.partition for record in one.records[before:]}


async def test_without_trouble_each_message_comes_to_one_member_once(broker: Broker) -> None:
    publisher = await broker.process()
    async with member(broker) as one, member(broker) as two, member(broker) as three:
        members = (one, two, three)
        warm = itertools.count(1_000_000)

        async def settled() -> bool:
            """Two or more members have got messages: the partitions are shared out."""
            await publisher.publish([m for n in range(16) for m in broker.messages(f"key-{n}", [next(warm)])])
            return sum(bool(each.records) for each in members) >= 2

        await until(settled, seconds=30)
        await publisher.publish([m for n in range(16) for m in broker.messages(f"key-{n}", range(n * 20, n * 20 + 20))])
        got = lambda: sorted(v for each in members for v in each.values if v < 1_000_000)  # noqa: E731
        await until(lambda: len(got()) >= 320, seconds=20)
    assert len(set(got())) == 320


async def test_groups_do_not_take_from_each_other(broker: Broker) -> None:
    await (await broker.process()).publish(broker.messages("k", range(5)))
    async with member(broker) as one, member(broker, group=f"{broker.group}-b") as other:
        await until(lambda: len(one.values) == len(other.values) == 5, seconds=20)
    assert one.values == other.values == [*range(5)]


async def test_broadcast_reaches_every_instance_and_leaves_no_trace(broker: Broker) -> None:
    publisher = await broker.process()
    await publisher.publish(broker.messages("k", range(3)))
    for _ in range(2):
        async with (
            member(broker, broadcast=True, start="earliest") as one,
            member(broker, broadcast=True, start="earliest") as two,
        ):
            await until(lambda: len(one.values) == len(two.values) == 3, seconds=20)
        assert one.values == two.values == [0, 1, 2]


async def test_broadcast_skips_what_fails_repeatedly(broker: Broker) -> None:
    tries: list[bytes] = []

    async def fail_on_one(record: Record) -> None:
        tries.append(record.value)
        if record.value == b"1":
            raise ZeroDivisionError

    await (await broker.process()).publish(broker.messages("k", range(3)))
    async with member(broker, fail_on_one, broadcast=True, start="earliest", attempts=2) as one:
        await until(lambda: len(one.values) == 2, seconds=20)
    assert one.values == [0, 2] and tries == [b"0", b"1", b"1", b"2"]
    assert await one.bus.parked(broker.group) == []  # pyright: ignore[reportOptionalMemberAccess]


async def _three_moments(broker: Broker) -> datetime:
    """Publish 0, 1, 2 one after another and return an instant after 0 and no later than 1."""
    bus = await broker.process()
    await bus.publish(broker.messages("k", [0]))
    before = (await first(bus.tail([broker.topic], "earliest"), 1))[0].appended_at
    # Kafka stamps milliseconds.
    await until(lambda: (datetime.now(UTC) - before).total_seconds() > 0.003)
    await bus.publish(broker.messages("k", [1]))
    instant = (await first(bus.tail([broker.topic], "earliest"), 2))[1].appended_at
    await bus.publish(broker.messages("k", [2]))
    assert instant > before
    return instant


async def test_a_new_group_begins_where_it_asks(broker: Broker) -> None:
    instant = await _three_moments(broker)
    starts: dict[str, tuple[Start, list[int]]] = {"a": ("earliest", [0, 1, 2]), "b": (instant, [1, 2])}
    for name, (start, expected) in starts.items():
        async with member(broker, group=f"{broker.group}-{name}", start=start) as one:
            await until(lambda: len(one.values) >= len(expected), seconds=20)  # noqa: B023
        assert one.values == expected
    publisher = await broker.process()
    numbers = itertools.count(3)
    async with member(broker, group=f"{broker.group}-c", start="latest") as late:

        async def got_one() -> bool:
            await publisher.publish(broker.messages("k", [next(numbers)]))
            return bool(late.values)

        await until(got_one, seconds=20)
    assert late.values[0] >= 3
    # That it has been here is remembered: `start` means nothing to it any more.
    async with member(broker, group=f"{broker.group}-c", start="earliest") as again:
        await publisher.publish(broker.messages("k", [1000]))
        await until(lambda: again.values[-1:] == [1000], seconds=20)
    assert not set(again.values) & {0, 1, 2}


async def test_tail_replays_from_a_time_and_follows(broker: Broker) -> None:
    instant = await _three_moments(broker)
    bus = await broker.process()
    stream = bus.tail([broker.topic], instant)
    async with asyncio.timeout(20):
        old = [await anext(stream), await anext(stream)]
        await bus.publish(broker.messages("k", [3]))
        new = await anext(stream)
    await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue]
    assert [int(record.value) for record in [*old, new]] == [1, 2, 3]


@dataclass
class Poison:
    """A handler that fails on some messages until it is cured."""

    bad: set[bytes]
    tries: list[bytes] = field(default_factory=list[bytes])

    async def __call__(self, record: Record) -> None:
        self.tries.append(record.value)
        if record.key == "sick" and record.value in self.bad:
            raise RuntimeError("a text that might quote what people sent")


async def test_what_fails_repeatedly_parks_its_key_and_redrive_resumes_it_in_order(broker: Broker) -> None:
    bus = await broker.process()
    poison = Poison({b"1", b"3"})
    others = [f"well-{n}" for n in range(12)]  # some of them share the partition of the sick one
    async with member(broker, poison, attempts=3) as one:
        await bus.publish(broker.messages("sick", [0, 1, 2]))
        await bus.publish([m for key in others for m in broker.messages(key, range(5))])
        await until(lambda: all(len(one.by_key().get(key, [])) == 5 for key in others), seconds=30)
        await until(lambda: bus.parked(broker.group), seconds=20)
        await bus.publish(broker.messages("sick", [3, 4]))

        async def letters() -> int:
            return sum(key.letters for key in await bus.parked(broker.group))

        async def four_wait() -> bool:
            return await letters() == 4

        await until(four_wait, seconds=20)
        assert one.by_key()["sick"] == [0]
        assert poison.tries.count(b"1") >= 3
        [parked] = await bus.parked(broker.group)
        assert (parked.topic, parked.key, parked.attempts) == (broker.topic, "sick", 3)
        assert parked.error.startswith("RuntimeError < ") and "quote" not in parked.error

        # Cured of one trouble, not of the other: it goes on as far as it can.
        poison.bad = {b"3"}
        assert await bus.redrive(broker.group, "sick") == 4

        async def two_wait() -> bool:
            return await letters() == 2 and not [k for k in await bus.parked(broker.group) if k.resuming]

        await until(two_wait, seconds=30)
        assert one.by_key()["sick"] == [0, 1, 2]

        poison.bad = set()
        assert await bus.redrive(broker.group) == 2
        await until(lambda: one.by_key()["sick"] == [0, 1, 2, 3, 4], seconds=30)
        await bus.publish(broker.messages("sick", [5]))
        await until(lambda: one.by_key()["sick"] == [0, 1, 2, 3, 4, 5], seconds=20)

        async def nothing_waits() -> bool:
            return await bus.parked(broker.group) == []

        await until(nothing_waits, seconds=20)
        assert await bus.redrive(broker.group, "sick") == 0
    assert all(one.by_key()[key] == [*range(5)] for key in others)


async def test_a_parked_key_stays_parked_for_the_next_owner(broker: Broker) -> None:
    bus = await broker.process()
    poison = Poison({b"0"})
    victim = await Member(broker, poison).start(attempts=1)
    await bus.publish(broker.messages("sick", [0, 1]))

    async def both_wait() -> bool:
        return [key.letters for key in await bus.parked(broker.group)] == [2]

    await until(both_wait, seconds=20)
    await victim.crash()
    await bus.publish([*broker.messages("sick", [2]), *broker.messages("well", [0])])
    async with member(broker, Poison(set())) as heir:
        await until(lambda: "well" in heir.by_key(), seconds=30)

        async def three_wait() -> bool:
            return [key.letters for key in await bus.parked(broker.group)] == [3]

        await until(three_wait, seconds=20)
        assert "sick" not in heir.by_key(), "though the new owner could handle it"
        await bus.redrive(broker.group, "sick")
        await until(lambda: heir.by_key().get("sick") == [0, 1, 2], seconds=30)


async def test_a_handler_that_cannot_work_now_is_asked_again_and_parks_nothing(broker: Broker) -> None:
    bus = await broker.process()
    tries = itertools.count(1)

    async def away_for_a_while(record: Record) -> None:
        if record.value == b"0" and next(tries) < 5:
            raise Later

    await bus.publish(broker.messages("k", [0, 1]))
    async with member(broker, away_for_a_while, attempts=1) as one:
        await until(lambda: one.values == [0, 1], seconds=30)
    assert await bus.parked(broker.group) == []


async def test_a_message_over_the_limit_is_refused_with_its_whole_batch(broker: Broker) -> None:
    bus = await broker.process()
    [small] = broker.messages("k", [1])
    with pytest.raises(MessageTooLarge, match=str(MAX_BYTES)):
        await bus.publish([small, Message(broker.topic, "k", bytes(MAX_BYTES))])
    largest = Message(broker.topic, "k", os.urandom(MAX_BYTES - 1))
    await bus.publish([largest])
    [record] = await first(bus.tail([broker.topic], "earliest"), 1)
    assert record.value == largest.value


async def test_the_largest_message_can_be_parked(broker: Broker) -> None:
    bus = await broker.process()
    await bus.publish([Message(broker.topic, "sick", bytes(MAX_BYTES - 4))])
    async with member(broker, Poison({bytes(MAX_BYTES - 4)}), attempts=1):
        await until(lambda: bus.parked(broker.group), seconds=30)


async def test_many_producers_leave_no_gap_and_no_double(broker: Broker) -> None:
    producers = [await broker.process() for _ in range(6)]
    reader = await broker.process()
    seen: dict[int, list[int]] = defaultdict(list)
    values: list[int] = []

    async def follow() -> None:
        async for record in reader.tail([broker.topic], "earliest"):
            seen[record.partition].append(record.offset)
            values.append(int(record.value))

    follower = asyncio.create_task(follow())

    async def produce(number: int, bus: Bus) -> None:
        for n in range(10):
            await bus.publish([m for i in range(4) for m in broker.messages(f"key-{i}", [number * 1000 + n * 10 + i])])

    await asyncio.gather(*(produce(number, bus) for number, bus in enumerate(producers)))
    await until(lambda: len(values) >= 240, seconds=20)
    follower.cancel()
    with suppress(asyncio.CancelledError):
        await follower
    assert len(values) == len(set(values)) == 240
    # A reader that sees offset n has seen every offset before it: none becomes visible late.
    for offsets in seen.values():
        assert offsets == [*range(len(offsets))]


@pytest.mark.parametrize("kind", BROKERS)
async def test_a_broker_that_is_away_is_said_to_be_away(kind: str) -> None:
    bus = make_bus(UNREACHABLE[kind])
    await bus.start()
    try:
        with pytest.raises(BusAway):
            await bus.publish([Message("factory.test.v1", "k", b"")])
        with pytest.raises((OSError, BusAway)):
            await bus.ready()
    finally:
        await bus.close()


def test_names_and_schemes_are_checked() -> None:
    with pytest.raises(ValueError, match="no bus for the scheme"):
        make_bus("redis://localhost")
