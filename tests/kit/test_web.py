"""Every endpoint is entered and left the same way: 401 first, nothing ignored, one transaction, one answer a key."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Header, Request
from joserfc.jwk import OKPKey
from sqlalchemy import Column, Integer, String, Table, func, insert, select

from services.kit.context import Context
from services.kit.db import Database, make_base
from services.kit.http import ServiceClient
from services.kit.idempotency import idempotency_table
from services.kit.ids import new_id
from services.kit.paging import Page
from services.kit.problems import conflict, install_handlers, problem_response
from services.kit.schemas import Body
from services.kit.settings import Settings
from services.kit.text import Name
from services.kit.texts import KIT_TEXTS
from services.kit.tokens import (
    AUDIENCE,
    USER_TYPE,
    Role,
    Signer,
    Subject,
    TokenVerifier,
    user_claims,
)
from services.kit.web import (
    PUBLIC,
    Caller,
    Ctx,
    IfMatch,
    Session,
    Transaction,
    check_if_match,
    factory_router,
    requires,
)
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

_base, METADATA = make_base("sample")
THINGS = Table("things", METADATA, Column("id", Integer, primary_key=True, autoincrement=True), Column("name", String))
IDEMPOTENCY = idempotency_table(METADATA)
Operator = requires("operator")


class PlainSealer:
    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        return bytes(b ^ 0x5A for b in plaintext)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        return bytes(b ^ 0x5A for b in sealed)


class ThingIn(Body):
    name: Name


router = factory_router()


@router.post("/things", status_code=201)
async def create_thing(body: ThingIn, caller: Caller, session: Session) -> dict[str, Any]:
    row = (await session.execute(insert(THINGS).values(name=body.name).returning(THINGS.c.id))).scalar_one()
    if body.name == "explode":
        raise conflict("not-found", noun="x")
    return {"id": row}


@router.post("/refused")
async def refused(caller: Caller, session: Session, request: Request) -> Any:
    await session.execute(insert(THINGS).values(name="recorded"))
    return problem_response(conflict("role-required", role="x"), request)


@router.post("/commits")
async def commits(caller: Caller, session: Session) -> None:
    await session.commit()


@router.get("/things")
async def list_things(caller: Caller, page: Page) -> dict[str, int]:
    return {"limit": page.limit}


@router.get("/operators-only")
async def operators_only(caller: Operator) -> dict[str, str]:  # pyright: ignore[reportInvalidTypeForm]
    return {"ok": "yes"}


@router.put("/versioned")
async def versioned(caller: Caller, if_match: IfMatch = None) -> dict[str, str]:
    check_if_match(if_match, 3)
    return {"ok": "yes"}


@router.post("/asks")
async def asks(caller: Caller, ctx: Ctx, transaction: Transaction) -> None:
    await transaction()
    await ctx.http.get_json("access", "/internal/v1/anything")


@router.get("/open", openapi_extra=PUBLIC)
async def open_to_all(x: Annotated[str | None, Header()] = None) -> dict[str, str]:
    return {"ok": "yes"}


@dataclass
class World:
    client: httpx.AsyncClient
    database: Database
    signer: Signer
    clock: ManualClock

    def token(self, *roles: str, user: UUID | None = None, audience: str = AUDIENCE, kind: str = USER_TYPE) -> str:
        subject = Subject(id=user or new_id(), kind="user", token="", roles=frozenset(Role(r) for r in roles))
        return self.signer.sign(kind, audience, 300, user_claims(subject))

    def bearer(self, *roles: str, **kw: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, **kw)}"}

    async def count(self) -> int:
        async with self.database.unit() as session:
            return (await session.execute(select(func.count()).select_from(THINGS))).scalar_one()


@pytest.fixture
async def world(postgres: TestPostgres, clock: ManualClock) -> AsyncIterator[World]:
    database = Database(await postgres.empty("web"))
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "token-1"})

    async def jwks() -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False)]}

    app = FastAPI()
    app.state.texts = KIT_TEXTS
    app.state.idempotency = IDEMPOTENCY
    app.state.ctx = Context(
        service="sample",
        settings=Settings(),
        clock=clock,
        db=database,
        bus=None,  # pyright: ignore[reportArgumentType]
        http=ServiceClient("sample", {}, lambda: ""),
        verifier=TokenVerifier(jwks, clock),
        sealer=PlainSealer(),
    )
    install_handlers(app)
    app.include_router(router)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        yield World(client, database, Signer(key, "token-1", clock), clock)
    await database.dispose()


async def test_without_a_token_the_answer_is_401_before_anything_is_read(world: World) -> None:
    answer = await world.client.post("/things", content=b"{not json")
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_public_operation_needs_none(world: World) -> None:
    assert (await world.client.get("/open")).status_code == 200


@pytest.mark.parametrize("forgery", ["audience", "type", "expired", "none", "garbage", "other-key", "future"])
async def test_tokens_that_do_not_hold_are_401(world: World, forgery: str) -> None:
    token = world.token()
    if forgery == "audience":
        token = world.token(audience="elsewhere")
    elif forgery == "type":
        token = world.token(kind="df-permit+jwt")
    elif forgery == "expired":
        world.clock.advance(seconds=306)
    elif forgery == "none":
        import base64

        head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"df-user+jwt","kid":"token-1"}').decode().rstrip("=")
        token = f"{head}.{token.split('.')[1]}."
    elif forgery == "garbage":
        token = "a.b.c"
    elif forgery == "other-key":
        other = OKPKey.generate_key("Ed25519", parameters={"kid": "token-1"})
        token = Signer(other, "token-1", world.clock).sign(USER_TYPE, AUDIENCE, 300, {"sub": str(new_id())})
    elif forgery == "future":
        world.clock.advance(hours=-1)
    answer = await world.client.get("/things", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json()["code"] == ("token-expired" if forgery == "expired" else "token-invalid")


async def test_what_succeeds_is_committed_and_what_fails_is_not(world: World) -> None:
    assert (await world.client.post("/things", json={"name": "a"}, headers=world.bearer())).status_code == 201
    assert (await world.client.post("/things", json={"name": "explode"}, headers=world.bearer())).status_code == 409
    assert await world.count() == 1


async def test_a_returned_refusal_is_recorded(world: World) -> None:
    assert (await world.client.post("/refused", headers=world.bearer())).status_code == 409
    assert await world.count() == 1


async def test_rules_cannot_commit(world: World) -> None:
    assert (await world.client.post("/commits", headers=world.bearer())).status_code == 500


async def test_no_other_service_is_asked_while_a_transaction_is_open(world: World) -> None:
    assert (await world.client.post("/asks", headers=world.bearer())).status_code == 500


async def test_unknown_parameters_and_members_are_named(world: World) -> None:
    answer = await world.client.get("/things?limit=5&ofset=2", headers=world.bearer())
    assert [e["pointer"] for e in answer.json()["errors"]] == ["query:ofset"]
    answer = await world.client.post("/things", json={"name": "a", "nmae": "b"}, headers=world.bearer())
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/nmae"]
    assert (await world.client.get("/things?limit=5", headers=world.bearer())).json() == {"limit": 5}


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "a\u202eb", "x" * 201])
async def test_bad_names_are_refused_with_a_pointer(world: World, name: str) -> None:
    answer = await world.client.post("/things", json={"name": name}, headers=world.bearer())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/name")


async def test_roles_are_asked_for(world: World) -> None:
    assert (await world.client.get("/operators-only", headers=world.bearer())).status_code == 403
    assert (await world.client.get("/operators-only", headers=world.bearer("operator"))).status_code == 200


async def test_stale_and_missing_if_match(world: World) -> None:
    assert (await world.client.put("/versioned", headers=world.bearer())).status_code == 428
    assert (await world.client.put("/versioned", headers={**world.bearer(), "If-Match": '"2"'})).status_code == 412
    assert (await world.client.put("/versioned", headers={**world.bearer(), "If-Match": '"3"'})).status_code == 200


async def test_fifty_parallel_posts_with_one_key_make_one_thing(world: World) -> None:
    headers = {**world.bearer(user=new_id()), "Idempotency-Key": "k1"}
    answers = await asyncio.gather(
        *(world.client.post("/things", json={"name": "one"}, headers=headers) for _ in range(50))
    )
    assert {a.status_code for a in answers} == {201}
    assert len({json.dumps(a.json()) for a in answers}) == 1
    assert await world.count() == 1


async def test_the_same_key_with_another_body_is_409_and_of_another_subject_is_its_own(world: World) -> None:
    headers = {**world.bearer(user=new_id()), "Idempotency-Key": "k1"}
    assert (await world.client.post("/things", json={"name": "one"}, headers=headers)).status_code == 201
    answer = await world.client.post("/things", json={"name": "two"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-key-reused")
    other = {**world.bearer(user=new_id()), "Idempotency-Key": "k1"}
    assert (await world.client.post("/things", json={"name": "two"}, headers=other)).status_code == 201
    assert await world.count() == 2


async def test_a_failed_post_leaves_its_key_free(world: World) -> None:
    headers = {**world.bearer(user=new_id()), "Idempotency-Key": "k1"}
    assert (await world.client.post("/things", json={"name": "explode"}, headers=headers)).status_code == 409
    assert (await world.client.post("/things", json={"name": "fine"}, headers=headers)).status_code == 201


async def test_refusals_speak_swedish(world: World) -> None:
    answer = await world.client.get("/things", headers={"Accept-Language": "sv-SE,en;q=0.5"})
    assert answer.json()["title"] == "Inte inloggad"
    assert answer.headers["content-language"] == "sv"
