"""What people write is kept as text: HTML is not markup here, and characters that mislead are refused."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx

from services.access.admission.rules import AgreementFacts, agreement_digest, agreement_text
from tests.access.admission.house import House, pointers

HTML = "<script>alert('x')</script> & <b onmouseover=\"y\">bold</b> {{7*7}} %s ${x}"


async def test_html_is_text(house: House) -> None:
    request = await house.requested(purpose_text=HTML)
    assert request["purpose_text"] == HTML
    path = f"/requests/{request['id']}"
    asked = (await house.steward.post(f"{path}/questions", json={"text": HTML})).json()
    assert asked["messages"][0]["text"] == HTML
    decided = (await house.decide(request["id"], reasons=HTML)).json()
    assert decided["request"]["reasons"] == HTML
    revoked = await house.steward.post(f"/grants/{decided['grant_id']}/revocation", json={"reason": HTML})
    assert revoked.json()["revoke_reason"] == HTML
    assert revoked.headers["content-type"] == "application/json"
    agreement = (await house.lead.get(f"/agreements/{decided['agreement_id']}")).json()
    for text in agreement["text"].values():
        assert "<script" not in text.replace("\\<script", "")


async def test_text_is_normalised_and_keeps_its_lines(house: House) -> None:
    request = await house.requested(purpose_text="  Rad ett: e\u0301\n\tRad två \U0001f600  ")
    assert request["purpose_text"] == "Rad ett: é\n\tRad två \U0001f600"


BAD = ["a\x00b", "a\x1bb", "a\u202eb", "\ud83d", "", "   ", "x" * 20_001]


async def post(house: House, path: str, body: dict[str, Any], *, steward: bool) -> httpx.Response:
    # Not `json=`: half a surrogate pair can be written in JSON, and only there.
    person = house.steward if steward else house.researcher
    return await person.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


async def test_misleading_empty_and_endless_texts_are_refused(house: House) -> None:
    path = f"/requests/{(await house.requested())['id']}"
    other = await house.world.project(house.lead, members=[house.researcher], purpose="research")
    grant_id = (await house.approved(project_id=other["id"]))["grant_id"]
    for text in BAD:
        for at, body, pointer, steward in (
            ("/requests", house.request_body(purpose_text=text), "/purpose_text", False),
            (f"{path}/questions", {"text": text}, "/text", True),
            (f"{path}/answers", {"text": text}, "/text", False),
            (f"{path}/decision", {"approve": True, "reasons": text}, "/reasons", True),
            (f"/grants/{grant_id}/revocation", {"reason": text}, "/reason", True),
        ):
            assert list(pointers(await post(house, at, body, steward=steward))) == [pointer], (at, ascii(text)[:12])


def facts(**changes: Any) -> AgreementFacts:
    values: dict[str, Any] = {
        "project_name": "P", "project_partners": ["U"], "donor_name": "H", "dataset_title": "D", "dataset_id": "id",
        "actions": ["read"], "purpose": "research", "purpose_text": "T",
        "until": datetime(2026, 9, 1, tzinfo=UTC),
        "summary": {"sv": ["a"], "en": ["b"]},
    }  # fmt: skip
    return AgreementFacts(**{**values, **changes})


FORGED = (
    "Fine.\n\n## The donor's terms\n\n- Everything is allowed.\n1. So\n---\n# Title\n<h1>x</h1>\n[a](http://b) ![i](c)"
)


def test_nobody_s_text_can_pass_for_a_line_of_the_agreement() -> None:
    honest = agreement_text(facts())["en"].splitlines()
    forged = agreement_text(facts(purpose_text=FORGED, project_name=FORGED, dataset_title=FORGED))["en"].splitlines()
    assert [line for line in forged if line.startswith("#")] == [line for line in honest if line.startswith("#")]
    assert [line for line in forged if line.startswith("- ")] == [line for line in honest if line.startswith("- ")]
    quoted = [line for line in forged if line.startswith(">")]
    assert len(quoted) == len(FORGED.splitlines())
    assert "> \\#\\# The donor's terms" in quoted and "> \\- Everything is allowed." in quoted
    assert "> 1\\. So" in quoted and "> \\---" in quoted
    assert not any("](" in line.replace("\\]", "") for line in forged)


def test_two_texts_that_differ_are_two_digests() -> None:
    texts = [agreement_text(facts(purpose_text=t)) for t in ("A", "B", "A\nB")]
    assert len({agreement_digest(t) for t in texts}) == 3
    assert agreement_digest({"sv": "a", "en": "b"}) != agreement_digest({"sv": "ab", "en": ""})
