"""Ways to reach a service: in this process, or over HTTP. One contract suite holds them alike."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from gateway.settings import GatewaySettings
from gateway.upstream.in_process import InProcessUpstream
from gateway.upstream.over_http import HttpUpstream
from gateway.upstream.port import Answer, App, BrokenAnswer, Upstream

__all__ = ["Answer", "BrokenAnswer", "HttpUpstream", "InProcessUpstream", "Upstream", "make_upstream", "open_upstreams"]


def make_upstream(name: str, url: str, app: App | None = None, settings: GatewaySettings | None = None) -> Upstream:
    """Return the way to service `name`: `inproc:` (then `app` is its application) or `http://…`, `https://…`."""
    if url == "inproc:":
        if app is None:
            raise ValueError(f"{name} is to be reached in this process, and is not in it")
        return InProcessUpstream(name, app)
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not a way to a service: {url!r}")
    if settings is None:
        return HttpUpstream(name, url)
    return HttpUpstream(
        name,
        url,
        connect_s=settings.upstream_connect_s,
        first_byte_s=settings.upstream_first_byte_s,
        idle_s=settings.upstream_idle_s,
    )


@asynccontextmanager
async def open_upstreams(
    settings: GatewaySettings, apps: Mapping[str, App], urls: Mapping[str, str] | None = None
) -> AsyncGenerator[dict[str, Upstream]]:
    """Make the ways to all services: those in `apps` in this process unless `urls` (or the settings) say otherwise."""
    given = {**settings.service_urls, **(urls or {})}
    names = sorted({*apps, *given} - {"gateway"})
    upstreams = {name: make_upstream(name, given.get(name, "inproc:"), apps.get(name), settings) for name in names}
    try:
        yield upstreams
    finally:
        for upstream in upstreams.values():
            await upstream.close()
