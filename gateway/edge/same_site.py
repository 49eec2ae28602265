"""Requests that a cookie vouches for must come from the factory's own pages."""

import hmac

from starlette.datastructures import Headers

from gateway.sessions.service import LiveSession
from services.kit.problems import forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CSRF_HEADER = "x-csrf-token"


def check_same_site(method: str, headers: Headers, public_url: str, live: LiveSession) -> None:
    """403 for a request that would change something and was not made by our own pages.

    The header must repeat the session's token (which another site can neither read nor plant, since it is derived from
    the cookie's secret), and what the browser says about where the request came from must not contradict it.
    """
    if method in SAFE:
        return
    origin = headers.get("origin")
    if origin is not None and origin.rstrip("/") != public_url:
        raise forbidden("origin-refused")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise forbidden("origin-refused")
    given = headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), live.csrf_token.encode()):
        raise forbidden("csrf-invalid")
