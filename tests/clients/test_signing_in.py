"""A person signs in by the code flow, a machine by key or secret; tokens are renewed before they end."""

import threading
import urllib.parse

import httpx
import pytest
from datafactory import ApiKey, Client, ClientCredentials, NotSignedIn, Refused, Session, SignInFailed
from datafactory.signin import sign_in_as, sign_in_with_browser

from tests.clients.fake_factory import FakeFactory


def test_a_persona_signs_in_through_the_providers_form(fake: FakeFactory) -> None:
    session = sign_in_as(fake.base_url, "researcher")
    with Client(fake.base_url, session) as client:
        assert client.partners.me()["display_name"] == "researcher"


def test_the_code_is_bound_to_the_program_by_a_challenge(fake: FakeFactory) -> None:
    sign_in_as(fake.base_url, "researcher")
    (begun,) = fake.requests("GET", "/auth/login")
    (redeemed,) = fake.requests("POST", "/auth/cli/token")
    assert b"verifier" in redeemed.body
    assert "verifier" not in begun.path


def test_a_browser_hands_the_session_over_on_the_loopback(fake: FakeFactory) -> None:
    pages: list[str] = []

    def browser(url: str) -> None:
        """Do what a person's browser does, in a thread of its own, as a browser would."""

        def go() -> None:
            with httpx.Client(follow_redirects=True) as http:
                form = http.get(url)
                pages.append(http.post(form.url, data={"sub": "anna"}).text)

        thread = threading.Thread(target=go)
        thread.start()
        threads.append(thread)

    threads: list[threading.Thread] = []
    session = sign_in_with_browser(fake.base_url, open_browser=browser, timeout_s=10)
    threads[0].join()
    with Client(fake.base_url, session) as client:
        assert client.partners.me()["display_name"] == "anna"
    assert "signed in" in pages[0]


def test_nobody_signing_in_is_told(fake: FakeFactory) -> None:
    with pytest.raises(SignInFailed, match="in time"):
        sign_in_with_browser(fake.base_url, open_browser=lambda url: None, timeout_s=0.05)


def test_a_provider_that_asks_for_more_than_a_name_is_not_guessed_at(fake: FakeFactory) -> None:
    with pytest.raises(SignInFailed, match="404"):
        sign_in_as(f"{fake.base_url}/elsewhere", "researcher")


def test_a_session_renews_its_token_before_it_ends(fake: FakeFactory) -> None:
    fake.token_seconds = 30  # less than the margin, so every call must fetch a new one
    session = sign_in_as(fake.base_url, "researcher")
    issued = fake.tokens_issued
    with Client(fake.base_url, session) as client:
        client.partners.me()
        client.partners.me()
    assert fake.tokens_issued == issued + 2


def test_a_token_that_is_good_is_used_again(fake: FakeFactory) -> None:
    session = sign_in_as(fake.base_url, "researcher")
    issued = fake.tokens_issued
    with Client(fake.base_url, session) as client:
        client.partners.me()
        client.partners.me()
    assert fake.tokens_issued == issued


def test_a_refused_token_is_renewed_once_and_the_call_repeated(fake: FakeFactory) -> None:
    session = sign_in_as(fake.base_url, "researcher")
    fake.tokens.clear()  # the factory restarted with new keys
    with Client(fake.base_url, session) as client:
        assert client.partners.me()["display_name"] == "researcher"
        assert len(fake.requests("GET", "/api/v1/me")) == 2


def test_a_session_that_has_ended_asks_to_sign_in_again(fake: FakeFactory) -> None:
    with Client(fake.base_url, Session("long-gone")) as client, pytest.raises(NotSignedIn):
        client.partners.me()


@pytest.mark.parametrize("credentials", [ApiKey("good-key"), ClientCredentials("id", "good-secret")])
def test_machines_exchange_their_secret_for_a_token(fake: FakeFactory, credentials: ApiKey) -> None:
    with Client(fake.base_url, credentials) as client:
        assert client.partners.me()["display_name"] == "machine"
    (asked,) = fake.requests("POST", "/api/v1/token")
    assert urllib.parse.parse_qs(asked.body.decode())["grant_type"]


def test_a_wrong_key_is_refused_with_its_code(fake: FakeFactory) -> None:
    with Client(fake.base_url, ApiKey("bad")) as client, pytest.raises(Refused) as caught:
        client.partners.me()
    assert (caught.value.status, caught.value.code) == (401, "credentials-refused")
