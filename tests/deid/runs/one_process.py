"""A process of preparation that works until it is killed: `python -m tests.deid.runs.one_process <JSON>`."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx

import services.deid
from services.deid.pool.pool import Pool
from services.deid.runs.worker import carry_out
from services.deid.settings import DeidSettings
from services.kit.app import service_context
from services.kit.crypto import Sealer


async def main(given: dict[str, Any]) -> None:
    """Carry out runs, with worker processes that do what files tell them."""
    settings = DeidSettings(
        data_dir=Path(given["folder"]) / "data",
        keys_url=(Path(given["folder"]) / "keys").as_uri(),
        database_url=given["database"],
        bus_url="pglog+" + given["bus"],
        deid_run_claim_s=1.0,
        deid_runs_parallel=1,
    )
    async with (
        httpx.AsyncClient(base_url=given["access"]) as to_access,
        httpx.AsyncClient(base_url=given["catalog"]) as to_catalog,
    ):
        clients = {"access": to_access, "catalog": to_catalog}
        sealer = Sealer(bytes.fromhex(given["sealer"]))
        async with service_context(services.deid.service, settings, clients, sealer, secret=lambda: "secret") as ctx:
            await ctx.components["pool"].close()
            ctx.components["pool"] = pool = Pool(2, module="tests.deid.broken_child")
            stop = asyncio.Event()
            working = asyncio.create_task(carry_out(ctx, stop))
            print("working", flush=True)  # noqa: T201
            await asyncio.to_thread(sys.stdin.read)  # until whoever started us lets go
            stop.set()
            await working
            await pool.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
