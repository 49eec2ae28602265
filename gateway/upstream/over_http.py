"""A service in another process, spoken to over HTTP/1.1 with aiohttp, in constant memory both ways."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from gateway.upstream.exchange import ClientGone, Exchange
from gateway.upstream.port import Scope, Upstream, upstream_problem


class HttpUpstream(Upstream):
    """Streams to and from `base_url`. Makes its connections in the event loop that first uses it.

    `connect_s` bounds taking a connection, `first_byte_s` the wait from the request's last byte to the answer's first
    (an upload may take hours), `idle_s` any pause inside an upload. An answer that has begun may take its time.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        connect_s: float = 3.0,
        first_byte_s: float = 30.0,
        idle_s: float = 120.0,
        connections: int = 512,
    ) -> None:
        super().__init__(name)
        self._base = base_url.rstrip("/")
        self._connect_s = connect_s
        self._first_byte_s = first_byte_s
        self._idle_s = idle_s
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                # Kept shorter than uvicorn keeps them (5 s): a connection that both sides drop at once loses a request.
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=3.0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                read_bufsize=64 * 1024,  # for each stream, and twice that when it is slow
                max_line_size=64 * 1024,
                max_field_size=64 * 1024,
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _carry(self, scope: Scope, exchange: Exchange) -> None:
        work = asyncio.create_task(self._exchange(scope, exchange))
        gone = asyncio.create_task(exchange.gone.wait())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientGone("the client closed the connection")
            await work
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def _exchange(self, scope: Scope, exchange: Exchange) -> None:
        async with asyncio.timeout(None) as deadline:

            def answer_is_due() -> None:
                deadline.reschedule(asyncio.get_running_loop().time() + self._first_byte_s)

            body = self._body(exchange, answer_is_due) if exchange.has_body else None
            if body is None:
                answer_is_due()
            try:
                response = await self._request(scope, body, expect_continue=exchange.expects_continue)
            except TimeoutError:
                if deadline.expired() or deadline.when() is None:
                    raise upstream_problem(504, "upstream-silent", self.name) from None
                raise upstream_problem(503, "upstream-unreachable", self.name) from None
            except asyncio.CancelledError:
                if deadline.expired():
                    raise upstream_problem(504, "upstream-silent", self.name) from None
                raise
            except aiohttp.ClientConnectorError:
                raise upstream_problem(503, "upstream-unreachable", self.name) from None
            deadline.reschedule(None)
        async with response:
            await exchange.send(
                {"type": "http.response.start", "status": response.status, "headers": list(response.raw_headers)}
            )
            while True:
                # No limit here: a stream of events may say nothing for hours, and the client can always hang up.
                chunk = await response.content.readany()
                if not chunk:
                    break
                await exchange.send({"type": "http.response.body", "body": chunk, "more_body": True})
            await exchange.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _request(
        self, scope: Scope, body: AsyncGenerator[bytes] | None, *, expect_continue: bool
    ) -> aiohttp.ClientResponse:
        headers: CIMultiDict[str] = CIMultiDict()
        for name, value in scope["headers"]:
            headers.add(name.decode("latin-1"), _text(value))
        url = self._base + scope["raw_path"].decode("ascii")
        if scope["query_string"]:
            url += "?" + scope["query_string"].decode("latin-1")
        return await self._client().request(
            scope["method"],
            URL(url, encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
            # Only passed on when asked for: then a refusal arrives before the bytes have been sent in vain.
            expect100=expect_continue and body is not None,
        )

    async def _body(self, exchange: Exchange, sent: Callable[[], None]) -> AsyncGenerator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    message = await exchange.receive()
            except TimeoutError:
                raise ClientGone("the client stopped sending") from None
            if message["type"] == "http.disconnect":
                raise ClientGone("the client closed the connection")
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body", False):
                sent()
                return


def _text(value: bytes) -> str:
    """Return a header's value as aiohttp wants it; what is not UTF-8 is taken for Latin-1 and sent on as UTF-8."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
