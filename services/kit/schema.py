"""Brings a service's database to the schema of its code: Alembic, one line of revisions a service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kit.service import Service

# Any number will do, as long as every process takes the same.
_LOCK = 7_341_001


def _config(versions: Path, connection: Connection, metadata: MetaData) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(versions))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


async def _run(service: Service, url: str, act: Callable[[Config], Any]) -> None:
    engine = create_async_engine(url.replace("{service}", service.name), poolclass=NullPool)

    def locked(connection: Connection) -> None:
        # Several processes may start at once; one migrates, the others wait and find it done.
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
        act(_config(service.migrations, connection, service.metadata))

    try:
        async with engine.begin() as connection:
            await connection.run_sync(locked)
    finally:
        await engine.dispose()


async def upgrade(service: Service, url: str) -> None:
    """Apply every revision that is missing."""
    await _run(service, url, lambda config: command.upgrade(config, "head"))


async def check(service: Service, url: str) -> None:
    """Raise when the tables of the code differ from those of the revisions (on an upgraded database)."""
    await _run(service, url, command.check)


async def revise(service: Service, url: str, message: str, revision_id: str) -> None:
    """Write a revision for what the code has and the database has not."""
    await _run(
        service, url, lambda config: command.revision(config, message=message, autogenerate=True, rev_id=revision_id)
    )
