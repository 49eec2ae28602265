"""The contract of every way to a service: the same guarantees in this process and over HTTP.

A client speaks to a real server on a loopback socket; that server passes each request through the upstream under test
to an origin application.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

import aiohttp
import httpx
import pytest

from gateway.upstream import HttpUpstream, Upstream, make_upstream
from tests.gateway.origin import CHUNK, LARGE, MIB, Memory, Origin, front
from tests.gateway.serving import serving
from tests.support.wait import until

WAYS = ["inproc:", "http://"]


@dataclass
class Way:
    """An upstream under test, its origin, and the address of the server in front."""

    upstream: Upstream
    origin: Origin
    url: str


@pytest.fixture(params=WAYS)
async def way(request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    """Each way to the same origin."""
    origin = Origin()
    async with AsyncExitStack() as stack:
        if request.param == "inproc:":
            upstream = make_upstream("origin", "inproc:", origin)
        else:
            upstream = make_upstream("origin", await stack.enter_async_context(serving(origin)))
        stack.push_async_callback(upstream.close)
        url = await stack.enter_async_context(serving(front(upstream)))
        yield Way(upstream, origin, url)


@pytest.fixture
async def client(way: Way) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=way.url, timeout=30) as client:
        yield client


@pytest.fixture
async def fast(way: Way) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that streams quickly."""
    async with aiohttp.ClientSession(way.url, auto_decompress=False) as session:
        yield session


