"""What holds for one way to a service and not the other: services that are down, silent, or odd."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import httpx
import pytest

from gateway.upstream import HttpUpstream, make_upstream
from gateway.upstream.port import Receive, Scope, Send
from tests.gateway.origin import CHUNK, MIB, Origin, answer, front, start
from tests.gateway.serving import listening_socket, serving
from tests.support.wait import until


async def test_an_application_that_does_not_listen_is_stopped_all_the_same() -> None:
    sent = 0
    stopped = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await start(send, 200, [])
        try:
            while True:
                await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
                sent += 1
        finally:
            stopped.set()

    upstream = make_upstream("origin", "inproc:", endless)
    async with serving(front(upstream)) as url, aiohttp.ClientSession() as session:
        response = await session.get(url)
        await response.content.readexactly(MIB)
        response.close()
        await asyncio.wait_for(stopped.wait(), 10)


async def test_a_change_under_way_is_finished_though_nobody_waits_for_the_answer() -> None:
    finished = asyncio.Event()
    go_on = asyncio.Event()

    async def change(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await go_on.wait()
        await answer(send, 201, b"done")
        finished.set()

    upstream = make_upstream("origin", "inproc:", change)
    async with serving(front(upstream)) as url, httpx.AsyncClient(base_url=url) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/x", content=b"1", timeout=0.2)
        go_on.set()
        await asyncio.wait_for(finished.wait(), 10)


async def test_a_service_that_is_down_is_unreachable_for_a_while() -> None:
    closed = listening_socket()
    port = closed.getsockname()[1]
    closed.close()
    upstream = HttpUpstream("catalog", f"http://127.0.0.1:{port}")
    try:
        async with serving(front(upstream)) as url, httpx.AsyncClient(base_url=url) as client:
            response = await client.post("/x", content=b"1", headers={"Accept-Language": "sv"})
    finally:
        await upstream.close()
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "2"
    assert response.json()["code"] == "upstream-unreachable"
    assert "catalog" in response.json()["detail"]


async def test_a_service_that_is_silent_is_given_up() -> None:
    origin = Origin()
    async with serving(origin) as origin_url:
        upstream = HttpUpstream("origin", origin_url, first_byte_s=0.2)
        async with serving(front(upstream)) as url, httpx.AsyncClient(base_url=url) as client:
            response = await client.post("/hang", content=b"1")
            assert response.status_code == 504
            assert response.json()["code"] == "upstream-silent"
            await until(lambda: origin.noticed == ["disconnect"], what="the service to notice")
        await upstream.close()


async def test_the_wait_for_an_answer_begins_when_the_upload_ends() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b"part"
            await asyncio.sleep(0.1)

    async with serving(Origin()) as origin_url:
        upstream = HttpUpstream("origin", origin_url, first_byte_s=0.3)
        async with serving(front(upstream)) as url, httpx.AsyncClient(base_url=url) as client:
            response = await client.post("/echo", content=slowly())
        await upstream.close()
    assert response.content == b"POST " + b"part" * 6


async def test_a_service_that_hangs_up_is_a_bad_gateway() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = HttpUpstream("origin", f"http://127.0.0.1:{port}")
    async with server, serving(front(upstream)) as url, httpx.AsyncClient(base_url=url) as client:
        response = await client.post("/x", content=b"1")
    await upstream.close()
    assert response.status_code == 502
    assert response.json()["code"] == "upstream-failed"


async def test_an_answer_longer_than_it_said_is_cut_and_ends_the_connection() -> None:
    async def too_long(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, 200, [(b"content-length", b"3")])
        await send({"type": "http.response.body", "body": b"1234"})

    upstream = make_upstream("origin", "inproc:", too_long)
    async with serving(front(upstream)) as url, httpx.AsyncClient(base_url=url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/x")


async def test_interim_answers_do_not_count_as_the_answer() -> None:
    async def with_hints(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(with_hints, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    upstream = HttpUpstream("origin", f"http://127.0.0.1:{port}")
    async with server, serving(front(upstream)) as url, httpx.AsyncClient(base_url=url) as client:
        response = await client.get("/x")
    await upstream.close()
    assert (response.status_code, response.content) == (200, b"ok")


async def test_with_expect_continue_a_refusal_comes_before_the_bytes() -> None:
    origin = Origin()
    async with AsyncExitStack() as stack:
        upstream = make_upstream("origin", await stack.enter_async_context(serving(origin)))
        stack.push_async_callback(upstream.close)
        url = await stack.enter_async_context(serving(front(upstream)))
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"PUT /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        await writer.drain()
        status = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        assert b" 401 " in status
        assert origin.received == 0
