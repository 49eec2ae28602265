"""Kafka, through `aiokafka`: idempotent producer, offsets committed after the handler, partitions shared by the group.

A group subscribes to a topic and to its dead-letter topic, which has as many partitions; the range assignor gives
partition n of both to the same member, which therefore sees what it parks.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog

from services.kit.bus.consumer import unless
from services.kit.bus.failures import describe
from services.kit.bus.holdings import Holdings
from services.kit.bus.message import MAX_BYTES, BusAway, Message, Record, Start, dead_letter_topic
from services.kit.bus.port import Owned, Reader, RunOwned

log = structlog.get_logger("factory.bus")

# aiokafka has no type information; imported by name, it is `Any` throughout.
_kafka: Any = import_module("aiokafka")
_admin: Any = import_module("aiokafka.admin")
_errors: Any = import_module("aiokafka.errors")
_range: Any = import_module("aiokafka.coordinator.assignors.range")
_murmur2: Any = import_module("aiokafka.partitioner").murmur2

PARTITIONS = 8
_ROOM = 64 * 1024
"""What a record may have above a message: the headers of a letter and the log's own framing."""
_REQUEST_S = 10
_ALREADY_EXISTS = 36
_TOPIC = {"max.message.bytes": str(MAX_BYTES + _ROOM), "message.timestamp.type": "LogAppendTime"}
_DEAD = {**_TOPIC, "retention.ms": "-1"}
"""Dead letters stay until they are redriven, however long that takes."""


class KafkaLog:
    """Implements `services.kit.bus.port.Log` at `kafka://host:port[,host:port][?partitions=n]`.

    Topics that do not exist are created with `n` partitions (8) and the broker's replication factor. Topics that
    somebody else creates need `max.message.bytes` of 1 MiB + 64 KiB.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._servers = parts.netloc.split(",")
        self._partitions = int(parse_qs(parts.query).get("partitions", [str(PARTITIONS)])[0])
        self._counts: dict[str, int] = {}
        self._producer: Any = None
        self._admin: Any = None
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Nothing to do: connections are opened when they are needed."""

    async def close(self) -> None:
        """Close all connections."""
        async with self._opening:
            await self._forget_producer()
            await self._forget_admin()

    async def _forget_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), _REQUEST_S)

    async def _forget_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(admin.close(), _REQUEST_S)

    async def _ask(self, operation: str, *arguments: Any) -> Any:
        """Call an operation of the admin client, opening it first where needed."""
        async with self._opening:
            if self._admin is None:
                admin = _admin.AIOKafkaAdminClient(
                    bootstrap_servers=self._servers, request_timeout_ms=_REQUEST_S * 1000
                )
                self._admin = admin
                try:
                    await admin.start()
                except BaseException:
                    await self._forget_admin()
                    raise
            try:
                return await asyncio.wait_for(getattr(self._admin, operation)(*arguments), _REQUEST_S)
            except BaseException:
                # After an error the client may stay bound to a broker that is gone.
                await self._forget_admin()
                raise

    async def ready(self) -> None:
        """Raise unless the broker answers."""
        with _away():
            await self._ask("describe_cluster")

    async def topics(self) -> list[str]:
        """Return the names of all topics."""
        return sorted(await self._ask("list_topics"))

    async def partitions(self, topic: str) -> int:
        """Return how many partitions `topic` has; create it if it does not exist."""
        return await self._ensure(topic, self._partitions, _TOPIC)

    async def _ensure(self, topic: str, wanted: int, settings: dict[str, str]) -> int:
        if topic not in self._counts:
            if topic not in await self.topics():
                # No assignments and -1: the broker's own replication factor.
                new = _admin.NewTopic(topic, wanted, -1, replica_assignments={}, topic_configs=settings)
                answer = await self._ask("create_topics", [new])
                code = answer.topic_errors[0][1]
                if code not in (0, _ALREADY_EXISTS):
                    raise _errors.for_code(code)(topic)
            self._counts[topic] = await self._described(topic)
        return self._counts[topic]

    async def _described(self, topic: str) -> int:
        """Return the number of partitions once all of them have a leader."""
        async with asyncio.timeout(_REQUEST_S):
            while True:
                [described] = await self._ask("describe_topics", [topic])
                partitions = described["partitions"]
                if not described["error_code"] and partitions and not any(p["error_code"] for p in partitions):
                    return len(partitions)
                await asyncio.sleep(0.05)

    def partition_of(self, key: str, partitions: int) -> int:
        """Return the partition of `key`, as every Kafka client computes it."""
        return (int(_murmur2(key.encode())) & 0x7FFFFFFF) % partitions

    async def append(self, messages: Sequence[Message], partition: int | None = None) -> None:
        """Append durably, in order per key. Raises `BusAway`."""
        try:
            with _away():
                places = [
                    self.partition_of(message.key, await self.partitions(message.topic))
                    if partition is None
                    else partition
                    for message in messages
                ]
                producer = await self._open_producer()
                async with asyncio.timeout(_REQUEST_S * 2):
                    sent = [
                        await producer.send(
                            message.topic,
                            value=message.value,
                            key=message.key.encode(),
                            partition=place,
                            headers=[(name, text.encode()) for name, text in message.headers.items()],
                        )
                        for message, place in zip(messages, places, strict=True)
                    ]
                    await asyncio.gather(*sent)
        except BaseException:
            # What is still in the producer's hands must not overtake, or follow, what is published again.
            await self._forget_producer()
            raise

    async def _open_producer(self) -> Any:
        async with self._opening:
            if self._producer is None:
                producer = _kafka.AIOKafkaProducer(
                    bootstrap_servers=self._servers,
                    enable_idempotence=True,
                    acks="all",
                    max_request_size=MAX_BYTES + _ROOM,
                    request_timeout_ms=_REQUEST_S * 1000,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    def _consumer(self, **options: Any) -> Any:
        return _kafka.AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **options,
        )

    async def own(self, group: str, topic: str, run: RunOwned, stop: asyncio.Event) -> None:
        """Share the partitions of `topic` with the group's other members until `stop`."""
        dead = dead_letter_topic(group, topic)
        while not stop.is_set():
            try:
                count = await self.partitions(topic)
                if await self._ensure(dead, count, _DEAD) < count:
                    await self._ask("create_partitions", {dead: _admin.NewPartitions(count)})
                    self._counts[dead] = await self._described(dead)
                await self._serve(group, topic, dead, run, stop)
            except Exception as error:
                log.warning("bus.group-failed", group=group, topic=topic, why=describe(error))
                await unless(stop, asyncio.sleep(1))

    async def _serve(self, group: str, topic: str, dead: str, run: RunOwned, stop: asyncio.Event) -> None:
        consumer = self._consumer(
            group_id=group,
            partition_assignment_strategy=(_range.RangePartitionAssignor,),
            # A member that is told to give partitions up finishes what it has in hand first.
            rebalance_timeout_ms=30_000,
        )

        def owned(partition: int, lost: asyncio.Event) -> Owned:
            return Owned(KafkaReader(consumer, topic, partition), KafkaReader(consumer, dead, partition), lost)

        holdings = Holdings(group, topic, owned, run)
        try:
            await consumer.start()
            consumer.subscribe([topic, dead], listener=_Listener(topic, holdings))
            await stop.wait()
            await holdings.end(holdings.partitions())
        finally:
            await holdings.abandon()
            await consumer.stop()

    @asynccontextmanager
    async def watch(self, topics: Sequence[str], start: Start) -> AsyncGenerator[Sequence[Reader]]:
        """Readers of all partitions of `topics`, positioned at `start`, outside any group."""
        places = [(topic, partition) for topic in topics for partition in range(await self.partitions(topic))]
        consumer = self._consumer(group_id=None)
        try:
            await consumer.start()
            consumer.assign([_kafka.TopicPartition(topic, partition) for topic, partition in places])
            readers = [KafkaReader(consumer, topic, partition) for topic, partition in places]
            # All at once: each question waits behind a fetch that the broker holds open for half a second.
            for reader, offset in zip(readers, await asyncio.gather(*(r.find(start) for r in readers)), strict=True):
                await reader.seek(offset)
            yield readers
        finally:
            await consumer.stop()


