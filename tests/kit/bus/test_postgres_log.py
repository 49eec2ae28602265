"""What only the PostgreSQL log can show: how few connections it takes, and that it lives through losing them."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kit.bus import Bus, BusAway, Message, Record, make_bus
from tests.support.postgres import TestPostgres
from tests.support.wait import until

TOPIC = "factory.test.v1"


def numbered(*numbers: int, key: str = "k") -> list[Message]:
    return [Message(TOPIC, key, str(n).encode()) for n in numbers]


@dataclass
class Log:
    url: str

    async def sql(self, statement: str) -> Any:
        engine = create_async_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                return (await connection.execute(text(statement))).scalars().all()
        finally:
            await engine.dispose()

    async def connections(self) -> int:
        found = await self.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return found[0]

    async def cut_connections(self) -> None:
        await self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def process(self) -> Bus:
        return make_bus(f"pglog+{self.url}")


@pytest.fixture
async def log(postgres: TestPostgres) -> Log:
    return Log(await postgres.empty("bus"))


class Consumer:
    """A consumer that can be stopped."""

    def __init__(self, bus: Bus, group: str = "g") -> None:
        self.values: list[int] = []
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(bus.consume(group, [TOPIC], self.handle, stop=self.stop))

    async def handle(self, record: Record) -> None:
        self.values.append(int(record.value))

    async def end(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, 15)


async def test_a_process_takes_three_connections_however_much_it_does(log: Log) -> None:
    bus = log.process()
    consumers = [Consumer(bus, f"group-{n}") for n in range(6)]
    most = 0
    for n in range(20):
        await asyncio.gather(*(bus.publish(numbered(n, key=f"key-{k}")) for k in range(6)))
        most = max(most, await log.connections())
    await until(lambda: all(len(consumer.values) == 120 for consumer in consumers), seconds=20)
    most = max(most, await log.connections())
    for consumer in consumers:
        await consumer.end()
    await bus.close()
    assert 1 < most <= 3
    assert await log.connections() == 0


async def test_one_that_only_publishes_keeps_no_session(log: Log) -> None:
    bus = log.process()
    await bus.publish(numbered(1))
    assert await log.connections() == 1
    await bus.close()


async def test_cut_connections_are_made_again_and_no_message_is_lost_or_doubled(log: Log) -> None:
    publisher, worker = log.process(), log.process()
    consumer = Consumer(worker)
    for n in range(6):
        await publisher.publish(numbered(n))
        await until(lambda: n in consumer.values, seconds=20)  # noqa: B023
        await log.cut_connections()
    await publisher.publish(numbered(6))
    await until(lambda: 6 in consumer.values, seconds=20)
    await consumer.end()
    assert sorted(set(consumer.values)) == [*range(7)]
    # Nothing was handled out of order either, though an uncommitted message may have come twice.
    assert consumer.values == sorted(consumer.values)
    await publisher.close()
    await worker.close()
    assert await log.sql("SELECT count(*) FROM messages WHERE topic = 'factory.test.v1'") == [7]


async def test_a_batch_whose_answer_was_lost_is_not_appended_twice(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.kit.bus.postgres import PostgresLog

    broker = PostgresLog(f"pglog+{log.url}")
    inner = broker._append  # pyright: ignore[reportPrivateUsage]
    losses = [1, 1]

    async def lose_the_answer(*arguments: Any) -> None:
        await inner(*arguments)
        if losses:
            losses.pop()
            raise ConnectionResetError

    monkeypatch.setattr(broker, "_append", lose_the_answer)
    await broker.append(numbered(1, 2))
    await broker.append(numbered(3))
    await broker.close()
    assert await log.sql("SELECT convert_from(value, 'UTF8') FROM messages ORDER BY \"offset\"") == ["1", "2", "3"]


async def test_many_processes_may_start_on_an_empty_database_at_once(log: Log) -> None:
    buses = [log.process() for _ in range(8)]
    await asyncio.gather(*(bus.publish(numbered(n)) for n, bus in enumerate(buses)))
    for bus in buses:
        await bus.close()
    assert await log.sql("SELECT count(*) FROM messages") == [8]
    assert await log.sql("SELECT count(*) FROM topics") == [1]


async def test_a_process_does_not_consume_a_topic_twice_for_a_group(log: Log) -> None:
    bus = log.process()
    consumer = Consumer(bus)
    await bus.publish(numbered(0))
    await until(lambda: consumer.values == [0])
    with pytest.raises(BaseExceptionGroup) as raised:
        await bus.consume("g", [TOPIC], consumer.handle, stop=consumer.stop)
    assert raised.group_contains(ValueError, match="already")
    await consumer.end()
    await bus.close()


async def in_a_process(what: str, folder: Path) -> str:
    """Start or stop a server on `folder` from a process of its own, as `make up` and `make down` do; return its URL."""
    code = (
        "import sys; from pathlib import Path; from services.kit.embedded.postgres import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[2])); server.start(); print(server.url('postgres'));"
        "sys.argv[1] == 'stop' and server.stop()"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, what, str(folder), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    assert child.returncode == 0
    return output.decode().split()[-1]


@pytest.fixture
async def server_folder() -> AsyncIterator[Path]:
    # A short path: the socket lies in the folder then, and is at the same place after a restart.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "pg"
        await in_a_process("stop", Path(folder) / "pg")


@pytest.mark.slow
async def test_a_server_that_stops_and_comes_back_is_waited_for(server_folder: Path) -> None:
    bus = make_bus(f"pglog+{await in_a_process('start', server_folder)}")
    consumer = Consumer(bus)
    await bus.publish(numbered(0))
    await until(lambda: consumer.values == [0], seconds=20)
    await in_a_process("stop", server_folder)
    with pytest.raises(BusAway):
        await bus.publish(numbered(1))
    with pytest.raises((OSError, BusAway)):
        await bus.ready()
    await in_a_process("start", server_folder)

    async def publishes() -> bool:
        with suppress(BusAway):
            await bus.publish(numbered(1))
            return True
        return False

    await until(publishes, seconds=20)
    await until(lambda: consumer.values == [0, 1], seconds=20)
    await consumer.end()
    await bus.close()
