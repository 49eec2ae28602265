"""Finished runs for tests, without running anything: their files are written down as a run would have.

async with gate_world(postgres, folder, clock) as world:
    run_id = await world.finished([text("a.txt", treated=3, untreated=5)])
    await world.judge_all(run_id)
    answer = await world.steward2.post(f"/runs/{run_id}/gate", json={"decision": "pass", "reasons": "Fine."})
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import delete, select
from sqlmodel import col

from services.deid.engine.operator import Finding, Place, Treated
from services.deid.gate import judging
from services.deid.gate.hooks import on_finished
from services.deid.gate.models import ReviewSample, RunReport
from services.deid.recipes.models import Recipe
from services.deid.runs.models import Run, RunFile
from services.deid.runs.sealing import Names, seal_findings, seal_measures, seal_names, seal_places
from services.deid.settings import DeidSettings
from services.deid.sources.keys import keys_of
from services.kit.app import service_app
from services.kit.context import Context
from services.kit.events import catalog as catalog_facts
from services.kit.events.registry import event_type
from services.kit.ids import new_id
from services.kit.inbox import Event
from services.kit.outbox import OUTBOX
from services.kit.tokens import AUDIENCE, USER_TYPE, Role, Subject, TokenVerifier, user_claims
from tests.catalog.fake_access import FakeAccess
from tests.deid.gate.fake_catalog import FakeCatalog
from tests.deid.support import SERVICE, databases, deid_context
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

JPEG = b"\xff\xd8\xff a small picture"
REASONS = "Judged with care."


@dataclass
class FileOfRun:
    """A file as a run would have noted it."""

    path: str
    media_type: str = "text/plain"
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    measures: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None


def text(path: str, *, treated: int = 0, untreated: int = 0, kind: str = "phone", left: int = 0) -> FileOfRun:
    """A text with so many findings, and so many sentences in which nothing was found; `left`: found, not treated."""
    places = [
        Place("treated", kind, f"characters {n}–{n + 5}", "999-99 99", f"Call [PHONE] before {n}.")
        for n in range(min(treated, Treated.SAMPLE))
    ] + [
        Place("untreated", "text", f"line {n}", "", f"The weather of day {n} was fine.")
        for n in range(min(untreated, Treated.SAMPLE))
    ]
    findings = [
        Finding(kind, f"text.{kind}", n >= left, f"characters {n}–{n + 5}", "999-99 99", "[PHONE]")
        for n in range(min(treated + left, Treated.SAMPLE))
    ]
    counts = {kind: {"found": treated + left, "treated": treated}} if treated + left else {}
    return FileOfRun(path, "text/plain", counts, {"treated": treated, "untreated": untreated}, places, findings)


def table(path: str, k: int | None, rows: int = 100, **measures: float) -> FileOfRun:
    """A table of which k was measured, or not."""
    made = text(path, treated=rows, untreated=rows, kind="quasi-identifier")
    made.media_type = "text/csv"
    made.measures = {} if k is None else {"k_min": k, "unique_share": 0.0, "rows_kept_share": 0.97, "utility_loss": 0.2}
    made.measures |= measures
    return made


def picture(path: str, faces: int = 1) -> FileOfRun:
    """A photograph with so many faces, all covered."""
    places = [Place("treated", "face", f"box {n},0,9,9", "9 × 9", "", JPEG) for n in range(faces)]
    places.append(Place("untreated", "picture", "whole", "", "", JPEG))
    return FileOfRun(
        path,
        "image/jpeg",
        {"face": {"found": faces, "treated": faces}},
        {"treated": faces, "untreated": 1},
        places,
        [Finding("face", "image.faces", True, "box 0,0,9,9", "9 × 9", "fill")],
        {"faces_found": faces, "faces_treated": faces, "faces_filled": 1, "strength": 0.25},
    )


def withheld(path: str, reason: str = "type-unknown") -> FileOfRun:
    """A file that was not passed on."""
    return FileOfRun(path, "application/octet-stream", reason=reason)


GOOD = [text(f"letters/{n}.txt", treated=8, untreated=8) for n in range(10)]
"""Files of a run that passes when all is judged right."""


@dataclass
class Person:
    """Somebody who asks; paths are below /api/v1."""

    world: "World"
    subject: Subject

    @property
    def id(self) -> UUID:
        return self.subject.id

    async def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, **kw: Any) -> httpx.Response:
        token = self.world.access.tokens.sign(USER_TYPE, AUDIENCE, 300, user_claims(self.subject))
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        return await self.world.client.request(method, f"/api/v1{path}", headers=sent, **kw)

    async def get(self, path: str, **kw: Any) -> httpx.Response:
        return await self.ask("GET", path, **kw)

    async def report(self, run_id: UUID) -> dict[str, Any]:
        answer = await self.get(f"/runs/{run_id}/report")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def samples(self, run_id: UUID, **params: Any) -> list[dict[str, Any]]:
        """The whole queue, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            answer = await self.get(f"/runs/{run_id}/review-samples", params={"limit": 200, **params})
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                return found
            params["after"] = answer.json()["next_cursor"]

    async def judge(self, run_id: UUID, sample_id: Any, judgement: str, **headers: str) -> httpx.Response:
        path = f"/runs/{run_id}/review-samples/{sample_id}"
        return await self.ask("PUT", path, headers=headers, json={"judgement": judgement})

    async def decide(
        self, run_id: UUID, decision: str = "pass", *, key: str | None = None, **kw: Any
    ) -> httpx.Response:
        headers = {**kw, **({"Idempotency-Key": key} if key else {})}
        body = {"decision": decision, "reasons": REASONS}
        return await self.ask("POST", f"/runs/{run_id}/gate", headers=headers, json=body)


