"""A running annotation service for tests: on a fresh database, with an access and a catalogue that we play.

async with annotation_world(postgres, folder, clock) as world:
    campaign_id = await world.campaign({"a.png": PNG}, kind="image-class", overlap=2)
    task = await world.anna.claim(campaign_id)
"""

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

import services.annotation
from services.annotation.settings import AnnotationSettings
from services.kit.app import service_app, service_context
from services.kit.context import Context
from services.kit.crypto import Sealer
from services.kit.ids import new_id
from services.kit.outbox import OUTBOX
from services.kit.tokens import AUDIENCE, USER_TYPE, Role, Subject, user_claims
from tests.annotation.fake_access import FakeAccess
from tests.annotation.fake_catalog import FakeCatalog
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

SERVICE = services.annotation.service
SEALER_KEY = bytes(range(32))


def labels(*names: str) -> list[dict[str, Any]]:
    """Labels of these names."""
    return [{"name": name, "title": {"sv": name.upper(), "en": name.title()}} for name in names]


def label_schema(kind: str, *names: str, multiple: bool | None = None, comment: bool = True) -> dict[str, Any]:
    """A label schema; places may be many unless told otherwise."""
    many = kind in ("boxes", "polygons", "text-spans") if multiple is None else multiple
    return {"kind": kind, "labels": labels(*(names or ("cat", "dog"))), "multiple": many, "comment": comment}


def mark(label: str, **geometry: Any) -> dict[str, Any]:
    """A mark: `mark("cat", box=[0, 0, 1, 1])`."""
    return {"label": label, **({"geometry": geometry} if geometry else {})}


@dataclass
class Person:
    """Somebody who asks; paths are below /api/v1."""

    world: "World"
    id: UUID

    @property
    def subject(self) -> Subject:
        return self.world.access.subjects[self.id]

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        token = self.world.access.tokens.sign(USER_TYPE, AUDIENCE, 300, user_claims(self.subject))
        return {"Authorization": f"Bearer {token}", **(more or {})}

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **kw: Any) -> httpx.Response:
        return await self.world.client.request(method, f"/api/v1{path}", headers=self.headers(headers), **kw)

    async def get(self, path: str, **kw: Any) -> httpx.Response:
        return await self.ask("GET", path, **kw)

    async def post(self, path: str, **kw: Any) -> httpx.Response:
        return await self.ask("POST", path, **kw)

    async def claim(self, campaign_id: Any) -> dict[str, Any] | None:
        """Take the next item; None when nothing is left."""
        answer = await self.post(f"/campaigns/{campaign_id}/claims")
        assert answer.status_code in (201, 204), answer.text
        return answer.json() if answer.status_code == 201 else None

    async def save(
        self, task: Mapping[str, Any], marks: Sequence[Any], comment: str = "", *, revision: int | None = None
    ) -> httpx.Response:
        """Save a draft, as the task was seen."""
        seen = task["revision"] if revision is None else revision
        body = {"marks": list(marks), "comment": comment}
        return await self.ask("PUT", f"/tasks/{task['id']}/annotation", {"If-Match": f'"{seen}"'}, json=body)

    async def submit(self, task: Mapping[str, Any], *marks: Any, comment: str = "") -> dict[str, Any]:
        """Save these marks and submit them."""
        saved = await self.save(task, marks, comment)
        assert saved.status_code == 200, saved.text
        answer = await self.post(f"/tasks/{task['id']}/submission")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def work(self, campaign_id: Any, *marks: Any) -> int:
        """Say the same of everything there is; return of how many items."""
        done = 0
        while task := await self.claim(campaign_id):
            await self.submit(task, *marks)
            done += 1
        return done


