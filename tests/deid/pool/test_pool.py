"""Processes that treat files: they come back after a death, end when late, and keep to their memory."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.deid.pool.pool import Pool
from services.deid.pool.shapes import Outcome, PlanSpec, Task
from services.deid.pool.worker import WorkerDied, WorkerLate
from tests.support.wait import until

BROKEN = "tests.deid.broken_child"
NUMBER = "19811228-9874"
PLAN = PlanSpec("p", [{"operator": "text.personal-number", "params": {}}], "key", bytes(32))


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """One process that does what files tell it."""
    pool = Pool(1, memory_bytes=512 * 1024**2, module=BROKEN)
    yield pool
    await pool.close()
    assert pool.pids == []


def text(content: bytes, **task: object) -> tuple[Task, bytes]:
    return Task("a.txt", "text/plain", **task), content  # pyright: ignore[reportArgumentType]


def about(pid: int) -> tuple[bytes, bytes, bytes]:
    """A process's environment, limits, and what it has mapped."""
    folder = Path(f"/proc/{pid}")
    return tuple((folder / name).read_bytes() for name in ("environ", "limits", "maps"))  # pyright: ignore[reportReturnType]


async def treat(pool: Pool, *contents: bytes, deadline_s: float = 30) -> list[Outcome]:
    async with pool.worker() as worker:
        await worker.use(PLAN, 30)
        return [outcome async for outcome in worker.treat(PLAN, [text(c) for c in contents], deadline_s)]


async def test_files_come_back_in_order(pool: Pool) -> None:
    outcomes = await treat(pool, b"one", f"two {NUMBER}".encode(), b"three" * 1_000_000)
    assert [o.content[:3] for o in outcomes] == [b"one", b"two", b"thr"]
    assert len(outcomes[2].content) == 5_000_000
    assert outcomes[1].counts == {"personal-number": {"found": 1, "treated": 1}}
    assert all(o.withheld is None for o in outcomes)


async def test_who_only_looks_gets_no_content(pool: Pool) -> None:
    async with pool.worker() as worker:
        await worker.use(PLAN, 30)
        [outcome] = [o async for o in worker.treat(PLAN, [text(NUMBER.encode(), inspect=True)], 30)]
    assert outcome.content == b""
    assert outcome.counts["personal-number"]["found"] == 1


async def test_a_death_takes_only_the_file_it_happened_over(pool: Pool) -> None:
    came: list[Outcome] = []
    with pytest.raises(WorkerDied):
        async with pool.worker() as worker:
            await worker.use(PLAN, 30)
            async for outcome in worker.treat(PLAN, [text(b"one"), text(b"DIE"), text(b"two")], 30):
                came.append(outcome)
    assert [outcome.content for outcome in came] == [b"one"]
    assert [o.content for o in await treat(pool, b"again")] == [b"again"]


async def test_who_takes_too_long_is_really_ended(pool: Pool) -> None:
    pid = 0
    with pytest.raises(WorkerLate):
        async with pool.worker() as worker:
            pid = worker.pid
            await worker.use(PLAN, 30)
            async for _ in worker.treat(PLAN, [text(b"HANG")], 0.3):
                pass
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert [o.content for o in await treat(pool, b"again")] == [b"again"]


async def test_whoever_leaves_early_ends_the_process(pool: Pool) -> None:
    entered = asyncio.Event()

    async def stay() -> None:
        async with pool.worker() as worker:
            await worker.use(PLAN, 30)
            entered.set()
            async for _ in worker.treat(PLAN, [text(b"HANG")], 60):
                pass

    task = asyncio.create_task(stay())
    await entered.wait()
    [pid] = pool.pids
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: not Path(f"/proc/{pid}").exists(), what="the process is gone")


async def test_memory_is_bounded(pool: Pool) -> None:
    [outcome] = await treat(pool, b"EAT 100000000")
    assert outcome.withheld is None
    with pytest.raises(WorkerDied):
        await treat(pool, b"EAT 2000000000")
    assert [o.content for o in await treat(pool, b"again")] == [b"again"]


async def test_what_is_printed_is_no_answer(pool: Pool, capfd: pytest.CaptureFixture[str]) -> None:
    [outcome] = await treat(pool, b"CHATTER canary")
    assert outcome.content == b"CHATTER canary"
    out, err = capfd.readouterr()
    assert "canary" not in out + err


async def test_processes_inherit_neither_secrets_nor_sockets(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_SEAL_KEY", "ab" * 32)
    await treat(pool, b"x")
    [pid] = pool.pids
    environment, limits, _ = about(pid)
    assert b"FACTORY" not in environment and b"HOME" not in environment
    opened = {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    # Standard input is asyncio's pair of sockets between us and the process; all else is pipes and /dev/null.
    assert [name for name, target in opened.items() if target.startswith("socket:") and name != "0"] == []
    assert b"Max file size             0" in limits


async def test_processes_load_only_what_they_need(pool: Pool) -> None:
    await treat(pool, b"x")
    [pid] = pool.pids
    _, _, loaded = about(pid)
    for heavy in (b"onnxruntime", b"polars", b"cv2", b"asyncpg", b"pyarrow"):
        assert heavy not in loaded, heavy


async def test_idle_processes_go() -> None:
    pool = Pool(2, idle_s=0.05)
    await treat(pool, b"x")
    await until(lambda: pool.pids == [], what="the idle process is gone")
    await pool.close()


async def test_as_many_at_once_as_there_is_room_for() -> None:
    pool = Pool(2, module=BROKEN)
    try:
        await asyncio.gather(*(treat(pool, b"SLOW 0.05") for _ in range(6)))
        assert len(pool.pids) == 2
    finally:
        await pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children of their parent's death on Linux")
async def test_processes_die_with_the_service(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from services.deid.pool.pool import Pool\n"
        "async def main():\n"
        "    pool = Pool(1, module='tests.deid.broken_child')\n"
        "    async with pool.worker() as worker:\n"
        "        print(worker.pid, flush=True)\n"
        "        from tests.deid.pool.test_pool import PLAN, text\n"
        "        await worker.use(PLAN, 30)\n"
        "        async for _ in worker.treat(PLAN, [text(b'HANG')], 600): pass\n"
        "asyncio.run(main())\n"
    )
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert service.stdout is not None
    pid = int(await service.stdout.readline())
    service.kill()
    await service.wait()
    await until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid), what="the worker is gone")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in ("Z", "X")
    except FileNotFoundError:
        return True
