"""An agreement is made of the project and the terms, and signed by the project's lead exactly as it reads."""

import asyncio

import pytest

from services.access.admission.rules import agreement_digest
from tests.access.admission.house import House, allowed, pointers, refusal


async def test_the_text_names_parties_purpose_terms_and_end_in_both_languages(house: House) -> None:
    approved = await house.approved()
    agreement = (await house.lead.get(f"/agreements/{approved['agreement_id']}")).json()
    for language, day in (("sv", "2026-09-01 02:00:00 (svensk tid)"), ("en", "2026-09-01 02:00:00 (Swedish time)")):
        text = agreement["text"][language]
        for part in (
            *("Hospital", "University", "Earlier detection of falls", "Handwritten digits", house.dataset_id),
            *("research/applied", "We compare small classifiers of handwritten digits.", day),
        ):
            assert part in text, (language, part)
    summary = (await house.lead.get(f"/terms/{house.terms_id}")).json()["summary"]
    for language in ("sv", "en"):
        assert len(summary[language]) >= 3
        assert agreement["text"][language].count("\n- ") >= len(summary[language])
    assert agreement["digest"] == agreement_digest(agreement["text"])


async def test_it_is_shown_to_the_project_and_to_those_who_answer_for_the_data(house: House) -> None:
    agreement_id = (await house.approved())["agreement_id"]
    for person in (house.researcher, house.lead, house.steward, house.donor, house.operator):
        answer = await person.get(f"/agreements/{agreement_id}")
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        assert [a["id"] for a in (await person.get("/agreements")).json()["items"]] == [agreement_id]
    for person in (house.outsider, house.colleague, house.other_steward):
        assert refusal(await person.get(f"/agreements/{agreement_id}")) == (404, "not-found")
        assert refusal(await house.sign(agreement_id, person)) == (404, "not-found")
        assert (await person.get("/agreements")).json()["items"] == []


async def test_signing_makes_the_grant_hold(house: House) -> None:
    approved = await house.approved()
    assert allowed((await house.lead.get(f"/agreements/{approved['agreement_id']}")).json()) == {"sign": True}
    signed = (await house.sign(approved["agreement_id"])).json()
    assert (signed["signed_by"], signed["signed_at"]) == (str(house.lead.id), "2026-03-02T09:00:00Z")
    assert allowed(signed) == {"sign": False}
    assert (await house.lead.get(f"/grants/{approved['grant_id']}")).json()["state"] == "active"
    assert (await house.types())[-1] == "agreement.signed"
    (told,) = await house.world.emitted("agreement.signed")
    assert (told.subject, told.revision) == (approved["agreement_id"], 2)


@pytest.mark.parametrize("who", ["researcher", "steward", "donor", "operator"])
async def test_only_the_lead_signs(house: House, who: str) -> None:
    approved = await house.approved()
    answer = await house.sign(approved["agreement_id"], getattr(house, who))
    assert refusal(answer) == (403, "lead-required")
    assert (await house.lead.get(f"/grants/{approved['grant_id']}")).json()["state"] == "inert"


async def test_what_was_not_read_is_not_signed(house: House) -> None:
    agreement_id = (await house.approved())["agreement_id"]
    assert refusal(await house.sign(agreement_id, digest="0" * 64)) == (409, "agreement-changed")
    path = f"/agreements/{agreement_id}/signature"
    digest = (await house.lead.get(f"/agreements/{agreement_id}")).json()["digest"]
    for body, pointer in (
        ({"accept": False, "digest": digest}, "/accept"),
        ({"digest": digest}, "/accept"),
        ({"accept": True}, "/digest"),
        ({"accept": True, "digest": digest.upper() + "x"}, "/digest"),
        ({"accept": True, "digest": digest + "\n"}, "/digest"),
    ):
        assert pointer in pointers(await house.lead.post(path, json=body))
    assert "agreement.signed" not in await house.types()


async def test_signing_twice_changes_nothing(house: House) -> None:
    approved = await house.approved()
    answers = await asyncio.gather(*(house.sign(approved["agreement_id"]) for _ in range(6)))
    assert {a.status_code for a in answers} == {200} and len({a.json()["signed_at"] for a in answers}) == 1
    assert (await house.types()).count("agreement.signed") == 1


async def test_what_has_ended_is_not_signed(house: House) -> None:
    approved = await house.approved()
    await house.steward.post(f"/grants/{approved['grant_id']}/revocation", json={"reason": "A mistake."})
    assert refusal(await house.sign(approved["agreement_id"])) == (409, "grant-ended")
    assert allowed((await house.lead.get(f"/agreements/{approved['agreement_id']}")).json()) == {"sign": False}
    later = await house.approved()
    house.world.clock.advance(days=365)
    assert refusal(await house.sign(later["agreement_id"])) == (409, "grant-ended")


async def test_a_closed_project_signs_nothing_but_still_reads(house: House) -> None:
    approved = await house.approved()
    await house.lead.post(f"/projects/{house.project_id}/closure")
    assert (await house.lead.get(f"/agreements/{approved['agreement_id']}")).status_code == 200
    assert refusal(await house.sign(approved["agreement_id"])) == (403, "lead-required")


async def test_signing_and_revoking_at_once_end_revoked(house: House) -> None:
    for _ in range(5):
        approved = await house.approved()
        digest = (await house.lead.get(f"/agreements/{approved['agreement_id']}")).json()["digest"]
        revocation = house.steward.post(f"/grants/{approved['grant_id']}/revocation", json={"reason": "No."})
        signed, revoked = await asyncio.gather(house.sign(approved["agreement_id"], digest=digest), revocation)
        assert revoked.status_code == 200
        assert signed.status_code in (200, 409)
        assert (await house.lead.get(f"/grants/{approved['grant_id']}")).json()["state"] == "revoked"
        kinds = [t for t in (await house.types())[-2:] if t in ("agreement.signed", "grant.revoked")]
        assert kinds[-1] == "grant.revoked", "never signed after it was revoked"
        assert ("agreement.signed" in kinds) == (signed.status_code == 200)


async def test_an_older_reading_is_told(house: House) -> None:
    approved = await house.approved()
    digest = (await house.lead.get(f"/agreements/{approved['agreement_id']}")).json()["digest"]
    path, body = f"/agreements/{approved['agreement_id']}/signature", {"accept": True, "digest": digest}
    stale = await house.lead.post(path, json=body, headers={"If-Match": '"7"'})
    assert refusal(stale) == (412, "if-match-stale")
    assert (await house.lead.post(path, json=body, headers={"If-Match": '"1"'})).headers["etag"] == '"2"'
