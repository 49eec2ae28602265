"""A person signs in with the real code flow, and the browser holds nothing but an opaque cookie."""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey

from gateway.local_identity import run_local_identity
from tests.gateway.conftest import Site, StartSite
from tests.gateway.people import csrf, sign_in, walk_to_callback
from tests.gateway.strict_provider import StrictProvider, strict_provider


def query_of(url: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}


async def test_a_person_signs_in_and_calls_the_api(site: Site, browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/auth/session")).json()["signed_in"] is False

    done = await sign_in(browser, "researcher", "/auth/login?return_to=/datasets?q=x")

    assert done.status_code == 303
    assert done.headers["location"] == f"{site.url}/datasets?q=x"
    state = (await browser.get("/auth/session")).json()
    assert state["signed_in"] is True
    assert state["user"] == {"id": str(site.access.user_id("researcher")), "name": "Rut Forskare"}
    me = (await browser.get("/api/v1/me")).json()
    headers = dict(me["headers"])
    assert headers["authorization"].startswith("Bearer ey")
    assert "cookie" not in headers


async def test_the_cookie_is_opaque_and_out_of_scripts_reach(browser: httpx.AsyncClient) -> None:
    done = await sign_in(browser, "researcher")
    cookie = next(h for h in done.headers.get_list("set-cookie") if h.startswith("factory_session="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    value = cookie.split(";")[0].split("=", 1)[1]
    assert len(base64.urlsafe_b64decode(value + "=")) == 32
    assert "researcher" not in cookie


async def test_under_https_the_cookie_is_bound_to_the_host(start_site: StartSite) -> None:
    site: Site = await start_site(public_url="https://factory.example")
    async with site.browser(headers={"Host": "factory.example"}) as browser:
        begun = await browser.get("/auth/login")
    cookie = begun.headers["set-cookie"]
    assert cookie.startswith("__Host-factory_sign_in_")
    assert "Secure" in cookie
    assert query_of(begun.headers["location"])["redirect_uri"] == "https://factory.example/auth/callback"
    assert "max-age" in begun.headers["strict-transport-security"]


async def test_a_page_gets_a_bearer_token_with_cookie_and_csrf_token(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "lead")

    refused = await browser.post("/auth/token")
    granted = await browser.post("/auth/token", headers=await csrf(browser))

    assert refused.status_code == 403
    assert refused.json()["code"] == "csrf-invalid"
    assert granted.status_code == 200, granted.text
    assert 0 < granted.json()["expires_in"] <= 300
    subject = await site.ctx.verifier.user(granted.json()["access_token"])
    assert subject.id == site.access.user_id("lead")


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example\t",
        "javascript:alert(1)",
        "datasets",
        "/a\r\nSet-Cookie: x=1",
        "/" + "a" * 3000,
        "///evil.example",
        "http:evil.example",
    ],
)
async def test_one_is_never_sent_to_another_site(browser: httpx.AsyncClient, path: str) -> None:
    refused = await browser.get("/auth/login", params={"return_to": path})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "query:return_to"


async def test_another_host_name_is_left_for_the_public_one(site: Site, browser: httpx.AsyncClient) -> None:
    moved = await browser.get("/auth/login?return_to=/x", headers={"Host": "localhost:1"})
    assert moved.headers["location"] == f"{site.url}/auth/login?return_to=/x"


async def test_a_state_is_good_once(browser: httpx.AsyncClient) -> None:
    callback = await walk_to_callback(browser, "researcher")
    assert (await browser.get(callback)).status_code == 303
    again = await browser.get(callback, headers={"Accept-Language": "sv"})
    assert again.status_code == 400
    assert "Försök igen" in again.text
    assert 'href="/auth/login"' in again.text


async def test_a_state_of_another_browser_is_refused(site: Site, browser: httpx.AsyncClient) -> None:
    """Else an attacker could have the victim sign in as the attacker (login CSRF)."""
    callback = await walk_to_callback(browser, "outsider")
    async with site.browser() as victim:
        refused = await victim.get(callback)
        assert refused.status_code == 400
        assert (await victim.get("/auth/session")).json()["signed_in"] is False


async def test_a_made_up_or_late_state_is_refused(site: Site, browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/auth/callback?code=x&state=made-up")).status_code == 400
    assert (await browser.get("/auth/callback")).status_code == 400
    callback = await walk_to_callback(browser, "researcher")
    site.clock.advance(seconds=601)
    assert (await browser.get(callback)).status_code == 400


async def test_denying_at_the_provider_is_told_plainly(browser: httpx.AsyncClient) -> None:
    begun = await browser.get("/auth/login")
    callback = f"/auth/callback?error=access_denied&state={query_of(begun.headers['location'])['state']}"
    denied = await browser.get(callback)
    assert denied.status_code == 403
    assert "You did not sign in" in denied.text


async def test_two_tabs_may_sign_in_at_once(browser: httpx.AsyncClient) -> None:
    first = await walk_to_callback(browser, "researcher")
    second = await walk_to_callback(browser, "lead")
    assert (await browser.get(first)).status_code == 303
    assert (await browser.get(second)).status_code == 303
    assert (await browser.get("/auth/session")).json()["user"]["name"] == "Leo Projektledare"


async def test_signing_in_makes_a_new_secret_and_ends_the_old_session(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "researcher")
    before = browser.cookies["factory_session"]
    await sign_in(browser, "researcher")
    assert browser.cookies["factory_session"] != before
    async with site.browser(cookies={"factory_session": before}) as old:
        assert (await old.get("/auth/session")).json()["signed_in"] is False


async def test_a_planted_secret_does_not_become_a_session(site: Site) -> None:
    """Session fixation: whatever the browser held before the sign-in is not what it holds after."""
    planted = secrets.token_urlsafe(32)
    async with site.browser() as browser:
        callback = await walk_to_callback(browser, "researcher")
        sign_in_cookies = "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar)
    async with site.browser() as victim:
        done = await victim.get(callback, headers={"Cookie": f"{sign_in_cookies}; factory_session={planted}"})
    assert done.status_code == 303
    assert planted not in str(done.headers)
    async with site.browser(cookies={"factory_session": planted}) as attacker:
        assert (await attacker.get("/auth/session")).json()["signed_in"] is False


async def test_signing_out_ends_the_session_everywhere(site: Site, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "researcher")
    secret = browser.cookies["factory_session"]
    assert (await browser.post("/auth/logout")).status_code == 403

    done = await browser.post("/auth/logout", headers=await csrf(browser))

    assert done.status_code == 200
    assert done.json()["logout_url"].startswith(f"{site.identity.issuer}/oauth2/end_session?id_token_hint=ey")
    assert "factory_session" not in browser.cookies
    async with site.browser(cookies={"factory_session": secret}) as thief:
        assert (await thief.get("/auth/session")).json()["signed_in"] is False
        assert "authorization" not in dict((await thief.get("/api/v1/me")).json()["headers"])


async def test_when_access_refuses_nobody_is_signed_in(site: Site, browser: httpx.AsyncClient) -> None:
    site.access.refuse = 403
    refused = await sign_in(browser, "researcher")
    assert refused.status_code == 403
    assert "did not accept" in refused.text
    assert "factory_session" not in browser.cookies


async def test_a_provider_that_began_anew_means_signing_in_again(start_site: StartSite) -> None:
    with run_local_identity() as first:
        site: Site = await start_site(oidc_issuer=first.issuer, oidc_client_secret=first.client_secret)
        async with site.browser() as browser:
            callback = await walk_to_callback(browser, "researcher")
            port = first.port
    with run_local_identity(port):
        async with site.browser(cookies=browser.cookies) as again:
            refused = await again.get(callback)
            assert refused.status_code == 400
            assert "Try again" in refused.text
            assert (await sign_in(again, "researcher")).status_code == 303


async def test_a_provider_that_is_away_is_a_503(start_site: StartSite) -> None:
    site: Site = await start_site(oidc_issuer="http://127.0.0.1:9")
    async with site.browser() as browser:
        answer = await browser.get("/auth/login")
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["retry-after"]


class TestProgram:
    """The command line's sign-in: the browser's redirect carries a code that only the program can use."""

    @staticmethod
    def challenge(verifier: str) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

    async def code(self, browser: httpx.AsyncClient, verifier: str) -> str:
        query = urlencode({"cli_port": 4321, "cli_challenge": self.challenge(verifier)})
        done = await sign_in(browser, "donor", f"/auth/login?{query}")
        assert done.status_code == 303
        assert done.headers["location"].startswith("http://127.0.0.1:4321/?code=")
        assert "factory_session" not in browser.cookies, "the browser itself is not signed in"
        return query_of(done.headers["location"])["code"]

    async def test_a_program_gets_a_session_and_tokens(self, site: Site, browser: httpx.AsyncClient) -> None:
        verifier = secrets.token_urlsafe(48)
        code = await self.code(browser, verifier)

        got = (await browser.post("/auth/cli/token", json={"code": code, "verifier": verifier})).json()

        assert (await site.ctx.verifier.user(got["access_token"])).id == site.access.user_id("donor")
        async with site.browser() as program:
            bearer = {"Authorization": f"Bearer {got['session_token']}"}
            renewed = await program.post("/auth/token", headers=bearer)
            assert renewed.status_code == 200
            assert renewed.json()["token_type"] == "Bearer"
            cookie = {"Cookie": f"factory_session={got['session_token']}", "X-CSRF-Token": got["csrf_token"]}
            assert (await program.post("/auth/token", headers=cookie)).status_code == 200
            assert (await program.post("/auth/logout", headers=bearer)).status_code == 200
            assert (await program.post("/auth/token", headers=bearer)).status_code == 401

    async def test_a_code_is_good_once_and_only_with_its_verifier(self, browser: httpx.AsyncClient) -> None:
        verifier = secrets.token_urlsafe(48)
        code = await self.code(browser, verifier)
        stolen = await browser.post("/auth/cli/token", json={"code": code, "verifier": secrets.token_urlsafe(48)})
        assert stolen.status_code == 403
        late = await browser.post("/auth/cli/token", json={"code": code, "verifier": verifier})
        assert late.json()["code"] == "code-invalid"

    async def test_a_code_ends_after_two_minutes(self, site: Site, browser: httpx.AsyncClient) -> None:
        verifier = secrets.token_urlsafe(48)
        code = await self.code(browser, verifier)
        site.clock.advance(seconds=121)
        assert (await browser.post("/auth/cli/token", json={"code": code, "verifier": verifier})).status_code == 403

    @pytest.mark.parametrize(
        "query",
        [
            {"cli_port": "4321"},
            {"cli_challenge": "a" * 43},
            {"cli_port": "0", "cli_challenge": "a" * 43},
            {"cli_port": "70000", "cli_challenge": "a" * 43},
            {"cli_port": "4321", "cli_challenge": "short"},
            {"cli_port": "4321@evil.example", "cli_challenge": "a" * 43},
            {"cli_host": "evil.example", "cli_port": "4321", "cli_challenge": "a" * 43},
        ],
    )
    async def test_odd_requests_are_refused(self, browser: httpx.AsyncClient, query: dict[str, str]) -> None:
        assert (await browser.get("/auth/login", params=query)).status_code == 422

    async def test_a_refused_sign_in_is_told_to_the_program(self, site: Site, browser: httpx.AsyncClient) -> None:
        site.access.refuse = 403
        query = urlencode({"cli_port": 4321, "cli_challenge": self.challenge("v" * 43)})
        done = await sign_in(browser, "donor", f"/auth/login?{query}")
        assert done.headers["location"] == "http://127.0.0.1:4321/?error=sign-in-unknown"


class TestProviderAnswers:
    """The ID token is held against every check of OpenID Connect Core §3.1.3.7."""

    @pytest.fixture
    async def provider(self) -> AsyncIterator[StrictProvider]:
        async with strict_provider() as running:
            yield running

    @pytest.fixture
    async def browser(self, provider: StrictProvider, start_site: StartSite) -> AsyncIterator[httpx.AsyncClient]:
        site: Site = await start_site(oidc_issuer=provider.issuer, oidc_client_secret="")
        async with site.browser() as client:
            yield client

    async def finish(self, browser: httpx.AsyncClient, provider: StrictProvider) -> httpx.Response:
        begun = await browser.get("/auth/login")
        return await browser.get(provider.authorize(begun.headers["location"]))

    async def test_the_code_is_redeemed_with_the_verifier(
        self, browser: httpx.AsyncClient, provider: StrictProvider
    ) -> None:
        assert (await self.finish(browser, provider)).status_code == 303
        asked = provider.token_requests[0]
        assert 43 <= len(asked["code_verifier"]) <= 128
        assert asked["client_id"] == "datafactory"
        assert "client_secret" not in asked

    async def test_a_code_of_another_sign_in_is_refused(
        self, browser: httpx.AsyncClient, provider: StrictProvider
    ) -> None:
        """Code injection: PKCE ties the code to the sign-in it was made for."""
        first = await browser.get("/auth/login")
        second = await browser.get("/auth/login")
        stolen = query_of(provider.authorize(first.headers["location"], "outsider"))["code"]
        state = query_of(second.headers["location"])["state"]
        refused = await browser.get(f"/auth/callback?code={stolen}&state={state}")
        assert refused.status_code == 400
        assert "could not be trusted" in refused.text

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"iss": "http://evil.example"},
            {"aud": "another"},
            {"aud": None},
            {"aud": ["datafactory", "another"]},
            {"azp": "another"},
            {"exp": 1},
            {"exp": None},
            {"exp": "soon"},
            {"iat": 9_999_999_999},
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
        ],
    )
    async def test_a_claim_that_does_not_hold_is_refused(
        self, browser: httpx.AsyncClient, provider: StrictProvider, claims: dict[str, Any]
    ) -> None:
        provider.claims = claims
        assert (await self.finish(browser, provider)).status_code == 400
        assert (await browser.get("/auth/session")).json()["signed_in"] is False

    async def test_a_foreign_signature_is_refused(self, browser: httpx.AsyncClient, provider: StrictProvider) -> None:
        provider.signing_key = ECKey.generate_key("P-256", parameters={"kid": "one"})
        assert (await self.finish(browser, provider)).status_code == 400

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    async def test_a_token_without_a_real_signature_is_refused(
        self, browser: httpx.AsyncClient, provider: StrictProvider, algorithm: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        honest = provider.id_token

        def unsigned(*arguments: Any) -> str:
            _, payload, _ = honest(*arguments).split(".")
            header = base64.urlsafe_b64encode(f'{{"alg":"{algorithm}"}}'.encode()).decode().rstrip("=")
            return f"{header}.{payload}."

        monkeypatch.setattr(provider, "id_token", unsigned)
        assert (await self.finish(browser, provider)).status_code == 400

    async def test_new_keys_of_the_provider_are_fetched(
        self, browser: httpx.AsyncClient, provider: StrictProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.identity.provider._KEEP_KEYS_AT_LEAST_S", 0.0)
        assert (await self.finish(browser, provider)).status_code == 303
        provider.key = provider.signing_key = ECKey.generate_key("P-256", parameters={"kid": "two"})
        provider.header = {"kid": "two"}
        assert (await self.finish(browser, provider)).status_code == 303

    async def test_an_answer_of_another_issuer_is_refused(
        self, browser: httpx.AsyncClient, provider: StrictProvider
    ) -> None:
        """Mix-up (RFC 9207): the redirect says whose answer it is."""
        begun = await browser.get("/auth/login")
        refused = await browser.get(provider.authorize(begun.headers["location"]) + "&iss=http://evil.example")
        assert refused.status_code == 400
        assert provider.token_requests == []

    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": "http://evil.example"},
            {"token_endpoint": "http://evil.example/token"},
            {"jwks_uri": "ftp://127.0.0.1/jwks"},
            {"authorization_endpoint": "javascript:alert(1)"},
        ],
    )
    async def test_metadata_that_leads_elsewhere_is_not_followed(
        self, browser: httpx.AsyncClient, provider: StrictProvider, metadata: dict[str, Any]
    ) -> None:
        provider.metadata = metadata
        assert (await browser.get("/auth/login")).status_code == 503
