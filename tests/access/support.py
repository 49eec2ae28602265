"""A running access for tests: its application on an empty database, a clock to move, a provider that signs people in.

anna = await world.as_user("anna", partner="Acme", roles=["donor"])
answer = await anna.post("/projects", json=...)      # paths are below /api/v1
catalog = world.as_service("catalog")
answer = await catalog.post("/leases", json=...)     # paths are below /internal/v1
"""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import warnings
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
from fastapi import FastAPI
from google.protobuf.message import Message
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import services.access
from services.access.components import components
from services.access.decisions.engine import DecisionInput, PolicyEngine, PolicyResult, make_engine
from services.access.identity import repository as people
from services.access.identity import service as identity
from services.access.identity.models import Partner, RoleAssignment
from services.access.settings import AccessSettings
from services.access.tokens.oidc import IdentityProvider
from services.kit.app import service_app
from services.kit.context import Context
from services.kit.crypto import Sealer
from services.kit.db import Database
from services.kit.events.registry import event_type
from services.kit.http import ServiceClient
from services.kit.ids import new_id
from services.kit.outbox import OUTBOX
from services.kit.tokens import AUDIENCE, SERVICE_TYPE, USER_TYPE, Role, Signer, Subject, TokenVerifier, user_claims
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres

SERVICE = services.access.service
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
API_KEY = "urn:datafactory:token-type:api-key"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

Key = RSAKey | ECKey | OKPKey


@cache
def rsa_key(kid: str = "login-1") -> RSAKey:
    """An RSA key; making one is slow, so each name has one a run."""
    return RSAKey.generate_key(2048, parameters={"kid": kid})


