"""People sign in at their provider; access believes an ID token when everything about it holds, and nothing else."""

import asyncio
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey

from services.kit.tokens import AUDIENCE, USER_TYPE
from tests.access.support import EXCHANGE, ID_TOKEN, World, rsa_key


async def test_the_first_sign_in_creates_the_user_once_however_many_arrive_together(world: World) -> None:
    token = world.provider.id_token("anna", name="Anna Ek")
    answers = await asyncio.gather(*(world.sign_in(token) for _ in range(20)))
    assert {a.status_code for a in answers} == {200}
    assert [tuple(r) for r in await world.rows("SELECT subject, display_name FROM users")] == [("anna", "Anna Ek")]


async def test_the_answer_is_a_token_of_five_minutes_that_every_service_accepts(world: World) -> None:
    answer = await world.sign_in(world.provider.id_token("anna"))
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    assert body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer.headers["cache-control"] == "no-store"
    subject = await world.ctx.verifier.user(body["access_token"])
    claims = await world.ctx.verifier.claims(body["access_token"], USER_TYPE, AUDIENCE, "token-")
    assert claims["exp"] - claims["iat"] == 300
    me = await world.anonymous.get("/me", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert me.json() == {"id": str(subject.id), "display_name": "Anna", "partner": None, "roles": [], "projects": []}


async def test_the_token_says_partner_roles_and_projects(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme", roles=["donor"])
    project = await world.project(anna)
    subject = await world.ctx.verifier.user(
        (await world.sign_in(world.provider.id_token("anna"))).json()["access_token"]
    )
    assert subject.id == anna.id
    assert subject.partner_id == anna.partner_id
    assert subject.has("donor", "partner", anna.partner_id)
    assert {str(k): v for k, v in subject.projects.items()} == {project["id"]: "lead"}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.test"},
        {"iss": "https://login.test/"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": []},
        {"aud": ["datafactory", "another"]},
        {"aud": ["datafactory", "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 0},
        {"exp": True},
        {"iat": None},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\0b"},
        {"sub": "a\ud800b"},
        {"sub": "x" * 256},
    ],
    ids=str,
)
async def test_an_id_token_with_a_claim_that_does_not_hold_is_refused(world: World, claims: dict[str, Any]) -> None:
    answer = await world.sign_in(world.provider.id_token("anna", **claims))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert set(answer.json()) == {"error", "error_description"}
    assert await world.rows("SELECT 1 FROM users") == []


@pytest.mark.parametrize(
    "forgery",
    [
        "none",
        "public-key-as-secret",
        "other-key",
        "unknown-kid",
        "tampered",
        "access-token",
        "garbage",
        "rs512",
        "our-own",
    ],
)
async def test_forged_id_tokens_are_refused(world: World, forgery: str) -> None:
    provider = world.provider
    good = provider.id_token("anna")
    head, body, signature = good.split(".")
    forged = {
        "none": provider.unsigned("anna"),
        "public-key-as-secret": provider.signed_with_public_key("anna"),
        "other-key": provider.id_token("anna", key=rsa_key("stranger"), header={"kid": "login-1"}),
        "unknown-kid": provider.id_token("anna", key=rsa_key("stranger")),
        "tampered": f"{head}.{provider.id_token('bertil').split('.')[1]}.{signature}",
        "access-token": provider.id_token("anna", header={"typ": "at+jwt"}),
        "garbage": "a.b.c",
        "rs512": provider.id_token("anna", alg="RS512"),
        "our-own": world.token((await world.as_user("operator", roles=["operator"])).id),
    }[forgery]
    assert body not in (None, "")
    answer = await world.sign_in(forged)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert await world.rows("SELECT 1 FROM users WHERE subject = 'anna'") == []


async def test_an_expired_id_token_is_refused(world: World) -> None:
    token = world.provider.id_token("anna")
    world.clock.advance(seconds=3600 + 6)
    answer = await world.sign_in(token)
    assert answer.status_code == 400
    assert "expired" in answer.json()["error_description"]


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "Ed25519"])
async def test_other_accepted_signatures(world: World, alg: str) -> None:
    key = (
        ECKey.generate_key("P-256", parameters={"kid": "other"})
        if alg == "ES256"
        else OKPKey.generate_key("Ed25519", parameters={"kid": "other"})
    )
    world.provider.keys = [key]
    assert (await world.sign_in(world.provider.id_token("anna", alg=alg))).status_code == 200


async def test_several_audiences_are_fine_when_the_token_was_made_for_us(world: World) -> None:
    token = world.provider.id_token("anna", aud=["datafactory", "another"], azp="datafactory")
    assert (await world.sign_in(token)).status_code == 200


async def test_the_providers_keys_are_kept_and_fetched_again_when_a_new_one_appears(world: World) -> None:
    for subject in ("anna", "bertil", "cecilia"):
        assert (await world.sign_in(world.provider.id_token(subject))).status_code == 200
    assert world.provider.asked.count("/keys") == 1
    world.provider.keys = [rsa_key("login-2")]
    world.ctx.components["identity_provider"]._fetched_at -= 10
    assert (await world.sign_in(world.provider.id_token("anna"))).status_code == 200
    assert world.provider.asked.count("/keys") == 2


async def test_unknown_keys_do_not_make_access_ask_the_provider_each_time(world: World) -> None:
    await world.sign_in(world.provider.id_token("anna"))
    forged = world.provider.id_token("anna", key=rsa_key("stranger"))
    for _ in range(10):
        assert (await world.sign_in(forged)).status_code == 400
    assert world.provider.asked.count("/keys") == 1


async def test_without_an_answer_from_the_provider_there_is_no_token(world: World) -> None:
    world.provider.answers = False
    answer = await world.sign_in(world.provider.id_token("anna"))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": EXCHANGE}, "invalid_request"),
        ({"grant_type": EXCHANGE, "subject_token": "x", "subject_token_type": "urn:x"}, "invalid_request"),
        ({"grant_type": EXCHANGE, "subject_token": "x", "subject_token_type": ID_TOKEN}, "invalid_request"),
        ({"grant_type": [EXCHANGE, EXCHANGE]}, "invalid_request"),
    ],
    ids=str,
)
async def test_malformed_requests_are_refused_in_the_words_of_oauth(
    world: World, form: dict[str, Any], error: str
) -> None:
    answer = await world.anonymous.post("/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_json_is_no_token_request(world: World) -> None:
    answer = await world.anonymous.post("/token", json={"grant_type": EXCHANGE})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"name": "Åsa <b>Ek</b>"}, "Åsa <b>Ek</b>"),
        ({"name": "A\u202eksE"}, "anna"),
        ({"name": None, "preferred_username": "anna.ek"}, "anna.ek"),
        ({"name": " ", "preferred_username": 7}, "anna"),
        ({"name": "a\ud800b"}, "anna"),
        ({"name": "x" * 500}, "x" * 200),
    ],
    ids=str,
)
async def test_a_name_is_text_and_never_missing(world: World, claims: dict[str, Any], shown: str) -> None:
    assert (await world.sign_in(world.provider.id_token("anna", **claims))).status_code == 200
    assert [r[0] for r in await world.rows("SELECT display_name FROM users")] == [shown]


