"""What access makes once and keeps: signing keys, services' secrets, the provider, its view of subjects, the law."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import httpx

from services.access.decisions.engine import make_engine
from services.access.settings import AccessSettings
from services.access.tokens.keys import load_keys
from services.access.tokens.oidc import IdentityProvider
from services.access.tokens.service import ServiceSecrets
from services.access.tokens.subjects import LocalSubjects
from services.kit.context import Context


@asynccontextmanager
async def components(ctx: Context) -> AsyncGenerator[dict[str, Any]]:
    """Make the components of access: `token_signer`, `permit_signer`, `jwks`, `service_secrets`, `identity_provider`,
    `subjects`, `engine` (the law). Ends the start with what is missing or unsafe in the settings.
    """
    settings = cast(AccessSettings, ctx.settings)
    if settings.signing_keys_file is None:
        raise SystemExit("Access signs tokens with keys from a file; set FACTORY_SIGNING_KEYS_FILE.")
    if settings.environment == "production" and not settings.oidc_issuer.startswith("https://"):
        raise SystemExit("Production signs people in by an OpenID provider; set FACTORY_OIDC_ISSUER to its https URL.")
    keys = await asyncio.to_thread(load_keys, settings.signing_keys_file, ctx.clock, data_dir=settings.data_dir)
    try:
        engine = make_engine(settings.policy_url)
    except ValueError as error:
        raise SystemExit(f"FACTORY_POLICY_URL does not do: {error}.") from None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.close)
        limits = httpx.Limits(max_connections=4)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=5, limits=limits))
        yield {
            "token_signer": keys.token_signer,
            "permit_signer": keys.permit_signer,
            "jwks": keys.jwks,
            "service_secrets": ServiceSecrets(settings.service_secrets, settings.service_root_secret),
            "identity_provider": IdentityProvider(settings.oidc_issuer, settings.oidc_client_id, http, ctx.clock),
            "subjects": LocalSubjects(ctx.db),
            "engine": engine,
        }
