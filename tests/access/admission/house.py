"""A hospital has donated a dataset that is published; a university's project would like to use it.

Everything goes over HTTP, as it would from outside. Only the catalogue is played: it says what a test tells it to.
"""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.access.terms import render
from services.access.training.bank import courses
from services.kit.ids import new_id
from services.kit.tokens import Role
from tests.access.support import Person, World
from tests.support.wait import until

EXAMPLES = Path(render.__file__).parent / "examples"
COURSE = "using-donated-data"
UNTIL = "2026-09-01T00:00:00Z"

Json = dict[str, Any]


class FakeCatalog:
    """Answers what other services ask about versions, from what the test has put there."""

    def __init__(self) -> None:
        self.datasets: dict[str, Json] = {}
        self.versions: dict[str, Json] = {}
        self.asked: list[Json] = []
        self.answers: Callable[[Json], Any] = lambda answer: answer
        """What becomes of a good answer on its way; a Response is sent as it is."""
        self.app = Starlette(routes=[Route("/internal/v1/version-facts", self._facts, methods=["POST"])])

    def add(self, *, partner_id: UUID, terms_id: str, **changes: Any) -> tuple[str, str]:
        """Add a published dataset with one released version; return their ids. `changes` are to the dataset."""
        dataset_id, version_id = str(new_id()), str(new_id())
        self.datasets[dataset_id] = {
            "state": "published",
            "integrity_class": "open",
            "partner_id": str(partner_id),
            "donation_id": str(new_id()),
            "terms_id": terms_id,
            "title": "Handwritten digits",
            "version_ids": [version_id],
            **changes,
        }
        self.versions[version_id] = {
            "dataset_id": dataset_id,
            "state": "released",
            "gate": "not-required",
            "personal_data": "no",
        }
        return dataset_id, version_id

    async def _facts(self, request: Request) -> Response:
        assert request.headers["factory-service"], "services say who they are"
        body = await request.json()
        self.asked.append(body)
        versions = {v: self.versions[v] for v in body["version_ids"] if v in self.versions}
        wanted = {*body["dataset_ids"], *(v["dataset_id"] for v in versions.values())}
        datasets = {d: self.datasets[d] for d in wanted if d in self.datasets}
        answer = self.answers(json.loads(json.dumps({"versions": versions, "datasets": datasets})))
        return answer if isinstance(answer, Response) else JSONResponse(answer)


