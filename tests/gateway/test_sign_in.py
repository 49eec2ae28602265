"""A person signs in with the real code flow, and the browser holds nothing but an opaque cookie."""

import httpx

from tests.gateway.conftest import Site
from tests.gateway.people import csrf, sign_in


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
