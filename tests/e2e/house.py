"""Partners, people and data in a running factory: what a test needs before it comes to its point. All over HTTP."""

import datetime
import hashlib
import json
import secrets
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from datafactory import Client, Refused
from datafactory.decisions import Ask, Decision
from datafactory.downloads import PERMIT_HEADER, Pace, Permits, file_url
from datafactory.errors import Json

from tests.support import wait
from tests.support.factory import Factory

PURPOSE = "research"


@dataclass(frozen=True)
class Gift:
    """A dataset that was donated."""

    donation_id: str
    dataset_id: str
    version_id: str


@dataclass(frozen=True)
class Access:
    """A person's permission: their project's grant to a dataset, and the decision that said yes."""

    name: str
    client: Client
    project_id: str
    grant_id: str
    decision: Decision
    ask: Ask

    def permits(self) -> Permits:
        """Return a source of permits, beginning with the one at hand."""
        return self.client.downloads.permits(self.ask, self.decision)


@dataclass
class House:
    """One donating partner with its stewards, and a university, in `factory`; new ones for each house."""

    factory: Factory
    run: str
    donors: str
    university: str
    terms_id: str = ""
    ids: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def operator(self) -> Client:
        """The operator, who is the same in every house."""
        return self.factory.person("operator")

    @property
    def donor(self) -> Client:
        """Who donates."""
        return self.person("donor")

    @property
    def steward(self) -> Client:
        """Who accepts, publishes and decides."""
        return self.person("steward")

    @property
    def steward2(self) -> Client:
        """Who releases."""
        return self.person("steward2")

    def person(self, name: str) -> Client:
        """Return this house's `name`, signed in."""
        return self.factory.person(f"{name}-{self.run}")

    def user_id(self, name: str) -> str:
        """Return the id of this house's `name`."""
        if name not in self.ids:
            self.ids[name] = str(self.person(name).partners.me()["id"])
        return self.ids[name]

    def partner(self, name: str) -> str:
        """Create another partner; return its id."""
        return str(self.operator.partners.create(f"{name} {self.run}", "industry", "SE")["id"])

    def researcher(self, name: str, partner_id: str | None = None) -> Client:
        """Sign `name` in and make them one of a partner's people (the university's unless told)."""
        self.operator.partners.add_member(partner_id or self.university, self.user_id(name))
        client = self.person(name)
        client.transport.forget_token()
        return client

    # -- giving ---------------------------------------------------------------------------------------------------

    def draft(self, title: str = "A series of measurements") -> str:
        """Begin a donation; return its id."""
        donation = self.donor.donations.create(
            {
                "title": title,
                "description": "Made for a test.",
                "language": "en",
                "controller": "Givare AB",
                "legal_bases": [],
                "origin": "Generated.",
                "third_party_rights": "None.",
                "personal_data": "no",
                "integrity_class": "open",
                "terms_id": self.terms_id,
                "partner_id": self.donors,
            }
        )
        return str(donation["id"])

    def begin_upload(self, donation_id: str, path: str, data: bytes, *, unpack: str | None = None) -> dict[str, Any]:
        """Create an upload for `data`; no byte is sent."""
        return self.donor.uploads.create(donation_id, path, len(data), hashlib.sha256(data).hexdigest(), unpack=unpack)

    def upload(self, donation_id: str, path: str, data: bytes, *, unpack: str | None = None) -> dict[str, Any]:
        """Create an upload and send all of it in one piece."""
        made = self.begin_upload(donation_id, path, data, unpack=unpack)
        if data:
            patch(self.donor, made["upload_url"], 0, data)
        return made

    def wait_refused(self, donation_id: str, upload_id: str) -> str:
        """Wait until the factory has refused an upload; return the reason."""

        def reason() -> str | None:
            return next(u["reason"] for u in self.donor.uploads.of(donation_id) if u["id"] == upload_id)

        return str(wait.until_sync(reason, seconds=30, what="the upload is refused"))

    def accept(self, donation_id: str) -> Gift:
        """Submit a donation whose uploads are sent, check it and accept it."""
        self.donor.uploads.wait_stored(donation_id, timeout_s=90, every_s=0.1)
        self.donor.donations.submit(donation_id)
        items = self.steward.donations.get(donation_id)["checklist"]
        self.steward.donations.checklist(donation_id, {str(item["key"]): (True, "") for item in items})
        accepted = self.steward.donations.accept(donation_id, "In order.")
        return Gift(donation_id, str(accepted["dataset_id"]), str(accepted["version_id"]))

    def release(self, gift: Gift) -> None:
        """Let the second steward release the version."""
        self.steward2.datasets.release(gift.version_id, "Looked at it.")

    def give(self, files: Mapping[str, bytes], *, title: str = "A series of measurements") -> Gift:
        """Donate, accept, release and publish `files`."""
        donation_id = self.draft(title)
        for path, data in files.items():
            self.upload(donation_id, path, data)
        gift = self.accept(donation_id)
        self.release(gift)
        self.steward.datasets.publish(gift.dataset_id)
        return gift

    # -- asking ---------------------------------------------------------------------------------------------------

    def project(self, name: str, partner_id: str | None = None, members: Sequence[str] = ()) -> str:
        """Open a project led by `name` with `members`; return its id."""
        today = datetime.datetime.now(datetime.UTC).date()
        project = self.person(name).projects.create(
            {
                "name": f"Of {name}",
                "purpose": PURPOSE,
                "description": "Made for a test.",
                "partner_ids": [partner_id or self.university],
                "collaborative": False,
                "starts_on": today.isoformat(),
                "ends_on": (today + datetime.timedelta(days=90)).isoformat(),
                "budget_sek": "0.00",
                "ethics_approval": None,
            }
        )
        for member in members:
            self.person(name).projects.add_member(str(project["id"]), self.user_id(member))
            self.person(member).transport.forget_token()
        return str(project["id"])

    def grant(self, name: str, project_id: str, gift: Gift, *, until: datetime.datetime | None = None) -> str:
        """Ask for the project, be granted, sign; return the grant's id."""
        until = until or datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)
        return sign_and_grant(self, name, project_id, gift, ["read"], until)

    def permitted(self, name: str, project_id: str, grant_id: str, gift: Gift) -> Access:
        """Ask the law, which must say yes."""
        ask = Ask(gift.version_id, project_id, "read", PURPOSE)
        client = self.person(name)
        return Access(name, client, project_id, grant_id, client.decisions.evaluate(ask).require(), ask)

    def access(self, name: str, gift: Gift, *, until: datetime.datetime | None = None) -> Access:
        """Give a new researcher of the university a project of their own and a grant."""
        self.researcher(name)
        project_id = self.project(name)
        return self.permitted(name, project_id, self.grant(name, project_id, gift, until=until), gift)


