"""Nobody asks too often or sends too much, and everybody is told how much is left."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.edge.identity import client_address, network_key
from gateway.edge.rate import Limiter, kind_of
from gateway.edge.size import limit_of
from gateway.settings import GatewaySettings
from tests.gateway.conftest import Site, StartSite
from tests.gateway.people import sign_in


class TestLimiter:
    """A bucket of tokens that fills up within a minute."""

    def test_the_quota_may_be_used_at_once_and_comes_back_evenly(self) -> None:
        now = 0.0
        limiter = Limiter({"reads": 6, "writes": 1, "sign-ins": 1}, now=lambda: now)
        verdicts = [limiter.take("reads", "a") for _ in range(7)]
        assert [v.passes for v in verdicts] == [True] * 6 + [False]
        assert [v.remaining for v in verdicts] == [5, 4, 3, 2, 1, 0, 0]
        assert verdicts[6].retry_in_s == 10
        assert verdicts[6].full_in_s == 60
        now = 10.0
        assert limiter.take("reads", "a").passes
        assert not limiter.take("reads", "a").passes
        now = 1000.0
        assert limiter.take("reads", "a").remaining == 5, "never more than the quota"

    def test_callers_and_kinds_do_not_share(self) -> None:
        limiter = Limiter({"reads": 1, "writes": 1, "sign-ins": 1}, now=lambda: 0.0)
        assert limiter.take("reads", "a").passes
        assert limiter.take("reads", "b").passes
        assert limiter.take("writes", "a").passes
        assert not limiter.take("reads", "a").passes


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/api/v1/datasets", "reads"),
        ("HEAD", "/api/v1/uploads/1", "reads"),
        ("PATCH", "/api/v1/uploads/1", "writes"),
        ("POST", "/api/v1/token", "sign-ins"),
        ("POST", "/api/v1/operator-secret/redemptions", "sign-ins"),
        ("GET", "/auth/login", "sign-ins"),
        ("GET", "/auth/session", "reads"),
        ("OPTIONS", "/api/v1/token", None),
        ("OPTIONS", "/api/v1/uploads/1", None),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
    ],
)
def test_what_a_request_counts_as(method: str, path: str, kind: str | None) -> None:
    assert kind_of(method, path) == kind


class TestAddress:
    """Whose address counts."""

    def test_one_ipv6_network_is_one_caller(self) -> None:
        assert network_key("2001:db8:0:1::1") == network_key("2001:db8:0:1:ffff::2")
        assert network_key("2001:db8:0:1::1") != network_key("2001:db8:0:2::1")
        assert network_key("::ffff:10.0.0.1") == network_key("10.0.0.1")
        assert network_key("nonsense") == "address:unknown"

    def test_what_the_client_says_of_itself_counts_only_behind_a_trusted_proxy(self) -> None:
        import ipaddress

        scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"6.6.6.6, 192.0.2.7")]}
        assert client_address(scope, []) == "10.0.0.1"
        trusted = [ipaddress.ip_network("10.0.0.0/8")]
        assert client_address(scope, trusted) == "192.0.2.7", "the rest was written by the client"
        assert client_address({"client": ("192.0.2.1", 1), "headers": scope["headers"]}, trusted) == "192.0.2.1"


@pytest.fixture
async def tight(start_site: StartSite) -> Site:
    return await start_site(rate_reads=3, rate_writes=2, rate_sign_ins=20)


@pytest.fixture
async def browser(tight: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with tight.browser() as client:
        yield client


async def test_one_is_told_what_is_left_and_then_to_wait(browser: httpx.AsyncClient) -> None:
    answers = [await browser.get("/api/v1/me") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"reads";q=3;w=60'
    assert answers[0].headers["ratelimit"] == '"reads";r=2;t=20'
    refused = answers[3]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["ratelimit"].startswith('"reads";r=0;t=')
    assert (await browser.post("/api/v1/projects", json={})).status_code == 200, "writes are counted apart"


async def test_options_are_never_counted(browser: httpx.AsyncClient) -> None:
    for _ in range(10):
        answer = await browser.options("/api/v1/me")
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers
    assert (await browser.get("/api/v1/me")).headers["ratelimit"].startswith('"reads";r=2')


async def test_each_person_has_their_own_quota_however_they_come(tight: Site, browser: httpx.AsyncClient) -> None:
    lead = {"Authorization": f"Bearer {tight.access.token_for('lead')}"}
    again = {"Authorization": f"Bearer {tight.access.token_for('lead')}"}
    donor = {"Authorization": f"Bearer {tight.access.token_for('donor')}"}
    assert [(await browser.get("/api/v1/me", headers=lead)).status_code for _ in range(3)] == [200] * 3
    assert (await browser.get("/api/v1/me", headers=again)).status_code == 429, "another token, the same person"
    assert (await browser.get("/api/v1/me", headers=donor)).status_code == 200
    await sign_in(browser, "lead")
    assert (await browser.get("/api/v1/me")).status_code == 429, "the same person with a cookie"


async def test_made_up_tokens_and_forwarded_addresses_give_no_new_quota(browser: httpx.AsyncClient) -> None:
    codes = [
        (
            await browser.get(
                "/api/v1/me", headers={"Authorization": f"Bearer made.up.{n}", "X-Forwarded-For": f"192.0.2.{n}"}
            )
        ).status_code
        for n in range(4)
    ]
    assert codes == [200, 200, 200, 429]


async def test_sign_ins_are_counted_for_the_address(start_site: StartSite) -> None:
    site: Site = await start_site(rate_sign_ins=2)
    async with site.browser() as browser:
        bearer = {"Authorization": f"Bearer {site.access.token_for('lead')}"}
        codes = [(await browser.post("/auth/cli/token", json={}, headers=bearer)).status_code for _ in range(3)]
    assert codes == [422, 422, 429]


class TestSize:
    """Bodies have a limit, by what they say and by what they are."""

    @pytest.fixture
    async def site(self, start_site: StartSite) -> Site:
        return await start_site(json_max_bytes=2048, upload_max_bytes=10_000)

    @pytest.fixture
    async def browser(self, site: Site) -> AsyncIterator[httpx.AsyncClient]:
        async with site.browser() as client:
            yield client

    @staticmethod
    async def parts(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 1024

    async def test_a_length_above_the_limit_is_refused_unread(self, site: Site, browser: httpx.AsyncClient) -> None:
        refused = await browser.post("/api/v1/projects", content=b"x" * 2049)
        assert refused.status_code == 413
        assert refused.json()["code"] == "body-too-large"
        assert refused.headers["connection"] == "close"
        assert site.access.seen == []

    async def test_bytes_above_the_limit_are_refused_though_no_length_was_given(
        self, site: Site, browser: httpx.AsyncClient
    ) -> None:
        assert (await browser.post("/api/v1/projects", content=self.parts(2))).status_code == 200
        refused = await browser.post("/api/v1/projects", content=self.parts(3))
        assert refused.status_code == 413
        assert len(site.access.seen) == 1, "the service never saw the whole"

    async def test_uploads_have_their_own_limit(self, start_site: StartSite) -> None:
        from gateway.upstream import InProcessUpstream

        site: Site = await start_site(
            json_max_bytes=2048,
            upload_max_bytes=10_000,
            upstreams=lambda a: {
                "access": InProcessUpstream("access", a.app),
                "catalog": InProcessUpstream("catalog", a.app),
            },
        )
        async with site.browser() as browser:
            assert (await browser.patch("/api/v1/uploads/1", content=b"x" * 10_000)).status_code == 200
            assert (await browser.patch("/api/v1/uploads/1", content=b"x" * 10_001)).status_code == 413
            assert (await browser.patch("/api/v1/uploads/1", content=self.parts(11))).status_code == 413
            assert (await browser.patch("/api/v1/donations/1", content=b"x" * 10_000)).status_code == 413

    def test_annotations_have_theirs(self) -> None:
        settings = GatewaySettings.model_construct(annotation_max_bytes=5_000_000)
        for path in ("campaigns/c/import", "tasks/t/annotation", "reviews/i"):
            assert limit_of(f"/api/v1/{path}", settings) == 5_000_000
        for path in ("campaigns/c", "campaigns/c/import/x", "tasks/t/submission", "runs"):
            assert limit_of(f"/api/v1/{path}", settings) == settings.json_max_bytes

    async def test_the_gateways_own_routes_have_one_too(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.post("/auth/cli/token", content=self.parts(3))).status_code == 413

    async def test_a_body_that_stops_coming_is_given_up(self, start_site: StartSite) -> None:
        site: Site = await start_site(upstream_idle_s=0.2)
        host, port = site.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"body-too-slow" in answer
