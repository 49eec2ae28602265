"""The embedded PostgreSQL starts again after it was killed, whatever has the number of its old process now."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kit.embedded.postgres import EmbeddedPostgres
from tests.support import wait


def answers(server: EmbeddedPostgres) -> bool:
    """Whether the server answers a query."""

    async def ask() -> bool:
        engine = create_async_engine(server.url("postgres"), poolclass=NullPool)
        async with engine.connect() as connection:
            found = await connection.execute(text("SELECT 1"))
        await engine.dispose()
        return found.scalar_one() == 1

    return asyncio.run(ask())


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the socket."""
    with tempfile.TemporaryDirectory(prefix="df-pg-", ignore_cleanup_errors=True) as made:
        yield Path(made) / "postgres"


@pytest.mark.slow
def test_a_pid_file_with_a_dead_or_strange_process_does_not_stop_the_next_start(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    assert answers(server)
    file = folder / "postmaster.pid"
    socket_lock = next(folder.glob(".s.PGSQL.*.lock"))
    written, locked = file.read_text().splitlines(), socket_lock.read_text().splitlines()
    server.stop()
    # A process that has ended and that nobody has asked for its end: a zombie, as a killed server is for a while.
    ended = subprocess.Popen([sys.executable, "-c", ""])
    wait.until_sync(lambda: _state(ended.pid) == "Z", seconds=10, what="it has ended")
    try:
        for number in (ended.pid, os.getpid()):
            file.write_text("\n".join([str(number), *written[1:]]) + "\n")
            socket_lock.write_text("\n".join([str(number), *locked[1:]]) + "\n")
            again = EmbeddedPostgres(folder)
            again.start()
            try:
                assert answers(again)
            finally:
                again.stop()
    finally:
        ended.wait()


@pytest.mark.slow
def test_a_running_server_is_attached_to(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    before = (folder / "postmaster.pid").read_text().splitlines()[0]
    attached = EmbeddedPostgres(folder)
    attached.start()
    assert (folder / "postmaster.pid").read_text().splitlines()[0] == before
    assert answers(attached)
    os.kill(int(before), signal.SIGINT)
    wait.until_sync(lambda: not (folder / "postmaster.pid").exists(), seconds=20, what="the server has stopped")
    server.stop()


def _state(pid: int) -> str:
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
