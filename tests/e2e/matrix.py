"""A world in which every operation of the API has something to act on, and the people who try it."""

import base64
import datetime
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc.jwk import OKPKey

from services.kit.clock import SystemClock
from services.kit.tokens import USER_TYPE, Signer
from tests.e2e.house import TUS, Access, Gift, House, terms

BYTES = b"0123456789" * 100


@dataclass
class World:
    """Ids of things in every state that operations need, and a bearer token for each person."""

    house: House
    ids: dict[str, str] = field(default_factory=dict[str, str])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    permit: str = ""

    def bearer(self, name: str) -> dict[str, str]:
        """Return the header that says who `name` is."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def call(self, method: str, path: str, headers: dict[str, str], **content: Any) -> httpx.Response:
        """Send one request through the gateway."""
        with httpx.Client(base_url=self.house.factory.address, timeout=60, trust_env=False) as client:
            if path.startswith("/api/v1/events"):
                # It never ends by itself: the head is the answer.
                with client.stream(method, path, headers=headers) as answer:
                    return httpx.Response(answer.status_code, headers=answer.headers)
            return client.request(method, path, headers=headers, **content)


def forged(world: World, name: str) -> str:
    """Return a token for `name` that is right in everything (even signed by access's own key) but its audience."""
    keys = next((world.house.factory.folder / "xdg-data").rglob("access-signing.jwks"))
    entry = next(k for k in json.loads(keys.read_text())["keys"] if k["kid"].startswith("token-"))
    body = world.tokens[name].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    signer = Signer(OKPKey.import_key(entry), entry["kid"], SystemClock())
    return signer.sign(USER_TYPE, "elsewhere", 300, claims)


def settle(house: House) -> World:
    """Fill the world: a published gift with an access to it, a donation in each state, a project with everything."""
    world = World(house)
    ids = world.ids
    gift: Gift = house.give({"a.bin": BYTES})
    withdrawn: Gift = house.give({"w.bin": b"w"})
    unreleased = house.draft("Not released")
    house.upload(unreleased, "u.bin", b"u")
    raw = house.accept(unreleased)
    ids |= {"dataset": gift.dataset_id, "version": gift.version_id, "donation": gift.donation_id}
    ids |= {"withdrawable": withdrawn.dataset_id, "raw_dataset": raw.dataset_id, "raw_version": raw.version_id}
    ids["draft"] = house.draft("A draft")
    ids["upload"] = house.begin_upload(ids["draft"], "open.bin", BYTES)["id"]
    ids["cancelled"] = house.begin_upload(ids["draft"], "cancelled.bin", BYTES)["id"]
    for state in ("to_accept", "to_reject", "to_submit"):
        ids[state] = house.draft(state)
        house.upload(ids[state], "x.bin", b"x")
        house.donor.uploads.wait_stored(ids[state], timeout_s=60, every_s=0.1)
        if state != "to_submit":
            house.donor.donations.submit(ids[state])
    items = house.steward.donations.get(ids["to_accept"])["checklist"]
    ids["item"] = str(items[0]["key"])
    house.steward.donations.checklist(ids["to_accept"], {str(item["key"]): (True, "") for item in items})
    _people(world)
    _project(world, house.access("lead", gift), gift)
    ids["user"], ids["partner"] = house.user_id("clerk"), house.donors
    _sign_in(world)
    return world


def _people(world: World) -> None:
    house, ids = world.house, world.ids
    house.researcher("clerk", house.donors)
    house.researcher("newcomer-home", house.donors)
    elsewhere = house.partner("Utanför AB")
    house.researcher("outsider", elsewhere)
    for role in ("donor", "partner-admin", "steward"):
        house.operator.partners.assign_role(house.user_id("outsider"), role, "partner", elsewhere)
    for name in ("member", "colleague", "joining", "leaving"):
        house.researcher(name)
    ids["other_partner"] = elsewhere
    ids["joining"], ids["leaving"] = house.user_id("joining"), house.user_id("leaving")
    ids["home"] = house.user_id("newcomer-home")
    house.person("newcomer")
    ids["newcomer"] = house.user_id("newcomer")
    ids["to_deactivate"] = house.user_id("to-deactivate")
    ids["suspendable"] = house.partner("Tillfällig AB")
    assigned = house.operator.partners.assign_role(house.user_id("clerk"), "annotator", "campaign", ids["dataset"])
    ids["role"] = assigned["id"]


def _project(world: World, access: Access, gift: Gift) -> None:
    house, ids = world.house, world.ids
    lead = house.person("lead")
    ids |= {"project": access.project_id, "grant": access.grant_id, "decision": access.decision.id}
    world.permit = str(access.decision.permit_token)
    lead.projects.add_member(access.project_id, house.user_id("member"))
    lead.projects.add_member(access.project_id, house.user_id("leaving"))
    ids["closable"] = house.project("lead")
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=20)
    for name in ("request", "to_sign"):
        project = house.project("lead")
        request = lead.requests.create(
            project_id=project, dataset_id=gift.dataset_id, actions=["read"], purpose="research",
            purpose_text="For a test.", until=until,
        )  # fmt: skip
        ids[name] = str(request["id"])
    decided = house.steward.requests.decide(ids["to_sign"], approve=True, reasons="Fits.")
    ids["agreement"] = str(decided["agreement_id"])
    ids["digest"] = str(lead.requests.agreement(ids["agreement"])["digest"])
    ids["free_project"] = house.project("lead")
    ids["attempt"] = str(lead.courses.start("using-donated-data")["id"])


def _sign_in(world: World) -> None:
    house = world.house
    for name in ("donor", "steward", "steward2", "clerk", "outsider", "lead", "member", "colleague", "newcomer"):
        client = house.person(name)
        client.transport.forget_token()
        world.tokens[name] = client.transport.signed()["Authorization"].removeprefix("Bearer ")
    world.tokens["operator"] = house.operator.transport.signed()["Authorization"].removeprefix("Bearer ")


def tus(world: World, offset: int = 0, data: bytes = BYTES) -> dict[str, Any]:
    """Return headers and body of a PATCH."""
    return {"headers": {**TUS, "Upload-Offset": str(offset)}, "content": data}


def donation(world: World) -> dict[str, Any]:
    """Return the body of a new donation."""
    return {
        "title": "Another", "description": "Made for a test.", "language": "en", "controller": "Givare AB",
        "legal_bases": [], "origin": "Generated.", "third_party_rights": "None.", "personal_data": "no",
        "integrity_class": "open", "terms_id": world.house.terms_id, "partner_id": world.house.donors,
    }  # fmt: skip


def project(world: World) -> dict[str, Any]:
    """Return the body of a new project."""
    today = datetime.datetime.now(datetime.UTC).date()
    return {
        "name": "Another", "purpose": "research", "description": "Made for a test.", "partner_ids": [],
        "starts_on": today.isoformat(), "ends_on": (today + datetime.timedelta(days=30)).isoformat(),
        "budget_sek": "0.00",
    }  # fmt: skip


def odrl(_world: World) -> dict[str, Any]:
    """Return terms."""
    return terms()
