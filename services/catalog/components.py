"""What a running catalogue keeps open: the stores of objects and of keys, the spool, leases, and opened manifests."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from services.catalog.datasets.service import ManifestCache, blobs_of
from services.catalog.datasets.vault import Vault, vault_of
from services.catalog.intake.service import SpoolKeys
from services.catalog.intake.spool import EncryptedSpool
from services.catalog.settings import CatalogSettings
from services.kit.blobs import make_blob_store
from services.kit.context import Context
from services.kit.embedded.state import open_state
from services.kit.keys import make_key_store
from services.kit.leases import LeaseKeeper, ask_access


@asynccontextmanager
async def components(ctx: Context) -> AsyncGenerator[dict[str, Any]]:
    """Open what the settings name, and close it at the end."""
    settings = ctx.settings
    assert isinstance(settings, CatalogSettings)
    data = settings.data_dir.absolute()
    keys_url = settings.keys_url or open_state(data).keys.as_uri()
    async with AsyncExitStack() as stack:
        blobs = make_blob_store(settings.blobs_url or (data / "objects").as_uri())
        stack.push_async_callback(blobs.aclose)
        keys = make_key_store(keys_url, settings.environment, data)
        stack.push_async_callback(keys.aclose)
        vault = Vault(keys)
        spool_keys = SpoolKeys(ctx, vault)
        leases = LeaseKeeper(ask_access(ctx), poll_s=settings.lease_poll_s, silence_s=settings.lease_silence_s)
        stack.push_async_callback(leases.close)
        yield {
            "blobs": blobs,
            "vault": vault,
            "manifests": ManifestCache(settings.manifest_cache_bytes),
            "spool_keys": spool_keys,
            "spool": EncryptedSpool(data / "spool", spool_keys),
            "ingest_bell": asyncio.Event(),
            "leases": leases,
        }


async def blobs_ready(ctx: Context) -> None:
    """Raise unless the store of objects answers."""
    await blobs_of(ctx).check()


async def keys_ready(ctx: Context) -> None:
    """Raise unless the store of keys answers."""
    await vault_of(ctx).store.check()
