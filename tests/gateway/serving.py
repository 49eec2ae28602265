"""Applications on real loopback sockets, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import uvicorn
from uvicorn.server import ServerState


@asynccontextmanager
async def serving(app: Any, sock: socket.socket | None = None) -> AsyncGenerator[str]:
    """Serve `app` on a free loopback port until the block is left; gives its base URL.

    Uvicorn's protocol without its main loop, whose ticks would cost each test half a second.
    """
    listener = sock or listening_socket()
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, proxy_headers=False)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", formatdate(usegmt=True).encode()), (b"server", b"uvicorn")]
    make_protocol: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: make_protocol(config=config, server_state=state, app_state={}), sock=listener, backlog=512
    )
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        _, late = await asyncio.wait(state.tasks, timeout=2) if state.tasks else (set(), set())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for connection in list(state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        # Give the closed transports their turn to say goodbye.
        await asyncio.sleep(0.01)


def listening_socket() -> socket.socket:
    """Return a socket bound to a free loopback port."""
    # With the protocol named, asyncio turns Nagle's algorithm off; without, each answer waits 40 ms for a delayed ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    return listener