async def large_body() -> AsyncIterator[bytes]:
    for _ in range(LARGE // len(CHUNK)):
        yield CHUNK


@pytest.mark.parametrize("sized", [True, False])
async def test_a_large_upload_passes_in_constant_memory(way: Way, fast: aiohttp.ClientSession, sized: bool) -> None:
    headers = {"Content-Length": str(LARGE)} if sized else {}
    with Memory() as memory:
        async with fast.put("/sink", data=large_body(), headers=headers) as response:
            text = await response.text()
    digest = hashlib.sha256()
    for _ in range(LARGE // len(CHUNK)):
        digest.update(CHUNK)
    assert text == f"{LARGE} {digest.hexdigest()}"
    assert memory.peak < 12 * MIB
    assert memory.rss < 48 * MIB
    assert (b"content-length" in dict(way.origin.scopes[0]["headers"])) is sized


async def test_a_large_download_passes_in_constant_memory(fast: aiohttp.ClientSession) -> None:
    size = 0
    with Memory() as memory:
        async with fast.get("/source") as response:
            assert response.headers["content-length"] == str(LARGE)
            async for chunk in response.content.iter_any():
                size += len(chunk)
    assert size == LARGE
    assert memory.peak < 12 * MIB
    assert memory.rss < 48 * MIB


async def test_a_slow_client_slows_the_service(way: Way, fast: aiohttp.ClientSession) -> None:
    async with fast.get("/source") as response:
        await response.content.readexactly(MIB)
        last = -1

        def at_rest() -> bool:
            nonlocal last
            resting = way.origin.sent == last
            last = way.origin.sent
            return resting

        await asyncio.sleep(0.1)
        await until(at_rest, what="the service to wait")
        # What is under way fills the sockets' buffers, and no more.
        assert way.origin.sent < 40 * MIB
        size = MIB
        async for chunk in response.content.iter_any():
            size += len(chunk)
        assert size == LARGE


async def test_a_range_passes(client: httpx.AsyncClient) -> None:
    response = await client.get("/range", headers={"Range": "bytes=2-4"})
    assert response.status_code == 206
    assert response.content == b"234"
    assert response.headers["content-range"] == "bytes 2-4/10"
    assert response.headers["etag"] == '"v1"'


async def test_head_says_the_length_and_sends_nothing(client: httpx.AsyncClient) -> None:
    response = await client.head("/head")
    assert response.status_code == 200
    assert response.headers["content-length"] == "12345"
    assert response.headers["upload-offset"] == "7"
    assert response.content == b""
    assert (await client.get("/range", headers={"Range": "bytes=2-4"})).status_code == 206, "the connection goes on"


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_have_none(client: httpx.AsyncClient, status: int) -> None:
    response = await client.get(f"/status/{status}")
    assert response.status_code == status
    assert response.content == b""
    assert response.headers["etag"] == '"v1"'


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_the_clients_to_follow(client: httpx.AsyncClient, status: int) -> None:
    response = await client.get(f"/status/{status}")
    assert response.status_code == status
    assert response.headers["location"] == "/elsewhere"


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT", "OPTIONS", "REPORT", "M-SEARCH"])
async def test_any_method_passes_with_its_body(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/echo", content=b"bytes")
    assert response.content == f"{method} bytes".encode()


async def test_the_clients_query_and_encoded_path_arrive_as_sent(way: Way, client: httpx.AsyncClient) -> None:
    request = client.build_request("GET", "/echo/a%20b%2Fc%C3%A5?x=%2F&x=2")
    await client.send(request)
    scope = way.origin.scopes[-1]
    assert scope["raw_path"] == b"/echo/a%20b%2Fc%C3%A5"
    assert scope["path"] == "/echo/a b/cå"
    assert scope["query_string"] == b"x=%2F&x=2"


async def test_headers_come_back_as_they_are(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/headers") as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert response.headers.get_list("x-two") == ["one", "two"]
    assert (b"x-latin", b"\xe5\xe4\xf6") in response.headers.raw
    assert raw == b"not gzip at all", "nothing is decoded on the way"
    assert response.headers["content-encoding"] == "gzip"
    assert "x-hop" not in response.headers
    assert "keep-alive" not in response.headers
    assert len(response.headers.get_list("date")) == 1


@pytest.mark.parametrize("value", [b"\xe5\xe4\xf6", "åäö".encode(), b"a" * 20_000])
async def test_odd_and_long_header_values_pass(way: Way, client: httpx.AsyncClient, value: bytes) -> None:
    assert (await client.get("/echo", headers=[(b"X-Odd", value)])).status_code == 200
    received = dict(way.origin.scopes[-1]["headers"])[b"x-odd"]
    assert received in (value, "åäö".encode())


async def test_what_only_concerns_the_door_stays_there(way: Way, client: httpx.AsyncClient) -> None:
    await client.get(
        "/echo",
        headers=[
            ("Cookie", "factory_session=secret"),
            ("Forwarded", "for=6.6.6.6"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Real-IP", "6.6.6.6"),
            ("Factory-Service", "forged"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("Connection", "x-mine"),
            ("X-Mine", "1"),
            ("TE", "trailers"),
            ("Host", "evil.example"),
            ("Authorization", "Bearer x"),
            ("X-Twice", "1"),
            ("X-Twice", "2"),
        ],
    )
    headers = cast(list[tuple[bytes, bytes]], way.origin.scopes[-1]["headers"])
    names = [name for name, _ in headers]
    assert not {b"cookie", b"x-real-ip", b"factory-service", b"x-http-method-override", b"x-mine", b"te"} & set(names)
    assert [v for n, v in headers if n == b"x-twice"] == [b"1", b"2"]
    assert dict(headers)[b"authorization"] == b"Bearer x"
    assert [v for n, v in headers if n == b"host"] == [b"factory.example"]
    assert [v for n, v in headers if n == b"x-forwarded-for"] == [b"127.0.0.1"]
    assert [v for n, v in headers if n == b"x-forwarded-host"] == [b"factory.example"]
    assert [v for n, v in headers if n == b"forwarded"] == [b'for=127.0.0.1;host="factory.example";proto=https']
    assert not any(b"6.6.6.6" in value or b"evil" in value for _, value in headers)


@pytest.mark.parametrize("kind", ["sized", "chunked"])
async def test_an_answer_that_breaks_off_ends_short_for_the_client(
    way: Way, client: httpx.AsyncClient, kind: str
) -> None:
    got = 0
    with pytest.raises(httpx.RemoteProtocolError):
        async with client.stream("GET", f"/short/{kind}") as response:
            assert response.status_code == 200
            async for chunk in response.aiter_raw():
                got += len(chunk)
                if got == 50_000:
                    way.origin.gate.set()
    assert got == 50_000


async def test_a_client_that_goes_away_ends_the_download(way: Way, fast: aiohttp.ClientSession) -> None:
    response = await fast.get("/source")
    await response.content.readexactly(MIB)
    response.close()
    await until(lambda: way.origin.noticed, what="the service to notice")
    assert way.origin.sent < LARGE


async def test_a_client_that_goes_away_ends_the_wait(way: Way, client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/hang", timeout=0.3)
    await until(lambda: way.origin.noticed == ["disconnect"], what="the service to notice")


async def test_an_upload_that_breaks_off_never_looks_complete(way: Way, fast: aiohttp.ClientSession) -> None:
    under_way = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield CHUNK
        under_way.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(fast.put("/sink", data=body()).__aenter__())
    await under_way.wait()
    await until(lambda: way.origin.received > MIB, what="bytes to arrive")
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)
    await until(lambda: way.origin.noticed == ["disconnect"], what="the service to notice")


async def test_an_early_refusal_reaches_the_client(client: httpx.AsyncClient) -> None:
    response = await client.put("/early", content=b"x" * MIB)
    assert response.status_code == 401
    assert response.content == b"no"


async def test_a_failure_before_the_answer_is_a_problem(client: httpx.AsyncClient) -> None:
    response = await client.get("/fail")
    # A server in between has its own words for it; either way it is not the client's fault and not a page.
    assert response.status_code in (500, 502)
    if response.status_code == 502:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == "upstream-failed"
        assert response.headers["retry-after"]


async def test_many_at_once_do_not_mix(client: httpx.AsyncClient) -> None:
    bodies = [f"body {n}".encode() for n in range(60)]
    answers = await asyncio.gather(*(client.post("/echo", content=body) for body in bodies))
    assert [a.content for a in answers] == [b"POST " + body for body in bodies]


async def test_questions_of_the_gateways_own_get_whole_answers(way: Way) -> None:
    found = await way.upstream.ask("POST", "/echo", body=b"question", headers=[(b"content-type", b"text/plain")])
    assert (found.status, found.body) == (200, b"POST question")


async def test_an_answer_that_has_begun_may_be_quiet(way: Way, client: httpx.AsyncClient) -> None:
    """Events are followed for hours, and may not come."""
    async with AsyncExitStack() as stack:
        upstream = way.upstream
        if isinstance(upstream, HttpUpstream):
            address = await stack.enter_async_context(serving(way.origin))
            upstream = HttpUpstream("origin", address, first_byte_s=0.2, idle_s=0.2)
            stack.push_async_callback(upstream.close)
        url = await stack.enter_async_context(serving(front(upstream)))
        async with client.stream("GET", f"{url}/quiet") as response:
            lines = response.aiter_lines()
            assert await anext(lines) == "first"
            await asyncio.sleep(0.5)
            way.origin.gate.set()
            assert await anext(lines) == "second"
