"""Cookies of the gateway (RFC 6265bis): HttpOnly, SameSite=Lax, and under https bound to this very host."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

SIGN_IN_SECONDS = 600


def session_cookie_name(public_url: str) -> str:
    """Return the name of the session cookie: with https, no other host or path can set it (`__Host-`)."""
    return "__Host-factory_session" if public_url.startswith("https:") else "factory_session"


def sign_in_cookie_name(public_url: str, state_hash: bytes) -> str:
    """Return the name of the cookie of one sign-in; a name of its own lets two tabs sign in at once."""
    prefix = "__Host-" if public_url.startswith("https:") else ""
    return f"{prefix}factory_sign_in_{state_hash[:6].hex()}"


def cookies_of(connection: HTTPConnection) -> dict[str, str]:
    """Return the cookies of a request; of a name sent twice, neither (someone may have planted one)."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for header in connection.headers.getlist("cookie"):
        for part in header.split(";"):
            name, sign, value = part.strip().partition("=")
            if not sign:
                continue
            if name in found:
                twice.add(name)
            found[name] = value.strip('"')
    return {name: value for name, value in found.items() if name not in twice}


def set_cookie(response: Response, name: str, value: str, *, public_url: str, seconds: int) -> None:
    """Set a cookie for this host."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, name: str, *, public_url: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(name, path="/", secure=public_url.startswith("https:"), httponly=True, samesite="lax")
