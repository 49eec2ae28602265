"""Token exchange, keys and who you are, over HTTP."""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import unquote_plus
from uuid import UUID

from fastapi import BackgroundTasks, Form, Request, Response
from fastapi.responses import JSONResponse

from services.access.credentials import service as credentials
from services.access.credentials.operator import forget_secret
from services.access.credentials.schemas import OperatorSecretIn
from services.access.settings import AccessSettings
from services.access.tokens import service
from services.access.tokens.oidc import IdentityProvider, NotAccepted, ProviderUnavailable
from services.access.tokens.schemas import (
    Jwks,
    Me,
    OAuthError,
    ServiceTokenIn,
    ServiceTokenOut,
    SubjectOut,
    TokenForm,
    TokenOut,
)
from services.kit.context import Context
from services.kit.problems import Problem, problem_response
from services.kit.tokens import TOKEN_SECONDS, Signer, user_claims
from services.kit.web import PUBLIC, Caller, Ctx, ServiceCaller, Session, Transaction, factory_router

router = factory_router(tags=["identity"])
internal = factory_router(internal=True)

_NO_STORE = {"Cache-Control": "no-store"}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": OAuthError, "description": "The proof does not hold, or the request is malformed."},
    401: {"model": OAuthError, "description": "The client is unknown, revoked or its secret is wrong."},
    503: {"model": OAuthError, "description": "The identity provider does not answer."},
}


def _token_signer(ctx: Context) -> Signer:
    return ctx.components["token_signer"]


def _refused(refusal: service.Refusal) -> JSONResponse:
    headers = dict(_NO_STORE)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="datafactory"'
    return JSONResponse(
        {"error": refusal.error, "error_description": refusal.description},
        status_code=refusal.status,
        headers=headers,
    )


def _client_credentials(form: TokenForm, request: Request) -> tuple[str, str]:
    """Return client id and secret, from HTTP Basic (RFC 6749 §2.3.1) or the form, but not from both."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return form.client_id, form.client_secret
    if scheme.lower() != "basic" or form.client_secret:
        raise service.Refusal("invalid_request", "the client proves itself in one way, by Basic or in the form")
    try:
        client_id, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise service.Refusal("invalid_client", "the Basic credentials are malformed", 401) from None
    return unquote_plus(client_id), unquote_plus(secret)


async def _exchange(form: TokenForm, request: Request, ctx: Context, transaction: Transaction) -> str:
    signer, now = _token_signer(ctx), ctx.clock.now()
    if form.grant_type == "client_credentials":
        client_id, secret = _client_credentials(form, request)
        return await service.exchange_client(await transaction(), client_id, secret, signer, now)
    if form.grant_type != service.EXCHANGE:
        raise service.Refusal("unsupported_grant_type", "token-exchange and client_credentials are supported")
    if form.subject_token_type == service.API_KEY:
        return await service.exchange_api_key(await transaction(), form.subject_token, signer, now)
    if form.subject_token_type != service.ID_TOKEN:
        raise service.Refusal("invalid_request", "subject_token_type is not supported")
    # The provider is asked before the transaction begins: it may be slow, a connection is dear.
    provider = cast(IdentityProvider, ctx.components["identity_provider"])
    try:
        who = await provider.verify(form.subject_token)
    except NotAccepted as refusal:
        raise service.Refusal("invalid_request", f"the ID token is not accepted: {refusal}") from None
    except ProviderUnavailable:
        raise service.Refusal("temporarily_unavailable", "the identity provider does not answer", 503) from None
    return await service.exchange_identity(await transaction(), who, signer, now)


@router.post(
    "/token",
    operation_id="exchange_token",
    response_model=TokenOut,
    responses=_REFUSALS,
    openapi_extra=PUBLIC,
)
async def exchange_token(
    form: Annotated[TokenForm, Form()], request: Request, ctx: Ctx, transaction: Transaction
) -> Any:
    """Exchange the provider's ID token, an API key or a client secret for a factory token (RFC 8693, RFC 6749).

    The first exchange of an ID token creates the user. Refusals are in the form of OAuth (RFC 6749 §5.2).
    """
    names = [name for name, _ in (await request.form()).multi_items()]
    try:
        if len(set(names)) != len(names):
            raise service.Refusal("invalid_request", "a parameter is given twice")
        token = await _exchange(form, request, ctx, transaction)
    except service.Refusal as refusal:
        return _refused(refusal)
    answer = TokenOut(access_token=token, expires_in=TOKEN_SECONDS)
    return JSONResponse(answer.model_dump(), headers=_NO_STORE)


@router.get("/jwks", operation_id="get_jwks", openapi_extra=PUBLIC)
async def get_jwks(ctx: Ctx, response: Response) -> Jwks:
    """Return the public keys with which factory tokens and permits are verified (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return Jwks.model_validate(ctx.components["jwks"])


@router.get("/me", operation_id="get_me")
async def get_me(caller: Caller, session: Session) -> Me:
    """Return who you are here: your partner, roles and projects as they are now."""
    return await service.me(session, caller.id)


@router.post("/operator-secret/redemptions", operation_id="redeem_operator_secret", response_model=Me)
async def redeem_operator_secret(
    body: OperatorSecretIn,
    caller: Caller,
    session: Session,
    ctx: Ctx,
    request: Request,
    background: BackgroundTasks,
) -> Any:
    """Become the factory's first operator, with the one-time secret announced at its first start."""
    refusal = await credentials.redeem_operator_secret(session, caller, body.secret, ctx.clock.now())
    if refusal is not None:
        return problem_response(refusal, request)
    # Background tasks run when the response has left, and so after the commit.
    background.add_task(_forget, cast(AccessSettings, ctx.settings).operator_secret_file)
    return await service.me(session, caller.id)


def _forget(path: Path | None) -> None:
    forget_secret(path)


@internal.get("/jwks", openapi_extra=PUBLIC)
async def get_internal_jwks(ctx: Ctx) -> Jwks:
    """Return the public keys to services; they need it to verify anything at all."""
    return Jwks.model_validate(ctx.components["jwks"])


@internal.post("/service-token", openapi_extra=PUBLIC)
async def make_service_token(body: ServiceTokenIn, ctx: Ctx) -> ServiceTokenOut:
    """Return a service's own token for its secret; 403 `service-secret-wrong`."""
    secrets = cast(service.ServiceSecrets, ctx.components["service_secrets"])
    if not secrets.hold(body.service, body.secret):
        raise Problem(403, "service-secret-wrong")
    token = service.service_token(body.service, _token_signer(ctx))
    return ServiceTokenOut(access_token=token, expires_in=TOKEN_SECONDS)


@internal.get("/subjects/{id}")
async def get_subject(id: UUID, service_caller: ServiceCaller, session: Session) -> SubjectOut:
    """Return what a user holds now, as in the claims of a user token; 404 if there is no such user."""
    held = await service.held(session, id)
    return SubjectOut.model_validate({**user_claims(held.subject()), "active": held.active})
