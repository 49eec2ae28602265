"""A process of the service is killed in the middle of a run: another goes on, and does nothing again that was done."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI

from services.deid.runs import repository
from services.deid.runs.sealing import open_names
from services.deid.sources.keys import keys_of
from tests.deid.support import SEALER_KEY, World
from tests.support.wait import until

ROOT = Path(__file__).resolve().parents[3]
FILES = 600


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """An application at a port of this machine."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


async def start(given: dict[str, Any]) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.deid.runs.one_process", json.dumps(given), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"working\n"
    return process


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat[1]) == pid and stat[0] not in ("Z", "X"):
                found.append(int(entry.name))
    return found


@pytest.mark.slow
async def test_a_killed_run_goes_on_without_redoing_what_is_done(world: World) -> None:
    # Each file takes a moment, so that the run is still in the middle when it is killed.
    files = {f"{n:04}.txt": b"SLOW 0.01" + b" " * (n % 50) for n in range(FILES)}
    version_id = world.version(files)
    run_id = UUID(await world.run(await world.recipe(), version_id))
    async with served(world.access.app) as access, served(world.catalog.app) as catalog:
        given = {
            "folder": str(world.folder),
            "database": world.urls.deid,
            "bus": world.urls.bus,
            "sealer": SEALER_KEY.hex(),
            "access": access,
            "catalog": catalog,
        }
        first = await start(given)
        await until(lambda: len(world.catalog.staged_paths) > FILES // 4, seconds=60, what="some files are treated")
        workers = children_of(first.pid)
        os.kill(first.pid, signal.SIGKILL)
        await first.wait()
        assert len(workers) == 2
        await until(lambda: not [w for w in workers if Path(f"/proc/{w}").exists()], what="its workers are gone")
        async with world.ctx.unit() as session:
            secrets = await keys_of(world.ctx).open(session, world.catalog.versions[version_id].dataset_id)
            rows = await repository.files(session, run_id, limit=FILES)
            done = {open_names(secrets, row).target for row in rows if row.state == "treated"}
        assert 0 < len(done) < FILES
        handed_in = len(world.catalog.staged_paths)

        second = await start(given)
        assert second.stdin is not None

        async def finished() -> bool:
            return (await world.look(str(run_id)))["state"] == "finished"

        await until(finished, seconds=60, what="the run is finished")
        second.stdin.close()
        await asyncio.wait_for(second.wait(), 30)
    again = world.catalog.staged_paths[handed_in:]
    assert not done & set(again), "what was done is not done again"
    run = await world.look(str(run_id))
    assert (run["files_treated"], run["progress"]["files_done"]) == (FILES, FILES)
    assert world.catalog.versions[UUID(run["result_version_id"])].files == files
    assert (await world.events()).count("factory.deid.run.started.v1") == 1


@pytest.mark.slow
async def test_a_process_that_is_told_to_stop_lets_another_go_on_at_once(world: World) -> None:
    files = {f"{n:04}.txt": b"SLOW 0.02" for n in range(200)}
    run_id = await world.run(await world.recipe(), world.version(files))
    async with served(world.access.app) as access, served(world.catalog.app) as catalog:
        given = {
            "folder": str(world.folder), "database": world.urls.deid, "bus": world.urls.bus,
            "sealer": SEALER_KEY.hex(), "access": access, "catalog": catalog,
        }  # fmt: skip
        process = await start(given)
        assert process.stdin is not None
        await until(lambda: len(world.catalog.staged_paths) > 0, seconds=60, what="some files are treated")
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert not [pid for pid in children_of(process.pid)]
    async with world.ctx.unit() as session:
        run = await repository.run(session, UUID(run_id))
        assert run is not None and run.state == "running" and run.claim is None
