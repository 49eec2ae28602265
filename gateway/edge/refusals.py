"""The last word on failures: every one is a problem document, or ends the connection when an answer has begun."""

import asyncio

import structlog
from fastapi import FastAPI, Request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.upstream.port import App, BrokenAnswer, Message, Receive, Scope, Send
from services.kit.problems import Problem, problem_response, unavailable

LINGER_S = 2.0
LINGER_BYTES = 64 * 1024**2

log = structlog.get_logger("factory.gateway")


class Refusals:
    """ASGI middleware around all that may raise."""

    def __init__(self, app: App, speaker: FastAPI) -> None:
        self._app = app
        self._speaker = speaker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["app"] = self._speaker  # whose texts problem documents use
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception as error:
            if started:
                if not isinstance(error, BrokenAnswer | Problem):
                    log.exception("request.failed", error=type(error).__name__)
                raise  # the server drops the connection: the client sees that the answer is not whole
            problem = _problem_of(error)
            response = problem_response(problem, Request(scope))
            if problem.headers.get("Connection") == "close":
                await response(scope, receive, _lingering(receive, send))
            else:
                await response(scope, receive, send)


def _lingering(receive: Receive, send: Send) -> Send:
    """Return a `send` that reads on for a while before the answer is complete and the connection closes.

    A connection closed with unread bytes is reset, and a reset may reach a client that is still sending before it has
    read why it was refused.
    """

    async def lingering_send(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body", False):
            await send(message)
            return
        await send({**message, "more_body": True})
        size = 0
        try:
            async with asyncio.timeout(LINGER_S):
                while size < LINGER_BYTES:
                    part = await receive()
                    size += len(part.get("body", b""))
                    if part["type"] != "http.request" or not part.get("more_body", False):
                        break
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return lingering_send


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if _database_is_away(error):
        log.warning("database.unavailable", error=type(error).__name__)
        return unavailable("database")
    log.exception("request.failed", error=type(error).__name__)
    return Problem(500, "internal-error")


# SQLSTATE classes: connection exception, insufficient resources, operator intervention (starting up, shutting down).
_AWAY = ("08", "53", "57")


def _database_is_away(error: Exception) -> bool:
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout | OSError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or str(state).startswith(_AWAY)
