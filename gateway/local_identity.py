"""The laptop's identity provider: `oidc-provider-mock` with the factory's personas, for this machine alone.

It asks for no password, so it must not be reachable from anywhere else: only loopback clients, only its own host names,
nothing that came through a proxy. Its key is made at start; what it issued before a restart is worth nothing after.
"""

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gateway.local_pages import DUTIES, FRAME, SIGN_IN

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

PERSONAS: dict[str, str] = {
    "donor": "Dina Donator",
    "steward": "Stina Steward",
    "steward2": "Sten Steward",
    "researcher": "Rut Forskare",
    "lead": "Leo Projektledare",
    "operator": "Olle Operatör",
    "finance": "Fia Ekonom",
    "annotator1": "Anna Annotatör",
    "annotator2": "Arvid Annotatör",
    "outsider": "Ove Utomstående",
}
"""Subject and name of each predefined person. Any other subject can be typed in, and is then someone new."""

# The provider gives no new ID token for a refresh token, so its sessions last as long as its first one.
_TOKEN_LIFE = timedelta(hours=12)

_PATHS = frozenset(
    {
        "/", "/.well-known/openid-configuration", "/jwks", "/oauth2/authorize", "/oauth2/token", "/userinfo",
        "/oauth2/end_session", "/oauth2/end_session/confirm",
    }
)  # fmt: skip
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class LocalIdentity:
    """A running provider. It takes any client id, and insists on a client secret without caring which."""

    issuer: str
    port: int
    client_secret: str = "local"  # noqa: S105 - no secret: the provider takes any


class OnlyThisMachine:
    """WSGI middleware: 403 for whatever does not plainly come from a program or browser on this machine."""

    def __init__(self, app: WsgiApp, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}

    def _refusal(self, environ: Environ) -> str | None:
        if not _is_loopback(str(environ.get("REMOTE_ADDR", ""))):
            return "this provider serves its own machine only"
        if environ.get("HTTP_HOST") not in self._hosts:
            return "unknown host name"
        if any(name == "HTTP_FORWARDED" or name.startswith(("HTTP_X_FORWARDED", "HTTP_X_REAL")) for name in environ):
            return "this provider must not stand behind a proxy"
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") and (
            environ.get("HTTP_ORIGIN", next(iter(self._origins))) not in self._origins
        ):
            return "another site's page"
        redirects = parse_qs(environ.get("QUERY_STRING", "")).get("redirect_uri", [])
        if any((urlsplit(uri).hostname or "") not in _LOOPBACK_NAMES for uri in redirects):
            return "this provider sends people back to their own machine only"
        return None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        refusal = self._refusal(environ)
        if refusal is not None:
            return _plain(start_response, HTTPStatus.FORBIDDEN, refusal)
        if environ.get("PATH_INFO") not in _PATHS:
            return _plain(start_response, HTTPStatus.NOT_FOUND, "nothing here")

        _hush()

        def guarded_start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
            extra = [("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff")]
            return start_response(status, [*headers, *extra], *rest)

        return self._app(environ, guarded_start)


def _hush() -> None:
    """Ignore the provider's deprecation warnings: it stands on a part of Authlib that Authlib deprecates.

    The factory itself uses joserfc. Done anew for each request, since filters are the whole process's and come and go
    with whoever sets them; where warnings are errors, the provider would answer nothing but 500.
    """
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"(authlib|oidc_provider_mock)(\.|$)")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _plain(start_response: StartResponse, status: HTTPStatus, text: str) -> Iterable[bytes]:
    body = text.encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]


def _provider_app() -> WsgiApp:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from jinja2 import ChoiceLoader, DictLoader
        from oidc_provider_mock import User, app

        users = [User(sub=subject, claims={"name": name}) for subject, name in PERSONAS.items()]
        flask_app = app(user_claims=users, access_token_max_age=_TOKEN_LIFE)
    # It comes with Werkzeug's debugger, which runs whatever Python it is sent.
    flask_app.debug = False
    flask_app.wsgi_app = getattr(flask_app.wsgi_app, "app", flask_app.wsgi_app)
    flask_app.jinja_env.globals["people"] = {sub: (name, DUTIES[sub]) for sub, name in PERSONAS.items()}
    theirs = flask_app.jinja_loader
    loaders = [
        DictLoader({"_base.html": FRAME, "authorization_form.html": SIGN_IN}),
        *([theirs] if theirs is not None else []),
    ]
    flask_app.jinja_loader = ChoiceLoader(loaders)  # pyright: ignore[reportAttributeAccessIssue] - Flask allows it
    return flask_app


@contextmanager
def run_local_identity(port: int = 0) -> Generator[LocalIdentity]:
    """Run the provider in a thread on 127.0.0.1:`port` (0 takes a free one) until the block is left."""
    import werkzeug.serving

    # Authlib refuses OAuth without https unless told; on the loopback interface there is nobody to listen.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        application = _provider_app()

    class Quiet(werkzeug.serving.WSGIRequestHandler):
        """Writes no request lines: they hold codes."""

        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:
            """Nothing."""

    logging.getLogger("oidc-provider-mock").setLevel(logging.ERROR)
    logging.getLogger("oidc_provider_mock").setLevel(logging.ERROR)
    server = werkzeug.serving.make_server("127.0.0.1", port, _not_yet, threaded=True, request_handler=Quiet)
    server.app = OnlyThisMachine(application, server.port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="local-identity")
    thread.daemon = True
    thread.start()
    try:
        yield LocalIdentity(f"http://127.0.0.1:{server.port}", server.port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _not_yet(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return _plain(start_response, HTTPStatus.SERVICE_UNAVAILABLE, "starting")


def main(port: int = 9400) -> None:
    """Run the provider until interrupted."""
    with run_local_identity(port) as running:
        logging.getLogger("factory.identity").warning("local identity provider at %s", running.issuer)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    import sys

    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9400)
