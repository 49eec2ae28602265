"""Canaries are planted in every kind of file, and looked for everywhere: rows, facts, logs, reports, released files."""

import io
import json
import secrets
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import polars
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import text as sql

from services.deid.pool.pool import Pool
from services.kit.outbox import OUTBOX
from services.kit.settings import Settings
from services.kit.telemetry import configure_logging
from tests.deid.support import World

RECIPE: list[dict[str, Any]] = [
    {"operator": "text.custom", "params": {"pattern": "canary[0-9a-f]{24}", "kind": "canary", "ignore_case": True}},
    {"operator": "text.personal-number", "params": {}},
    {"operator": "image.metadata", "params": {}},
]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged during the test, as it would stand on standard error."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        configure_logging(Settings())
    yield written
    configure_logging(Settings())


async def rows(world: World) -> list[tuple[str, bytes]]:
    """Every value of every table, as PostgreSQL writes it out."""
    found: list[tuple[str, bytes]] = []
    async with world.ctx.unit() as session:
        tables = await session.execute(sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables.scalars().all():
            for row in (await session.execute(sql(f'SELECT * FROM "{table}"'))).all():
                found += [(table, value if isinstance(value, bytes) else str(value).encode()) for value in row]
    return found


def planted(canary: str) -> dict[str, bytes]:
    """A file of every kind, with the canary in its name, its text, its structure and its hidden parts."""
    frame = polars.DataFrame({"nummer": [1, 2], "text": [f"hej {canary}", canary]})
    parquet = io.BytesIO()
    frame.write_parquet(parquet)
    picture, marks = io.BytesIO(), PngInfo()
    marks.add_text("Author", canary)
    Image.new("RGB", (30, 20), "blue").save(picture, "PNG", pnginfo=marks)
    jpeg = io.BytesIO()
    Image.new("RGB", (30, 20), "blue").save(jpeg, "JPEG", comment=canary.encode())
    line = json.dumps({"text": f"hej {canary}", "list": [canary]})
    return {
        f"{canary}/plain-{canary}.txt": f"Hej {canary}, hej.".encode(),
        "latin.txt": f"Åh {canary}".encode("latin-1"),
        "wide.txt": f"Hej {canary}".encode("utf-16"),
        "note.md": f"# {canary}\n\n[{canary}](http://x.example/{canary})\n".encode(),
        "page.html": f'<p title="{canary}">Hej {canary}</p><!-- {canary} --><script>a = "{canary}"</script>'.encode(),
        "data.json": line.encode(),
        "lines.jsonl": f"{line}\n{line}\n".encode(),
        "table.csv": f"a,b\n1,hej {canary}\n2,{canary}\n".encode(),
        "table.parquet": parquet.getvalue(),
        "picture.png": picture.getvalue() + canary.encode(),
        "picture.jpg": jpeg.getvalue() + canary.encode(),
        "unknown.bin": bytes(range(256)) + canary.encode(),
        "broken.png": b"\x89PNG\r\n\x1a\n" + canary.encode(),
        "broken.parquet": b"PAR1" + canary.encode(),
        "broken.json": f'{{"a": "{canary}'.encode(),
        "ragged.csv": f'a,b\n"{canary},1\n2,3,4,5\n'.encode(),
        "die.txt": f"DIE {canary}".encode(),
        "chatter.txt": f"CHATTER {canary}".encode(),
        "large.txt": f"Hej {canary}. ".encode() * 200_000,
    }


async def test_a_canary_is_found_nowhere(world: World, logs: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    canary = f"canary{secrets.token_hex(12)}"
    await world.ctx.components["pool"].close()
    world.ctx.components["pool"] = pool = Pool(1, module="tests.deid.broken_child")
    given = planted(canary)
    world.catalog.unreadable.add("latin.txt")
    version_id, recipe_id = world.version(given), await world.recipe(RECIPE)
    run_id = await world.run(recipe_id, version_id)
    await world.work()
    looked = await world.run(recipe_id, version_id, "inspect")
    await world.work()
    run = await world.look(run_id)
    assert run["state"] == (await world.look(looked))["state"] == "finished", run
    released = world.catalog.versions[UUID(run["result_version_id"])]

    needles = [canary.encode(), canary.upper().encode(), canary.encode("utf-16-le"), canary.encode("utf-16-be")]
    needles += [canary.encode().hex().encode()]

    def assert_absent(name: str, value: bytes) -> None:
        assert not any(needle in value for needle in needles), name

    assert len(released.files) >= 8
    for path, content in released.files.items():
        assert_absent(f"released {path}", path.encode() + b"\0" + content)
    assert canary not in json.dumps(released.details)
    kept = await rows(world)
    assert len(kept) > 300
    for table, value in kept:
        assert_absent(table, value)
    async with world.ctx.unit() as session:
        for value in (await session.execute(sql(f"SELECT value FROM {OUTBOX.name}"))).scalars():
            assert_absent("facts", bytes(value))
    for path in (
        f"/runs/{run_id}",
        f"/runs/{run_id}/report",
        f"/runs/{run_id}/report/files",
        f"/runs/{run_id}/review-samples",
    ):
        answer = await world.steward.get(path)
        assert answer.status_code == 200, answer.text
        assert_absent(path, answer.content)
    # Whoever only looked gave no new names: the report names files as they are called. Nothing of what is in them.
    report = await world.steward.get(f"/runs/{looked}/report")
    assert_absent("report of who looked", report.text.replace(f"{canary}/plain-{canary}.txt", "").encode())
    body = {"version_id": str(version_id), "paths": ["ragged.csv", "broken.png"]}
    assert (await world.steward.post(f"/recipes/{recipe_id}/test", json=body)).status_code == 200
    out, err = capfd.readouterr()
    assert_absent("logs", (logs.getvalue() + out + err).encode())
    for event in ("file.worker_died", "file.unreadable", "run.finished", "request"):
        assert f'"event": "{event}"' in logs.getvalue()
    await pool.close()


async def test_refusals_of_recipes_do_not_quote_them(world: World, logs: io.StringIO) -> None:
    canary = f"canary{secrets.token_hex(12)}"
    wrong = [
        {"operator": "text.email", "params": {"action": canary}},
        {"operator": "text.custom", "params": {"pattern": f"({canary}", "kind": "x"}},
    ]
    answer = await world.steward.post("/recipes", json={"name": "x", "description": "x", "operators": wrong})
    assert answer.status_code == 422
    assert canary not in answer.text
    assert '"status": 422' in logs.getvalue()
    assert canary not in logs.getvalue()