async def test_a_later_sign_in_renews_the_name(world: World) -> None:
    await world.sign_in(world.provider.id_token("anna", name="Anna Ek"))
    await world.sign_in(world.provider.id_token("anna", name="Anna Lind"))
    assert [r[0] for r in await world.rows("SELECT display_name FROM users")] == ["Anna Lind"]


async def test_the_people_of_a_suspended_partner_get_no_token_and_lose_the_one_they_have(world: World) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    anna = await world.as_user("anna", partner="Acme")
    assert (await anna.get("/me")).status_code == 200
    assert (await operator.post(f"/partners/{anna.partner_id}/suspension")).status_code == 200
    answer = await world.sign_in(world.provider.id_token("anna"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "suspended" in answer.json()["error_description"]
    assert (await anna.get("/me")).status_code == 401


async def test_a_deactivated_user_gets_no_token_and_loses_the_one_they_have(world: World) -> None:
    operator = await world.as_user("operator", roles=["operator"])
    anna = await world.as_user("anna", partner="Acme")
    assert (await operator.post(f"/users/{anna.id}/deactivation")).json()["active"] is False
    answer = await world.sign_in(world.provider.id_token("anna"))
    assert "deactivated" in answer.json()["error_description"]
    assert (await anna.get("/me")).status_code == 401
    assert (await operator.post(f"/users/{operator.id}/deactivation")).status_code == 409
