"""From a donation to a released version: a real run, judged places, a gate that asks the real catalogue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from services.deid.runs.worker import take_one
from services.kit.app import service_app
from services.kit.context import Context
from services.kit.tokens import Role
from tests.catalog.support import Person, catalog_world
from tests.catalog.support import World as Catalogue
from tests.deid import support as deid
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

LETTERS = {
    f"letters/{n}.txt": f"Ring mig på 070-174 06 {n:02}.\nVädret var fint.\nMejla namn{n}@example.org sen.\n".encode()
    for n in range(20)
}
pytestmark = pytest.mark.slow  # processes that treat files are started

RECIPE: list[dict[str, Any]] = [
    {"operator": "text.phone", "params": {}},
    {"operator": "text.email", "params": {}},
    {"operator": "text.personal-number", "params": {}},
]


class Interrupted:
    """The catalogue's application; once `after_gate`, its yes at the gate is lost on the way back."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.after_gate = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        lost = self.after_gate and scope["type"] == "http" and scope["path"].endswith("/gate")

        async def swallow(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "status": 503}
            await send(message)

        await self._app(scope, receive, swallow if lost else send)


@dataclass
class Chain:
    """Catalogue and preparation, each with its own database."""

    catalogue: Catalogue
    between: Interrupted
    ctx: Context
    client: httpx.AsyncClient

    async def ask(self, who: Person, method: str, path: str, expected: int = 200, **kw: Any) -> dict[str, Any]:
        answer = await self.client.request(method, f"/api/v1{path}", headers=who.headers(), **kw)
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def run(self, version_id: str, operators: list[dict[str, Any]], mode: str = "treat") -> str:
        """Run a recipe over a version, by the first steward; returns the run's id."""
        steward = self.catalogue.steward
        body = {"name": "letters", "description": "x", "operators": operators}
        recipe = await self.ask(steward, "POST", "/recipes", 201, json=body)
        asked = {"recipe_id": recipe["id"], "version_id": version_id, "mode": mode}
        run = await self.ask(steward, "POST", "/runs", 201, json=asked)
        while await take_one(self.ctx):
            continue
        assert (await self.ask(steward, "GET", f"/runs/{run['id']}"))["state"] == "finished"
        return run["id"]

    async def judge(self, run_id: str) -> list[dict[str, Any]]:
        """Judge as one who reads: what still shows a phone or an address was missed."""
        steward = self.catalogue.steward
        url = f"/runs/{run_id}/review-samples"
        queue = (await self.ask(steward, "GET", url, params={"limit": 200}))["items"]
        for sample in queue:
            shows = "070" in sample["after"] or "@" in sample["after"]
            judgement = "missed" if shows and sample["sort"] == "untreated" else "right"
            await self.ask(steward, "PUT", f"{url}/{sample['id']}", json={"judgement": judgement})
        return queue

    async def decide(self, who: Person, run_id: str, expected: int = 200) -> dict[str, Any]:
        body = {"decision": "pass", "reasons": "Judged."}
        return await self.ask(who, "POST", f"/runs/{run_id}/gate", expected, json=body)

    async def version(self, version_id: str) -> tuple[str, str]:
        """State and gate of a version, as the catalogue says."""
        version = (await self.catalogue.steward.get(f"/versions/{version_id}")).json()
        return version["state"], version["gate"]


@asynccontextmanager
async def interrupted(app: FastAPI) -> AsyncIterator[Interrupted]:
    """The way to an application, which a test may break."""
    yield Interrupted(app)


@pytest.fixture
async def chain(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Chain]:
    """Both services, whose workers work when the test says so."""
    async with (
        catalog_world(postgres, tmp_path / "catalog", clock) as catalogue,
        deid.databases(postgres) as urls,
        interrupted(catalogue.app) as between,
        deid.deid_context(urls, tmp_path / "deid", clock, catalogue.access.app, cast(FastAPI, between)) as ctx,
    ):
        transport = httpx.ASGITransport(app=service_app(deid.SERVICE, ctx), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://deid") as client:
            yield Chain(catalogue, between, ctx, client)


async def donated(chain: Chain) -> str:
    """A raw version with letters about people."""
    return await chain.catalogue.accept(await chain.catalogue.submitted(LETTERS, personal_data="yes"))


async def test_a_weak_recipe_is_stopped_and_a_good_one_is_released_by_a_second_steward(chain: Chain) -> None:
    raw = await donated(chain)
    weak = await chain.run(raw, RECIPE[1:2])
    await chain.judge(weak)
    said = await chain.decide(chain.catalogue.steward2, weak)
    assert (said["outcome"], [r["code"] for r in said["refusals"]]) == ("refused", ["recall-below"])
    assert await chain.version(said["version_id"]) == ("committed", "required")

    good = await chain.run(raw, RECIPE)
    queue = await chain.judge(good)
    assert {sample["sort"] for sample in queue} == {"treated", "untreated"}
    report = await chain.ask(chain.catalogue.steward, "GET", f"/runs/{good}/report")
    assert report["found"]["phone"] == report["found"]["email"] == {"found": 20, "treated": 20}
    assert {sample["kind"] for sample in report["samples"]} == {"phone", "email"}
    assert report["review"]["recall"]["low"] > 0.8
    await chain.decide(chain.catalogue.steward, good, 403)
    said = await chain.decide(chain.catalogue.steward2, good)
    assert (said["outcome"], said["refusals"]) == ("passed", [])
    assert await chain.version(said["version_id"]) == ("released", "passed")
    assert await chain.version(raw) == ("committed", "required")
    run = await chain.ask(chain.catalogue.steward, "GET", f"/runs/{good}")
    assert run["gate"] == "passed"


async def test_an_inspection_of_a_donation_never_releases_it(chain: Chain) -> None:
    raw = await donated(chain)
    found = await chain.run(raw, RECIPE, "inspect")
    await chain.judge(found)
    said = await chain.decide(chain.catalogue.steward2, found)
    assert [r["code"] for r in said["refusals"]] == ["untreated-found"]
    nothing = await chain.run(raw, RECIPE[2:], "inspect")
    steward = chain.catalogue.steward
    url = f"/runs/{nothing}/review-samples"
    for sample in (await chain.ask(steward, "GET", url, params={"limit": 200}))["items"]:
        await chain.ask(steward, "PUT", f"{url}/{sample['id']}", json={"judgement": "right"})
    refused = await chain.decide(chain.catalogue.steward2, nothing, 409)
    assert refused["code"] == "gate-needs-preparation"
    assert await chain.version(raw) == ("committed", "required")


@pytest.mark.parametrize("who", ["steward2", "third"])
async def test_a_release_whose_answer_was_lost_is_recorded_when_the_gate_is_asked_again(chain: Chain, who: str) -> None:
    run_id = await chain.run(await donated(chain), RECIPE)
    await chain.judge(run_id)
    chain.between.after_gate = True
    await chain.decide(chain.catalogue.steward2, run_id, 503)
    chain.between.after_gate = False
    chain.catalogue.clock.advance(seconds=31)
    world = chain.catalogue
    third = world.person("third", None, Role("steward", "partner", world.partner_id))
    said = await chain.decide({"steward2": world.steward2, "third": third}[who], run_id)
    assert (said["outcome"], said["decided_by"]) == ("passed", str(world.steward2.id))
    assert await chain.version(said["version_id"]) == ("released", "passed")
    events = await world.events()
    assert events.count("factory.catalog.version.released.v1") == 1
