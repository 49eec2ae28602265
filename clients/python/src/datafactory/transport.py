"""One HTTP client under every noun: signs calls, retries what may be retried, turns refusals into exceptions."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from datafactory.auth import Credentials
from datafactory.errors import Json, Refused, Unreachable, refusal_of

RETRIED = frozenset({429, 502, 503, 504})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TIMEOUT = httpx.Timeout(connect=5.0, read=60.0, write=60.0, pool=120.0)


def new_key() -> str:
    """Return a fresh Idempotency-Key."""
    return str(uuid.uuid4())


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After (RFC 9110 §10.2.3, delay form), or None."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def refusal(response: httpx.Response) -> Refused:
    """Return the exception for an error answer whose body has been read."""
    try:
        document: object = response.json()
    except ValueError:
        document = None
    return refusal_of(response.status_code, document, retry_after(response))


class Transport:
    """Calls to one factory as one caller. Safe to share between threads.

    `attempts`: tries at most for a call that may be repeated (reads, and POSTs with an Idempotency-Key).
    `longest_wait_s`: a Retry-After above this is not waited for; the refusal is raised instead.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials | None,
        *,
        language: str = "en",
        attempts: int = 6,
        longest_wait_s: float = 30.0,
        timeout: httpx.Timeout = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.credentials = credentials
        self._attempts = attempts
        self._longest_wait_s = longest_wait_s
        self._sleep = sleep
        self.http = httpx.Client(
            base_url=self.base_url,
            timeout=timeout,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
            headers={"Accept-Language": language, "User-Agent": "datafactory-python/0.1"},
        )

    def close(self) -> None:
        """Close every connection."""
        self.http.close()

    def forget_token(self) -> None:
        """Fetch a new token before the next call: roles, partner and projects are written in it."""
        if self.credentials:
            self.credentials.forget()

    def signed(self, headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return `headers` with the caller's bearer token."""
        signed = dict(headers or {})
        if self.credentials:
            signed["Authorization"] = f"Bearer {self.credentials.bearer(self.http)}"
        return signed

    def pause(self, attempt: int, asked: float | None) -> None:
        """Wait before trying again: as long as the server asked, else longer each time, with some chance in it."""
        self._sleep(asked if asked is not None else min(8.0, 0.25 * 2**attempt) * random.uniform(0.7, 1.3))  # noqa: S311 - jitter

    def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Callable[[], Iterator[bytes]] | None = None,
        repeatable: bool | None = None,
    ) -> httpx.Response:
        """Send one call and return its answer; error answers are raised as `Refused`, silence as `Unreachable`.

        `content` makes the body anew for each try. `repeatable` overrides what the method says about retrying.
        """
        sent = dict(headers or {})
        if repeatable is None:
            repeatable = method in SAFE or "Idempotency-Key" in sent
        query = {key: value for key, value in (params or {}).items() if value is not None}
        renewed = False
        attempt = 0
        while True:
            last = attempt + 1 >= self._attempts or not repeatable
            try:
                response = self.http.request(
                    method,
                    path,
                    json=json,
                    params=query or None,
                    headers=self.signed(sent),
                    content=content() if content else None,
                )
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(f"{self.base_url}: {error or type(error).__name__}") from error
                self.pause(attempt, None)
                attempt += 1
                continue
            if response.status_code == 401 and self.credentials and not renewed:
                renewed = True
                self.credentials.forget()
                continue
            wait = retry_after(response)
            # 429 without a time to wait for is no question of patience: an attempt a day, for example.
            patient = wait is not None or response.status_code != 429
            if response.status_code in RETRIED and not last and patient and (wait or 0) <= self._longest_wait_s:
                self.pause(attempt, wait)
                attempt += 1
                continue
            if response.status_code >= 400:
                raise refusal(response)
            return response

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> Iterator[httpx.Response]:
        """Open a streamed answer, once, with the token renewed once on 401. Transport errors pass through."""
        query = {key: value for key, value in (params or {}).items() if value is not None}
        for last in (False, True):
            with self.http.stream(
                method,
                path,
                headers=self.signed(headers),
                params=query or None,
                timeout=timeout or httpx.USE_CLIENT_DEFAULT,
            ) as response:
                if response.status_code == 401 and self.credentials and not last:
                    self.credentials.forget()
                    continue
                if response.status_code >= 400:
                    response.read()
                    raise refusal(response)
                yield response
                return

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """GET a JSON object."""
        return self.send("GET", path, params=params).json()

    def post(self, path: str, json: object = None, *, key: str | None = None) -> Json:
        """POST with an Idempotency-Key (a fresh one unless given), so that a lost answer can be asked for again."""
        response = self.send("POST", path, json=json, headers={"Idempotency-Key": key or new_key()})
        return response.json() if response.content else {}

    def put(self, path: str, json: object) -> Json:
        """PUT a JSON object; repeating it changes nothing, so it is retried."""
        response = self.send("PUT", path, json=json, repeatable=True)
        return response.json() if response.content else {}

    def delete(self, path: str) -> None:
        """DELETE."""
        self.send("DELETE", path)

    def patch(self, path: str, json: object, etag: str | None = None) -> Json:
        """PATCH under If-Match: `etag` as last seen, or the one of this moment if None."""
        seen = etag or self.send("GET", path).headers.get("ETag")
        return self.send("PATCH", path, json=json, headers={"If-Match": seen} if seen else None).json()

    def pages(self, path: str, params: Mapping[str, Any] | None = None, *, most: int | None = None) -> Iterator[Json]:
        """Yield the items of a list, page by page, `most` at most."""
        query = dict(params or {})
        count = 0
        while True:
            page = self.get(path, query)
            for item in page["items"]:
                if most is not None and count >= most:
                    return
                yield item
                count += 1
            if not page.get("next_cursor") or (most is not None and count >= most):
                return
            query["after"] = page["next_cursor"]
