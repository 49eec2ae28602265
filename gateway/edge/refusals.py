"""The last word on failures: every one is a problem document, or ends the connection when an answer has begun."""

import structlog
from fastapi import FastAPI, Request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.upstream.port import App, BrokenAnswer, Message, Receive, Scope, Send
from services.kit.problems import Problem, problem_response, unavailable

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
            await problem_response(_problem_of(error), Request(scope))(scope, receive, send)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    lost = isinstance(error, OperationalError | InterfaceError | PoolTimeout | ConnectionError)
    if lost or (isinstance(error, DBAPIError) and error.connection_invalidated):
        log.warning("database.unavailable", error=type(error).__name__)
        return unavailable("database")
    if isinstance(error, SQLAlchemyError) and error.__cause__ is not None and isinstance(error.__cause__, OSError):
        return unavailable("database")
    log.exception("request.failed", error=type(error).__name__)
    return Problem(500, "internal-error")
