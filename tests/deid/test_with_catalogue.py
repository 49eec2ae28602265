"""Preparation and the catalogue together, each with its own database: what one asks, the other answers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.deid.runs.worker import take_one
from services.deid.sources.catalogue import Derivation
from services.deid.sources.loans import give_back_due
from services.kit.app import service_app
from services.kit.context import Context
from services.kit.ids import new_id
from tests.catalog.support import Person, catalog_world
from tests.catalog.support import World as Catalogue
from tests.deid import support as deid
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

NUMBER = "19811228-9874"


@dataclass
class Both:
    """The two services, and preparation's own client."""

    catalogue: Catalogue
    ctx: Context
    client: httpx.AsyncClient

    async def ask(self, who: Person, method: str, path: str, **kw: Any) -> httpx.Response:
        return await self.client.request(method, f"/api/v1{path}", headers=who.headers(), **kw)

    async def run(self, version_id: str, mode: str = "treat") -> dict[str, Any]:
        """A run of the tests' recipe to its end, by the first steward."""
        steward = self.catalogue.steward
        body = {"name": "standard", "description": "x", "operators": deid.TEXT_RECIPE}
        recipe = (await self.ask(steward, "POST", "/recipes", json=body)).json()
        asked = {"recipe_id": recipe["id"], "version_id": version_id, "mode": mode}
        answer = await self.ask(steward, "POST", "/runs", json=asked)
        assert answer.status_code == 201, answer.text
        while await take_one(self.ctx):
            continue
        return (await self.ask(steward, "GET", f"/runs/{answer.json()['id']}")).json()


@pytest.fixture
async def both(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Both]:
    """Both services, whose workers work when the test says so."""
    async with (
        catalog_world(postgres, tmp_path / "catalog", clock) as catalogue,
        deid.databases(postgres) as urls,
        deid.deid_context(urls, tmp_path / "deid", clock, catalogue.access.app, catalogue.app) as ctx,
    ):
        transport = httpx.ASGITransport(app=service_app(deid.SERVICE, ctx), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://deid") as client:
            yield Both(catalogue, ctx, client)


async def donated(both: Both, files: dict[str, bytes]) -> str:
    """A raw version about people, accepted by the first steward."""
    return await both.catalogue.accept(await both.catalogue.submitted(files, personal_data="yes"))


async def contents(both: Both, version_id: str) -> dict[str, bytes]:
    """All files of a version, read as a run reads them."""
    from services.deid.sources import loans

    who = both.catalogue.steward
    subject = type(who.subject)(
        **{**vars(who.subject), "token": who.headers()["Authorization"].removeprefix("Bearer ")}
    )
    loan = new_id()
    await loans.borrow(both.ctx, loan, UUID(version_id), "inspect", subject)
    derivation = Derivation(both.ctx, loan)
    items, following = await derivation.files(None)
    assert following is None
    read: dict[str, bytes] = {}
    for item in items:
        read[item.path] = b"".join([piece async for piece in derivation.pieces(item.path, item.size)])
    assert await loans.give_back(both.ctx, loan)
    return read


async def test_a_donation_about_people_becomes_a_version_without_them(both: Both) -> None:
    files = {
        f"notes/{NUMBER}.txt": f"Patient {NUMBER}.".encode(),
        "notes/clean.md": "# Inget här\n".encode(),
        "large.txt": f"Patient {NUMBER} igen. ".encode() * 600_000,
        "empty.txt": b"",
        "unknown.bin": bytes(range(256)),
    }
    raw = await donated(both, files)
    run = await both.run(raw)
    assert run["state"] == "finished", run
    assert (run["files_treated"], run["files_withheld"]) == (4, 1)
    made = run["result_version_id"]
    version = (await both.catalogue.steward.get(f"/versions/{made}")).json()
    assert (version["number"], version["state"], version["gate"], version["files"]) == (2, "committed", "required", 4)
    lineage = (await both.catalogue.steward.get(f"/versions/{made}/lineage")).json()
    assert [(p["source_kind"], p["source_id"], p["parent_version_id"]) for p in lineage["parents"]] == [
        ("recipe", run["id"], raw)
    ]
    read = await contents(both, made)
    assert not any(NUMBER in path or NUMBER.encode() in content for path, content in read.items())
    assert read["notes/clean.md"] == files["notes/clean.md"]
    assert read["large.txt"].count(b"igen") == 600_000
    # Looked at again, nothing is found any more.
    again = await both.run(made, "inspect")
    assert again["state"] == "finished" and again["result_version_id"] is None
    report = (await both.ask(both.catalogue.steward, "GET", f"/runs/{again['id']}/report")).json()
    assert sum(kind["found"] for kind in report["found"].values()) == 0, report["found"]


async def test_only_stewards_of_the_dataset_have_it_treated(both: Both) -> None:
    raw = await donated(both, {"a.txt": b"x"})
    body = {"name": "standard", "description": "x", "operators": deid.TEXT_RECIPE}
    recipe = (await both.ask(both.catalogue.steward, "POST", "/recipes", json=body)).json()
    asked = {"recipe_id": recipe["id"], "version_id": raw}
    assert (await both.ask(both.catalogue.outsider, "POST", "/runs", json=asked)).status_code == 404
    assert (await both.ask(both.catalogue.donor, "POST", "/runs", json=asked)).status_code == 403


async def test_a_withdrawn_dataset_stops_its_run(both: Both) -> None:
    raw = await donated(both, {"a.txt": b"x"})
    dataset_id = (await both.catalogue.steward.get(f"/versions/{raw}")).json()["dataset_id"]
    steward = both.catalogue.steward
    body = {"name": "standard", "description": "x", "operators": deid.TEXT_RECIPE}
    recipe = (await both.ask(steward, "POST", "/recipes", json=body)).json()
    run = await both.ask(steward, "POST", "/runs", json={"recipe_id": recipe["id"], "version_id": raw})
    withdrawn = await steward.post(f"/datasets/{dataset_id}/withdrawal", json={"reason": "Asked for by the donor."})
    assert withdrawn.status_code == 200, withdrawn.text
    while await take_one(both.ctx):
        continue
    after = (await both.ask(steward, "GET", f"/runs/{run.json()['id']}")).json()
    assert (after["state"], after["reason"]) == ("stopped", "dataset-withdrawn")
    await give_back_due(both.ctx)


async def test_a_stopped_run_leaves_no_version(both: Both) -> None:
    raw = await donated(both, {"a.txt": b"x"})
    steward = both.catalogue.steward
    body = {"name": "standard", "description": "x", "operators": deid.TEXT_RECIPE}
    recipe = (await both.ask(steward, "POST", "/recipes", json=body)).json()
    run = (await both.ask(steward, "POST", "/runs", json={"recipe_id": recipe["id"], "version_id": raw})).json()
    assert (await both.ask(steward, "POST", f"/runs/{run['id']}/stop")).status_code == 200
    assert await give_back_due(both.ctx) == 1
    dataset_id = (await steward.get(f"/versions/{raw}")).json()["dataset_id"]
    versions = (await steward.get(f"/datasets/{dataset_id}/versions")).json()["items"]
    assert [v["number"] for v in versions] == [1]
