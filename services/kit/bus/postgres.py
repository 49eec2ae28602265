"""A log in a PostgreSQL database of its own: the embedded broker. Behaves like Kafka, needs nothing but the database.

Offsets of a partition are given out under a transaction's advisory lock, so that they become visible in order and
readers never see a gap. A process has at most three connections: two for work, one session that holds its partitions.
"""

import asyncio
import json
import uuid
import zlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.kit.bus.consumer import unless
from services.kit.bus.failures import describe, is_passing
from services.kit.bus.message import BusAway, Message, Record, Start, dead_letter_topic
from services.kit.bus.port import GroupReader, Owned, Reader, RunOwned
from services.kit.bus.postgres_group import Membership
from services.kit.bus.postgres_session import MESSAGES_CHANNEL, SessionKeeper, create_schema, lock_key
from services.kit.clock import Clock, SystemClock

log = structlog.get_logger("factory.bus")

PARTITIONS = 4
_TRIES = 3
_PAGE_BYTES = 8 * 1024 * 1024

_INSERT = """INSERT INTO messages (topic, partition, "offset", key, value, headers, appended_at)
    SELECT :topic, :partition, CAST(:first AS bigint) + n - 1, k, v, CAST(h AS jsonb), :at
    FROM unnest(CAST(:keys AS text[]), CAST(:contents AS bytea[]), CAST(:headers AS text[]))
    WITH ORDINALITY AS m(k, v, h, n)"""
# A page is bounded in bytes too: messages are small, but one may have a megabyte.
_SELECT = """SELECT "offset", key, value, headers, appended_at FROM (
        SELECT "offset", key, value, CAST(headers AS text) AS headers, appended_at,
            sum(octet_length(value)) OVER (ORDER BY "offset") - octet_length(value) AS before
        FROM (SELECT * FROM messages WHERE topic = :topic AND partition = :partition AND "offset" >= :first
              ORDER BY "offset" LIMIT :limit) AS page) AS sized
    WHERE before < :bytes ORDER BY "offset" """
# A lost commit of an offset is only a repeated delivery: not worth waiting for the disk.
_COMMIT = """WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO offsets AS known (group_name, topic, partition, "offset")
    SELECT CAST(:group AS text), CAST(:topic AS text), CAST(:partition AS integer), CAST(:offset AS bigint) FROM relaxed
    ON CONFLICT (group_name, topic, partition) DO UPDATE SET "offset" = greatest(known."offset", excluded."offset")"""
_CLAIM = """INSERT INTO producers AS known (id, sequence, seen_at) VALUES (:id, :sequence, :at)
    ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, seen_at = excluded.seen_at
    WHERE known.sequence < excluded.sequence RETURNING id"""


