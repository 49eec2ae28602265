"""What a person does in a browser."""

import httpx


async def walk_to_callback(browser: httpx.AsyncClient, name: str, start: str = "/auth/login") -> str:
    """Begin at `start`, sign in as `name` at the provider, and return the address it sends the browser back to."""
    response = await browser.get(start)
    assert response.status_code == 303, response.text
    authorize = response.headers["location"]
    page = await browser.get(authorize)
    assert page.status_code == 200, page.text
    done = await browser.post(authorize, data={"sub": name})
    assert done.status_code == 302, done.text
    return done.headers["location"]


async def sign_in(browser: httpx.AsyncClient, name: str, start: str = "/auth/login") -> httpx.Response:
    """Sign in as `name` and return the answer of the callback."""
    return await browser.get(await walk_to_callback(browser, name, start))


async def csrf(browser: httpx.AsyncClient) -> dict[str, str]:
    """Return the header that proves a request comes from our own pages."""
    return {"X-CSRF-Token": (await browser.get("/auth/session")).json()["csrf_token"]}
