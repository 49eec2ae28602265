"""A reader of a download who takes part after part, stands still or hangs up, as the test says."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from fastapi import FastAPI


class Reader:
    """A reader of one response, driven by hand: takes body messages when told, and notes how the response ended."""

    def __init__(self, app: FastAPI, path: str, headers: Mapping[str, str]) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.taken = 0
        self.complete = False
        self._room = asyncio.Semaphore(0)
        self._hung_up = asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": quote(path).encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("catalog", 80),
        }
        self.body = hashlib.sha256()
        self.task = asyncio.create_task(app(scope, self._receive, cast(Any, self._send)))
        self._asked = False

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        if message.get("body"):
            await self._room.acquire()
            self.taken += len(message["body"])
            self.body.update(message["body"])
        self.complete = self.complete or not message.get("more_body", False)

    def take(self, messages: int) -> None:
        """Take so many more body messages."""
        for _ in range(messages):
            self._room.release()

    def hang_up(self) -> None:
        """Close the connection."""
        self._hung_up.set()

    async def ended(self, seconds: float = 10) -> BaseException | None:
        """Wait until the application is done; return what it raised."""
        await asyncio.wait([self.task], timeout=seconds)
        assert self.task.done(), "the response goes on"
        return self.task.exception()
