"""What a running preparation service keeps open: the store of keys, and the processes that treat files."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from services.deid.gate.hooks import on_finished
from services.deid.pool.pool import Pool
from services.deid.settings import DeidSettings
from services.deid.sources.keys import DatasetKeys, keys_of
from services.kit.context import Context
from services.kit.embedded.state import open_state
from services.kit.keys import make_key_store


@asynccontextmanager
async def components(ctx: Context) -> AsyncGenerator[dict[str, Any]]:
    """Open what the settings name, and close it at the end."""
    settings = ctx.settings
    assert isinstance(settings, DeidSettings)
    data = settings.data_dir.absolute()
    keys_url = settings.keys_url or open_state(data).keys.as_uri()
    async with AsyncExitStack() as stack:
        keys = make_key_store(keys_url, settings.environment, data)
        stack.push_async_callback(keys.aclose)
        pool = Pool(
            settings.deid_workers, memory_bytes=settings.deid_worker_memory_bytes, idle_s=settings.deid_worker_idle_s
        )
        stack.push_async_callback(pool.close)
        # Whoever tries a recipe does not wait until the files of a run are done.
        trial_pool = Pool(1, memory_bytes=settings.deid_worker_memory_bytes, idle_s=settings.deid_worker_idle_s)
        stack.push_async_callback(trial_pool.close)
        yield {
            "pool": pool,
            "trial_pool": trial_pool,
            "dataset_keys": DatasetKeys(keys),
            "runs_bell": asyncio.Event(),
            "run_finished_hooks": [on_finished],
        }


async def keys_ready(ctx: Context) -> None:
    """Raise unless the store of keys answers."""
    await keys_of(ctx).store.check()
