"""Who may call what: every operation of `/openapi.json` by five subjects. An operation that is not told here fails.

Anonymous and wrong audience are 401 everywhere but for the public ones. For each row: who is right (and what they
get), who belongs to the right partner but has the wrong role, and what somebody of another partner gets – somebody
who is donor, admin and steward at home, so that only the border between partners stands between them and the answer.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.house import House, furnish
from tests.e2e.matrix import World, donation, forged, odrl, project, settle, tus
from tests.e2e.matrix_preparation import ROWS as PREPARATION
from tests.e2e.matrix_preparation import settle_preparation
from tests.e2e.rows import EVERYONE, Row, lists
from tests.support.factory import Factory

pytestmark = pytest.mark.slow

PUBLIC = {
    "exchange_token",
    "get_jwks",
    "sign_in",
    "finish_sign_in",
    "redeem_cli_code",
    "get_session",
}
"""All that can be called without a token. At most ten, each with a reason: they are how one gets a token."""

BY_COOKIE = {"issue_session_token", "sign_out"}
"""Take the browser's session instead of a token: anything else is 401 or 403."""

ROWS = [
    # access: who one is
    lists("get_me", "/me", "clerk"),
    lists("list_partners", "/partners", "operator"),
    Row("get_partner", "GET", "/partners/{partner}", "donor", wrong=200, other=200),
    Row("create_partner", "POST", "/partners", "operator", 201, other=403,
        json=lambda w: {"name": f"P {uuid.uuid4()}", "sector": "public", "country": "SE"}),
    Row("suspend_partner", "POST", "/partners/{suspendable}/suspension", "operator", wrong=404, other=403),
    Row("add_partner_member", "POST", "/partners/{partner}/members", "operator", 201, other=403,
        json=lambda w: {"user_id": w.ids["newcomer"]}),
    Row("remove_partner_member", "DELETE", "/partners/{partner}/members/{home}", "operator", 204, other=403),
    Row("list_users", "GET", "/users", "operator", other=EVERYONE),
    Row("deactivate_user", "POST", "/users/{to_deactivate}/deactivation", "operator", wrong=404),
    Row("assign_role", "POST", "/role-assignments", "operator", 201, other=403,
        json=lambda w: {"user_id": w.ids["user"], "role": "steward",
                        "scope": {"kind": "donation", "id": w.ids["draft"]}}),
    Row("list_role_assignments", "GET", "/role-assignments", "operator", wrong=EVERYONE, other=EVERYONE),
    Row("revoke_role", "DELETE", "/role-assignments/{role}", "operator", 204, wrong=404, wrong_one="member"),
    Row("create_api_key", "POST", "/api-keys", "clerk", 201, wrong=EVERYONE, other=EVERYONE,
        json=lambda w: {"name": "k", "expires_at": "2027-01-01T00:00:00Z"}),
    lists("list_api_keys", "/api-keys", "clerk"),
    Row("create_client", "POST", "/clients", "operator", 201, other=403,
        json=lambda w: {"partner_id": w.ids["partner"], "name": "c"}),
    Row("list_clients", "GET", "/clients", "operator", other=EVERYONE),
    Row("redeem_operator_secret", "POST", "/operator-secret/redemptions", "newcomer", 409, wrong=409, other=409,
        json=lambda w: {"secret": "guess"}),
    # access: projects
    Row("create_project", "POST", "/projects", "colleague", 201, wrong_one="newcomer", other=EVERYONE, json=project),
    lists("list_projects", "/projects", "lead"),
    Row("get_project", "GET", "/projects/{project}", "member", wrong=404, wrong_one="colleague"),
    Row("update_project", "PATCH", "/projects/{project}", "lead", wrong_one="member",
        json=lambda w: {"description": "Changed."}, extra=lambda w: {"headers": {"If-Match": "*"}}),
    Row("list_project_changes", "GET", "/projects/{project}/changes", "member", wrong=404, wrong_one="colleague"),
    Row("add_member", "POST", "/projects/{project}/members", "lead", 201, wrong_one="member",
        json=lambda w: {"user_id": w.ids["joining"]}),
    Row("remove_member", "DELETE", "/projects/{project}/members/{leaving}", "lead", 204, wrong_one="member"),
    Row("close_project", "POST", "/projects/{closable}/closure", "lead", wrong_one="colleague", wrong=404,
        extra=lambda w: {"headers": {"If-Match": "*"}}),
    # access: terms and training
    Row("create_terms", "POST", "/terms", "donor", 201, json=odrl, other=EVERYONE),
    lists("list_terms", "/terms", "donor"),
    Row("get_terms", "GET", "/terms/{terms}", "donor", wrong=200, other=200),
    lists("list_courses", "/courses", "lead"),
    lists("get_course", "/courses/using-donated-data", "lead"),
    Row("start_attempt", "POST", "/courses/using-donated-data/attempts", "lead", 201, wrong=EVERYONE, other=EVERYONE),
    Row("submit_attempt", "POST", "/attempts/{attempt}/answers", "lead", wrong=404, wrong_one="member",
        json=lambda w: {"answers": {}}),
    lists("list_completions", "/completions", "lead"),
    # access: admission and decisions
    Row("create_request", "POST", "/requests", "lead", 201, wrong=404, wrong_one="colleague",
        json=lambda w: {"project_id": w.ids["free_project"], "dataset_id": w.ids["dataset"], "actions": ["read"],
                        "purpose": "research", "purpose_text": "For a test.", "until": "2026-12-20T00:00:00Z"}),
    lists("list_requests", "/requests", "lead"),
    Row("get_request", "GET", "/requests/{request}", "lead", wrong=404, wrong_one="colleague"),
    Row("ask_question", "POST", "/requests/{request}/questions", "steward", 201, wrong_one="lead",
        json=lambda w: {"text": "Why?"}),
    Row("answer_question", "POST", "/requests/{request}/answers", "lead", 201, wrong_one="steward",
        json=lambda w: {"text": "Because."}),
    Row("decide_request", "POST", "/requests/{request}/decision", "steward", wrong_one="lead",
        json=lambda w: {"approve": False, "reasons": "A test."}),
    lists("list_agreements", "/agreements", "lead"),
    Row("get_agreement", "GET", "/agreements/{agreement}", "lead", wrong=404, wrong_one="colleague"),
    Row("sign_agreement", "POST", "/agreements/{agreement}/signature", "lead", wrong_one="steward",
        json=lambda w: {"accept": True, "digest": w.ids["digest"]}),
    lists("list_grants", "/grants", "lead"),
    Row("get_grant", "GET", "/grants/{grant}", "lead", wrong=404, wrong_one="colleague"),
    Row("evaluate_decision", "POST", "/decisions", "lead", wrong=404, wrong_one="clerk",
        json=lambda w: {"version_id": w.ids["version"], "project_id": w.ids["project"], "action": "read",
                        "purpose": "research"}),
    Row("evaluate_decisions", "POST", "/decision-batches", "lead", wrong=404, wrong_one="clerk",
        json=lambda w: {"items": [{"version_id": w.ids["version"], "project_id": w.ids["project"], "action": "read",
                                   "purpose": "research"}]}),
    lists("list_decisions", "/decisions", "lead"),
    Row("get_decision", "GET", "/decisions/{decision}", "lead", wrong=404, wrong_one="colleague"),
    Row("replay_decision", "POST", "/decisions/{decision}/replay", "lead", wrong=404, wrong_one="colleague"),
    Row("tail_events", "GET", "/events", "operator", other=403),
    # catalog: donations
    Row("create_donation", "POST", "/donations", "donor", 201, json=donation),
    lists("list_donations", "/donations", "donor"),
    Row("get_donation", "GET", "/donations/{draft}", "donor", wrong_one="colleague", wrong=404),
    Row("update_donation", "PATCH", "/donations/{draft}", "donor", wrong_one="steward",
        json=lambda w: {"description": "Changed."}, extra=lambda w: {"headers": {"If-Match": "*"}}),
    Row("create_upload", "POST", "/donations/{draft}/uploads", "donor", 201, wrong_one="steward",
        json=lambda w: {"path": "more.bin", "size": 3, "sha256": "0" * 64, "media_type": None, "unpack": None}),
    Row("list_uploads", "GET", "/donations/{draft}/uploads", "donor", wrong_one="colleague", wrong=404),
    Row("head_upload", "HEAD", "/uploads/{upload}", "donor", wrong_one="colleague", wrong=404,
        extra=lambda w: {"headers": {"Tus-Resumable": "1.0.0"}}),
    Row("upload_options", "OPTIONS", "/uploads/{upload}", "donor", 204, wrong=EVERYONE, other=EVERYONE),
    Row("append_upload", "PATCH", "/uploads/{upload}", "donor", 204, wrong_one="colleague", wrong=404, extra=tus),
    Row("cancel_upload", "DELETE", "/uploads/{cancelled}", "donor", 204, wrong_one="colleague", wrong=404,
        extra=lambda w: {"headers": {"Tus-Resumable": "1.0.0"}}),
    Row("submit_donation", "POST", "/donations/{to_submit}/submission", "donor", wrong_one="steward"),
    Row("update_checklist", "PUT", "/donations/{to_reject}/checklist", "steward", wrong_one="donor",
        json=lambda w: {"items": {w.ids["item"]: {"ok": True, "note": "Read."}}}),
    Row("accept_donation", "POST", "/donations/{to_accept}/acceptance", "steward", wrong_one="donor",
        json=lambda w: {"reasons": "In order."}),
    Row("reject_donation", "POST", "/donations/{to_reject}/rejection", "steward", wrong_one="donor",
        json=lambda w: {"reasons": "A test."}),
    Row("get_receipt", "GET", "/donations/{donation}/receipt", "donor", wrong_one="colleague", wrong=404),
    # catalog: datasets and files
    lists("list_datasets", "/datasets", "lead"),
    Row("get_dataset", "GET", "/datasets/{raw_dataset}", "steward", wrong_one="colleague", wrong=404),
    Row("update_dataset", "PATCH", "/datasets/{raw_dataset}", "steward", wrong_one="donor",
        json=lambda w: {"description": "Corrected."}, extra=lambda w: {"headers": {"If-Match": "*"}}),
    Row("list_versions", "GET", "/datasets/{raw_dataset}/versions", "steward", wrong_one="colleague", wrong=404),
    Row("get_version", "GET", "/versions/{raw_version}", "steward", wrong_one="colleague", wrong=404),
    Row("get_lineage", "GET", "/versions/{raw_version}/lineage", "steward", wrong_one="colleague", wrong=404),
    Row("list_files", "GET", "/versions/{raw_version}/files", "steward", wrong_one="colleague", wrong=404),
    Row("download_file", "GET", "/versions/{version}/files/a.bin", "lead", wrong_one="colleague", other=403,
        extra=lambda w: {"headers": {"Factory-Permit": w.permit}}),
    Row("head_file", "HEAD", "/versions/{version}/files/a.bin", "lead", wrong_one="colleague", other=403,
        extra=lambda w: {"headers": {"Factory-Permit": w.permit}}),
    Row("release_version", "POST", "/versions/{raw_version}/release", "steward2", wrong_one="donor",
        json=lambda w: {"reasons": "Looked at it."}),
    Row("publish_dataset", "POST", "/datasets/{raw_dataset}/publication", "steward", wrong_one="donor"),
    Row("revoke_grant", "POST", "/grants/{grant}/revocation", "steward", wrong_one="member",
        json=lambda w: {"reason": "A test."}),
    Row("withdraw_dataset", "POST", "/datasets/{withdrawable}/withdrawal", "donor", wrong_one="clerk", other=403,
        json=lambda w: {"reason": "A test."}),
    *PREPARATION,
    # last: what takes away what the others use
    Row("revoke_api_key", "DELETE", "/api-keys/{api_key}", "clerk", 204, wrong=404, wrong_one="donor"),
    Row("revoke_client", "DELETE", "/clients/{client}", "operator", 204, other=404),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(factory: Factory) -> Iterator[World]:
    house: House = furnish(factory)
    made = settle(house)
    settle_preparation(made)
    made.ids["terms"] = house.terms_id
    key = made.call("POST", "/api/v1/api-keys", made.bearer("clerk"),
                    json={"name": "k", "expires_at": "2027-01-01T00:00:00Z"})  # fmt: skip
    made.ids["api_key"] = key.json()["id"]
    client = made.call("POST", "/api/v1/clients", made.bearer("operator"),
                       json={"partner_id": house.donors, "name": "c"})  # fmt: skip
    made.ids["client"] = client.json()["client_id"]
    yield made


def _call(world: World, row: Row, headers: dict[str, str]) -> Any:
    content: dict[str, Any] = row.extra(world) if row.extra else {}
    if row.json:
        content["json"] = row.json(world)
    headers = {**content.pop("headers", {}), **headers}
    return world.call(row.method, "/api/v1" + row.path.format(**world.ids), headers, **content)


def test_every_operation_is_in_the_matrix(world: World) -> None:
    document = world.call("GET", "/openapi.json", {}).json()
    operations = {
        op["operationId"]: op.get("security")
        for methods in document["paths"].values()
        for op in methods.values()
        if isinstance(op, dict) and "operationId" in op
    }
    told = {row.op for row in ROWS}
    assert len(told) == len(ROWS)
    assert set(operations) == told | PUBLIC | BY_COOKIE
    assert {name for name, security in operations.items() if security == []} == PUBLIC
    assert len(PUBLIC) <= 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.op)
