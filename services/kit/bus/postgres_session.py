"""The one connection with which a process holds its partitions and hears of news, and the schema of the log."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from services.kit.bus.failures import describe

log = structlog.get_logger("factory.bus")

MESSAGES_CHANNEL = "factory_messages"
GROUPS_CHANNEL = "factory_groups"
POLL_S = 1.0
"""How long news stay unseen at most when a notification is missed."""
_LONGEST_PAUSE_S = 2.0

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS topics (
        name text PRIMARY KEY, partitions integer NOT NULL CHECK (partitions > 0), created_at timestamptz NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS partitions (
        topic text NOT NULL REFERENCES topics, partition integer NOT NULL, next_offset bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (topic, partition))""",
    """CREATE TABLE IF NOT EXISTS messages (
        topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL, key text NOT NULL,
        value bytea NOT NULL, headers jsonb NOT NULL, appended_at timestamptz NOT NULL,
        PRIMARY KEY (topic, partition, "offset"))""",
    "CREATE INDEX IF NOT EXISTS messages_by_time ON messages (topic, partition, appended_at)",
    """CREATE TABLE IF NOT EXISTS offsets (
        group_name text NOT NULL, topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
        PRIMARY KEY (group_name, topic, partition))""",
    # The last batch of each producer: a batch sent again after a lost answer is recognised and not appended twice.
    """CREATE TABLE IF NOT EXISTS producers (
        id uuid PRIMARY KEY, sequence bigint NOT NULL, seen_at timestamptz NOT NULL)""",
)


def lock_key(*parts: object) -> int:
    """Return the advisory lock number (signed, 64 bits) that stands for `parts`."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def create_schema(connection: AsyncConnection) -> None:
    """Create what is missing, one process at a time."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": lock_key("schema")})
    for statement in SCHEMA:
        await connection.execute(text(statement))


class Session:
    """A live connection that holds advisory locks; `lost` is set when it, and with it every lock, is gone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self.lost = asyncio.Event()
        self.groups_changed = asyncio.Event()
        self.messages_came = asyncio.Event()

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Run one statement and return its rows."""

        async def run() -> list[Any]:
            async with self._turn:
                return list((await self._connection.execute(text(statement), values)).all())

        try:
            # Cancelling a statement closes its connection, and with it every lock of this process.
            return await asyncio.shield(run())
        except Exception:
            if self._connection.invalidated or self._connection.closed:
                self.lost.set()
            raise

    async def try_lock(self, key: int) -> bool:
        """Take the lock `key` if nobody has it."""
        return bool((await self.rows("SELECT pg_try_advisory_lock(:k)", k=key))[0][0])

    async def unlock(self, key: int) -> None:
        """Give the lock `key` back."""
        await self.rows("SELECT pg_advisory_unlock(:k)", k=key)

    async def join(self, key: int) -> None:
        """Become one of those who share the lock `key`, and tell the others."""
        await self.rows("SELECT pg_advisory_lock_shared(:k)", k=key)
        await self.tell_groups()

    async def leave(self, key: int) -> None:
        """Undo `join`."""
        await self.rows("SELECT pg_advisory_unlock_shared(:k)", k=key)
        await self.tell_groups()

    async def members(self, key: int) -> int:
        """Return how many sessions share the lock `key`."""
        rows = await self.rows(
            """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
                AND mode = 'ShareLock' AND ((classid::bigint << 32) | objid::bigint) = :k
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
            k=key,
        )
        return max(1, int(rows[0][0]))

    async def tell_groups(self) -> None:
        """Let other members look at once whether there is something to take or to give."""
        await self.rows("SELECT pg_notify(:c, '')", c=GROUPS_CHANNEL)


class SessionKeeper:
    """Keeps one `Session` open while the log is in use, and opens a new one after an outage."""

    def __init__(self, url: URL, on_heads: Callable[[list[Any]], None]) -> None:
        self._engine: AsyncEngine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._on_heads = on_heads
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._changed = asyncio.Event()

    async def session(self) -> Session:
        """Return the open session; wait for it."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="pglog:session")
        while self._session is None:
            await self._changed.wait()
        return self._session

    async def close(self) -> None:
        """Close the session; the server frees its locks."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._engine.dispose()

    async def _keep(self) -> None:
        pause = 0.1
        while True:
            try:
                async with self._engine.connect() as connection:
                    session = Session(connection)
                    await self._listen(connection, session)
                    self._on_heads(await self._heads(session))
                    self._session = session
                    self._changed.set()
                    pause = 0.1
                    await self._follow(session)
            except Exception as error:
                log.warning("bus.session-lost", why=describe(error), again_in_s=pause)
            finally:
                if self._session is not None:
                    self._session.lost.set()
                    self._session = None
                    self._changed.clear()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _listen(self, connection: AsyncConnection, session: Session) -> None:
        raw: Any = (await connection.get_raw_connection()).driver_connection

        def gone(_connection: Any) -> None:
            session.lost.set()

        def notified(_connection: Any, _pid: int, channel: str, _payload: str) -> None:
            (session.messages_came if channel == MESSAGES_CHANNEL else session.groups_changed).set()

        raw.add_termination_listener(gone)
        for channel in (MESSAGES_CHANNEL, GROUPS_CHANNEL):
            await raw.add_listener(channel, notified)

    async def _follow(self, session: Session) -> None:
        while not session.lost.is_set():
            lost = asyncio.create_task(session.lost.wait())
            news = asyncio.create_task(session.messages_came.wait())
            try:
                await asyncio.wait((lost, news), timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
            finally:
                lost.cancel()
                news.cancel()
            session.messages_came.clear()
            async with asyncio.timeout(10):
                self._on_heads(await self._heads(session))
        raise ConnectionError("the connection was closed")

    async def _heads(self, session: Session) -> list[Any]:
        return await session.rows("SELECT topic, partition, next_offset FROM partitions")
