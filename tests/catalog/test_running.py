"""The catalogue as it runs: with its workers, on the bus, behind a real server."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from services.kit.app import service_workers
from services.kit.bus import Message
from services.kit.events import access
from services.kit.ids import new_id
from services.kit.outbox import OUTBOX
from tests.catalog.support import SERVICE, World, catalog_world, sha
from tests.support.clock import ManualClock
from tests.support.postgres import TestPostgres
from tests.support.wait import until

pytestmark = pytest.mark.enable_socket


@pytest.fixture
async def running(postgres: TestPostgres, tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    """A catalogue whose workers run, and whose lease keeper asks only when something happens."""
    async with catalog_world(
        postgres, tmp_path, clock, lease_poll_s=10, lease_silence_s=60, database_pool=8, database_overflow=4
    ) as world:
        async with service_workers(SERVICE, world.ctx):
            yield world


@asynccontextmanager
async def served(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the catalogue behind uvicorn, on a port of this machine."""
    config = uvicorn.Config(world.app, port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client
    server.should_exit = True
    await task


def revoked(decision: object) -> Message:
    grant_id = str(new_id())
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(new_id()),
        "ce_type": "factory.access.grant.revoked.v1",
        "ce_source": "/factory/access",
        "ce_subject": grant_id,
        "ce_time": "2026-03-02T09:00:00Z",
        "ce_dataschema": "urn:protobuf:factory.access.v1.GrantRevoked",
        "ce_revision": "2",
        "content-type": "application/protobuf",
    }
    return Message("factory.access.v1", grant_id, access.GrantRevoked(grant_id=grant_id).SerializeToString(), headers)


async def stored(world: World, donation_id: str, path: str) -> None:
    async def look() -> bool:
        return (await world.uploads(donation_id))[path]["state"] == "stored"

    await until(look, what="the upload is stored")


async def test_workers_take_uploads_in_and_publish_what_happened(running: World) -> None:
    donation_id = await running.draft()
    for path in ("a", "b", "c"):
        await running.upload(donation_id, path, os.urandom(10_000))
    for path in ("a", "b", "c"):
        await stored(running, donation_id, path)
    assert (await running.donor.post(f"/donations/{donation_id}/submission")).status_code == 200
    await running.steward.post(f"/donations/{donation_id}/rejection", json={"reasons": "x"})
    await until(lambda: running.objects() == [])

    async def published() -> bool:
        async with running.ctx.unit() as session:
            waiting = await session.execute(select(OUTBOX.c.id).where(OUTBOX.c.published_at.is_(None)))
            return not waiting.all() and len(await running.events()) == 3

    await until(published, what="all facts are on the bus")


async def test_a_fact_on_the_bus_ends_a_download_and_the_reader_knows(running: World) -> None:
    content = os.urandom(24_000_000)
    donation_id = await running.draft()
    await running.upload(donation_id, "big.bin", content)
    await stored(running, donation_id, "big.bin")
    await running.donor.post(f"/donations/{donation_id}/submission")
    version_id = await running.accept(donation_id)
    await running.steward2.post(f"/versions/{version_id}/release", json={"reasons": "x"})
    decision, other = new_id(), new_id()

    async with served(running) as client:
        url = f"/api/v1/versions/{version_id}/files/big.bin"

        def headers(which: object) -> dict[str, str]:
            permit = running.permit(running.researcher, version_id, decision=which)  # pyright: ignore[reportArgumentType]
            return running.researcher.headers({"Factory-Permit": permit})

        async with client.stream("GET", url, headers=headers(decision)) as answer:
            assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(content)))
            chunks = answer.aiter_raw(65_536)
            taken = len(await anext(chunks))
            running.access.dead[decision] = ["grant-revoked"]
            await running.ctx.bus.publish([revoked(decision)])
            await until(lambda: decision in [d for asked in running.access.asked[1:] for d in asked])
            with pytest.raises(httpx.RemoteProtocolError):
                async for chunk in chunks:
                    taken += len(chunk)
            assert taken < len(content)
        whole = await client.get(url, headers=headers(other))
        assert sha(whole.content) == sha(content)
        gone = await client.get(url, headers=headers(decision))
        assert (gone.status_code, gone.json()["code"]) == (403, "permit-not-live")


async def test_uploads_and_downloads_pass_through_a_real_server(running: World) -> None:
    content = os.urandom(9_000_000)
    donation_id = await running.draft()
    upload = (await running.announce(donation_id, "a.bin", content)).json()

    async def pieces(data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), 100_000):
            yield data[start : start + 100_000]

    async with served(running) as client:
        tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
        # Cut in the middle: the connection breaks, what had arrived stays.
        broken = {**running.donor.headers(tus), "Upload-Offset": "0", "Content-Length": str(len(content))}

        async def cut() -> AsyncIterator[bytes]:
            async for piece in pieces(content[:4_000_000]):
                yield piece
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await client.patch(upload["upload_url"], headers=broken, content=cut())

        async def offset() -> int:
            head = await client.head(upload["upload_url"], headers=running.donor.headers(tus))
            return int(head.headers["upload-offset"])

        await until(offset, what="something of it arrived")

        async def resume() -> httpx.Response | None:
            # What was on its way when the connection broke may still be written: then the offset has moved (409).
            have = await offset()
            sent = {
                **running.donor.headers(tus),
                "Upload-Offset": str(have),
                "Content-Length": str(len(content) - have),
            }
            answer = await client.patch(upload["upload_url"], headers=sent, content=pieces(content[have:]))
            return None if answer.status_code == 409 else answer

        answer = await until(resume, what="the offset stands still")
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(content)))
    await stored(running, donation_id, "a.bin")
