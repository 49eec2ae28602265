"""A running preparation service for tests: its application on a fresh database, a catalogue and an access that we play.

async with deid_world(postgres, folder, clock) as world:
    version_id = world.version({"notes/1.txt": b"…"})
    run = await world.run(await world.recipe(), version_id)
    await world.work()
"""

import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import services.deid
from services.deid.runs.worker import take_one
from services.deid.settings import DeidSettings
from services.deid.sources.erasure import erase_one
from services.deid.sources.loans import give_back_due
from services.kit.app import service_app, service_context
from services.kit.context import Context
from services.kit.crypto import Sealer
from services.kit.ids import new_id
from services.kit.outbox import OUTBOX
from services.kit.tokens import AUDIENCE, USER_TYPE, Role, Subject, user_claims
from tests.catalog.fake_access import FakeAccess
from tests.deid.fake_catalog import FakeCatalog
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

SERVICE = services.deid.service
SEALER_KEY = hashlib.sha256(b"sealer of the tests").digest()
TEXT_RECIPE: list[dict[str, Any]] = [
    {"operator": "text.personal-number", "params": {}},
    {"operator": "text.email", "params": {"action": "pseudonymise"}},
]


@dataclass
class Person:
    """Somebody who asks; paths are below /api/v1."""

    world: "World"
    subject: Subject

    @property
    def id(self) -> UUID:
        return self.subject.id

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        token = self.world.access.tokens.sign(USER_TYPE, AUDIENCE, 300, user_claims(self.subject))
        return {"Authorization": f"Bearer {token}", **(more or {})}

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **kw: Any) -> httpx.Response:
        return await self.world.client.request(method, f"/api/v1{path}", headers=self.headers(headers), **kw)

    async def get(self, path: str, **kw: Any) -> httpx.Response:
        return await self.ask("GET", path, **kw)

    async def post(self, path: str, **kw: Any) -> httpx.Response:
        return await self.ask("POST", path, **kw)

    async def put(self, path: str, **kw: Any) -> httpx.Response:
        return await self.ask("PUT", path, **kw)


