"""What the gate keeps of files can be read by nobody who reads its database, its facts or its logs."""

import io
import secrets
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import text as sql

from services.deid.engine.operator import Finding, Place
from services.kit.settings import Settings
from services.kit.telemetry import configure_logging
from tests.deid.gate.support import FileOfRun, World, withheld


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


def marked(marker: str) -> list[FileOfRun]:
    """Files that hold the marker wherever a file can hold something: its name, its text, its columns, its picture."""
    places = [
        Place("treated", "name", f"line {n}", f"Aa {marker}", f"before {marker} after", marker.encode())
        for n in range(5)
    ] + [Place("untreated", "text", f"line {n}", "", f"rest {marker}") for n in range(5)]
    finding = Finding("name", "text.name", True, f"line 1 {marker}", f"Aa {marker}", marker)
    counts, totals = {"name": {"found": 5, "treated": 5}}, {"treated": 5, "untreated": 5}
    text = FileOfRun(f"{marker}.txt", "text/plain", counts, totals, places, [finding])
    table = FileOfRun(f"{marker}.csv", "text/csv", counts, totals, places, [finding], {"k_min": 7, "columns": marker})
    return [text, table, withheld(f"{marker}.bin")]


async def test_a_marker_is_found_nowhere_but_in_answers_to_those_who_may_know(
    world: World, logs: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    marker = f"marker{secrets.token_hex(16)}"
    run_id = await world.finished(marked(marker), thresholds={"withheld": 50})
    report = await world.steward.get(f"/runs/{run_id}/report")
    files = await world.steward.get(f"/runs/{run_id}/report/files")
    assert report.text.count(marker) > 3 and files.text.count(marker) > 3
    await world.steward2.decide(run_id, key="one")
    queue = await world.judge_all(run_id)
    assert all(marker in str(sample) for sample in queue)
    assert (await world.steward2.decide(run_id, key="two")).json()["outcome"] == "passed"
    await world.steward.judge(run_id, queue[0]["id"], marker)
    await world.outsider.get(f"/runs/{run_id}/report")
    needles = [marker.encode(), marker.upper().encode(), marker.encode("utf-16-le"), marker.encode().hex().encode()]
    kept = await rows(world)
    assert len(kept) > 100
    assert [table for table, value in kept for needle in needles if needle in value] == []
    assert marker not in str([message for _, message, _ in await world.facts()])
    out, err = capfd.readouterr()
    assert logs.getvalue().count("review-samples") >= 2
    assert marker not in out + err + logs.getvalue()


async def test_nothing_of_a_place_is_left_when_its_dataset_is_withdrawn(world: World) -> None:
    run_id = await world.finished(marked("marker"))
    other = await world.finished(marked("marker"))
    sample = (await world.steward.samples(run_id))[0]
    await world.withdraw()
    async with world.ctx.unit() as session:
        for table, column in (("review_samples", "sealed"), ("run_reports", "sealed_samples")):
            kept = (await session.execute(sql(f"SELECT run_id, {column} FROM {table}"))).all()
            assert {row[0] for row in kept} == {run_id, other}
            assert {bytes(row[1]) for row in kept} == {b""}
    assert (await world.steward.judge(run_id, sample["id"], "right")).status_code == 410
    answer = await world.steward2.decide(run_id)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "refused"), "the record of decisions is not content"
