"""Headers that tell browsers what the factory's answers may not be used for."""

from gateway.upstream.port import App, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

_PAGE_CSP = (
    b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    b"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Answers of the API are never pages. `sandbox`: should a browser show a donated file, it shows it as nobody's.
_API_CSP = b"default-src 'none'; frame-ancestors 'none'; sandbox"

_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HSTS: Header = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class SecurityHeaders:
    """ASGI middleware: the same headers on every answer, whoever made it."""

    def __init__(self, app: App, *, https: bool, cross_origin: bool = False) -> None:
        self._app = app
        self._https = https
        self._cross_origin = cross_origin

    def _headers(self, path: str) -> list[Header]:
        api = path.startswith("/api/") or path == "/openapi.json"
        headers = [*_ALWAYS, (b"content-security-policy", _API_CSP if api else _PAGE_CSP)]
        if self._cross_origin and api:
            headers.remove((b"cross-origin-resource-policy", b"same-origin"))
            headers.append((b"cross-origin-resource-policy", b"cross-origin"))
        if self._https:
            headers.append(_HSTS)
        return headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ours = self._headers(scope["path"])
        names = {name for name, _ in ours}

        async def secured_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                given: list[Header] = [(n, v) for n, v in message.get("headers", ()) if n.lower() not in names]
                if scope["path"].startswith("/api/") and not any(n.lower() == b"cache-control" for n, _ in given):
                    # What one person may see is nobody else's to keep.
                    given.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*given, *ours]}
            await send(message)

        await self._app(scope, receive, secured_send)
