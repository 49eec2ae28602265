"""API keys and clients over HTTP."""

from typing import Any
from uuid import UUID

from services.access.credentials import repository, service
from services.access.credentials.models import Client
from services.access.credentials.schemas import ApiKeyIn, ApiKeyMade, ApiKeyOut, ClientIn, ClientMade, ClientOut
from services.access.identity.rules import administered_partners
from services.access.lists import after_id
from services.kit.paging import Page, Paged, page
from services.kit.web import Caller, Ctx, Session, factory_router

router = factory_router(tags=["credentials"])


@router.post("/api-keys", operation_id="create_api_key", status_code=201)
async def create_api_key(body: ApiKeyIn, caller: Caller, session: Session, ctx: Ctx) -> ApiKeyMade:
    """Make a key that acts as you. The key is in this answer and nowhere else."""
    row, key = await service.create_api_key(session, caller, body, ctx.clock.now())
    return ApiKeyMade.model_validate({**row.model_dump(), "key": key})


@router.get("/api-keys", operation_id="list_api_keys")
async def list_api_keys(caller: Caller, session: Session, paging: Page) -> Paged[ApiKeyOut]:
    """List your keys."""
    rows = await repository.page_of_keys(session, caller.id, after_id(paging), paging.limit)
    return page(rows, paging.limit, lambda row: (row.id,), ApiKeyOut.model_validate)


@router.delete("/api-keys/{id}", operation_id="revoke_api_key", status_code=204)
async def revoke_api_key(id: UUID, caller: Caller, session: Session, ctx: Ctx) -> None:
    """End one of your keys. Tokens made with it live their five minutes out."""
    await service.revoke_api_key(session, caller, id, ctx.clock.now())


def _client(row: Client) -> dict[str, Any]:
    return {**row.model_dump(exclude={"id", "secret_hash"}), "client_id": row.id}


@router.post("/clients", operation_id="create_client", status_code=201)
async def create_client(body: ClientIn, caller: Caller, session: Session, ctx: Ctx) -> ClientMade:
    """Make credentials for a partner's system. The secret is in this answer and nowhere else."""
    row, secret = await service.create_client(session, caller, body, ctx.clock.now())
    return ClientMade.model_validate({**_client(row), "client_secret": secret})


@router.get("/clients", operation_id="list_clients")
async def list_clients(caller: Caller, session: Session, paging: Page) -> Paged[ClientOut]:
    """List clients: of every partner for operators, of their own for a partner's administrators."""
    rows = await repository.page_of_clients(session, administered_partners(caller), after_id(paging), paging.limit)
    return page(rows, paging.limit, lambda row: (row.id,), lambda row: ClientOut.model_validate(_client(row)))


@router.delete("/clients/{id}", operation_id="revoke_client", status_code=204)
async def revoke_client(id: UUID, caller: Caller, session: Session, ctx: Ctx) -> None:
    """End a client's credentials."""
    await service.revoke_client(session, caller, id, ctx.clock.now())
