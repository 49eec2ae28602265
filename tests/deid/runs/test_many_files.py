"""Twenty thousand small files: memory stays bounded however many there are, all processes counted together."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.deid.pool.pool import Pool
from tests.deid.fake_catalog import Contents
from tests.deid.support import World

FILES = 20_000
LIMIT = 2 * 1024**3
SERVICE = 300_000_000
"""More than the whole factory holds before its first run (190 MB); the process of the tests holds what they left."""
RECIPE: list[dict[str, Any]] = [
    {"operator": "text.personal-number", "params": {"action": "pseudonymise"}},
    {"operator": "text.phone", "params": {}},
    {"operator": "text.email", "params": {}},
    {"operator": "text.name", "params": {}},
    {"operator": "image.faces", "params": {"profile": "fast"}},
    {"operator": "image.metadata", "params": {}},
    {"operator": "table.drop", "params": {"columns": ["namn"]}},
]
NOTE = "Anna Svensson ({n}) ringde 070-174 06 {n:02}. Hon mår bra och kommer åter om två veckor. " * 10
TABLE = "namn,kommun,värde\n" + "Anna Svensson,Malmö,1\nBo Ek,Lund,2\n" * 20


def content_of(path: str) -> bytes:
    """A file's bytes, made when they are read."""
    number = int(path.rsplit("/", 1)[1].split(".")[0])
    if path.endswith(".csv"):
        return TABLE.encode()
    if path.endswith(".png"):
        made = io.BytesIO()
        Image.new("RGB", (64, 48), (number % 256, 100, 100)).save(made, "PNG")
        return made.getvalue()
    return NOTE.replace("{n:02}", f"{number % 100:02}").replace("{n}", str(number)).encode()


def paths() -> list[str]:
    """Mostly texts, every twentieth a table, every hundredth a picture: every engine is loaded."""
    kinds = {n: "png" if n % 100 == 0 else "csv" if n % 20 == 0 else "txt" for n in range(FILES)}
    return [f"folder-{n // 500:02}/{n:05}.{kind}" for n, kind in kinds.items()]


def resident_bytes(root: int) -> int:
    """Bytes that a process and all below it hold in memory (pages that they share are counted in each)."""
    parents: dict[int, int] = {}
    held: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                held[int(entry.name)] = int((entry / "statm").read_text().split()[1]) * 4096
            except OSError:
                continue
    total = 0
    for pid in parents:
        at: int | None = pid
        while at is not None and at != root:
            at = parents.get(at)
        command = Path(f"/proc/{pid}/cmdline")
        if at == root and b"postgres" not in (command.read_bytes() if command.exists() else b"postgres"):
            total += held[pid]
    return total


@contextmanager
def highest_memory(root: int) -> Iterator[list[int]]:
    """Look ten times a second; the list holds the most that was seen."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            most[0] = max(most[0], resident_bytes(root))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_twenty_thousand_small_files_take_less_than_two_gigabytes(world: World) -> None:
    import os

    await world.ctx.components["pool"].close()
    world.ctx.components["pool"] = Pool(2, memory_bytes=world.ctx.settings.deid_worker_memory_bytes)  # pyright: ignore
    world.catalog.forget_staged = True
    version_id = world.version(Contents(paths(), content_of, 1000))
    run_id = await world.run(await world.recipe(RECIPE), version_id)
    before = resident_bytes(os.getpid())
    started = time.perf_counter()
    with highest_memory(os.getpid()) as most:
        await world.work()
    seconds = time.perf_counter() - started
    run = await world.look(run_id)
    print(f"{FILES} files, {FILES / seconds:.0f} a second, at most {most[0] / 1e6:.0f} MB ({before / 1e6:.0f} before)")  # noqa: T201
    assert (run["state"], run["files_treated"], run["files_withheld"]) == ("finished", FILES, 0), run
    assert most[0] - before + SERVICE < LIMIT