class PostgresLog:
    """Implements `services.kit.bus.port.Log` at `pglog+postgresql+asyncpg://…[?partitions=n]`."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        parsed = make_url(url.removeprefix("pglog+"))
        self._partitions = int(str(parsed.query.get("partitions", PARTITIONS)))
        parsed = parsed.difference_update_query(["partitions"])
        self._clock = clock or SystemClock()
        self._engine: AsyncEngine = create_async_engine(parsed, pool_size=1, max_overflow=1, pool_timeout=30)
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._keeper = SessionKeeper(parsed, self._learn_heads)
        self._heads: dict[tuple[str, int], int] = {}
        self._heads_moved = asyncio.Event()
        self._counts: dict[str, int] = {}
        self._schema_made = False
        self._turn = asyncio.Lock()
        self._producer = uuid.uuid4()
        self._sequence = 0
        self._consuming: set[tuple[str, str]] = set()

    async def start(self) -> None:
        """Nothing to do: connections are opened when they are needed."""

    async def close(self) -> None:
        """Close all connections."""
        await self._keeper.close()
        await self._engine.dispose()

    async def ready(self) -> None:
        """Raise unless the database answers."""
        await self._ensure_schema()
        await self.rows("SELECT 1")

    async def _ensure_schema(self) -> None:
        if self._schema_made:
            return
        async with self._engine.begin() as connection:
            await create_schema(connection)
        self._schema_made = True

    async def rows(self, statement: str, **values: Any) -> Sequence[Any]:
        """Run one statement in a transaction of its own and return its rows."""
        async with self._reading.connect() as connection:
            result = await connection.execute(text(statement), values)
            return result.all() if result.returns_rows else ()

    async def partitions(self, topic: str) -> int:
        """Return how many partitions `topic` has; create it if it does not exist."""
        return await self._partitions_as(topic, self._partitions)

    async def _partitions_as(self, topic: str, wanted: int) -> int:
        if topic not in self._counts:
            await self._ensure_schema()
            found = await self.rows("SELECT partitions FROM topics WHERE name = :t", t=topic)
            if not found:
                async with self._engine.begin() as connection:
                    await connection.execute(
                        text("INSERT INTO topics VALUES (:t, :n, :at) ON CONFLICT DO NOTHING"),
                        {"t": topic, "n": wanted, "at": self._clock.now()},
                    )
                    await connection.execute(
                        text("""INSERT INTO partitions (topic, partition)
                            SELECT name, generate_series(0, partitions - 1) FROM topics WHERE name = :t
                            ON CONFLICT DO NOTHING"""),
                        {"t": topic},
                    )
                found = await self.rows("SELECT partitions FROM topics WHERE name = :t", t=topic)
            self._counts[topic] = int(found[0][0])
        return self._counts[topic]

    def partition_of(self, key: str, partitions: int) -> int:
        """Return the partition of `key`."""
        return zlib.crc32(key.encode()) % partitions

    async def topics(self) -> list[str]:
        """Return the names of all topics."""
        await self._ensure_schema()
        return [row[0] for row in await self.rows("SELECT name FROM topics ORDER BY name")]

    async def append(self, messages: Sequence[Message], partition: int | None = None) -> None:
        """Append durably; a repetition after a lost connection is recognised. Raises `BusAway`."""
        # One batch at a time: the database recognises only the last one of a producer.
        async with self._turn:
            self._sequence += 1
            for tries in range(1, _TRIES + 1):
                try:
                    await self._append(messages, partition)
                    return
                except Exception as error:
                    if not is_passing(error):
                        raise
                    if tries == _TRIES:
                        raise BusAway(describe(error)) from error
                await asyncio.sleep(0.1 * tries)

    async def _append(self, messages: Sequence[Message], partition: int | None) -> None:
        batches: dict[tuple[str, int], list[Message]] = defaultdict(list)
        for message in messages:
            count = await self.partitions(message.topic)
            where = self.partition_of(message.key, count) if partition is None else partition
            batches[message.topic, where].append(message)
        heads: dict[tuple[str, int], int] = {}
        async with self._engine.begin() as connection:
            values = {"id": self._producer, "sequence": self._sequence, "at": self._clock.now()}
            if (await connection.execute(text(_CLAIM), values)).first() is None:
                return
            # In one order everywhere, or two producers could wait for each other.
            for (topic, where), batch in sorted(batches.items(), key=lambda item: item[0]):
                heads[topic, where] = await self._append_batch(connection, topic, where, batch)
            await connection.execute(text("SELECT pg_notify(:c, '')"), {"c": MESSAGES_CHANNEL})
        self._learn_heads([(topic, where, head) for (topic, where), head in heads.items()])

    async def _append_batch(self, connection: AsyncConnection, topic: str, partition: int, batch: list[Message]) -> int:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": lock_key("append", topic, partition)})
        moved = await connection.execute(
            text(
                """UPDATE partitions SET next_offset = next_offset + :n WHERE topic = :t AND partition = :p
                RETURNING next_offset"""
            ),
            {"n": len(batch), "t": topic, "p": partition},
        )
        head = int(moved.scalar_one())
        values = {
            "topic": topic,
            "partition": partition,
            "first": head - len(batch),
            "at": self._clock.now(),
            "keys": [message.key for message in batch],
            "contents": [message.value for message in batch],
            "headers": [json.dumps(dict(message.headers)) for message in batch],
        }
        await connection.execute(text(_INSERT), values)
        return head

    async def own(self, group: str, topic: str, run: RunOwned, stop: asyncio.Event) -> None:
        """Share the partitions of `topic` with the group's other members until `stop`."""
        if (group, topic) in self._consuming:
            raise ValueError(f"this process consumes {topic} for {group} already")
        self._consuming.add((group, topic))
        try:
            while not stop.is_set():
                try:
                    count = await self.partitions(topic)
                    dead = dead_letter_topic(group, topic)
                    await self._partitions_as(dead, count)
                    session = await unless(stop, self._keeper.session())
                    if session is None:
                        return

                    def owned(partition: int, lost: asyncio.Event, dead: str = dead) -> Owned:
                        return Owned(self.reader(topic, partition, group), self.reader(dead, partition, group), lost)

                    await Membership(session, group, topic, count, owned, run).serve(stop)
                except Exception as error:
                    log.warning("bus.group-failed", group=group, topic=topic, why=describe(error))
                    await unless(stop, asyncio.sleep(0.2))
        finally:
            self._consuming.discard((group, topic))

    @asynccontextmanager
    async def watch(self, topics: Sequence[str], start: Start) -> AsyncGenerator[Sequence[Reader]]:
        """Readers of all partitions of `topics`, positioned at `start`, outside any group."""
        await self._keeper.session()
        readers: list[Reader] = []
        for topic in topics:
            for partition in range(await self.partitions(topic)):
                reader = self.reader(topic, partition)
                await reader.seek(await reader.find(start))
                readers.append(reader)
        yield readers

    def reader(self, topic: str, partition: int, group: str = "") -> GroupReader:
        """Return a reader of one partition that commits for `group`."""
        return PartitionReader(self, topic, partition, group)

    def _learn_heads(self, heads: Sequence[Any]) -> None:
        moved = False
        for topic, partition, head in heads:
            if head > self._heads.get((topic, partition), 0):
                self._heads[topic, partition] = head
                moved = True
        if moved:
            self._heads_moved.set()
            self._heads_moved = asyncio.Event()

    async def beyond(self, topic: str, partition: int, offset: int, wait_s: float) -> bool:
        """Wait until the partition is known to hold `offset`; False if that takes longer than `wait_s`."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while self._heads.get((topic, partition), 0) <= offset:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self._heads_moved.wait(), left)
            except TimeoutError:
                return False
        return True


class PartitionReader:
    """Implements `GroupReader` over the tables."""

    def __init__(self, broker: PostgresLog, topic: str, partition: int, group: str) -> None:
        self.topic = topic
        self.partition = partition
        self._broker = broker
        self._group = group
        self._position = 0

    async def seek(self, offset: int) -> None:
        """Let the next `read` begin at `offset`."""
        self._position = offset

    async def find(self, start: Start) -> int:
        """Return the offset that `start` stands for."""
        where = {"t": self.topic, "p": self.partition}
        if start == "earliest":
            query = 'SELECT min("offset") FROM messages WHERE topic = :t AND partition = :p'
            found = (await self._broker.rows(query, **where))[0][0]
            return 0 if found is None else int(found)
        if isinstance(start, datetime):
            query = 'SELECT min("offset") FROM messages WHERE topic = :t AND partition = :p AND appended_at >= :at'
            found = (await self._broker.rows(query, **where, at=start))[0][0]
            if found is not None:
                return int(found)
        query = "SELECT next_offset FROM partitions WHERE topic = :t AND partition = :p"
        return int((await self._broker.rows(query, **where))[0][0])

    async def read(self, limit: int, wait_s: float) -> list[Record]:
        """Return up to `limit` records in order; none if none came within `wait_s` seconds."""
        if not await self._broker.beyond(self.topic, self.partition, self._position, wait_s):
            return []
        found = await self._broker.rows(
            _SELECT,
            topic=self.topic,
            partition=self.partition,
            first=self._position,
            limit=limit,
            bytes=_PAGE_BYTES,
        )
        records = [
            Record(self.topic, self.partition, offset, key, bytes(value), json.loads(headers), appended_at)
            for offset, key, value, headers, appended_at in found
        ]
        if records:
            self._position = records[-1].offset + 1
        return records

    async def committed(self) -> int | None:
        """Return the offset at which the group goes on; None if it has never been here."""
        query = 'SELECT "offset" FROM offsets WHERE group_name = :g AND topic = :t AND partition = :p'
        found = await self._broker.rows(query, g=self._group, t=self.topic, p=self.partition)
        return int(found[0][0]) if found else None

    async def commit(self, offset: int) -> None:
        """Remember that everything before `offset` is done; never goes back."""
        await self._broker.rows(_COMMIT, group=self._group, topic=self.topic, partition=self.partition, offset=offset)
