"""What access makes once and keeps: signing keys, services' secrets, the identity provider, its view of subjects."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx

from services.access.settings import AccessSettings
from services.access.tokens.keys import load_keys
from services.access.tokens.oidc import IdentityProvider
from services.access.tokens.service import ServiceSecrets
from services.access.tokens.subjects import LocalSubjects
from services.kit.context import Context


@asynccontextmanager
async def components(ctx: Context) -> AsyncGenerator[dict[str, Any]]:
    """Make the components of access: `token_signer`, `permit_signer`, `jwks`, `service_secrets`, `identity_provider`,
    `subjects`. Ends the start with what is missing or unsafe in the settings.
    """
    settings = cast(AccessSettings, ctx.settings)
    if settings.signing_keys_file is None:
        raise SystemExit("Access signs tokens with keys from a file; set FACTORY_SIGNING_KEYS_FILE.")
    if settings.environment == "production" and not settings.oidc_issuer.startswith("https://"):
        raise SystemExit("Production signs people in by an OpenID provider; set FACTORY_OIDC_ISSUER to its https URL.")
    keys = await asyncio.to_thread(load_keys, settings.signing_keys_file, ctx.clock, data_dir=settings.data_dir)
    async with httpx.AsyncClient(timeout=5, limits=httpx.Limits(max_connections=4)) as http:
        yield {
            "token_signer": keys.token_signer,
            "permit_signer": keys.permit_signer,
            "jwks": keys.jwks,
            "service_secrets": ServiceSecrets(settings.service_secrets, settings.service_root_secret),
            "identity_provider": IdentityProvider(settings.oidc_issuer, settings.oidc_client_id, http, ctx.clock),
            "subjects": LocalSubjects(ctx.db),
        }
