"""Factory tokens for sessions: exchanged at access with the provider's ID token (RFC 8693), kept until nearly spent."""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from gateway.identity.provider import Provider, ProviderTokens, RefreshRefused
from gateway.sessions import service as sessions
from gateway.sessions.service import LiveSession
from gateway.upstream import Answer, Upstream
from services.kit.context import Context
from services.kit.problems import Problem, unavailable

SPARE_S = 30
"""A token is not handed out any more when fewer seconds are left."""

ID_TOKEN_SPARE_S = 60
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - RFC 8693 §3, a token type


class SessionEnded(Exception):
    """The provider or access no longer stands by the session: sign in again."""


@dataclass(frozen=True)
class FactoryToken:
    """A bearer token for the services, and when it ends (epoch seconds)."""

    value: str
    ends: float


class FactoryTokens:
    """One token a session at a time, asked for once however many requests wait for it. Per process."""

    def __init__(self, ctx: Context, access: Upstream, provider: Provider) -> None:
        self._ctx = ctx
        self._access = access
        self._provider = provider
        self._cache: dict[UUID, FactoryToken] = {}
        self._under_way: dict[UUID, asyncio.Task[FactoryToken]] = {}

    async def of(self, live: LiveSession) -> FactoryToken:
        """Return a token for `live`.

        Raises SessionEnded (the session is deleted then), or the problem that access answers, 503 when it does not.
        """
        now = self._now()
        token = self._cache.get(live.id)
        if token is not None and token.ends - now > SPARE_S:
            return token
        task = self._under_way.get(live.id)
        if task is None:
            task = asyncio.create_task(self._renew(live))
            self._under_way[live.id] = task
            task.add_done_callback(lambda done: self._finished(live.id, done))
        return await asyncio.shield(task)

    def forget(self, session_id: UUID) -> None:
        """Drop the token at hand, so that the next one has the roles and projects of that moment."""
        self._cache.pop(session_id, None)

    def _now(self) -> float:
        return self._ctx.clock.now().timestamp()

    def _finished(self, session_id: UUID, task: asyncio.Task[FactoryToken]) -> None:
        self._under_way.pop(session_id, None)
        if not task.cancelled():
            task.exception()  # read once here: whoever waited has it already, and nobody may have

    async def _renew(self, live: LiveSession) -> FactoryToken:
        try:
            tokens = await self._fresh_id_token(live)
            token = await self.exchange(tokens)
        except SessionEnded:
            self.forget(live.id)
            async with self._ctx.unit() as session:
                await sessions.end(session, live)
            raise
        now = self._now()
        self._cache = {k: t for k, t in self._cache.items() if t.ends > now}
        self._cache[live.id] = token
        return token

    async def _fresh_id_token(self, live: LiveSession) -> ProviderTokens:
        tokens = live.tokens
        if tokens.id_expires - self._now() > ID_TOKEN_SPARE_S:
            return tokens
        if tokens.refresh_token is not None:
            try:
                refreshed = await self._provider.refresh(tokens)
            except RefreshRefused:
                refreshed = None
            if refreshed is not None:
                async with self._ctx.unit() as session:
                    await sessions.keep_tokens(session, self._ctx.sealer, live, refreshed)
                tokens = refreshed
        if tokens.id_expires <= self._now():
            raise SessionEnded
        return tokens

    async def exchange(self, tokens: ProviderTokens) -> FactoryToken:
        """Return a factory token for a provider's ID token."""
        form = {"grant_type": _EXCHANGE, "subject_token": tokens.id_token, "subject_token_type": _ID_TOKEN}
        answer = await self._access.ask(
            "POST",
            "/api/v1/token",
            headers=[(b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"application/json")],
            body=urlencode(form).encode(),
        )
        return self._token_in(answer)

    def _token_in(self, answer: Answer) -> FactoryToken:
        if answer.status in (400, 401):
            raise SessionEnded
        try:
            document = json.loads(answer.body)
            if answer.status >= 400:
                if answer.status >= 500:
                    raise unavailable("access")
                raise Problem(answer.status, str(document["code"]), extra={"detail": document.get("detail")})
            return FactoryToken(str(document["access_token"]), self._now() + float(document["expires_in"]))
        except (ValueError, KeyError, TypeError):
            raise unavailable("access") from None
