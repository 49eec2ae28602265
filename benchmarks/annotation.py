"""Annotation under load: fifty annotators at once claim, save and submit, against the bare rows of the same work.

Ours is the whole service, in this process: requests, tokens, permits, sealed rows, facts in the outbox. The peer writes
no more than the rows that such a service cannot do without, on the same PostgreSQL (which syncs to disk): a place is
taken with SKIP LOCKED, a draft is written, a submission is counted. Access and the catalogue are played. Every round
counts what was given to whom: once more than the overlap, or twice to one person, and it fails.
"""

import asyncio
import itertools
import os
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx

from benchmarks.measure import ROUNDS, Ratio, compare
from services.kit import schema
from services.kit.app import service_app
from services.kit.embedded.postgres import EmbeddedPostgres
from services.kit.settings import Settings
from services.kit.telemetry import configure_logging
from tests.annotation.fake_access import FakeAccess
from tests.annotation.fake_catalog import FakeCatalog
from tests.annotation.support import SERVICE, Databases, Person, World, annotation_context, mark
from tests.support.clock import ManualClock

PEOPLE = 50
ITEMS = 150
OVERLAP = 2
FILES = {f"{n:05}.png": b"" for n in range(ITEMS)}
# One for each of ours, so that they meet at the rows and not at the pool; the peer is given what the server has left.
CONNECTIONS = PEOPLE
PEER_CONNECTIONS = 40


def run() -> list[Ratio]:
    """Measure claim + save + submit a second."""
    configure_logging(Settings(log_level="ERROR"))
    with tempfile.TemporaryDirectory(prefix="df-bench-", ignore_cleanup_errors=True) as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        postgres.start()
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(_measure(postgres, Path(folder), loop))
        finally:
            loop.close()
            postgres.stop()


async def _measure(postgres: EmbeddedPostgres, folder: Path, loop: asyncio.AbstractEventLoop) -> list[Ratio]:
    for name in ("annotation", "bus", "peer"):
        await postgres.ensure_database(name)
    await schema.upgrade(SERVICE, postgres.url("annotation"))
    urls = Databases(postgres.url("annotation"), postgres.url("bus"))
    peer = Peer(postgres.url("peer").replace("+asyncpg", ""))
    async with _world(urls, folder) as world, peer:
        # What is measured is work, not the opening of campaigns.
        campaigns = [await world.campaign(FILES, annotators=_people(world), overlap=OVERLAP) for _ in range(ROUNDS + 1)]

        def ours() -> float:
            return asyncio.run_coroutine_threadsafe(_round(world, campaigns.pop()), loop).result()

        def bare() -> float:
            return asyncio.run_coroutine_threadsafe(peer.round(), loop).result()

        name = f"{PEOPLE} annotators: claim+save+submit / bare rows"
        return [await asyncio.to_thread(compare, name, "tasks/s", ours, bare)]


@asynccontextmanager
async def _world(urls: Databases, folder: Path) -> AsyncGenerator[World]:
    clock = ManualClock()
    access = FakeAccess(clock)
    catalog = FakeCatalog(access)
    async with annotation_context(
        urls, folder, clock, access, catalog, database_pool=CONNECTIONS, database_overflow=0
    ) as ctx:
        app = service_app(SERVICE, ctx)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://annotation") as client:
            yield World(ctx, app, client, access, catalog, clock, urls, folder)


def _people(world: World) -> list[Person]:
    return [world.person(f"annotator {n}") for n in range(PEOPLE)]


async def _round(world: World, campaign_id: str) -> float:
    """Let everybody work until nothing is left; return how many tasks were done."""
    given: list[tuple[str, object]] = []

    async def work(person: Person) -> None:
        while task := await person.claim(campaign_id):
            given.append((task["item"]["path"], person.id))
            await person.submit(task, mark("cat"))

    await asyncio.gather(*map(work, _people(world)))
    _check(given)
    return len(given)


def _check(given: list[tuple[str, object]]) -> None:
    """Fail if anything was given to somebody twice, or to more people than it may."""
    if len(set(given)) != len(given) or Counter(path for path, _who in given) != {path: OVERLAP for path in FILES}:
        raise AssertionError("an item was given twice beyond its overlap")


class Peer:
    """The same work as rows alone."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._rounds = itertools.count()

    async def __aenter__(self) -> None:
        self._pool = await asyncpg.create_pool(self._url, min_size=PEER_CONNECTIONS, max_size=PEER_CONNECTIONS)
        await self._pool.execute(
            """CREATE TABLE item (id serial PRIMARY KEY, round int, free int, submitted int NOT NULL DEFAULT 0);
            CREATE INDEX ON item (round, id) WHERE free > 0;
            CREATE TABLE task (item int REFERENCES item, person int, state text, draft bytea,
                PRIMARY KEY (item, person))
            """
        )

    async def __aexit__(self, *error: object) -> None:
        await self._pool.close()

    async def round(self) -> float:
        """Let everybody work until nothing is left; return how many tasks were done."""
        number = next(self._rounds)
        rows = [(number, OVERLAP)] * ITEMS
        await self._pool.executemany("INSERT INTO item (round, free) VALUES ($1, $2)", rows)
        done = await asyncio.gather(*(self._work(number, person) for person in range(PEOPLE)))
        assert sum(done) == ITEMS * OVERLAP
        return sum(done)

    async def _work(self, number: int, person: int) -> int:
        draft = os.urandom(120)
        for done in itertools.count():
            item = await self._claim(number, person)
            if item is None:
                return done
            await self._pool.execute("UPDATE task SET draft = $3 WHERE item = $1 AND person = $2", item, person, draft)
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("UPDATE item SET submitted = submitted + 1 WHERE id = $1", item)
                await connection.execute(
                    "UPDATE task SET state = 'submitted' WHERE item = $1 AND person = $2", item, person
                )
        raise AssertionError("unreachable")

    async def _claim(self, number: int, person: int) -> int | None:
        taken = """UPDATE item SET free = free - 1 WHERE id = (
            SELECT id FROM item WHERE round = $1 AND free > 0
            AND NOT EXISTS (SELECT FROM task WHERE task.item = item.id AND person = $2)
            ORDER BY id LIMIT 1 FOR UPDATE {}) RETURNING id"""
        async with self._pool.acquire() as connection, connection.transaction():
            item = await connection.fetchval(taken.format("SKIP LOCKED"), number, person)
            item = item or await connection.fetchval(taken.format(""), number, person)
            if item is not None:
                await connection.execute("INSERT INTO task VALUES ($1, $2, 'claimed')", item, person)
            return item
