"""How every endpoint is entered and left: who asks, one transaction, one answer, nothing ignored.

`factory_router()` makes routers whose routes answer 401 before the body is read, refuse unknown query parameters,
remember answers by `Idempotency-Key`, and commit once before the response leaves.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.routing import APIRoute

from services.kit.context import Context
from services.kit.db import RuleSession, UnitOfWork
from services.kit.idempotency import Claim, Replay, key_of
from services.kit.problems import FieldError, Problem, forbidden, unauthenticated
from services.kit.texts import Language, languages_of
from services.kit.tokens import Subject

PUBLIC: dict[str, Any] = {"security": []}
"""`openapi_extra` of the few operations that need no token."""

_MAX_IDEMPOTENT_BODY = 4 * 1024 * 1024


def context_of(request: Request) -> Context:
    """Return the context of the service that handles `request`."""
    return cast(Context, request.app.state.ctx)


async def _authenticate(request: Request, ctx: Context, *, internal: bool) -> None:
    """Put the verified caller (and calling service) on the request, or answer 401."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    service_token = request.headers.get("factory-service")
    if internal:
        if not service_token:
            raise unauthenticated()
        request.state.service = await ctx.verifier.service(service_token)
        if header:
            if scheme.lower() != "bearer" or not token:
                raise unauthenticated("token-invalid")
            request.state.subject = await ctx.verifier.user(token.strip())
        return
    if not header:
        raise unauthenticated()
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated("token-invalid")
    subject = await ctx.verifier.user(token.strip())
    request.state.subject = await ctx.subjects.live(subject) if ctx.subjects else subject
    if service_token:
        request.state.service = await ctx.verifier.service(service_token)