class _Escaping(json.JSONEncoder):
    """Writes everything outside ASCII as an escape, so that claims can hold what UTF-8 cannot."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": True})


class FakeProvider:
    """An OpenID provider: discovery, a key set, and ID tokens of any kind. Counts how often it is asked."""

    issuer = "https://login.test"
    client_id = "datafactory"

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.keys: list[Key] = [rsa_key()]
        self.asked: list[str] = []
        self.answers = True

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer as the provider."""
        self.asked.append(request.url.path)
        if not self.answers:
            raise httpx.ConnectError("refused", request=request)
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"})
        if request.url.path == "/keys":
            return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})
        return httpx.Response(404)

    def claims(self, subject: str, **changes: Any) -> dict[str, Any]:
        """The claims of a good ID token, changed; a change to None leaves the claim out."""
        now = int(self.clock.now().timestamp())
        good = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": subject,
            "name": subject.title(),
            "iat": now,
            "exp": now + 3600,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def id_token(
        self,
        subject: str,
        *,
        key: Key | None = None,
        alg: str = "RS256",
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """An ID token for `subject`: good, unless told otherwise."""
        key = key or self.keys[0]
        head = {"alg": alg, "kid": key.kid, **(header or {})}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # providers still say "EdDSA"
            return jwt.encode(head, self.claims(subject, **claims), key, algorithms=[alg], encoder_cls=_Escaping)

    def unsigned(self, subject: str) -> str:
        """An ID token with `alg: none`."""
        return f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{_segment(self.claims(subject))}."

    def signed_with_public_key(self, subject: str) -> str:
        """An ID token with an HMAC whose secret is the provider's public key: the classic confusion of algorithms."""
        head = _segment({"alg": "HS256", "typ": "JWT", "kid": self.keys[0].kid})
        signed = f"{head}.{_segment(self.claims(subject))}"
        public = cast(RSAKey, self.keys[0]).as_pem(private=False)
        mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class _Bearer(httpx.Auth):
    """Signs a token of this moment for every request, so that a test may move the clock freely."""

    def __init__(self, world: "World", subject: Subject) -> None:
        self._world = world
        self._subject = subject

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        if "authorization" not in request.headers:
            request.headers["Authorization"] = f"Bearer {self._world.token(self._subject)}"
        yield request


class Person(httpx.AsyncClient):
    """A signed-in user's client. `get("/me")` is GET /api/v1/me."""

    id: UUID
    partner_id: UUID | None
    name: str


@dataclass
class Emitted:
    """A fact in the outbox."""

    type: str
    subject: str
    revision: int
    message: Message


@dataclass
class World:
    """A running access and everything a test needs to talk to it."""

    clock: ManualClock
    provider: FakeProvider
    settings: AccessSettings
    db: Database
    ctx: Context
    app: FastAPI
    clients: dict[str, httpx.AsyncClient]
    stack: AsyncExitStack
    partners: dict[str, UUID] = field(default_factory=dict[str, UUID])

    @property
    def token_signer(self) -> Signer:
        return self.ctx.components["token_signer"]

    @property
    def permit_signer(self) -> Signer:
        return self.ctx.components["permit_signer"]

    def transport(self) -> httpx.ASGITransport:
        """A transport to the application."""
        return httpx.ASGITransport(app=self.app, raise_app_exceptions=False)

    @property
    def anonymous(self) -> httpx.AsyncClient:
        """A client without a token, below /api/v1."""
        return self._client("http://access/api/v1")

    def _client(self, base_url: str, **more: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.transport(), base_url=base_url, **more)

    def token(self, subject: Subject | UUID, *, audience: str = AUDIENCE, kind: str = USER_TYPE) -> str:
        """A user token of this moment. Access reads roles live, so a bare id does."""
        if isinstance(subject, UUID):
            subject = Subject(id=subject, kind="user", token="")
        return self.token_signer.sign(kind, audience, 300, user_claims(subject))

    def as_service(self, name: str, *, user: Person | None = None) -> httpx.AsyncClient:
        """A client of another service (on behalf of `user`), below /internal/v1."""
        headers = {"Factory-Service": self.service_token(name)}
        if user is not None:
            headers["Authorization"] = f"Bearer {self.token(user.id)}"
        return self._client("http://access/internal/v1", headers=headers)

    def service_token(self, name: str) -> str:
        """A service token of this moment."""
        return self.token_signer.sign(SERVICE_TYPE, AUDIENCE, 300, {"sub": str(new_id()), "service": name})

    async def partner(self, name: str, *, sector: str = "public", country: str = "SE") -> UUID:
        """The id of the partner called `name`, made if need be."""
        if name not in self.partners:
            row = Partner(
                name=name, sector=sector, country=country, created_at=self.clock.now(), created_by=UUID(int=0)
            )
            async with self.ctx.unit() as session:
                await people.add(session, row)
            self.partners[name] = row.id
        return self.partners[name]

    async def as_user(
        self, name: str, *, partner: str | None = None, roles: Sequence[str | Role] = (), **of_partner: str
    ) -> Person:
        """Sign in `name` (made if need be) with a home partner and roles.

        A role is a `Role`, or text: `operator` and `finance` are global, `donor` and `partner-admin` of the home
        partner, `steward:Acme` of the partner called Acme.
        """
        partner_id = await self.partner(partner, **of_partner) if partner else None
        wanted = [await self._role(role, partner_id) for role in roles]
        now = self.clock.now()
        async with self.ctx.unit() as session:
            user = await identity.sign_in(session, self.provider.issuer, name, name.title(), now)
            if partner_id is not None:
                await people.join(session, user.id, partner_id, user.id, now)
            for role in wanted:
                row = RoleAssignment(
                    user_id=user.id, role=role.name, scope_kind=role.scope_kind, scope_id=role.scope_id,
                    created_at=now, created_by=user.id,
                )  # fmt: skip
                await people.hold(session, row)
        subject = Subject(id=user.id, kind="user", token="", partner_id=partner_id, roles=frozenset(wanted))
        person = Person(transport=self.transport(), base_url="http://access/api/v1", auth=_Bearer(self, subject))
        person.id, person.partner_id, person.name = user.id, partner_id, name
        return person

    async def _role(self, role: str | Role, home: UUID | None) -> Role:
        if isinstance(role, Role):
            return role
        name, _, of = role.partition(":")
        if name in ("operator", "finance"):
            return Role(name)
        return Role(name, "partner", await self.partner(of) if of else home)

    async def project(self, lead: Person, *, members: Sequence[Person] = (), **changes: Any) -> dict[str, Any]:
        """A project that `lead` opens, with members of its partners."""
        body = {**PROJECT, **changes}
        answer = await lead.post("/projects", json=body)
        assert answer.status_code == 201, answer.text
        for member in members:
            answer = await lead.post(f"/projects/{answer.json()['id']}/members", json={"user_id": str(member.id)})
            assert answer.status_code == 201, answer.text
        return answer.json()

    async def exchange(self, **form: str) -> httpx.Response:
        """POST /token with a form."""
        return await self.anonymous.post("/token", data={"grant_type": EXCHANGE, **form})

    async def sign_in(self, id_token: str) -> httpx.Response:
        """Exchange an ID token."""
        return await self.exchange(subject_token=id_token, subject_token_type=ID_TOKEN)

    async def emitted(self, *types: str) -> list[Emitted]:
        """Facts in the outbox, in order; of some types, named short: `project.opened`."""
        async with self.ctx.unit() as session:
            rows = (await session.execute(select(OUTBOX).order_by(OUTBOX.c.id))).all()
        found = [Emitted(r.type, r.subject, r.revision, event_type(r.type).decode(bytes(r.value))) for r in rows]
        return [e for e in found if not types or e.type in {f"factory.access.{t}.v1" for t in types}]

    async def rows(self, sql: str, **parameters: Any) -> list[Any]:
        """What a query finds in the database."""
        async with self.ctx.unit() as session:
            return list((await session.execute(text(sql), parameters)).all())


PROJECT: dict[str, Any] = {
    "name": "Earlier detection of falls",
    "purpose": "research/health",
    "description": "We compare methods that tell a fall from sitting down.",
    "partner_ids": [],
    "collaborative": False,
    "starts_on": "2026-01-01",
    "ends_on": "2026-12-31",
    "budget_sek": "250000.00",
    "ethics_approval": None,
}
"""The body of a good project."""


# Databases that a test has left, emptied. Making one takes longer than most tests, and so does removing it.
_left: WeakKeyDictionary[TestPostgres, list[str]] = WeakKeyDictionary()


@asynccontextmanager
async def empty_database(postgres: TestPostgres) -> AsyncGenerator[str]:
    """The URL of a database with the tables of access and nothing in them; emptied for the next test at the end."""
    left = _left.setdefault(postgres, [])
    url = left.pop() if left else await _new_database(postgres)
    yield url
    engine = create_async_engine(url, poolclass=NullPool)
    tables = [table.name for table in SERVICE.metadata.sorted_tables]
    filled = " UNION ALL ".join(f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in tables)
    async with engine.begin() as connection:
        names = [row[0] for row in await connection.execute(text(filled))]
        if names:
            listed = ", ".join(f'"{name}"' for name in names)
            await connection.execute(text(f"TRUNCATE {listed} RESTART IDENTITY CASCADE"))
        sequences = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
        for (name,) in (await connection.execute(text(sequences))).all():
            await connection.execute(text(f'ALTER SEQUENCE "{name}" RESTART'))
    await engine.dispose()
    left.append(url)


class _OneEngine:
    """The law, compiled once a run: making an engine takes longer than most tests. Nobody closes it before the end."""

    def __init__(self, engine: PolicyEngine) -> None:
        self._engine = engine

    @property
    def revision(self) -> str:
        return self._engine.revision

    async def evaluate(self, decision_input: DecisionInput) -> PolicyResult:
        return await self._engine.evaluate(decision_input)

    async def close(self) -> None:
        """Keep it for the next test."""


@cache
def one_engine(url: str) -> PolicyEngine:
    """The run's engine at `url`."""
    return _OneEngine(make_engine(url))


async def _new_database(postgres: TestPostgres) -> str:
    """Make a database with the tables of access: by its revisions, or from the code while it has none."""
    if any(SERVICE.migrations.glob("[0-9]*.py")):
        return await postgres.of(SERVICE)
    url = await postgres.empty("access")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(SERVICE.metadata.create_all)
    await engine.dispose()
    return url


@asynccontextmanager
async def running_access(
    postgres: TestPostgres, folder: Path, clock: ManualClock, **more: Any
) -> AsyncGenerator[World]:
    """Run access on an empty database. `more` are settings."""
    provider = FakeProvider(clock)
    root = secrets.token_hex(32)
    # Not from the environment: a developer's settings are no part of a test.
    settings = AccessSettings.model_validate(
        {
            "data_dir": folder / "data",
            "signing_keys_file": folder / "keys" / "access-signing.jwks",
            "operator_secret_file": folder / "keys" / "operator.secret",
            "service_root_secret": root,
            "oidc_issuer": provider.issuer,
            "oidc_client_id": provider.client_id,
            **more,
        }
    )
    async with AsyncExitStack() as stack:
        db = Database(await stack.enter_async_context(empty_database(postgres)))
        stack.push_async_callback(db.dispose)
        clients: dict[str, httpx.AsyncClient] = {}
        secret = hmac.new(bytes.fromhex(root), b"service:access", hashlib.sha256).hexdigest()
        http = ServiceClient("access", clients, lambda: secret)
        ctx = Context(
            service="access",
            settings=settings,
            clock=clock,
            db=db,
            bus=cast(Any, None),
            http=http,
            verifier=TokenVerifier(http.jwks, clock),
            sealer=Sealer(secrets.token_bytes(32)),
        )
        # By its module's name: `services.access.components` is the function, once the package has been imported.
        with patch.object(sys.modules[components.__module__], "make_engine", one_engine):
            ctx.components.update(await stack.enter_async_context(components(ctx)))
        ctx.subjects = ctx.components["subjects"]
        login = await stack.enter_async_context(httpx.AsyncClient(transport=httpx.MockTransport(provider.handle)))
        ctx.components["identity_provider"] = IdentityProvider(provider.issuer, provider.client_id, login, clock)
        app = service_app(SERVICE, ctx)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        clients["access"] = httpx.AsyncClient(transport=transport, base_url="http://access")
        yield World(clock, provider, settings, db, ctx, app, clients, stack)
