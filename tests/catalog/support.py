"""A running catalogue for tests: its application on a fresh database, folders of its own, and an access that we play.

async with catalog_world(postgres, folder, clock) as world:
    version_id = await world.released({"images/1.png": b"…"})
    answer = await world.researcher.download(version_id, "images/1.png", world.permit(world.researcher, version_id))
"""

import hashlib
import io
import zipfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import services.catalog
from services.catalog.datasets.erasure import erase_one
from services.catalog.intake.checklist import CHECKLIST
from services.catalog.intake.ingest import take_one
from services.catalog.settings import CatalogSettings
from services.kit.app import service_app, service_context
from services.kit.context import Context
from services.kit.crypto import Sealer
from services.kit.ids import new_id
from services.kit.outbox import OUTBOX
from services.kit.tokens import (
    AUDIENCE,
    DATA_AUDIENCE,
    PERMIT_TYPE,
    USER_TYPE,
    Permit,
    Role,
    Subject,
    permit_claims,
    user_claims,
)
from tests.catalog.fake_access import FakeAccess
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

SERVICE = services.catalog.service
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
SEALER_KEY = hashlib.sha256(b"sealer of the tests").digest()


def sha(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


NORMAL_TERMS: dict[str, Any] = {
    "schema": 1,
    "actions": ["read", "train"],
    "purposes": {"any": False, "list": ["research"]},
    "recipients": {"any": True, "partners": [], "sectors": []},
    "countries": {"any": False, "list": ["SE"]},
    "countries_stated": True,
    "period": {"from": 0, "until": 253402300799},
    "commercial": False,
    "courses": [],
    "gate": "none",
    "gate_thresholds": {},
    "derived_use": "allowed",
    "attribution": "",
    "deletion_days": -1,
}


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

    async def send(self, url: str, content: Any, offset: int = 0, length: int | None = None) -> httpx.Response:
        """Send bytes of an upload from `offset` on."""
        headers = {**TUS, "Upload-Offset": str(offset)}
        if length is not None:
            headers["Content-Length"] = str(length)
        return await self.ask("PATCH", url.removeprefix("/api/v1"), headers=headers, content=content)

    async def download(
        self, version_id: Any, path: str, permit: str | None = None, *, method: str = "GET", **headers: str
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if permit is not None:
            named["Factory-Permit"] = permit
        return await self.ask(method, f"/versions/{version_id}/files/{quote(path)}", headers=named)


@dataclass
class World:
    """The catalogue, and the people around it."""

    ctx: Context
    app: FastAPI
    client: httpx.AsyncClient
    access: FakeAccess
    clock: ManualClock
    folder: Path
    settings: CatalogSettings
    urls: "Databases"
    partner_id: UUID = field(default_factory=new_id)
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str, partner: UUID | None, *roles: Role) -> Person:
        """Make somebody, or return them."""
        if name not in self.people:
            subject = Subject(id=new_id(), kind="user", token="", partner_id=partner, roles=frozenset(roles))
            self.access.subjects[subject.id] = subject
            self.people[name] = Person(self, subject)
        return self.people[name]

    @property
    def donor(self) -> Person:
        return self.person("donor", self.partner_id, Role("donor", "partner", self.partner_id))

    @property
    def colleague(self) -> Person:
        return self.person("colleague", self.partner_id)

    @property
    def steward(self) -> Person:
        return self.person("steward", None, Role("steward", "partner", self.partner_id))

    @property
    def steward2(self) -> Person:
        return self.person("steward2", None, Role("steward", "partner", self.partner_id))

    @property
    def researcher(self) -> Person:
        return self.person("researcher", new_id())

    @property
    def outsider(self) -> Person:
        other = self.people["outsider"].subject.partner_id if "outsider" in self.people else new_id()
        return self.person("outsider", other, Role("donor", "partner", other), Role("steward", "partner", other))

    def terms(self, partner_id: UUID | None = None, **changes: Any) -> str:
        """Terms that access knows; returns their id."""
        terms_id = new_id()
        self.access.terms[terms_id] = {
            "id": str(terms_id),
            "partner_id": str(partner_id or self.partner_id),
            "normal": {**NORMAL_TERMS, **changes},
            "summary": {"sv": [], "en": []},
        }
        return str(terms_id)

    def case(self, **changes: Any) -> dict[str, Any]:
        """The body of create_donation."""
        case = {
            "title": "Handwritten digits",
            "description": "Scanned digits with labels.",
            "language": "en",
            "controller": "Example University",
            "legal_bases": [{"purpose": "research", "article6": "e", "article9": None}],
            "origin": "Volunteers, 1998.",
            "third_party_rights": "None known.",
            "personal_data": "no",
            "retention_until": None,
            "secrecy": {"marked": False, "provision": None},
            "integrity_class": "internal",
        }
        return {**case, "terms_id": changes.pop("terms_id", None) or self.terms(), **changes}

    async def draft(self, **changes: Any) -> str:
        """A donation in draft; returns its id."""
        answer = await self.donor.post("/donations", json=self.case(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def announce(self, donation_id: str, path: str, content: bytes, **changes: Any) -> httpx.Response:
        """Create an upload."""
        body = {"path": path, "size": len(content), "sha256": sha(content), **changes}
        return await self.donor.post(f"/donations/{donation_id}/uploads", json=body)

    async def upload(self, donation_id: str, path: str, content: bytes, **changes: Any) -> str:
        """Create an upload and send all its bytes; returns its id."""
        answer = await self.announce(donation_id, path, content, **changes)
        assert answer.status_code == 201, answer.text
        if content:
            sent = await self.donor.send(answer.json()["upload_url"], content)
            assert sent.status_code == 204, sent.text
        return answer.json()["id"]

    async def ingest(self) -> None:
        """Let the workers do all that waits."""
        while await take_one(self.ctx):
            continue

    async def erase(self) -> None:
        """Let the keys be destroyed that are to be, and the objects deleted that nothing uses."""
        while await erase_one(self.ctx):
            continue

    async def uploads(self, donation_id: str) -> dict[str, Any]:
        """The uploads of a donation by path."""
        answer = await self.donor.get(f"/donations/{donation_id}/uploads")
        assert answer.status_code == 200, answer.text
        return {upload["path"]: upload for upload in answer.json()["items"]}

    async def submitted(self, files: Mapping[str, bytes], **changes: Any) -> str:
        """A donation with these files, submitted; returns its id."""
        donation_id = await self.draft(**changes)
        for path, content in files.items():
            await self.upload(donation_id, path, content)
        await self.ingest()
        answer = await self.donor.post(f"/donations/{donation_id}/submission")
        assert answer.status_code == 200, answer.text
        return donation_id

    async def check(self, donation_id: str) -> None:
        """The steward finds everything in order."""
        items = {key: {"ok": True, "note": None} for key in CHECKLIST}
        answer = await self.steward.ask("PUT", f"/donations/{donation_id}/checklist", json={"items": items})
        assert answer.status_code == 200, answer.text

    async def accept(self, donation_id: str) -> str:
        """The steward accepts; returns the version's id."""
        await self.check(donation_id)
        answer = await self.steward.post(f"/donations/{donation_id}/acceptance", json={"reasons": "In order."})
        assert answer.status_code == 200, answer.text
        return answer.json()["version_id"]

    async def released(self, files: Mapping[str, bytes], **changes: Any) -> str:
        """A released version with these files, of a dataset not yet published; returns the version's id."""
        version_id = await self.accept(await self.submitted(files, **changes))
        answer = await self.steward2.post(f"/versions/{version_id}/release", json={"reasons": "Looks right."})
        assert answer.status_code == 200, answer.text
        return version_id

    async def publish(self, version_id: str) -> str:
        """Publish the version's dataset; returns its id."""
        dataset_id = (await self.steward.get(f"/versions/{version_id}")).json()["dataset_id"]
        answer = await self.steward.post(f"/datasets/{dataset_id}/publication")
        assert answer.status_code == 200, answer.text
        return dataset_id

    def permit(
        self,
        person: Person,
        version_id: str,
        *,
        action: str = "read",
        paths: Sequence[str] = (),
        decision: UUID | None = None,
        seconds: int = 600,
    ) -> str:
        """A permit token of access for this person."""
        permit = Permit(
            decision_id=decision or new_id(),
            subject_id=person.id,
            version_id=UUID(version_id),
            project_id=new_id(),
            action=action,
            path_digests=frozenset(sha(path.encode()) for path in paths),
        )
        return self.access.permits.sign(PERMIT_TYPE, DATA_AUDIENCE, seconds, permit_claims(permit))

    async def events(self) -> list[str]:
        """Types of the facts in the outbox, in order."""
        async with self.ctx.unit() as session:
            return list((await session.execute(select(OUTBOX.c.type).order_by(OUTBOX.c.id))).scalars())

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        async with self.ctx.unit() as session:
            return (await session.execute(text(f'SELECT count(*) FROM "{table}"'))).scalar_one()

    def objects(self) -> list[Path]:
        """The stored objects."""
        return [path for path in (self.folder / "data" / "objects").rglob("*") if path.is_file()]

    def spooled(self) -> list[Path]:
        """What lies in the spool."""
        return [path for path in (self.folder / "data" / "spool").rglob("*") if path.is_file()]


@dataclass
class Databases:
    """URLs of the databases that a catalogue needs."""

    catalog: str
    bus: str


# Databases that a test has left, emptied: making one takes longer than most tests, and so does removing it.
_left: WeakKeyDictionary[TestPostgres, list[Databases]] = WeakKeyDictionary()


@asynccontextmanager
async def databases(postgres: TestPostgres) -> AsyncGenerator[Databases]:
    """Empty databases; the catalogue's is emptied for the next test at the end."""
    left = _left.setdefault(postgres, [])
    urls = left.pop() if left else Databases(await _new_database(postgres), await postgres.empty("bus"))
    yield urls
    tables = ", ".join(f'"{table.name}"' for table in SERVICE.metadata.sorted_tables)
    engine = create_async_engine(urls.catalog, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    await engine.dispose()
    left.append(urls)


async def _new_database(postgres: TestPostgres) -> str:
    """Make a database with the tables of the catalogue: by its revisions, or from the code while it has none."""
    if any(SERVICE.migrations.glob("[0-9]*.py")):
        return await postgres.of(SERVICE)
    url = await postgres.empty("catalog")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(SERVICE.metadata.create_all)
    await engine.dispose()
    return url


@asynccontextmanager
async def catalog_context(
    urls: Databases, folder: Path, clock: ManualClock, access: FakeAccess, **settings: Any
) -> AsyncGenerator[Context]:
    """One process's catalogue on these databases and this folder."""
    made = CatalogSettings(
        data_dir=folder / "data",
        keys_url=(folder / "keys").as_uri(),
        database_url=urls.catalog,
        bus_url="pglog+" + urls.bus,
        **settings,
    )
    transport = httpx.ASGITransport(app=access.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://access") as client:
        async with service_context(
            SERVICE, made, {"access": client}, Sealer(SEALER_KEY), secret=lambda: "secret", clock=clock
        ) as ctx:
            yield ctx


@asynccontextmanager
async def catalog_world(
    postgres: TestPostgres, folder: Path, clock: ManualClock, **settings: Any
) -> AsyncGenerator[World]:
    """A catalogue, without workers: tests say when these work."""
    access = FakeAccess(clock)
    async with (
        databases(postgres) as urls,
        catalog_context(urls, folder, clock, access, **settings) as ctx,
    ):
        app = service_app(SERVICE, ctx)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://catalog") as client:
            assert isinstance(ctx.settings, CatalogSettings)
            yield World(ctx, app, client, access, clock, folder, ctx.settings, urls)