@dataclass
class World:
    """The annotation service, and the people around it."""

    ctx: Context
    app: FastAPI
    client: httpx.AsyncClient
    access: FakeAccess
    catalog: FakeCatalog
    clock: ManualClock
    urls: "Databases"
    folder: Path
    project_id: UUID = field(default_factory=new_id)
    donor_id: UUID = field(default_factory=new_id)
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str, role: str | None = "member", *roles: Role) -> Person:
        """Make somebody of the project (or, without `role`, of none), or return them."""
        if name not in self.people:
            projects = {self.project_id: role} if role is not None else {}
            subject = Subject(
                id=new_id(), kind="user", token="", partner_id=new_id(), roles=frozenset(roles), projects=projects
            )
            self.access.subjects[subject.id] = subject
            self.people[name] = Person(self, subject.id)
        return self.people[name]

    @property
    def lead(self) -> Person:
        return self.person("lead", "lead")

    @property
    def anna(self) -> Person:
        return self.person("anna")

    @property
    def bo(self) -> Person:
        return self.person("bo")

    @property
    def cia(self) -> Person:
        return self.person("cia")

    @property
    def reviewer(self) -> Person:
        return self.person("reviewer")

    @property
    def member(self) -> Person:
        return self.person("member")

    @property
    def outsider(self) -> Person:
        return self.person("outsider", None)

    @property
    def steward(self) -> Person:
        return self.person("steward", None, Role("steward", "partner", self.donor_id))

    def body(self, version_id: Any, **changes: Any) -> dict[str, Any]:
        """The body of create_campaign: classes of images, unless told otherwise."""
        schema = changes.get("schema") or label_schema("image-class")
        media = "text" if schema["kind"].startswith("text") else "image"
        return {
            "version_id": str(version_id),
            "project_id": str(self.project_id),
            "purpose": "research/applied",
            "title": "Cats and dogs",
            "guidelines": "Look twice.",
            "schema": schema,
            "overlap": 1,
            "selection": {"media": media},
            **changes,
        }

    async def campaign(self, files: Mapping[str, bytes], **changes: Any) -> str:
        """A campaign over a version with these files, with anna, bo and cia, and a reviewer; returns its id."""
        people = changes.pop("annotators", None) or [self.anna, self.bo, self.cia]
        version_id = self.catalog.add(self.donor_id, dict(files))
        answer = await self.lead.post("/campaigns", json=self.body(version_id, **changes))
        assert answer.status_code == 201, answer.text
        campaign_id = answer.json()["id"]
        for person in people:
            await self.give(campaign_id, person, "annotator")
        await self.give(campaign_id, self.reviewer, "reviewer")
        return campaign_id

    async def give(self, campaign_id: str, person: Person, role: str) -> None:
        """The lead gives somebody a role."""
        body = {"user_id": str(person.id), "role": role}
        answer = await self.lead.post(f"/campaigns/{campaign_id}/members", json=body)
        assert answer.status_code == 201, answer.text

    async def items(self, campaign_id: str) -> dict[str, int]:
        """How far the items are."""
        answer = await self.lead.get(f"/campaigns/{campaign_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def events(self) -> list[str]:
        """Types of the facts in the outbox, in order."""
        async with self.ctx.unit() as session:
            return list((await session.execute(select(OUTBOX.c.type).order_by(OUTBOX.c.id))).scalars())


@dataclass
class Databases:
    """URLs of the databases that the service needs."""

    annotation: str
    bus: str


# Databases that a test has left, emptied: making one takes longer than most tests, and so does removing it.
_left: WeakKeyDictionary[TestPostgres, list[Databases]] = WeakKeyDictionary()


@asynccontextmanager
async def databases(postgres: TestPostgres) -> AsyncGenerator[Databases]:
    """Empty databases; the service's is emptied for the next test at the end."""
    left = _left.setdefault(postgres, [])
    urls = left.pop() if left else Databases(await postgres.of(SERVICE), await postgres.empty("bus"))
    yield urls
    tables = ", ".join(f'"{table.name}"' for table in SERVICE.metadata.sorted_tables)
    engine = create_async_engine(urls.annotation, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    await engine.dispose()
    left.append(urls)


@asynccontextmanager
async def annotation_context(
    urls: Databases,
    folder: Path,
    clock: ManualClock,
    access: FakeAccess,
    catalog: FakeCatalog,
    **settings: Any,
) -> AsyncGenerator[Context]:
    """One process's annotation service on these databases."""
    made = AnnotationSettings(
        data_dir=folder / "data",
        keys_url=(folder / "keys").as_uri(),
        database_url=urls.annotation,
        bus_url="pglog+" + urls.bus,
        **settings,
    )
    clients = {
        "access": httpx.AsyncClient(transport=httpx.ASGITransport(app=access.app), base_url="http://access"),
        "catalog": httpx.AsyncClient(transport=httpx.ASGITransport(app=catalog.app), base_url="http://catalog"),
    }
    async with clients["access"], clients["catalog"]:
        async with service_context(
            SERVICE, made, clients, Sealer(SEALER_KEY), secret=lambda: "secret", clock=clock
        ) as ctx:
            yield ctx


@asynccontextmanager
async def annotation_world(
    postgres: TestPostgres, folder: Path, clock: ManualClock, **settings: Any
) -> AsyncGenerator[World]:
    """An annotation service, without workers: tests say when these work."""
    access = FakeAccess(clock)
    catalog = FakeCatalog(access)
    async with (
        databases(postgres) as urls,
        annotation_context(urls, folder, clock, access, catalog, **settings) as ctx,
    ):
        app = service_app(SERVICE, ctx)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://annotation") as client:
            yield World(ctx, app, client, access, catalog, clock, urls, folder)
