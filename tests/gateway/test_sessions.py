"""A session lasts as long as it should, and its cookie is good for nothing but requests from our own pages."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from gateway import forget_the_past
from gateway.upstream import HttpUpstream
from tests.gateway.conftest import Site, StartSite
from tests.gateway.people import csrf, sign_in
from tests.gateway.strict_provider import StrictProvider, strict_provider


async def signed_in(browser: httpx.AsyncClient) -> bool:
    return bool((await browser.get("/auth/session")).json()["signed_in"])


async def bearer(browser: httpx.AsyncClient) -> str | None:
    """Return the Authorization header that reaches the service."""
    answer = await browser.get("/api/v1/me")
    return dict(answer.json()["headers"]).get("authorization")


async def test_an_unused_session_ends(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "researcher")
    site.clock.advance(seconds=site.settings.session_idle_s - 1)
    assert await signed_in(browser)
    site.clock.advance(seconds=site.settings.session_idle_s)
    assert not await signed_in(browser)
    site.clock.advance(seconds=-site.settings.session_idle_s)
    assert not await signed_in(browser), "and does not come back"


async def test_a_session_in_use_ends_all_the_same(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "researcher")
    passed = 0
    while passed + 3600 < site.settings.session_absolute_s:
        site.clock.advance(seconds=3600)
        passed += 3600
        assert await signed_in(browser)
    site.clock.advance(seconds=3600)
    assert not await signed_in(browser)


@pytest.mark.parametrize("value", ["", "x", "a" * 43, "a" * 5000, "å" * 30, "'; DROP TABLE session; --aaaaaaaa"])
async def test_a_forged_cookie_is_nobody(site: Site, value: str) -> None:
    async with site.browser(headers={"Cookie": f"factory_session={value}".encode()}) as browser:
        assert not await signed_in(browser)
        answer = await browser.get("/api/v1/me")
        assert "authorization" not in dict(answer.json()["headers"])


async def test_a_cookie_sent_twice_is_nobody(site: Site, browser: httpx.AsyncClient) -> None:
    """A subdomain could plant one beside the real one."""
    await sign_in(browser, "researcher")
    both = f"factory_session={browser.cookies['factory_session']}; factory_session={secrets.token_urlsafe(32)}"
    async with site.browser(headers={"Cookie": both}) as odd:
        assert not await signed_in(odd)


async def test_the_database_holds_nothing_that_signs_in(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "annotator1")
    secret = browser.cookies["factory_session"]
    async with site.ctx.db.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT * FROM session"))).all()
    stored = b"".join(
        bytes(str(value), "utf-8") if not isinstance(value, bytes) else value for r in rows for value in r
    )
    assert secret.encode() not in stored
    assert b"annotator1" not in stored
    assert b"id_token" not in stored


async def test_a_change_needs_the_csrf_token(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "lead")
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "a" * 43}):
        refused = await browser.post("/api/v1/projects", json={}, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["code"] == "csrf-invalid"
    assert site.access.seen == []
    assert (await browser.post("/api/v1/projects", json={}, headers=await csrf(browser))).status_code == 200


async def test_the_csrf_token_of_another_session_does_not_do(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "lead")
    async with site.browser() as other:
        await sign_in(other, "outsider")
        theirs = await csrf(other)
    assert (await browser.post("/api/v1/projects", json={}, headers=theirs)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_is_refused_even_with_the_token(
    site: Site, browser: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await sign_in(browser, "lead")
    refused = await browser.post("/api/v1/projects", json={}, headers={**headers, **await csrf(browser)})
    assert refused.status_code == 403
    assert refused.json()["code"] == "origin-refused"
    assert site.access.seen == []


async def test_our_own_page_is_let_in(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "lead")
    headers = {"Origin": site.url, "Sec-Fetch-Site": "same-origin", **await csrf(browser)}
    assert (await browser.post("/api/v1/projects", json={}, headers=headers)).status_code == 200


async def test_a_bearer_token_of_ones_own_passes_as_it_is(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "lead")
    mine = {"Authorization": f"Bearer {site.access.token_for('donor')}"}
    answer = await browser.post("/api/v1/projects", json={}, headers=mine)
    assert dict(answer.json()["headers"])["authorization"] == mine["Authorization"]


async def test_a_dead_cookie_does_not_stand_in_the_way_of_signing_in_anew(site: Site) -> None:
    async with site.browser(cookies={"factory_session": secrets.token_urlsafe(32)}) as browser:
        assert (await sign_in(browser, "researcher")).status_code == 303


async def test_a_token_is_fetched_once_and_kept_until_nearly_spent(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "researcher")
    assert site.access.exchanges == 1

    tokens = await asyncio.gather(*(bearer(browser) for _ in range(20)))
    assert len(set(tokens)) == 1
    assert site.access.exchanges == 2

    site.clock.advance(seconds=269)
    assert await bearer(browser) == tokens[0]
    site.clock.advance(seconds=2)
    assert await bearer(browser) != tokens[0]
    assert site.access.exchanges == 3


async def test_when_access_no_longer_knows_one_the_session_is_over(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "researcher")
    site.access.refuse = 401
    refused = await browser.get("/api/v1/me")
    assert refused.status_code == 401
    assert refused.json()["code"] == "session-ended"
    site.access.refuse = None
    assert not await signed_in(browser)


async def test_when_access_forbids_it_says_so(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "researcher")
    site.access.refuse = 403
    refused = await browser.get("/api/v1/me")
    assert refused.status_code == 403
    assert refused.json()["code"] == "refused"


async def test_when_access_is_away_the_session_stays(start_site: StartSite, site: Site) -> None:
    from tests.gateway.serving import serving

    async with serving(site.access.app) as url:
        apart: Site = await start_site(upstreams=lambda access: {"access": HttpUpstream("access", url)})
        # The stand-in behind the socket signs with a key of its own.
        apart.access.key, apart.access.signer = site.access.key, site.access.signer
        async with apart.browser() as browser:
            assert (await sign_in(browser, "researcher")).status_code == 303
            state = await browser.get("/auth/session")
            cookies = browser.cookies
    async with apart.browser(cookies=cookies) as browser:
        away = await browser.get("/api/v1/me")
        assert away.status_code == 503
        assert away.headers["retry-after"]
        assert (await browser.get("/auth/session")).json()["user"] == state.json()["user"]


async def test_ended_sessions_are_swept(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "finance")
    site.clock.advance(days=2)

    async def run_once() -> None:
        running = asyncio.Event()
        sweep = asyncio.create_task(forget_the_past(site.ctx, running))
        while True:
            async with site.ctx.db.engine.connect() as connection:
                left = (await connection.execute(text("SELECT count(*) FROM session"))).scalar_one()
            if left == 0:
                break
            await asyncio.sleep(0.02)
        running.set()
        await sweep

    await asyncio.wait_for(run_once(), 10)


class TestRefresh:
    """The provider's ID token is renewed before it ends, for as long as the provider stands by the person."""

    @pytest.fixture
    async def provider(self) -> AsyncIterator[StrictProvider]:
        async with strict_provider() as running:
            yield running

    @pytest.fixture
    async def site(self, provider: StrictProvider, start_site: StartSite) -> Site:
        return await start_site(oidc_issuer=provider.issuer, oidc_client_secret="")

    async def enter(self, browser: httpx.AsyncClient, provider: StrictProvider) -> None:
        begun = await browser.get("/auth/login")
        assert (await browser.get(provider.authorize(begun.headers["location"]))).status_code == 303

    async def test_a_token_near_its_end_is_renewed(
        self, site: Site, browser: httpx.AsyncClient, provider: StrictProvider
    ) -> None:
        provider.lifetime = 600
        await self.enter(browser, provider)
        assert await bearer(browser)
        assert provider.refreshes == 0
        site.clock.advance(seconds=545)
        assert await bearer(browser)
        assert provider.refreshes == 1
        site.clock.advance(seconds=400)
        assert await bearer(browser)
        assert provider.refreshes == 1, "the renewed token was kept"

    async def test_a_provider_that_refuses_ends_the_session_with_its_token(
        self, site: Site, browser: httpx.AsyncClient, provider: StrictProvider
    ) -> None:
        provider.lifetime = 600
        provider.refuse_refresh = True
        await self.enter(browser, provider)
        site.clock.advance(seconds=560)
        assert await bearer(browser), "what it gave still holds"
        site.clock.advance(seconds=300)
        assert (await browser.get("/api/v1/me")).status_code == 401
        assert not await signed_in(browser)

    async def test_a_renewed_token_of_someone_else_is_refused(
        self, site: Site, browser: httpx.AsyncClient, provider: StrictProvider
    ) -> None:
        provider.lifetime = 600
        await self.enter(browser, provider)
        provider.claims = {"sub": "outsider"}
        site.clock.advance(seconds=700)
        assert (await browser.get("/api/v1/me")).status_code == 401