@dataclass
class World:
    """Preparation with finished runs, and the people around them."""

    ctx: Context
    app: FastAPI
    client: httpx.AsyncClient
    access: FakeAccess
    catalog: FakeCatalog
    clock: ManualClock
    partner_id: UUID = field(default_factory=new_id)
    donation_id: UUID = field(default_factory=new_id)
    dataset_id: UUID = field(default_factory=new_id)
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
        """The one who starts runs."""
        return self.person("steward", None, Role("steward", "partner", self.partner_id))

    @property
    def steward2(self) -> Person:
        return self.person("steward2", None, Role("steward", "partner", self.partner_id))

    @property
    def case_steward(self) -> Person:
        return self.person("case_steward", None, Role("steward", "donation", self.donation_id))

    @property
    def donor(self) -> Person:
        return self.person("donor", self.partner_id, Role("donor", "partner", self.partner_id))

    @property
    def outsider(self) -> Person:
        other = self.people["outsider"].subject.partner_id if "outsider" in self.people else new_id()
        return self.person("outsider", other, Role("donor", "partner", other), Role("steward", "partner", other))

    async def finished(
        self,
        files: Iterable[FileOfRun],
        *,
        mode: str = "treat",
        thresholds: Mapping[str, float] | None = None,
        personal_data: str = "yes",
        state: str = "finished",
        run_id: UUID | None = None,
    ) -> UUID:
        """A run over these files, started by `steward`; returns its id."""
        now = self.clock.now()
        files = list(files)
        async with self.ctx.unit() as session:
            secrets = await keys_of(self.ctx).make(session, self.dataset_id, now)
            recipe = Recipe(
                name=f"r-{new_id()}", number=1, description="-", operators=[], digest="0" * 64,
                created_by=self.steward.id, created_at=now,
            )  # fmt: skip
            session.add(recipe)
            await session.flush()
            run = Run(
                id=run_id or new_id(),
                recipe_id=recipe.id,
                version_id=new_id(),
                dataset_id=self.dataset_id,
                partner_id=self.partner_id,
                donation_id=self.donation_id,
                integrity_class="internal",
                personal_data=personal_data,
                terms={"gate": "required", "gate_thresholds": dict(thresholds or {})},
                mode=mode,
                state=state,
                result_version_id=new_id() if mode == "treat" else None,
                key_id=secrets.key_id,
                operators=[],
                models=[],
                created_by=self.steward.id,
                created_at=now,
                finished_at=now,
                revision=3,
            )
            session.add(run)
            await session.flush()
            for number, file in enumerate(files, start=1):
                counts = file.counts
                if mode == "inspect":
                    counts = {kind: {"found": n["found"], "treated": 0} for kind, n in counts.items()}
                session.add(
                    RunFile(
                        run_id=run.id,
                        number=number,
                        sealed=seal_names(secrets, run.id, number, Names(f"raw/{file.path}", file.path, "x/y")),
                        state="withheld" if file.reason else "treated",
                        reason=file.reason,
                        media_type=file.media_type,
                        size=1000,
                        lane="text",
                        counts=counts,
                        totals=file.totals,
                        measures={n: v for n, v in file.measures.items() if not isinstance(v, str)},
                        sealed_measures=seal_measures(secrets, run.id, number, file.measures),
                        sealed_findings=seal_findings(secrets, run.id, number, file.findings),
                        sealed_places=seal_places(secrets, run.id, number, file.places),
                        done_at=now,
                    )
                )
            await session.flush()
            await on_finished(session, self.ctx, run)
        return run.id

    async def judge_all(
        self, run_id: UUID, *, faults: Sequence[int] = (), first: int | None = None
    ) -> list[dict[str, Any]]:
        """Judge the queue (or its `first` places): right, but for the places numbered in `faults`.

        Straight through the rules and in one transaction; over HTTP it is judged in `test_review` and `test_chain`.
        """
        queue = (await self.steward.samples(run_id))[:first]
        async with self.ctx.unit() as session:
            for shown in queue:
                judgement = shown["judgements"][1 if shown["number"] in faults else 0]
                caller = self.steward.subject
                _, sample = await judging.sample_for(session, caller, run_id, UUID(shown["id"]))
                await judging.judge(session, caller, sample, shown["sort"], judgement, self.clock.now())
        return queue

    @property
    def settings(self) -> DeidSettings:
        """The service's settings, which a test may change."""
        assert isinstance(self.ctx.settings, DeidSettings)
        return self.ctx.settings

    async def withdraw(self) -> None:
        """The dataset is withdrawn, as the catalogue says on the bus."""
        message = catalog_facts.DatasetWithdrawn(dataset_id=str(self.dataset_id), partner_id=str(self.partner_id))
        kind = "factory.catalog.dataset.withdrawn.v1"
        event = Event(new_id(), kind, "catalog", str(self.dataset_id), self.clock.now(), 2, message, "")
        for subscription in SERVICE.subscriptions:
            if kind in subscription.types:
                async with self.ctx.unit() as session:
                    await subscription.handler(self.ctx, session, event)

    async def forget(self, run_id: UUID) -> None:
        """Remove a run and all that belongs to it, as if its transaction had never committed."""
        async with self.ctx.unit() as session:
            for table in (ReviewSample, RunReport, RunFile):
                await session.execute(delete(table).where(col(table.run_id) == run_id))
            await session.execute(delete(Run).where(col(Run.id) == run_id))

    async def facts(self) -> list[tuple[str, Any, int]]:
        """Type, message and revision of the facts in the outbox, in order."""
        async with self.ctx.unit() as session:
            rows = (await session.execute(select(OUTBOX).order_by(OUTBOX.c.id))).mappings().all()
        return [(row["type"], event_type(row["type"]).decode(row["value"]), row["revision"]) for row in rows]

    async def run(self, run_id: UUID) -> Run:
        """The run's row."""
        async with self.ctx.unit() as session:
            return (await session.execute(select(Run).where(col(Run.id) == run_id))).scalar_one()


@asynccontextmanager
async def gate_world(
    postgres: TestPostgres, folder: Path, clock: ManualClock, **settings: Any
) -> AsyncGenerator[World]:
    """Preparation on a fresh database, without workers."""
    access = FakeAccess(clock)

    async def jwks() -> Any:
        return {"keys": [key.as_dict(private=False) for key in (access.token_key, access.permit_key)]}

    catalog = FakeCatalog(TokenVerifier(jwks, clock))
    async with (
        databases(postgres) as urls,
        deid_context(urls, folder, clock, access.app, catalog.app, **settings) as ctx,
    ):
        app = service_app(SERVICE, ctx)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://deid") as client:
            yield World(ctx, app, client, access, catalog, clock)