def sign_and_grant(
    house: House, name: str, project_id: str, gift: Gift, actions: list[str], until: datetime.datetime
) -> str:
    """Ask for these actions for the project, be granted, sign; return the grant's id."""
    client = house.person(name)
    request = client.requests.create(
        project_id=project_id, dataset_id=gift.dataset_id, actions=actions, purpose=PURPOSE,
        purpose_text="For a test.", until=until,
    )  # fmt: skip
    decided = house.steward.requests.decide(str(request["id"]), approve=True, reasons="Fits.")
    agreement = client.requests.agreement(str(decided["agreement_id"]))
    client.requests.sign(str(agreement["id"]), str(agreement["digest"]))
    return str(decided["grant_id"])


def furnish(factory: Factory) -> House:
    """Make a house: partners, people with roles, terms that permit reading for research."""
    operator = factory.person("operator")
    if not any(role["role"] == "operator" for role in operator.partners.me()["roles"]):
        operator.partners.redeem_operator_secret(factory.operator_secret())
    run = secrets.token_hex(4)
    donors = str(operator.partners.create(f"Givare AB {run}", "industry", "SE")["id"])
    university = str(operator.partners.create(f"Universitetet {run}", "academia", "SE")["id"])
    house = House(factory, run, donors, university)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(house.user_id, ("donor", "steward", "steward2")))
    operator.partners.add_member(donors, house.user_id("donor"))
    operator.partners.assign_role(house.user_id("donor"), "donor", "partner", donors)
    for name in ("steward", "steward2"):
        operator.partners.assign_role(house.user_id(name), "steward", "partner", donors)
    for name in ("donor", "steward", "steward2"):
        house.person(name).transport.forget_token()
    house.terms_id = str(house.donor.terms.create(terms())["id"])
    return house


