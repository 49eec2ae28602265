"""One PostgreSQL for the whole run; each test gets databases copied from templates."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kit import schema
from services.kit.embedded.postgres import EmbeddedPostgres
from services.kit.service import Service

MakeDatabase = Callable[[str], Awaitable[str]]


class TestPostgres:
    """Makes databases: empty, or a copy of a service's migrated template."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder)
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    def start(self) -> None:
        self.server.start()
        # Nobody needs these databases after a power cut; without syncing, making and dropping them is quick.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            asyncio.run(self._execute(f"ALTER SYSTEM SET {setting} = off"))
        asyncio.run(self._execute("SELECT pg_reload_conf()"))

    def stop(self) -> None:
        self.server.stop()

    async def _execute(self, statement: str) -> None:
        engine = create_async_engine(self.server.url("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()

    async def empty(self, name: str = "scratch") -> str:
        """Create an empty database and return its URL."""
        database = f"{name}_{next(self._numbers)}"
        await self._execute(f'CREATE DATABASE "{database}"')
        return self.server.url(database)

    async def of(self, service: Service) -> str:
        """Return the URL of a fresh database with the schema of `service`."""
        template = self._templates.get(service.name)
        if template is None:
            template = f"template_{service.name}"
            await self._execute(f'CREATE DATABASE "{template}"')
            await schema.upgrade(service, self.server.url(template))
            self._templates[service.name] = template
        database = f"{service.name}_{next(self._numbers)}"
        await self._execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.server.url(database)
