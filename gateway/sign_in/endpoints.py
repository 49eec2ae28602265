"""Endpoints of signing in and out."""

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from gateway.door import AtTheDoor, Door
from gateway.edge.same_site import check_same_site
from gateway.identity.provider import IdTokenRefused, ProviderTokens
from gateway.sessions import service as sessions
from gateway.sessions.factory_tokens import FactoryToken, SessionEnded
from gateway.sessions.service import LiveSession, hash_secret
from gateway.sign_in import service
from gateway.sign_in.cookies import (
    SIGN_IN_SECONDS,
    clear_cookie,
    cookies_of,
    set_cookie,
    sign_in_cookie_name,
)
from gateway.sign_in.pages import failed_page
from gateway.sign_in.schemas import CliCode, CliSession, IssuedToken, SessionState, SignedInUser, SignedOut
from services.kit.problems import Problem, unauthenticated
from services.kit.texts import Language
from services.kit.web import PUBLIC, Lang, factory_router

log = structlog.get_logger("factory.gateway")

# PUBLIC: no bearer token of the factory's is asked for. `x-session`: the API's description says that a session is.
WITH_SESSION = {**PUBLIC, "x-session": True}

router = factory_router(prefix="/auth", tags=["sign-in"])
# The provider adds parameters of its own to the redirect, so this one route cannot refuse what it does not know.
callback_router = APIRouter(prefix="/auth", tags=["sign-in"])

NO_STORE = {"Cache-Control": "no-store"}


def _callback_url(door: Door) -> str:
    return f"{door.public_url}/auth/callback"