@dataclass
class House:
    """The people, the project and the dataset, and short words for what they do."""

    world: World
    catalog: FakeCatalog
    operator: Person
    donor: Person
    steward: Person
    other_steward: Person
    """A steward of another donor."""
    lead: Person
    researcher: Person
    """A member of the project."""
    colleague: Person
    """Of the project's partner, but not of the project."""
    outsider: Person
    project_id: str
    terms_id: str
    dataset_id: str
    version_id: str

    async def terms(self, example: str = "open-research") -> str:
        """Create the terms of an example; return their id."""
        answer = await self.donor.post("/terms", json=json.loads((EXAMPLES / f"{example}.json").read_text()))
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def request_body(self, **changes: Any) -> Json:
        """A good request."""
        return {
            "project_id": self.project_id,
            "dataset_id": self.dataset_id,
            "actions": ["read"],
            "purpose": "research/applied",
            "purpose_text": "We compare small classifiers of handwritten digits.",
            "until": UNTIL,
            **changes,
        }

    async def request(self, person: Person | None = None, **changes: Any) -> httpx.Response:
        """A member asks for access."""
        return await (person or self.researcher).post("/requests", json=self.request_body(**changes))

    async def requested(self, **changes: Any) -> Json:
        """A request that waits."""
        answer = await self.request(**changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def decide(self, request_id: str, person: Person | None = None, **changes: Any) -> httpx.Response:
        """The steward approves."""
        body = {"approve": True, "reasons": "The purpose is what the donor meant.", **changes}
        return await (person or self.steward).post(f"/requests/{request_id}/decision", json=body)

    async def approved(self, **changes: Any) -> Json:
        """A request that was approved: `{request, grant_id, agreement_id}`."""
        answer = await self.decide((await self.requested(**changes))["id"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sign(
        self, agreement_id: str, person: Person | None = None, *, digest: str | None = None
    ) -> httpx.Response:
        """The lead accepts the agreement they have read."""
        person = person or self.lead
        if digest is None:
            digest = (await self.lead.get(f"/agreements/{agreement_id}")).json()["digest"]
        return await person.post(f"/agreements/{agreement_id}/signature", json={"accept": True, "digest": digest})

    async def granted(self, **changes: Any) -> str:
        """A grant whose agreement is signed; its id."""
        approved = await self.approved(**changes)
        answer = await self.sign(approved["agreement_id"])
        assert answer.status_code == 200, answer.text
        return approved["grant_id"]

    async def take_course(self, person: Person | None = None, *, well: bool = True) -> Json:
        """Take the course, answering every question right or every one wrong."""
        person = person or self.researcher
        attempt = await person.post(f"/courses/{COURSE}/attempts")
        assert attempt.status_code == 201, attempt.text
        answers: dict[str, str] = {}
        for question in attempt.json()["questions"]:
            right = courses()[COURSE].question(question["id"]).right
            answers[question["id"]] = next(o["id"] for o in question["options"] if (o["id"] == right) == well)
        answer = await person.post(f"/attempts/{attempt.json()['id']}/answers", json={"answers": answers})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def change_project(self, **changes: Any) -> None:
        """The lead changes the project."""
        read = await self.lead.get(f"/projects/{self.project_id}")
        answer = await self.lead.patch(
            f"/projects/{self.project_id}", json=changes, headers={"If-Match": read.headers["etag"]}
        )
        assert answer.status_code == 200, answer.text

    def ask_body(self, **changes: Any) -> Json:
        """A question to the law."""
        return {
            "version_id": self.version_id,
            "project_id": self.project_id,
            "action": "read",
            "purpose": "research/applied",
            **changes,
        }

    async def ask(
        self, person: Person | None = None, *, headers: dict[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        """May the researcher read the version?"""
        return await (person or self.researcher).post("/decisions", json=self.ask_body(**changes), headers=headers)

    async def decision(self, person: Person | None = None, **changes: Any) -> Json:
        """What the law says."""
        answer = await self.ask(person, **changes)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def codes(self, person: Person | None = None, **changes: Any) -> set[str]:
        """The reasons against; empty for a permit."""
        decision = await self.decision(person, **changes)
        codes = {code["code"] for code in decision["codes"]}
        assert decision["permit"] == (not codes)
        return codes

    async def permitted(self) -> Json:
        """The researcher has done all that is asked, and is permitted to read."""
        await self.take_course()
        await self.granted()
        decision = await self.decision()
        assert decision["permit"] is True, decision
        return decision

    async def leases(self, *decision_ids: str) -> dict[str, Json]:
        """What the catalogue is told about decisions under which it streams."""
        async with self.world.as_service("catalog") as catalog:
            answer = await catalog.post("/leases", json={"decision_ids": list(decision_ids)})
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def lease(self, decision_id: str) -> tuple[bool, set[str]]:
        """Whether what a decision permitted may go on, and why not."""
        item = (await self.leases(decision_id))[decision_id]
        return item["live"], set(item["codes"])

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return (await self.world.rows(f"SELECT count(*) AS n FROM {table}"))[0].n

    async def types(self) -> list[str]:
        """Facts in the outbox, in order, named short, about requests, agreements and grants."""
        names = [e.type.removeprefix("factory.access.").removesuffix(".v1") for e in await self.world.emitted()]
        return [name for name in names if name.split(".")[0] in ("request", "agreement", "grant")]


@asynccontextmanager
async def open_house(world: World) -> AsyncGenerator[House]:
    """Let everyone in."""
    catalog = FakeCatalog()
    transport = httpx.ASGITransport(app=catalog.app)
    world.clients["catalog"] = httpx.AsyncClient(transport=transport, base_url="http://catalog")
    hospital = await world.partner("Hospital", sector="public")
    await world.partner("University", sector="academia")
    await world.partner("Elsewhere", sector="industry")

    async def person(name: str, partner: str | None, roles: Sequence[str | Role] = ()) -> Person:
        return await world.as_user(name, partner=partner, roles=roles)

    lead = await person("lead", "University")

    async def awake() -> bool:
        return (await lead.get("/me")).status_code == 200

    # The first request of all fetches the keys, within a deadline that a busy machine may miss.
    await until(awake, seconds=30)
    researcher = await person("researcher", "University")
    project = await world.project(lead, members=[researcher], purpose="research")
    house = House(
        world=world,
        catalog=catalog,
        operator=await person("operator", None, ["operator"]),
        donor=await person("donor", "Hospital", ["donor", "partner-admin"]),
        steward=await person("steward", None, ["steward:Hospital"]),
        other_steward=await person("steward2", None, ["steward:Elsewhere"]),
        lead=lead,
        researcher=researcher,
        colleague=await person("colleague", "University"),
        outsider=await person("outsider", "Elsewhere"),
        project_id=project["id"],
        terms_id="",
        dataset_id="",
        version_id="",
    )
    house.terms_id = await house.terms()
    house.dataset_id, house.version_id = catalog.add(partner_id=hospital, terms_id=house.terms_id)
    yield house
    await world.clients["catalog"].aclose()


def pointers(answer: httpx.Response) -> dict[str, str]:
    """Pointer → code of a 422."""
    assert answer.status_code == 422, answer.text
    return {error["pointer"]: error["code"] for error in answer.json()["errors"]}


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def allowed(resource: Json) -> dict[str, bool]:
    """Action → whether it is allowed."""
    return {action["action"]: action["allowed"] for action in resource["allowed_actions"]}
