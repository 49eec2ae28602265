"""From no to yes: a newcomer is told everything that stands in the way, and each cure removes exactly its reason."""

from typing import Any
from uuid import UUID

import pytest

from services.kit.problems import Problem
from services.kit.tokens import AUDIENCE, DATA_AUDIENCE, PERMIT_TYPE, USER_TYPE
from tests.access.admission.house import COURSE, House

WRONG = "innovation/product-development"


def cures(decision: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The ways out, by code."""
    return {code["code"]: code["cures"] for code in decision["codes"]}


async def test_a_newcomer_with_a_wrong_purpose_is_cured_step_by_step(house: House) -> None:
    await house.change_project(purpose=WRONG)
    decision = await house.decision(purpose=WRONG)
    missing = {"purpose-not-permitted", "course-not-valid", "grant-absent", "agreement-unsigned"}
    assert (decision["permit"], set(cures(decision))) == (False, missing)
    assert decision.get("permit_token") is None and decision["expires_at"] is None and decision["obligations"] == []

    (cure,) = cures(decision)["purpose-not-permitted"]
    assert (cure["operation_id"], cure["project_id"]) == ("update_project", house.project_id)
    assert "research/applied" in cure["permitted_purposes"] and WRONG not in cure["permitted_purposes"]
    await house.change_project(purpose="research/applied")
    decision = await house.decision()
    assert set(cures(decision)) == missing - {"purpose-not-permitted"}

    (cure,) = cures(decision)["course-not-valid"]
    assert (cure["operation_id"], cure["course_id"]) == ("start_attempt", COURSE)
    assert (await house.take_course(well=False))["passed"] is False
    assert await house.codes() == missing - {"purpose-not-permitted"}, "a failed attempt cures nothing"
    assert (await house.take_course())["passed"] is True
    decision = await house.decision()
    assert set(cures(decision)) == {"grant-absent", "agreement-unsigned"}

    (cure,) = cures(decision)["grant-absent"]
    assert cure["operation_id"] == "create_request"
    request = await house.requested(**{k: cure[k] for k in ("project_id", "dataset_id", "actions", "purpose")})
    assert await house.codes() == {"grant-absent", "agreement-unsigned"}, "asking is not getting"
    approved = (await house.decide(request["id"])).json()
    decision = await house.decision()
    assert set(cures(decision)) == {"agreement-unsigned"}

    (cure,) = cures(decision)["agreement-unsigned"]
    assert (cure["operation_id"], cure["agreement_id"]) == ("sign_agreement", approved["agreement_id"])
    assert (await house.sign(cure["agreement_id"])).status_code == 200
    decision = await house.decision()
    assert decision["permit"] is True and decision["codes"] == []
    assert [duty["kind"] for duty in decision["obligations"]] == ["attribution"]


async def test_the_permit_says_what_was_decided_and_nothing_more(house: House) -> None:
    decision = await house.permitted()
    permit = await house.world.ctx.verifier.permit(decision["permit_token"])
    assert permit.decision_id == UUID(decision["id"])
    assert permit.subject_id == house.researcher.id
    assert permit.version_id == UUID(house.version_id)
    assert permit.project_id == UUID(house.project_id)
    assert (permit.action, permit.path_digests, permit.job_id) == ("read", frozenset(), None)
    assert decision["expires_at"] == "2026-03-02T09:10:00Z"


async def test_a_permit_lasts_ten_minutes_and_not_longer(house: House) -> None:
    token = (await house.permitted())["permit_token"]
    claims = await house.world.ctx.verifier.claims(token, PERMIT_TYPE, DATA_AUDIENCE, "permit-")
    assert claims["exp"] - claims["iat"] == 600
    house.world.clock.advance(seconds=599)
    assert await house.world.ctx.verifier.permit(token)
    house.world.clock.advance(seconds=7)
    with pytest.raises(Problem) as refused:
        await house.world.ctx.verifier.permit(token)
    assert (refused.value.status, refused.value.code) == (401, "token-expired")


async def test_a_permit_is_no_way_to_sign_in(house: House) -> None:
    token = (await house.permitted())["permit_token"]
    answer = await house.world.anonymous.get("/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    with pytest.raises(Problem):
        await house.world.ctx.verifier.claims(token, USER_TYPE, AUDIENCE, "permit-")


async def test_a_permit_for_some_files_names_only_their_digests(house: House) -> None:
    await house.permitted()
    asked = ["scans/7.png", "scans/é.png", "scans/e\u0301.png", "scans/7.png"]
    decision = await house.decision(paths=asked)
    permit = await house.world.ctx.verifier.permit(decision["permit_token"])
    assert len(permit.path_digests) == 2, "one spelling of each path, once"
    record = (await house.researcher.get(f"/decisions/{decision['id']}")).text
    assert "scans" not in record and "png" not in record


async def test_only_the_one_who_was_asked_about_is_permitted(house: House) -> None:
    await house.permitted()
    assert await house.codes(house.lead) == {"course-not-valid"}, "a course is passed by a person, not by a project"
    assert await house.codes(house.colleague) == {"membership-ended", "course-not-valid"}
