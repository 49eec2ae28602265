"""Nothing that a partner donates can be read at rest: not its bytes, not its files' names, not the manifest."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.catalog.support import TUS, World, sha, zipped


def haystacks(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            try:
                yield str(path.relative_to(folder)), path.read_bytes()
            except FileNotFoundError:
                continue  # the database removes files while it works


async def rows(world: World) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, as PostgreSQL writes it out."""
    found: list[tuple[str, bytes]] = []
    async with world.ctx.unit() as session:
        tables = await session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables.scalars().all():
            for row in (await session.execute(text(f'SELECT * FROM "{table}"'))).all():
                found += [(table, v if isinstance(v, bytes) else str(v).encode()) for v in row]
    return iter(found)


async def test_a_marker_is_found_nowhere(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    marker = f"marker{secrets.token_hex(16)}"
    content = (marker.encode() + b"|") * 40_000
    donation_id = await world.draft()
    plain = f"{marker}/first-{marker}.txt"
    key = {"Idempotency-Key": "one"}
    body = {"path": plain, "size": len(content), "sha256": sha(content)}
    answer = await world.donor.post(f"/donations/{donation_id}/uploads", json=body, headers=key)
    url = answer.json()["upload_url"]
    half = len(content) // 2
    await world.donor.send(url, content[:half])
    await world.upload(
        donation_id, "archive.zip", zipped({f"in-{marker}.txt": content, "x": marker.encode()}), unpack="zip"
    )
    # In the middle of an upload, too: what waits in the spool is no more to be read than what is stored.
    needles = [marker.encode(), marker.encode("utf-16-le"), marker.encode("utf-16-be"), marker.upper().encode()]
    assert_absent(needles, haystacks(world.folder / "data"))
    await world.donor.send(url, content[half:], offset=half)
    await world.ingest()
    assert (await world.donor.post(f"/donations/{donation_id}/submission")).status_code == 200
    version_id = await world.accept(donation_id)
    await world.steward2.post(f"/versions/{version_id}/release", json={"reasons": "ok"})
    await world.publish(version_id)
    permit = world.permit(world.researcher, version_id)
    answer = await world.researcher.download(version_id, plain, permit)
    assert answer.content == content
    missing = await world.researcher.download(version_id, f"{marker}.gone", permit)
    assert missing.status_code == 404
    await world.donor.ask("HEAD", url.removeprefix("/api/v1"), headers=TUS)
    assert_absent(needles, haystacks(world.folder))
    assert_absent(needles, await rows(world))
    out, err = capfd.readouterr()
    assert_absent(needles, iter([("stdout", out.encode()), ("stderr", err.encode())]))
    stored = sum(path.stat().st_size for path in world.objects())
    assert stored >= len(content), "the same content twice is stored once, and never compressed"


def assert_absent(needles: list[bytes], where: Iterator[tuple[str, bytes]]) -> None:
    looked = 0
    for name, haystack in where:
        looked += 1
        for needle in needles:
            assert needle not in haystack, f"found in {name}"
            assert needle.decode("latin-1") not in name
    assert looked


async def test_the_files_of_the_database_hold_no_marker(world: World) -> None:
    marker = f"marker{secrets.token_hex(16)}"
    await world.submitted({f"{marker}.txt": marker.encode() * 10})
    async with world.ctx.unit() as session:
        await session.execute(text("SELECT 1"))
    async with world.ctx.db.engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("CHECKPOINT"))
        folder = (await connection.execute(text("SHOW data_directory"))).scalar_one()
    assert_absent([marker.encode()], haystacks(Path(folder)))


async def test_another_datasets_keys_open_nothing(world: World) -> None:
    content = b"the same content in two datasets" * 100
    one = await world.accept(await world.submitted({"a": content}))
    two = await world.accept(await world.submitted({"a": content}))
    names = {path.name for path in world.objects()}
    assert len(names) == 4, "two contents and two manifests, all under names of their own"
    digests = [(await world.donor.get(f"/versions/{v}")).json()["digest"] for v in (one, two)]
    assert digests[0] != digests[1]