class _Listener(_kafka.ConsumerRebalanceListener):
    """Begins and ends work as the group's coordinator gives and takes partitions."""

    def __init__(self, topic: str, holdings: Holdings) -> None:
        self._topic = topic
        self._holdings = holdings

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Finish and commit what is in hand; only then may another member begin."""
        await self._holdings.end([place.partition for place in revoked if place.topic == self._topic])

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Begin."""
        for place in assigned:
            if place.topic == self._topic and place.partition not in self._holdings:
                self._holdings.begin(place.partition)


class KafkaReader:
    """Implements `GroupReader` over a consumer; several readers share one."""

    def __init__(self, consumer: Any, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self._consumer = consumer
        self._place = _kafka.TopicPartition(topic, partition)

    async def seek(self, offset: int) -> None:
        """Let the next `read` begin at `offset`."""
        self._consumer.seek(self._place, offset)

    async def find(self, start: Start) -> int:
        """Return the offset that `start` stands for."""
        if start == "earliest":
            return int((await self._consumer.beginning_offsets([self._place]))[self._place])
        if isinstance(start, datetime):
            found = await self._consumer.offsets_for_times({self._place: int(start.timestamp() * 1000)})
            if found[self._place] is not None:
                return int(found[self._place].offset)
        return int((await self._consumer.end_offsets([self._place]))[self._place])

    async def read(self, limit: int, wait_s: float) -> list[Record]:
        """Return up to `limit` records in order; none if none came within `wait_s` seconds."""
        taken = await self._consumer.getmany(self._place, timeout_ms=int(wait_s * 1000), max_records=limit)
        return [
            Record(
                topic=self.topic,
                partition=self.partition,
                offset=record.offset,
                key=(record.key or b"").decode(),
                value=record.value or b"",
                headers={name: text.decode() for name, text in record.headers},
                appended_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            )
            for record in taken.get(self._place, ())
        ]

    async def committed(self) -> int | None:
        """Return the offset at which the group goes on; None if it has never been here."""
        found = await self._consumer.committed(self._place)
        return None if found is None else int(found)

    async def commit(self, offset: int) -> None:
        """Remember that everything before `offset` is done."""
        await self._consumer.commit({self._place: offset})


@contextlib.contextmanager
def _away() -> Any:
    """Turn errors of a broker that cannot be reached, or cannot take a request now, into `BusAway`."""
    try:
        yield
    except (_errors.KafkaError, OSError, TimeoutError) as error:
        if not getattr(error, "retriable", True):
            raise
        raise BusAway(describe(error)) from error
