"""Which headers cross the gateway (RFC 9110 §7.6.1, RFC 7239), in either direction."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.propagate import inject

Header = tuple[bytes, bytes]

HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
        b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings",
    }
)  # fmt: skip

_NOT_INWARD = HOP_BY_HOP | {
    b"cookie",  # the session is the gateway's; services see a bearer token
    b"host",
    b"expect",  # answered hop by hop
    b"forwarded",
    b"x-real-ip",
    b"via",
    b"factory-service",  # only services say which service they are
    b"x-request-id",
    b"traceparent",
    b"tracestate",
    b"baggage",
    b"x-http-method-override",  # what a request may do was decided by the method it came with
    b"x-method-override",
    b"x-http-method",
}

_NOT_OUTWARD = HOP_BY_HOP | {
    b"x-request-id",  # the gateway sets its own, which is the same
    b"date",  # the server that faces the client says these
    b"server",
}


def _nominated(headers: Iterable[Header]) -> set[bytes]:
    names: set[bytes] = set()
    for name, value in headers:
        if name.lower() == b"connection":
            names |= {token.strip().lower() for token in value.split(b",")}
    return names


def request_headers(scope: Mapping[str, Any], extra: Iterable[Header], public_url: str) -> list[Header]:
    """Return what the service gets to see of a request's headers; `extra` replaces what the client sent."""
    extra = list(extra)
    replaced = {name.lower() for name, _ in extra}
    given: list[Header] = list(scope["headers"])
    dropped = _NOT_INWARD | _nominated(given) | replaced
    kept = [
        (name.lower(), value)
        for name, value in given
        if name.lower() not in dropped and not name.lower().startswith(b"x-forwarded-")
    ]
    parts = urlsplit(public_url)
    host = (parts.netloc or "gateway").encode("idna" if not parts.netloc.isascii() else "ascii")
    scheme = (parts.scheme or "http").encode("ascii")
    client = scope.get("client")
    address = str(client[0]) if client else "unknown"
    node = f'"[{address}]"' if ":" in address else address
    kept.insert(0, (b"host", host))
    kept += extra
    kept += [
        (b"forwarded", f'for={node};host="{host.decode()}";proto={scheme.decode()}'.encode()),
        (b"x-forwarded-for", address.encode("ascii", "replace")),
        (b"x-forwarded-host", host),
        (b"x-forwarded-proto", scheme),
    ]
    request_id = (scope.get("state") or {}).get("request_id")
    if request_id:
        kept.append((b"x-request-id", str(request_id).encode("ascii")))
    carrier: dict[str, str] = {}
    inject(carrier)
    kept += [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in carrier.items()]
    return kept


def response_headers(headers: Iterable[Header]) -> list[Header]:
    """Return what the client gets to see of a service's headers: order and repetition are kept."""
    given = list(headers)
    dropped = _NOT_OUTWARD | _nominated(given)
    return [(name.lower(), value) for name, value in given if name.lower() not in dropped]
