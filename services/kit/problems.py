"""Refusals as values and exceptions, told as `application/problem+json` (RFC 9457) in the caller's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from services.kit.bus.failures import is_passing
from services.kit.texts import KIT_TEXTS, TITLES, Language, Texts, languages_of

log = structlog.get_logger("factory.problems")


@dataclass(frozen=True)
class FieldError:
    """One thing wrong in a request; `pointer`: RFC 6901, into the body, or `query:name`, `header:name`."""

    pointer: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    detail: str | None = None


class Problem(Exception):
    """A refusal with an HTTP status, a stable code and everything the caller needs to mend it.

    `extra` adds members to the problem document (RFC 9457 §3.2), `cures` say which operations would help.
    """

    def __init__(
        self,
        status: int,
        code: str,
        *,
        params: Mapping[str, object] | None = None,
        errors: Sequence[FieldError] = (),
        cures: Sequence[Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.params = dict(params or {})
        self.errors = list(errors)
        self.cures = list(cures)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


class BrokenOff(Exception):
    """An answer is broken off on purpose, so that its reader knows that it is not whole. Nothing has failed."""


def not_found(noun: str) -> Problem:
    """404: the thing does not exist, or the caller may not know that it does."""
    return Problem(404, "not-found", params={"noun": noun})


def conflict(code: str, **params: object) -> Problem:
    """409: the resource's state does not allow it."""
    return Problem(409, code, params=params)


def forbidden(code: str, cures: Sequence[Mapping[str, object]] = (), **params: object) -> Problem:
    """403: the caller is known and may not do this."""
    return Problem(403, code, params=params, cures=cures)


def invalid(pointer: str, code: str, **params: object) -> Problem:
    """422: one field of the request is wrong."""
    return Problem(422, "invalid-request", errors=[FieldError(pointer, code, params)])


def unauthenticated(code: str = "not-signed-in") -> Problem:
    """401: no token, or one that does not hold."""
    return Problem(401, code, headers={"WWW-Authenticate": f'Bearer error="{code}"'})


def unavailable(what: str, retry_after_s: int = 2) -> Problem:
    """503: something this needs does not answer."""
    return Problem(503, "unavailable", params={"what": what}, headers={"Retry-After": str(retry_after_s)})


def _text(texts: Texts, code: str, language: Language, params: Mapping[str, object]) -> str | None:
    entry = texts.get(code)
    if entry is None:
        return None
    try:
        return entry[language].format(**params)
    except (KeyError, IndexError):
        return entry[language]


def describe(problem: Problem, texts: Texts, language: Language, instance: str | None = None) -> dict[str, Any]:
    """Return the problem document of `problem` in `language`."""
    document: dict[str, Any] = {
        "type": f"urn:datafactory:problem:{problem.code}",
        "title": TITLES.get(problem.status, TITLES[400])[language],
        "status": problem.status,
        "code": problem.code,
        "detail": _text(texts, problem.code, language, problem.params) or problem.code,
    }
    if problem.errors:
        document["errors"] = [
            {
                "pointer": e.pointer,
                "code": e.code,
                "detail": e.detail or _text(texts, e.code, language, e.params) or e.code,
            }
            for e in problem.errors
        ]
    if problem.cures:
        document["cures"] = [dict(cure) for cure in problem.cures]
    if instance:
        document["instance"] = f"urn:datafactory:request:{instance}"
    document.update(problem.extra)
    return document


def problem_response(problem: Problem, request: Request) -> JSONResponse:
    """Turn a problem into a response. Returned from an endpoint it is recorded; raised, its transaction rolls back."""
    texts: Texts = getattr(request.app.state, "texts", KIT_TEXTS)
    language = languages_of(request.headers.get("accept-language"))
    document = describe(problem, texts, language, getattr(request.state, "request_id", None))
    return JSONResponse(
        document,
        status_code=problem.status,
        media_type="application/problem+json",
        headers={**problem.headers, "Content-Language": language},
    )


def pointer_of(location: Sequence[str | int]) -> str:
    """Return where a validation error is: a JSON pointer for a body, `query:name` and the like for the rest."""
    where, *rest = location
    if where == "body":
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in rest) or ""
    return ":".join(str(part) for part in location)


def validation_problem(error: RequestValidationError) -> Problem:
    """Return the 422 for what FastAPI found wrong, each with its pointer and what would be right."""
    errors = [
        FieldError(pointer_of(e["loc"]), str(e["type"]).replace("_", "-"), detail=str(e["msg"])) for e in error.errors()
    ]
    return Problem(422, "invalid-request", errors=errors)


HttpCode = Literal["not-found", "method-not-allowed", "http-error"]


def install_handlers(app: FastAPI) -> None:
    """Make `app` answer every kind of failure with a problem document."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem_response(error, request)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem_response(validation_problem(error), request)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        codes: dict[int, str] = {404: "no-such-route", 405: "method-not-allowed"}
        code = codes.get(error.status_code, "http-error")
        problem = Problem(
            error.status_code, code, params={"detail": str(error.detail)}, headers=dict(error.headers or {})
        )
        return problem_response(problem, request)

    async def on_database(request: Request, error: Exception) -> JSONResponse:
        log.warning("database.unavailable", error=type(error).__name__)
        return problem_response(unavailable("database"), request)

    async def on_unknown(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, BrokenOff):
            # The message may hold personal data, so only the type and where it came from are logged.
            log.exception("request.failed", error=type(error).__name__)
        return problem_response(Problem(500, "internal-error"), request)

    async def on_dbapi(request: Request, error: Exception) -> JSONResponse:
        return await (on_database if is_passing(error) else on_unknown)(request, error)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(DBAPIError, on_dbapi)
    app.add_exception_handler(PoolTimeout, on_database)
    app.add_exception_handler(OSError, on_database)
    app.add_exception_handler(Exception, on_unknown)
