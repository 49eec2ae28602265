"""`/openapi.json` and `/docs`."""

import asyncio
import hashlib
import json
import time
from functools import cache
from importlib.resources import files
from typing import Any, cast

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from gateway.api_reference.aggregate import Disagreement, aggregate
from gateway.door import AtTheDoor, Door
from services.kit.problems import Problem

Json = dict[str, Any]

KEEP_S = 30.0
log = structlog.get_logger("factory.gateway")
router = APIRouter(include_in_schema=False)


class ApiReference:
    """Asks each service for its description, keeps it, and puts them together."""

    def __init__(self) -> None:
        self._documents: dict[str, tuple[float, Json]] = {}
        self._whole: tuple[str, bytes] | None = None
        self._lock = asyncio.Lock()

    async def document(self, door: Door, own: Json) -> tuple[str, bytes]:
        """Return entity tag and text of the whole description; 503 naming the services that never gave theirs."""
        async with self._lock:
            documents = await asyncio.gather(*(self._of(door, name) for name in door.upstreams))
            found = dict(zip(door.upstreams, documents, strict=True))
            missing = sorted(name for name, document in found.items() if document is None)
            if missing:
                raise Problem(
                    503,
                    "openapi-incomplete",
                    params={"what": ", ".join(missing)},
                    headers={"Retry-After": "2"},
                    extra={"missing": missing},
                )
            parts: dict[str, Json] = {"gateway": own, **cast(dict[str, Json], found)}
            digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
            if self._whole is None or self._whole[0] != f'"{digest}"':
                whole = await asyncio.to_thread(aggregate, parts, session_cookie=door.session_cookie)
                self._whole = (f'"{digest}"', json.dumps(whole, ensure_ascii=False).encode())
            return self._whole

    async def _of(self, door: Door, name: str) -> Json | None:
        kept = self._documents.get(name)
        if kept is not None and time.monotonic() - kept[0] < KEEP_S:
            return kept[1]
        try:
            async with asyncio.timeout(5):
                answer = await door.upstreams[name].ask("GET", "/openapi.json")
            document = json.loads(answer.body) if answer.status == 200 else None
        except (Problem, TimeoutError, ValueError):
            document = None
        if not isinstance(document, dict):
            # What the service said of itself a while ago still describes it better than nothing.
            return kept[1] if kept is not None else None
        self._documents[name] = (time.monotonic(), document)
        return document


@router.get("/openapi.json")
async def openapi(request: Request, door: AtTheDoor) -> Response:
    """The whole public API in OpenAPI 3.1."""
    app = cast(FastAPI, request.app)
    reference = cast(ApiReference, app.state.api_reference)
    try:
        tag, text = await reference.document(door, app.openapi())
    except Disagreement as disagreement:
        log.error("openapi.disagreement", what=str(disagreement))
        raise Problem(500, "internal-error") from disagreement
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type="application/json", headers=headers)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data Factory – API</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body><main id="reference"><p>The description is at <a href="/openapi.json">/openapi.json</a>.</p></main>
<script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/init.js"></script></body></html>
"""

# Swagger UI (Apache-2.0) comes in the package fastapi-offline (MIT): no content network is asked for it.
_ASSETS = {
    "swagger-ui.css": ("fastapi_offline", "static/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("fastapi_offline", "static/swagger-ui-bundle.js", "text/javascript"),
    "init.js": ("gateway.api_reference", "assets/init.js", "text/javascript"),
}


@cache
def _asset(name: str) -> bytes:
    package, path, _ = _ASSETS[name]
    return files(package).joinpath(path).read_bytes()


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The description as a page, to read and to try."""
    return HTMLResponse(_PAGE, headers={"Cache-Control": "no-cache"})


@router.get("/docs/assets/{name}")
async def asset(name: str) -> Response:
    """The page's script and style."""
    if name not in _ASSETS:
        raise Problem(404, "no-such-route")
    content = await asyncio.to_thread(_asset, name)
    return Response(content, media_type=_ASSETS[name][2], headers={"Cache-Control": "public, max-age=3600"})
