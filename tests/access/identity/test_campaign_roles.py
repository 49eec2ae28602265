"""Who takes part in a campaign: said by its leads, through the annotation service, and live at once."""

import hashlib
import hmac

import pytest

from services.kit.ids import new_id
from tests.access.support import World

CAMPAIGN = str(new_id())


def said(user_id: object, role: str = "annotator", campaign: str = CAMPAIGN) -> dict[str, str]:
    return {"user_id": str(user_id), "role": role, "campaign_id": campaign}


async def test_a_part_in_a_campaign_is_given_and_taken_back(world: World) -> None:
    lead = await world.as_user("lead", partner="Acme")
    anna = await world.as_user("anna", partner="Acme")
    annotation = world.as_service("annotation", user=lead)
    given = await annotation.post("/campaign-roles", json=said(anna.id))
    assert given.status_code == 201, given.text
    assert given.json()["scope"] == {"kind": "campaign", "id": CAMPAIGN}
    assert given.json()["created_by"] == str(lead.id)
    assert (await annotation.post("/campaign-roles", json=said(anna.id))).json() == given.json()
    await annotation.post("/campaign-roles", json=said(anna.id, "reviewer"))
    roles = (await annotation.get(f"/subjects/{anna.id}")).json()["roles"]
    assert roles == [["annotator", "campaign", CAMPAIGN], ["reviewer", "campaign", CAMPAIGN]]
    shown = (await anna.get("/me")).json()["roles"]
    assert {"role": "annotator", "scope": {"kind": "campaign", "id": CAMPAIGN}} in shown

    url = f"/campaign-roles/{CAMPAIGN}/{anna.id}"
    for _ in range(2):
        assert (await annotation.delete(f"{url}/annotator")).status_code == 204
    assert (await annotation.delete(f"/campaign-roles/{new_id()}/{anna.id}/reviewer")).status_code == 204
    roles = (await annotation.get(f"/subjects/{anna.id}")).json()["roles"]
    assert roles == [["reviewer", "campaign", CAMPAIGN]]
    again = await annotation.post("/campaign-roles", json=said(anna.id))
    assert again.json()["id"] != given.json()["id"], "what was held before stays on record"


async def test_only_annotation_says_so_and_only_for_somebody(world: World) -> None:
    lead = await world.as_user("lead", partner="Acme")
    operator = await world.as_user("operator", roles=["operator"])
    for name in ("deid", "catalog"):
        answer = await world.as_service(name, user=operator).post("/campaign-roles", json=said(lead.id))
        assert (answer.status_code, answer.json()["code"]) == (403, "service-not-allowed")
        answer = await world.as_service(name, user=operator).delete(f"/campaign-roles/{CAMPAIGN}/{lead.id}/annotator")
        assert answer.status_code == 403
    assert (await world.as_service("annotation").post("/campaign-roles", json=said(lead.id))).status_code == 401
    assert (await operator.post("http://access/internal/v1/campaign-roles", json=said(lead.id))).status_code == 401


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"role": "lead"}, "/role"), ({"campaign_id": "1"}, "/campaign_id"), ({"user_id": str(new_id())}, "/user_id")],
)
async def test_what_makes_no_sense_is_refused(world: World, changes: dict[str, str], pointer: str) -> None:
    lead = await world.as_user("lead", partner="Acme")
    answer = await world.as_service("annotation", user=lead).post("/campaign-roles", json={**said(lead.id), **changes})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_who_is_shut_out_gets_no_part(world: World) -> None:
    lead = await world.as_user("lead", partner="Acme")
    anna = await world.as_user("anna", partner="Acme")
    operator = await world.as_user("operator", roles=["operator"])
    assert (await operator.post(f"/users/{anna.id}/deactivation")).status_code == 200
    answer = await world.as_service("annotation", user=lead).post("/campaign-roles", json=said(anna.id))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "user-unknown")


@pytest.mark.parametrize("name", ["deid", "annotation"])
async def test_preparation_and_annotation_get_tokens_of_their_own(world: World, name: str) -> None:
    root = bytes.fromhex(world.settings.service_root_secret.get_secret_value())
    secret = hmac.new(root, f"service:{name}".encode(), hashlib.sha256).hexdigest()
    url, body = "http://access/internal/v1/service-token", {"service": name, "secret": secret}
    answer = await world.anonymous.post(url, json=body)
    assert answer.status_code == 200, answer.text
    assert (await world.ctx.verifier.service(answer.json()["access_token"])).name == name