async def _session_of(request: Request, door: Door) -> LiveSession:
    """Return the live session of a request and hold it against forgery; 401 without one.

    A program sends the session's secret as a bearer token, which no web page can make a browser do; a browser sends
    its cookie, and then the CSRF token is needed.
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    by_header = scheme.lower() == "bearer"
    if not by_header:
        secret = cookies_of(request).get(door.session_cookie, "")
    if not secret:
        raise unauthenticated()
    async with door.ctx.unit() as session:
        live = await sessions.find(session, door.ctx.sealer, door.settings, secret.strip(), door.ctx.clock.now())
    if live is None:
        raise unauthenticated("session-ended")
    if not by_header:
        check_same_site(request.method, request.headers, door.public_url, live)
    return live


def _seconds_left(door: Door, token: FactoryToken) -> int:
    return max(0, int(token.ends - door.ctx.clock.now().timestamp()))


@router.get("/login", operation_id="sign_in", openapi_extra=PUBLIC, status_code=303, response_class=RedirectResponse)
async def sign_in(
    request: Request,
    door: AtTheDoor,
    return_to: Annotated[str | None, Query(description="Path of this site to come back to.")] = None,
    cli_port: Annotated[int | None, Query(description="Loopback port on which a program waits.")] = None,
    cli_challenge: Annotated[str | None, Query(description="S256 challenge of that program.")] = None,
) -> Response:
    """Send the person to the identity provider; they come back to `return_to`, or to the program on `cli_port`."""
    path = service.checked_return_to(return_to)
    program = service.checked_program(cli_port, cli_challenge)
    if request.headers.get("host", door.public_host) != door.public_host:
        # Cookies belong to one host name: begin where the provider will send the person back to.
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{door.public_url}/auth/login{query}", 303, headers=NO_STORE)
    attempt = service.new_attempt(path, program)
    url = await door.provider.authorization_url(
        state=attempt.state, nonce=attempt.nonce, verifier=attempt.verifier, redirect_uri=_callback_url(door)
    )
    async with door.ctx.unit() as session:
        service.remember(session, door.ctx.sealer, attempt, door.ctx.clock.now())
    response = RedirectResponse(url, 303, headers=NO_STORE)
    name = sign_in_cookie_name(door.public_url, hash_secret(attempt.state))
    set_cookie(response, name, attempt.browser, public_url=door.public_url, seconds=SIGN_IN_SECONDS)
    return response


@callback_router.get(
    "/callback",
    operation_id="finish_sign_in",
    openapi_extra=PUBLIC,
    status_code=303,
    response_class=RedirectResponse,
)
async def finish_sign_in(
    request: Request,
    door: AtTheDoor,
    lang: Lang,
    state: str = "",
    code: str = "",
    error: str = "",
    iss: str = "",
) -> Response:
    """Take the person back from the identity provider, check its answer, and begin a session."""
    name = sign_in_cookie_name(door.public_url, hash_secret(state))
    browser = cookies_of(request).get(name, "")
    async with door.ctx.unit() as session:
        attempt = await service.take(session, door.ctx.sealer, state, browser, door.ctx.clock.now())
    if attempt is None:
        return failed_page("sign-in-expired", lang)
    try:
        response = await _finish(request, door, attempt, code=code, error=error, iss=iss)
    except _Failed as failure:
        log.info("sign_in.failed", code=failure.code, why=failure.why)
        response = _failure(attempt, failure, lang)
    clear_cookie(response, name, public_url=door.public_url)
    return response


class _Failed(Exception):
    """The sign-in ends here, with this code of our texts."""

    def __init__(self, code: str, why: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.why = why
        self.status = status


def _failure(attempt: service.Attempt, failure: _Failed, language: Language) -> Response:
    if attempt.program is not None:
        return _to_program(attempt.program, {"error": failure.code})
    return failed_page(failure.code, language, failure.status)


def _to_program(program: service.Program, query: dict[str, str]) -> Response:
    return RedirectResponse(f"http://127.0.0.1:{program.port}/?{urlencode(query)}", 303, headers=NO_STORE)


async def _finish(
    request: Request, door: Door, attempt: service.Attempt, *, code: str, error: str, iss: str
) -> Response:
    if error:
        raise _Failed("sign-in-denied", error[:40] if error.replace("_", "").isalpha() else "error", 403)
    if iss and iss.rstrip("/") != door.provider.issuer:
        raise _Failed("sign-in-refused", "iss of the redirect (RFC 9207)")
    try:
        tokens = await door.provider.redeem(
            code=code, verifier=attempt.verifier, nonce=attempt.nonce, redirect_uri=_callback_url(door)
        )
        token = await door.tokens.exchange(tokens)
        subject = await door.ctx.verifier.user(token.value)
    except IdTokenRefused as refused:
        raise _Failed("sign-in-refused", str(refused)) from None
    except SessionEnded:
        raise _Failed("sign-in-unknown", "access refused the ID token", 403) from None
    except Problem as problem:
        if problem.status < 500:
            raise _Failed("sign-in-unknown", problem.code, 403) from None
        raise
    return await _begin_session(request, door, attempt, tokens, subject.id)


async def _begin_session(
    request: Request, door: Door, attempt: service.Attempt, tokens: ProviderTokens, user_id: UUID
) -> Response:
    ctx, now = door.ctx, door.ctx.clock.now()
    if attempt.program is not None:
        async with ctx.unit() as session:
            code = service.code_for_program(session, ctx.sealer, attempt.program, tokens, user_id, now)
        return _to_program(attempt.program, {"code": code})
    before = cookies_of(request).get(door.session_cookie)
    async with ctx.unit() as session:
        if before:
            await sessions.end_by_secret(session, before)
        live = sessions.begin(session, ctx.sealer, door.settings, tokens, user_id, now)
    response = RedirectResponse(door.public_url + attempt.return_to, 303, headers=NO_STORE)
    set_cookie(
        response,
        door.session_cookie,
        live.secret,
        public_url=door.public_url,
        seconds=door.settings.session_absolute_s,
    )
    return response


@router.post("/cli/token", operation_id="redeem_cli_code", openapi_extra=PUBLIC)
async def redeem_cli_code(body: CliCode, door: AtTheDoor, response: Response) -> CliSession:
    """Give a program its session for the code it got on its loopback port; 403 unless the verifier matches."""
    ctx, now = door.ctx, door.ctx.clock.now()
    async with ctx.unit() as session:
        found = await service.redeem_code(session, ctx.sealer, body.code, body.verifier, now)
    if found is None:
        raise Problem(403, "code-invalid")
    tokens, user_id = found
    async with ctx.unit() as session:
        live = sessions.begin(session, ctx.sealer, door.settings, tokens, user_id, now)
    token = await _token(door, live)
    response.headers["Cache-Control"] = "no-store"
    return CliSession(
        access_token=token.value,
        expires_in=_seconds_left(door, token),
        session_token=live.secret,
        csrf_token=live.csrf_token,
    )


@router.get("/session", operation_id="get_session", openapi_extra=PUBLIC)
async def get_session(request: Request, door: AtTheDoor, response: Response) -> SessionState:
    """Say who is signed in with this cookie, if anyone."""
    response.headers["Cache-Control"] = "no-store"
    secret = cookies_of(request).get(door.session_cookie, "")
    async with door.ctx.unit() as session:
        live = await sessions.find(session, door.ctx.sealer, door.settings, secret, door.ctx.clock.now())
    if live is None:
        return SessionState(signed_in=False)
    user = SignedInUser(id=live.user_id, name=live.tokens.name)
    return SessionState(signed_in=True, user=user, csrf_token=live.csrf_token, expires_at=live.expires_at)


@router.post("/token", operation_id="issue_session_token", openapi_extra=WITH_SESSION)
async def issue_session_token(request: Request, door: AtTheDoor, response: Response) -> IssuedToken:
    """Give the session's owner a bearer token for the API: what a page needs to upload, or a program to call."""
    live = await _session_of(request, door)
    token = await _token(door, live)
    response.headers["Cache-Control"] = "no-store"
    return IssuedToken(access_token=token.value, expires_in=_seconds_left(door, token))


async def _token(door: Door, live: LiveSession) -> FactoryToken:
    try:
        return await door.tokens.of(live)
    except SessionEnded:
        raise unauthenticated("session-ended") from None


@router.post("/logout", operation_id="sign_out", openapi_extra=WITH_SESSION)
async def sign_out(request: Request, door: AtTheDoor, response: Response) -> SignedOut:
    """End the session here, and say where the provider's own can be ended."""
    live = await _session_of(request, door)
    async with door.ctx.unit() as session:
        await sessions.end(session, live)
    door.tokens.forget(live.id)
    clear_cookie(response, door.session_cookie, public_url=door.public_url)
    response.headers["Cache-Control"] = "no-store"
    return SignedOut(logout_url=await door.provider.logout_url(live.tokens.id_token, door.public_url + "/"))