def test_strangers_are_stopped(world: World, row: Row) -> None:
    if row.op == "upload_options":
        assert _call(world, row, {}).status_code in (204, 401)
        return
    assert _call(world, row, {}).status_code == 401, "anonymous"
    assert _call(world, row, {"Authorization": f"Bearer {forged(world, row.right)}"}).status_code == 401, "audience"
    assert _call(world, row, {"Authorization": f"Bearer {world.permit}"}).status_code == 401, "permit as bearer"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.op)
def test_those_without_the_right_are_refused(world: World, row: Row) -> None:
    for name, expected in (("outsider", row.other), (row.wrong_one, row.wrong)):
        answer = _call(world, row, world.bearer(name))
        if expected == EVERYONE:
            assert answer.status_code == row.gets, (name, answer.text)
            hidden = (
                "draft",
                "project",
                "grant",
                "request",
                "agreement",
                "decision",
                "raw_dataset",
                "api_key",
                "run",
                "campaign",
                "task",
                "disputed",
            )
            seen = [key for key in hidden if world.ids[key] in answer.text]
            assert name != "outsider" or not seen, f"{name} sees {seen}"
        else:
            assert answer.status_code == expected, (name, answer.text)
            if answer.status_code >= 400 and row.method != "HEAD":
                assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.op)
def test_those_with_the_right_are_let_in(world: World, row: Row) -> None:
    answer = _call(world, row, world.bearer(row.right))
    assert answer.status_code == row.gets, answer.text


def test_cookie_operations_take_no_token(world: World) -> None:
    for path in ("/auth/token", "/auth/logout"):
        answer = world.call("POST", path, world.bearer("operator"))
        assert answer.status_code in (401, 403), answer.text