def terms() -> dict[str, Any]:
    """Return a policy that permits reading for research, and asks for nothing else."""
    purpose = {"leftOperand": "purpose", "operator": "eq", "rightOperand": PURPOSE}
    return {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"df": "https://datafactory.example/ns#"}],
        "@type": "Offer",
        "permission": [{"action": ["read"], "constraint": [purpose]}],
    }


TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


def patch(client: Client, upload_url: str, offset: int, data: bytes) -> int:
    """Send `data` in one PATCH; return the offset that is answered."""
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Length": str(len(data))}
    answer = client.transport.send("PATCH", upload_url, headers=headers, content=lambda: iter([data]), repeatable=False)
    return int(answer.headers["Upload-Offset"])


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of `files`, stored as they are."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def refusal(act: Any) -> Refused:
    """Return how `act` is refused; it must be."""
    try:
        result = act()
    except Refused as refused:
        return refused
    raise AssertionError(f"this should have been refused, and gave {result!r}")


class Stream:
    """A download read at `rate` bytes a second in a thread of its own, and what became of it."""

    def __init__(self, access: Access, path: str, rate: float) -> None:
        self.access = access
        self.received = 0
        self.expected = 0
        self.ended: float | None = None
        """When it ended, whole or short (seconds since the epoch)."""
        self.headers = {**access.client.transport.signed(), PERMIT_HEADER: str(access.decision.permit_token)}
        self._url = f"{access.client.transport.base_url}{file_url(access.ask.version_id, path)}"
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"stream-{access.name}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        pace = Pace(self._rate)
        with suppress(httpx.TransportError), httpx.stream("GET", self._url, headers=self.headers) as response:
            response.raise_for_status()
            self.expected = int(response.headers["Content-Length"])
            for piece in response.iter_raw():
                self.received += len(piece)
                if self._stop.is_set():
                    break
                pace.passed(len(piece))
        self.ended = time.time()

    @property
    def short(self) -> bool:
        """Whether it ended before its last byte."""
        return self.ended is not None and self.received < self.expected

    def stop(self) -> None:
        """Hang up."""
        self._stop.set()
        self._thread.join(10)

    def ask_again(self) -> httpx.Response:
        """Ask the same address for one byte, with the permit and the token that the stream began with."""
        return httpx.get(self._url, headers={**self.headers, "Range": "bytes=0-0"}, timeout=30)


def journal(
    client: Client, since: datetime.datetime, types: Sequence[str], *, until: Callable[[list[Json]], bool]
) -> list[Json]:
    """Return the facts of `types` since an instant, read from the bus until `until` holds and no more come.

    What the bus repeats (a relay that died may say it again, with the same id) is one fact.
    """
    params = {"from": since.isoformat(), "types": ",".join(types)}
    facts: dict[str, Json] = {}

    def all_here() -> bool:
        with suppress(httpx.ReadTimeout), client.transport.stream(
            "GET", "/api/v1/events", params=params, timeout=httpx.Timeout(10, read=1.0)
        ) as response:  # fmt: skip
            for line in response.iter_lines():
                if line:
                    fact = json.loads(line)
                    assert facts.setdefault(fact["id"], fact) == fact
        return until(list(facts.values()))

    wait.until_sync(all_here, seconds=20, what="the facts on the bus")
    return list(facts.values())


def write(path: Path, data: bytes) -> Path:
    """Write `data` to `path`, with its folders; return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
