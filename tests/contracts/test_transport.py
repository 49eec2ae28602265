"""The contract of every way to a service: the same guarantees in this process and over HTTP.

A client speaks to a real server on a loopback socket; that server passes each request through the upstream under test
to an origin application.
"""

import asyncio
import hashlib
import resource
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from gateway.edge.refusals import Refusals
from gateway.texts import TEXTS
from gateway.upstream import HttpUpstream, Upstream, make_upstream
from gateway.upstream.port import App, Receive, Scope, Send
from tests.gateway.serving import listening_socket, serving
from tests.support.wait import until

MIB = 1024 * 1024
LARGE = 200 * MIB
CHUNK = b"\xa5" * (64 * 1024)
WAYS = ["inproc:", "http://"]

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Origin:
    """The application behind the upstream: routes by path, and what it noticed."""

    noticed: list[str] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    scopes: list[Scope] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.scopes.append(scope)
        handler: Handler = getattr(self, "at_" + scope["path"].strip("/").split("/")[0].replace("-", "_"))
        await handler(scope, receive, send)

    async def at_sink(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body; answer with its size and digest."""
        digest = hashlib.sha256()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.noticed.append("disconnect")
                return
            digest.update(message.get("body", b""))
            self.received += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        await answer(send, 200, f"{self.received} {digest.hexdigest()}".encode())

    async def at_source(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send LARGE bytes with their length, as the services send files."""
        response = StreamingResponse(self._bytes(), headers={"content-length": str(LARGE)})
        try:
            await response(cast(Any, scope), cast(Any, receive), cast(Any, send))
        finally:
            if self.sent < LARGE:
                self.noticed.append("stopped")

    async def _bytes(self) -> AsyncIterator[bytes]:
        for _ in range(LARGE // len(CHUNK)):
            yield CHUNK
            self.sent += len(CHUNK)
            await asyncio.sleep(0)

    async def at_range(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        assert headers[b"range"] == b"bytes=2-4"
        given = [(b"content-range", b"bytes 2-4/10"), (b"content-length", b"3"), (b"etag", b'"v1"')]
        await start(send, 206, given)
        await send({"type": "http.response.body", "body": b"234"})

    async def at_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, 200, [(b"content-length", b"12345"), (b"upload-offset", b"7")])
        await send({"type": "http.response.body", "body": b""})

    async def at_status(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = int(scope["path"].rsplit("/", 1)[1])
        await start(send, status, [(b"etag", b'"v1"'), (b"location", b"/elsewhere")])
        await send({"type": "http.response.body", "body": b""})

    async def at_headers(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = [
            (b"set-cookie", b"a=1; Path=/"),
            (b"set-cookie", b"b=2; Path=/"),
            (b"x-two", b"one"),
            (b"x-two", b"two"),
            (b"x-latin", b"\xe5\xe4\xf6"),
            (b"content-encoding", b"gzip"),
            (b"connection", b"x-hop"),
            (b"x-hop", b"stays here"),
            (b"keep-alive", b"timeout=5"),
        ]
        await start(send, 200, given)
        await send({"type": "http.response.body", "body": b"not gzip at all"})

    async def at_short(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise 100,000 bytes (or none in particular), send fewer, and break off."""
        sized = scope["path"].endswith("sized")
        await start(send, 200, [(b"content-length", b"100000")] if sized else [])
        await send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
        await self.gate.wait()
        raise RuntimeError("broke off")

    async def at_quiet(self, scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, 200, [])
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        await self.gate.wait()
        await send({"type": "http.response.body", "body": b"second\n"})

    async def at_hang(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer nothing; notice whether the client goes away."""
        while (await receive())["type"] != "http.disconnect":
            continue
        self.noticed.append("disconnect")

    async def at_fail(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("before the answer")

    async def at_early(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse without reading the body."""
        await answer(send, 401, b"no")

    async def at_echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await answer(send, 200, scope["method"].encode() + b" " + body)


async def start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def answer(send: Send, status: int, body: bytes) -> None:
    await start(send, status, [(b"content-length", str(len(body)).encode())])
    await send({"type": "http.response.body", "body": body})


@dataclass
class Way:
    """An upstream under test, its origin, and the address of the server in front."""

    upstream: Upstream
    origin: Origin
    url: str


def front(upstream: Upstream) -> App:
    """Return what a gateway is at the least: the upstream, and problem documents for its refusals."""
    speaker = FastAPI()
    speaker.state.texts = TEXTS

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await upstream.forward(scope, receive, send, public_url="https://factory.example")

    return Refusals(forward, speaker)


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


class Memory:
    """Peak of Python's memory while the block runs, above what there was, in bytes."""

    peak = 0

    def __enter__(self) -> "Memory":
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        self._rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return self

    def __exit__(self, *_: object) -> None:
        self.peak = tracemalloc.get_traced_memory()[1] - self._before
        tracemalloc.stop()
        self.rss = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._rss) * 1024


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
        assert b" 401 " in status or b" 100 " in status
        if b" 401 " in status:
            assert origin.received == 0