async def _in_one_unit(request: Request, ctx: Context, act: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer within one transaction: committed before the response leaves, rolled back on any exception."""
    unit = ctx.db.begin_unit()
    request.state.unit = unit
    claim = cast(Claim | None, request.state.claim)
    try:
        response = await act(request)
        if claim is not None:
            await claim.keep(await open_session(request), response)
        await unit.commit()
        return response
    except Replay as replay:
        await unit.rollback()
        return replay.response
    except BaseException:
        await unit.rollback()
        raise
    finally:
        await unit.close()


async def _holds_more_now(request: Request, ctx: Context, refusal: Problem) -> bool:
    """Whether a refusal rested on roles remembered from a moment ago that have changed since."""
    subject: Subject | None = getattr(request.state, "subject", None)
    if refusal.status not in (403, 404) or subject is None or ctx.subjects is None:
        return False
    fresh = await ctx.subjects.live(subject, fresh=True)
    request.state.subject = fresh
    return (fresh.roles, fresh.projects, fresh.partner_id) != (subject.roles, subject.projects, subject.partner_id)


class FactoryRoute(APIRoute):
    """A route with the factory's manners; see the module's text."""

    def _query_names(self) -> set[str]:
        names: set[str] = set()
        pending = [self.dependant]
        while pending:
            dependant = pending.pop()
            names |= {p.alias for p in dependant.query_params}
            pending += dependant.dependencies
        return names

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        original = super().get_route_handler()
        public = (self.openapi_extra or {}).get("security") == []
        internal = (self.openapi_extra or {}).get("x-internal") is True
        allowed = self._query_names()
        route_name = f"{'/'.join(sorted(self.methods or ()))} {self.path_format}"[:200]

        async def handle(request: Request) -> Response:
            ctx = context_of(request)
            if not public:
                await _authenticate(request, ctx, internal=internal)
            unknown = [name for name in dict(request.query_params) if name not in allowed]
            if unknown:
                params = {"allowed": ", ".join(sorted(allowed)) or "-"}
                errors = [
                    FieldError(f"query:{n}"[:200], "unknown-parameter", {"name": n[:100], **params}) for n in unknown
                ]
                raise Problem(422, "invalid-request", errors=errors)
            request.state.claim = await self._claim(request, ctx, route_name)
            try:
                return await _in_one_unit(request, ctx, original)
            except Problem as refusal:
                if not await _holds_more_now(request, ctx, refusal):
                    raise
                return await _in_one_unit(request, ctx, original)

        return handle

    async def _claim(self, request: Request, ctx: Context, route_name: str) -> Claim | None:
        table = getattr(request.app.state, "idempotency", None)
        if request.method != "POST" or table is None:
            return None
        key = key_of(request)
        subject: Subject | None = getattr(request.state, "subject", None)
        if key is None or subject is None:
            return None
        body = await request.body()
        if len(body) > _MAX_IDEMPOTENT_BODY:
            raise Problem(413, "body-too-large", params={"limit": _MAX_IDEMPOTENT_BODY})
        return Claim(ctx, table, subject.id, route_name, key, body, str(request.url.path))


def factory_router(*, prefix: str = "", tags: Sequence[str] = (), internal: bool = False) -> APIRouter:
    """Return a router with the factory's manners; `internal`: for services' tokens, out of reach from outside."""
    router = APIRouter(prefix=prefix, tags=list(tags), route_class=InternalRoute if internal else FactoryRoute)
    return router


class InternalRoute(FactoryRoute):
    """A route between services."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        kwargs["openapi_extra"] = {"x-internal": True, **(kwargs.get("openapi_extra") or {})}
        super().__init__(path, endpoint, **kwargs)


async def open_session(request: Request) -> RuleSession:
    """Return the request's session, claiming its idempotency key at first use."""
    unit = cast(UnitOfWork, request.state.unit)
    first = not unit.begun
    session = unit.session()
    claim = cast(Claim | None, request.state.claim)
    if first and claim is not None:
        await claim.take(session, context_of(request).clock.now())
    return session


class LazySession:
    """Endpoint parameter: `await session()` opens the transaction – after other services have been asked."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def __call__(self) -> RuleSession:
        """Begin (or go on with) the request's transaction."""
        return await open_session(self._request)


# Dependencies are coroutines: plain functions would each cost a hop to a worker thread.
async def _context(request: Request) -> Context:
    return context_of(request)


async def _caller(request: Request) -> Subject:
    subject: Subject | None = getattr(request.state, "subject", None)
    if subject is None:
        raise unauthenticated()
    return subject


async def _service_caller(request: Request) -> Subject:
    service: Subject | None = getattr(request.state, "service", None)
    if service is None:
        raise Problem(403, "service-only")
    return service


async def _language(request: Request) -> Language:
    return languages_of(request.headers.get("accept-language"))


async def _transaction(request: Request) -> LazySession:
    return LazySession(request)


Session = Annotated[RuleSession, Depends(open_session)]
Transaction = Annotated[LazySession, Depends(_transaction)]
Caller = Annotated[Subject, Depends(_caller)]
ServiceCaller = Annotated[Subject, Depends(_service_caller)]
Ctx = Annotated[Context, Depends(_context)]
Lang = Annotated[Language, Depends(_language)]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="ETag of the resource as you read it.")]


def requires(*roles: str) -> Any:
    """Return a parameter type: the caller, who holds one of `roles` in some scope (403 otherwise)."""

    async def check(caller: Caller) -> Subject:
        if not any(caller.has(role) for role in roles):
            raise forbidden("role-required", role=" / ".join(roles))
        return caller

    return Annotated[Subject, Depends(check)]


def etag(revision: int) -> str:
    """Return the entity tag of a revision."""
    return f'"{revision}"'


def check_if_match(if_match: str | None, revision: int) -> None:
    """428 without If-Match, 412 when it names another revision (RFC 9110 §13.1.1)."""
    if if_match is None:
        raise Problem(428, "if-match-required")
    tags = {tag.strip() for tag in if_match.split(",")}
    if "*" not in tags and etag(revision) not in tags:
        raise Problem(412, "if-match-stale", headers={"ETag": etag(revision)})
