"""Signing a person in: OpenID Connect's code flow at the gateway, in a browser or, for the laptop's provider, by name.

Both ask the gateway to hand the session to this program through a loopback redirect (RFC 8252 §7.3) bound to a secret
only this program knows (PKCE, RFC 7636 S256), so that a code seen by someone else is worth nothing.
"""

import base64
import hashlib
import http.server
import secrets
import threading
import urllib.parse
import webbrowser
from collections.abc import Callable
from typing import Any, cast

import httpx

from datafactory.auth import Session, Token
from datafactory.errors import Json, SignInFailed, Unreachable, refusal_of

STEPS_AT_MOST = 12
"""Redirects of a code flow: gateway, provider, callback, loopback, and some room."""


def new_verifier() -> tuple[str, str]:
    """Return a PKCE verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).decode().rstrip("=")


def login_url(base_url: str, port: int, challenge: str) -> str:
    """Return where a sign-in for a program on loopback `port` begins."""
    query = urllib.parse.urlencode({"cli_port": port, "cli_challenge": challenge})
    return f"{base_url.rstrip('/')}/auth/login?{query}"


def redeem(base_url: str, code: str, verifier: str, http_client: httpx.Client) -> Session:
    """Exchange the code of the loopback redirect for a session."""
    response = http_client.post(f"{base_url.rstrip('/')}/auth/cli/token", json={"code": code, "verifier": verifier})
    try:
        body: Any = response.json()
    except ValueError:
        body = None
    if response.status_code >= 400:
        raise refusal_of(response.status_code, body)
    if not isinstance(body, dict) or "session_token" not in body:
        raise SignInFailed("the gateway gave no session for the code")
    answer = cast(Json, body)
    token = None
    if answer.get("access_token"):
        token = Token.lasting(str(answer["access_token"]), float(answer.get("expires_in") or 300))
    return Session(str(answer["session_token"]), token)


def code_in(location: str, port: int) -> str | None:
    """Return the code in a redirect to this program's loopback port, or None if the redirect goes elsewhere."""
    parts = urllib.parse.urlsplit(location)
    if parts.hostname not in {"127.0.0.1", "localhost", "::1"} or parts.port != port:
        return None
    query = urllib.parse.parse_qs(parts.query)
    if "code" not in query:
        raise SignInFailed(query.get("error", ["the sign-in was refused"])[0])
    return query["code"][0]


def sign_in_as(base_url: str, name: str, *, timeout_s: float = 20.0) -> Session:
    """Sign in as `name` at the laptop's provider: the real code flow, with its form filled in by this program.

    Works only where the provider asks for nothing but a subject (`sub`), which no provider outside a laptop does.
    """
    verifier, challenge = new_verifier()
    # Nobody listens here: the redirect is read, not followed. Below 1024 so that no other program of the user's can.
    port = 1023
    with httpx.Client(timeout=timeout_s, follow_redirects=False) as http_client:
        try:
            response = http_client.get(login_url(base_url, port, challenge))
            for _ in range(STEPS_AT_MOST):
                if response.is_redirect:
                    location = urllib.parse.urljoin(str(response.url), response.headers["location"])
                    if code := code_in(location, port):
                        return redeem(base_url, code, verifier, http_client)
                    response = http_client.get(location)
                elif response.status_code == 200 and 'name="sub"' in response.text:
                    response = http_client.post(response.url, data={"sub": name})
                else:
                    raise SignInFailed(_what_came(response))
        except httpx.TransportError as error:
            raise Unreachable(f"{base_url}: {error or type(error).__name__}") from error
    raise SignInFailed("the sign-in went round in circles")


def _what_came(response: httpx.Response) -> str:
    where = f"{response.url.scheme}://{response.url.host}:{response.url.port}{response.url.path}"
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = refusal_of(response.status_code, response.json())
        return f"{where}: {problem.detail}"
    if response.status_code == 200:
        return f"{where} asks for more than a name: sign in with the browser instead (factory login)"
    return f"{where} answered {response.status_code}"


DONE_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Data Factory</title>"
    "<p>You are signed in. You can close this page. · Du är inloggad och kan stänga sidan.</p>"
)


def sign_in_with_browser(
    base_url: str, *, open_browser: Callable[[str], object] = webbrowser.open, timeout_s: float = 300.0
) -> Session:
    """Sign in with the person's browser; waits at most `timeout_s` seconds for them to finish."""
    verifier, challenge = new_verifier()
    arrived = threading.Event()
    got: dict[str, str] = {}

    class Loopback(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            if "code" not in query and "error" not in query:
                self.send_error(404)
                return
            got.update({key: values[0] for key, values in query.items()})
            page = DONE_PAGE.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
            arrived.set()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed: the request line holds the code."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Loopback) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            open_browser(login_url(base_url, server.server_port, challenge))
            if not arrived.wait(timeout_s):
                raise SignInFailed("nobody signed in in time")
        finally:
            server.shutdown()
            thread.join()
    if "code" not in got:
        raise SignInFailed(got.get("error", "the sign-in was refused"))
    with httpx.Client(timeout=20.0) as http_client:
        try:
            return redeem(base_url, got["code"], verifier, http_client)
        except httpx.TransportError as error:
            raise Unreachable(f"{base_url}: {error or type(error).__name__}") from error