@dataclass
class World:
    """Preparation, and the people around it. Its workers work when the test says so."""

    ctx: Context
    app: FastAPI
    client: httpx.AsyncClient
    access: FakeAccess
    catalog: FakeCatalog
    clock: ManualClock
    folder: Path
    urls: "Databases"
    partner_id: UUID = field(default_factory=new_id)
    donation_id: UUID = field(default_factory=new_id)
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str, partner: UUID | None, *roles: Role) -> Person:
        """Make somebody, or return them."""
        if name not in self.people:
            subject = Subject(id=new_id(), kind="user", token="", partner_id=partner, roles=frozenset(roles))
            self.access.subjects[subject.id] = subject
            self.people[name] = Person(self, subject)
        return self.people[name]

    @property
    def steward(self) -> Person:
        return self.person("steward", None, Role("steward", "partner", self.partner_id))

    @property
    def steward2(self) -> Person:
        return self.person("steward2", None, Role("steward", "partner", self.partner_id))

    @property
    def donor(self) -> Person:
        """Somebody of the donating partner, who sees runs and steers none."""
        return self.person("donor", self.partner_id, Role("donor", "partner", self.partner_id))

    @property
    def outsider(self) -> Person:
        """A steward of somebody else."""
        other = self.people["outsider"].subject.partner_id if "outsider" in self.people else new_id()
        return self.person("outsider", other, Role("steward", "partner", other))

    def version(self, files: Mapping[str, bytes], **values: Any) -> UUID:
        """A version of a dataset of its own (or of `dataset_id`) with these files."""
        values = {"donation_id": self.donation_id, **values}
        return self.catalog.add(files, partner_id=self.partner_id, **values)

    async def recipe(self, operators: Sequence[Mapping[str, Any]] = TEXT_RECIPE, name: str = "standard") -> str:
        """A recipe; returns its id."""
        body = {"name": name, "description": "For tests.", "operators": list(operators)}
        answer = await self.steward.post("/recipes", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def run(self, recipe_id: str, version_id: UUID, mode: str = "treat") -> str:
        """A run that waits; returns its id."""
        body = {"recipe_id": recipe_id, "version_id": str(version_id), "mode": mode}
        answer = await self.steward.post("/runs", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def look(self, run_id: str) -> dict[str, Any]:
        """The run as its steward sees it."""
        answer = await self.steward.get(f"/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def work(self) -> None:
        """Let the workers do all that waits."""
        while await take_one(self.ctx):
            continue

    async def tidy(self) -> None:
        """Give back what is due, and destroy the keys that are to be."""
        await give_back_due(self.ctx)
        while await erase_one(self.ctx):
            continue

    async def finished(
        self,
        files: Mapping[str, bytes],
        operators: Sequence[Mapping[str, Any]] = TEXT_RECIPE,
        mode: str = "treat",
        **values: Any,
    ) -> tuple[str, UUID | None]:
        """A run over these files to its end; returns its id and the version that came of it."""
        run_id = await self.run(await self.recipe(operators), self.version(files, **values), mode)
        await self.work()
        run = await self.look(run_id)
        assert run["state"] == "finished", run
        return run_id, UUID(run["result_version_id"]) if run["result_version_id"] else None

    async def events(self) -> list[str]:
        """Types of the facts in the outbox, in order."""
        async with self.ctx.unit() as session:
            return list((await session.execute(select(OUTBOX.c.type).order_by(OUTBOX.c.id))).scalars())


@dataclass
class Databases:
    """URLs of the databases that preparation needs."""

    deid: str
    bus: str


# Databases that a test has left, emptied: making one takes longer than most tests, and so does removing it.
_left: WeakKeyDictionary[TestPostgres, list[Databases]] = WeakKeyDictionary()


@asynccontextmanager
async def databases(postgres: TestPostgres) -> AsyncGenerator[Databases]:
    """Empty databases; that of preparation is emptied for the next test at the end."""
    left = _left.setdefault(postgres, [])
    urls = left.pop() if left else Databases(await postgres.of(SERVICE), await postgres.empty("bus"))
    yield urls
    tables = ", ".join(f'"{table.name}"' for table in SERVICE.metadata.sorted_tables)
    engine = create_async_engine(urls.deid, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    await engine.dispose()
    left.append(urls)


@asynccontextmanager
async def deid_context(
    urls: Databases, folder: Path, clock: ManualClock, access: FastAPI, catalog: FastAPI, **settings: Any
) -> AsyncGenerator[Context]:
    """One process's preparation on these databases and this folder."""
    made = DeidSettings(
        data_dir=folder / "data",
        keys_url=(folder / "keys").as_uri(),
        database_url=urls.deid,
        bus_url="pglog+" + urls.bus,
        **{"deid_workers": 1, **settings},
    )
    async with (
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=access, raise_app_exceptions=False), base_url="http://access"
        ) as to_access,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=catalog, raise_app_exceptions=False), base_url="http://catalog"
        ) as to_catalog,
    ):
        clients = {"access": to_access, "catalog": to_catalog}
        async with service_context(
            SERVICE, made, clients, Sealer(SEALER_KEY), secret=lambda: "secret", clock=clock
        ) as ctx:
            yield ctx


@asynccontextmanager
async def deid_world(
    postgres: TestPostgres, folder: Path, clock: ManualClock, **settings: Any
) -> AsyncGenerator[World]:
    """Preparation, without workers: tests say when these work."""
    access, catalog = FakeAccess(clock), FakeCatalog()
    async with (
        databases(postgres) as urls,
        deid_context(urls, folder, clock, access.app, catalog.app, **settings) as ctx,
    ):
        app = service_app(SERVICE, ctx)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://deid") as client:
            yield World(ctx, app, client, access, catalog, clock, folder, urls)
