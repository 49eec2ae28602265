"""What a running annotation service keeps open: the store of keys, the leases of tasks, figures of agreement."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from services.annotation.campaigns.keys import CampaignKeys, keys_of
from services.annotation.review.agreement import AgreementCache
from services.annotation.settings import AnnotationSettings
from services.kit.context import Context
from services.kit.embedded.state import open_state
from services.kit.keys import make_key_store
from services.kit.leases import LeaseKeeper, ask_access


@asynccontextmanager
async def components(ctx: Context) -> AsyncGenerator[dict[str, Any]]:
    """Open what the settings name, and close it at the end."""
    settings = ctx.settings
    assert isinstance(settings, AnnotationSettings)
    data = settings.data_dir.absolute()
    keys_url = settings.keys_url or open_state(data).keys.as_uri()
    async with AsyncExitStack() as stack:
        keys = make_key_store(keys_url, settings.environment, data)
        stack.push_async_callback(keys.aclose)
        leases = LeaseKeeper(ask_access(ctx), poll_s=settings.lease_poll_s, silence_s=settings.lease_silence_s)
        stack.push_async_callback(leases.close)
        yield {
            "campaign_keys": CampaignKeys(keys),
            "leases": leases,
            "closing_bell": asyncio.Event(),
            "agreement": AgreementCache(),
        }


async def keys_ready(ctx: Context) -> None:
    """Raise unless the store of keys answers."""
    await keys_of(ctx).store.check()
