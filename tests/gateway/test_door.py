"""What passes the door and what does not: paths, headers, health."""

import asyncio
from typing import Any

import httpx
import pytest
import structlog.testing
from sqlalchemy.exc import DBAPIError, OperationalError

from gateway.local_identity import run_local_identity
from gateway.routing import SERVICES, misplaced, noun_of, service_of
from gateway.upstream import HttpUpstream, InProcessUpstream
from tests.gateway.conftest import Site, StartSite
from tests.gateway.serving import listening_socket
from tests.support.wait import until


async def raw(site: Site, target: str, *headers: str) -> tuple[int, bytes]:
    """Send a request line exactly as written; return status and the rest."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}:{port}", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return int(answer.split(b" ")[1]), answer


@pytest.mark.parametrize(
    "target",
    [
        "/internal/v1/leases",
        "/internal/v1/service-token",
        "/api/v1/../internal/v1/jwks",
        "/api/v1/../../internal/v1/jwks",
        "/api/v1/%2e%2e/internal/v1/jwks",
        "/api/v1/%2E%2E%2finternal%2fv1%2fjwks",
        "/api/v1/datasets/../../../internal/v1/jwks",
        "/api/v1/me/%2e%2e/%2e%2e/%2e%2e/internal/v1/jwks",
        "/api/v1/me/./x",
        "/api/v1//internal/v1/jwks",
        "//internal/v1/jwks",
        "/api//v1/me",
        "/api/v1/me/",
        "/api/v1/me//x",
        "/api/v1/me%2f..%2f..%2finternal",
        "/api/v1/%6de",
        "/api%2fv1/me",
        "/%61pi/v1/me",
        "/api/v1",
        "/api/v1/",
        "/api/v2/me",
        "/api/v1/internal/x",
        "/api/v1/readyz",
        "/api/v1/me/%00",
        "/api/v1/me/%0d%0ax",
        "/API/v1/me",
        "/openapi.json/",
        "/metrics/../internal/v1/jwks",
        "/auth/../internal/v1/jwks",
        "/docs/assets/../../gateway/app.py",
        "http://evil.example/internal/v1/jwks",
    ],
)
async def test_no_spelling_leads_past_the_public_api(site: Site, target: str) -> None:
    status, answer = await raw(site, target)
    assert status == 404, answer
    assert b'"code":"no-such-route"' in answer
    assert b"Ed25519" not in answer
    assert site.access.seen == []


async def test_file_names_may_be_odd(start_site: StartSite) -> None:
    site: Site = await start_site(
        upstreams=lambda a: {
            "access": InProcessUpstream("access", a.app),
            "catalog": InProcessUpstream("catalog", a.app),
        }
    )
    for target in ("/api/v1/versions/1/files/a%20b%5C%C3%A5%25.png", "/api/v1/versions/1/files/..a/b..%2Fc"):
        status, _ = await raw(site, target)
        assert status == 200


def test_the_table_has_one_service_for_a_noun() -> None:
    nouns = [noun for nouns in SERVICES.values() for noun in nouns]
    assert len(nouns) == len(set(nouns))
    assert service_of("datasets") == "catalog"
    assert service_of("internal") is None
    assert noun_of("/api/v1/datasets/1", b"/api/v1/datasets/1") == "datasets"
    assert misplaced("access", ["/api/v1/datasets", "/api/v1/me", "/healthz"]) == ["/api/v1/datasets"]


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/auth/session", "/api/v1/me", "/internal", "/healthz"]
)
async def test_every_answer_carries_the_security_headers(site: Site, browser: httpx.AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert headers["x-request-id"]
    assert "strict-transport-security" not in headers
    assert "access-control-allow-origin" not in headers


async def test_what_a_service_sends_is_never_a_page_of_ours(start_site: StartSite) -> None:
    async def html(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html"), (b"content-security-policy", b"script-src *")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<script>"})

    site: Site = await start_site(upstreams=lambda a: {"access": InProcessUpstream("access", html)})
    async with site.browser() as browser:
        answer = await browser.get("/api/v1/me")
    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'; sandbox"]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_request_keeps_its_id_and_its_trace(site: Site, browser: httpx.AsyncClient) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await browser.get("/api/v1/me", headers={"X-Request-Id": "request-12345", "Traceparent": trace})
    assert answer.headers.get_list("x-request-id") == ["request-12345"]
    received = dict(answer.json()["headers"])
    assert received["x-request-id"] == "request-12345"
    assert received["traceparent"].split("-")[1] == trace.split("-")[1]
    made = await browser.get("/api/v1/me", headers={"X-Request-Id": "<script>alert(1)</script>"})
    assert made.headers["x-request-id"] != "<script>alert(1)</script>"


async def test_logs_name_the_route_and_not_the_path(site: Site, browser: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines:
        await browser.get("/api/v1/projects/secret-name?q=secret-query", headers={"X-Request-Id": "request-12345"})
        await until(lambda: lines, what="the line in the log")
    assert [(line["service"], line["route"], line["status"]) for line in lines] == [
        ("gateway", "/api/v1/{noun}/{rest}", 200)
    ]
    assert "secret" not in str(lines)


async def test_a_client_that_hangs_up_is_not_logged_as_our_failure(start_site: StartSite) -> None:
    async def hang(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue

    site: Site = await start_site(upstreams=lambda a: {"access": InProcessUpstream("access", hang)})
    with structlog.testing.capture_logs() as lines:
        async with site.browser() as browser:
            with pytest.raises(httpx.ReadTimeout):
                await browser.get("/api/v1/me", timeout=0.2)
        await until(lambda: lines, what="the line in the log")
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]


async def test_cross_origin_calls_are_off_until_turned_on(site: Site, start_site: StartSite) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    async with site.browser() as browser:
        assert "access-control-allow-origin" not in (await browser.options("/api/v1/me", headers=asked)).headers
    open_site: Site = await start_site(cors_origins=["https://app.example"])
    async with open_site.browser() as browser:
        allowed = await browser.options("/api/v1/me", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in allowed.headers
        other = {**asked, "Origin": "https://evil.example"}
        assert "access-control-allow-origin" not in (await browser.options("/api/v1/me", headers=other)).headers


async def test_health_says_what_is_wrong_by_name(start_site: StartSite) -> None:
    closed = listening_socket()
    port = closed.getsockname()[1]
    closed.close()
    with run_local_identity() as provider:
        site: Site = await start_site(
            oidc_issuer=provider.issuer,
            upstreams=lambda a: {
                "access": InProcessUpstream("access", a.app),
                "catalog": HttpUpstream("catalog", f"http://127.0.0.1:{port}"),
            },
        )
        async with site.browser() as browser:
            assert (await browser.get("/healthz")).json() == {"status": "ok"}
            failing = await browser.get("/readyz")
            assert failing.status_code == 503
            assert set(failing.json()["failing"]) == {"catalog"}
            site.access.ready = False
            assert set((await browser.get("/readyz")).json()["failing"]) == {"access", "catalog"}
    async with site.browser() as browser:
        assert "identity-provider" in (await browser.get("/readyz")).json()["failing"]


async def test_ready_when_all_is_well(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


class StartingUp(Exception):
    """What asyncpg says while PostgreSQL starts or stops."""

    sqlstate = "57P03"


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT", {}, ConnectionRefusedError()),
        DBAPIError("SELECT", {}, StartingUp()),
        FileNotFoundError("the socket is gone"),
        ConnectionRefusedError(),
    ],
)
async def test_without_its_database_the_gateway_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away() -> Any:
        raise error

    monkeypatch.setattr(site.ctx.db, "begin_unit", away)
    async with site.browser(cookies={"factory_session": "a" * 43}) as browser:
        answer = await browser.get("/api/v1/me")
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert answer.headers["retry-after"]
        assert (await browser.get("/auth/session")).status_code == 503


async def test_refusals_speak_the_callers_language(browser: httpx.AsyncClient) -> None:
    swedish = await browser.get("/api/v1/nothing", headers={"Accept-Language": "sv"})
    assert swedish.headers["content-language"] == "sv"
    assert swedish.json()["detail"] == "Adressen finns inte."
    assert swedish.headers["content-type"] == "application/problem+json"


async def test_the_front_leads_somewhere(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/")).headers["location"] == "/docs"


def test_settings_are_described() -> None:
    from gateway.settings import GatewaySettings

    for name, field in GatewaySettings.model_fields.items():
        assert field.description, name
