"""API keys and clients: a secret is shown once, kept only as a hash, and stops working when it should."""

import asyncio
import base64
import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.kit.ids import new_id
from tests.access.support import API_KEY, Person, World


def in_days(world: World, days: float) -> str:
    return (world.clock.now() + timedelta(days=days)).isoformat()


async def make_key(world: World, person: Person, days: float = 30, **more: Any) -> dict[str, Any]:
    answer = await person.post("/api-keys", json={"name": "nightly", "expires_at": in_days(world, days)}, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def by_key(world: World, key: str) -> httpx.Response:
    return await world.exchange(subject_token=key, subject_token_type=API_KEY)


async def everything_stored(world: World) -> str:
    tables = await world.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = [await world.rows(f'SELECT t::text FROM "{name}" t') for (name,) in tables]
    return "\n".join(str(row[0]) for rows in found for row in rows)


async def test_a_key_is_shown_once_and_kept_as_a_hash(world: World) -> None:
    anna = await world.as_user("anna")
    made = await make_key(world, anna, headers={"Idempotency-Key": "k"})
    assert made["key"].startswith("dfk_")
    assert made["key"].startswith(made["prefix"])
    (listed,) = (await anna.get("/api-keys")).json()["items"]
    assert "key" not in listed
    assert listed["id"] == made["id"]
    stored = await everything_stored(world)
    assert made["key"] not in stored
    assert made["key"].encode().hex() not in stored
    assert hashlib.sha256(made["key"].encode()).hexdigest() in stored


async def test_a_key_acts_as_its_user_and_tells_when_it_was_used(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme", roles=["donor"])
    made = await make_key(world, anna)
    assert made["last_used_at"] is None
    answer = await by_key(world, made["key"])
    assert answer.status_code == 200
    subject = await world.ctx.verifier.user(answer.json()["access_token"])
    assert (subject.id, subject.partner_id) == (anna.id, anna.partner_id)
    (listed,) = (await anna.get("/api-keys")).json()["items"]
    assert listed["last_used_at"] == "2026-03-02T09:00:00Z"


async def test_a_revoked_key_gives_no_token(world: World) -> None:
    anna = await world.as_user("anna")
    made = await make_key(world, anna)
    assert (await anna.delete(f"/api-keys/{made['id']}")).status_code == 204
    assert (await anna.delete(f"/api-keys/{made['id']}")).status_code == 204
    answer = await by_key(world, made["key"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_key_works_until_its_end_and_not_at_it(world: World) -> None:
    made = await make_key(world, await world.as_user("anna"), days=1)
    world.clock.advance(days=1, seconds=-1)
    assert (await by_key(world, made["key"])).status_code == 200
    world.clock.advance(seconds=1)
    assert (await by_key(world, made["key"])).status_code == 400


@pytest.mark.parametrize("key", ["", "dfk_", "dfk_" + "a" * 43, "x" * 100_000, "dfk_\x00"])
async def test_unknown_keys_give_no_token(world: World, key: str) -> None:
    await make_key(world, await world.as_user("anna"))
    assert (await by_key(world, key)).status_code == 400


@pytest.mark.parametrize("days", [0, -1, 367])
async def test_a_key_ends_in_the_future_and_within_a_year(world: World, days: float) -> None:
    anna = await world.as_user("anna")
    answer = await anna.post("/api-keys", json={"name": "x", "expires_at": in_days(world, days)})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/expires_at")


@pytest.mark.parametrize(
    "expires_at",
    ["2026-04-01T00:00:00", "tomorrow", "9999-12-31T23:59:59.999-23:59", "0001-01-01T00:00:00+23:59"],
)
async def test_what_is_no_instant_or_none_that_can_be_is_refused(world: World, expires_at: str) -> None:
    anna = await world.as_user("anna")
    answer = await anna.post("/api-keys", json={"name": "x", "expires_at": expires_at})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/expires_at")


async def test_someone_elses_key_does_not_exist(world: World) -> None:
    made = await make_key(world, await world.as_user("anna"))
    bertil = await world.as_user("bertil", roles=["operator"])
    assert (await bertil.get("/api-keys")).json()["items"] == []
    assert (await bertil.delete(f"/api-keys/{made['id']}")).status_code == 404
    assert (await by_key(world, made["key"])).status_code == 200


async def test_fifty_parallel_creations_with_one_idempotency_key_make_one_key(world: World) -> None:
    anna = await world.as_user("anna")
    keys = await asyncio.gather(*(make_key(world, anna, headers={"Idempotency-Key": "once"}) for _ in range(50)))
    assert len({k["key"] for k in keys}) == 1
    assert len((await anna.get("/api-keys")).json()["items"]) == 1


async def make_client(world: World) -> tuple[Person, dict[str, Any]]:
    admin = await world.as_user("admin", partner="Acme", roles=["partner-admin"])
    answer = await admin.post("/clients", json={"partner_id": str(admin.partner_id), "name": "portal"})
    assert answer.status_code == 201, answer.text
    return admin, answer.json()


async def by_client(world: World, client_id: str, secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return await world.anonymous.post("/token", data=form)


async def test_a_client_acts_as_a_service_account_of_its_partner(world: World) -> None:
    admin, made = await make_client(world)
    answer = await by_client(world, made["client_id"], made["client_secret"])
    assert answer.status_code == 200
    subject = await world.ctx.verifier.user(answer.json()["access_token"])
    assert subject.partner_id == admin.partner_id
    assert str(subject.id) == made["user_id"]
    assert subject.roles == frozenset()
    assert made["client_secret"] not in await everything_stored(world)
    (listed,) = (await admin.get("/clients")).json()["items"]
    assert "client_secret" not in listed
    users = (await admin.get("/users")).json()["items"]
    assert {u["kind"] for u in users} == {"person", "service-account"}


async def test_a_client_may_prove_itself_by_basic_but_not_in_two_ways(world: World) -> None:
    _, made = await make_client(world)
    pair = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    form = {"grant_type": "client_credentials"}
    assert (await world.anonymous.post("/token", data=form, headers=headers)).status_code == 200
    answer = await world.anonymous.post("/token", data={**form, "client_secret": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = await world.anonymous.post("/token", data=form, headers={"Authorization": "Basic %%%"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_wrong_unknown_and_revoked_clients_get_the_same_answer(world: World) -> None:
    admin, made = await make_client(world)
    wrong = await by_client(world, made["client_id"], "dfs_" + "a" * 43)
    unknown = await by_client(world, str(new_id()), made["client_secret"])
    malformed = await by_client(world, "not-an-id", made["client_secret"])
    assert (await admin.delete(f"/clients/{made['client_id']}")).status_code == 204
    revoked = await by_client(world, made["client_id"], made["client_secret"])
    answers = [wrong, unknown, malformed, revoked]
    assert {(a.status_code, a.text) for a in answers} == {(401, wrong.text)}
    assert wrong.json()["error"] == "invalid_client"
    assert wrong.headers["www-authenticate"].startswith("Basic")


async def test_only_a_partners_administrators_and_operators_make_its_clients(world: World) -> None:
    admin, made = await make_client(world)
    body = {"partner_id": str(admin.partner_id), "name": "x"}
    assert (await (await world.as_user("anna", partner="Acme")).post("/clients", json=body)).status_code == 403
    other = await world.as_user("other", partner="Globex", roles=["partner-admin"])
    assert (await other.post("/clients", json=body)).status_code == 404
    assert (await other.delete(f"/clients/{made['client_id']}")).status_code == 404
    assert (await other.get("/clients")).json()["items"] == []
    operator = await world.as_user("operator", roles=["operator"])
    assert (await operator.post("/clients", json=body)).status_code == 201


async def test_a_key_of_someone_shut_out_gives_no_token(world: World) -> None:
    anna = await world.as_user("anna", partner="Acme")
    made = await make_key(world, anna)
    operator = await world.as_user("operator", roles=["operator"])
    await operator.post(f"/partners/{anna.partner_id}/suspension")
    assert (await by_key(world, made["key"])).status_code == 400
