"""The laptop's provider serves its own machine, its own host names, and nothing else."""

import socket

import httpx
import pytest

from gateway.local_identity import PERSONAS, LocalIdentity, OnlyThisMachine

AUTHORIZE = {
    "client_id": "datafactory",
    "response_type": "code",
    "redirect_uri": "http://127.0.0.1:1/auth/callback",
    "scope": "openid profile",
    "state": "s",
}


@pytest.fixture
def client(identity: LocalIdentity) -> httpx.Client:
    return httpx.Client(base_url=identity.issuer)


def test_it_listens_on_loopback_only(identity: LocalIdentity) -> None:
    hosts = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for host in hosts - {"127.0.0.1"}:
        with socket.socket() as probe:
            probe.settimeout(1)
            assert probe.connect_ex((str(host), identity.port)) != 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "factory.example"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
    ],
)
def test_whatever_came_another_way_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    with client:
        assert client.get("/.well-known/openid-configuration", headers=headers).status_code == 403


def test_a_client_elsewhere_is_refused() -> None:
    answers: list[str] = []
    app = OnlyThisMachine(lambda environ, start: [b"let in"], 1)
    environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_HOST": "127.0.0.1:1", "REQUEST_METHOD": "GET", "PATH_INFO": "/jwks"}
    body = b"".join(app(environ, lambda status, headers: answers.append(status)))
    assert answers == ["403 Forbidden"]
    assert body != b"let in"


def test_the_personas_are_there_with_names(client: httpx.Client) -> None:
    with client:
        page = client.get("/oauth2/authorize", params=AUTHORIZE)
    assert page.status_code == 200
    for persona in PERSONAS:
        assert f'value="{persona}"' in page.text
    assert "jsdelivr" not in page.text, "it works without a network"


def test_another_sites_page_cannot_sign_anyone_in(client: httpx.Client) -> None:
    with client:
        posted = client.post(
            "/oauth2/authorize",
            params=AUTHORIZE,
            data={"sub": "operator"},
            headers={"Origin": "https://evil.example"},
        )
        assert posted.status_code == 403


def test_codes_go_to_this_machine_only(client: httpx.Client) -> None:
    with client:
        away = {**AUTHORIZE, "redirect_uri": "https://evil.example/"}
        assert client.post("/oauth2/authorize", params=away, data={"sub": "operator"}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/console"), ("PUT", "/users/operator"), ("POST", "/users/operator/revoke-tokens"),
     ("POST", "/oauth2/clients"), ("GET", "/?__debugger__=yes&cmd=resource&f=debugger.js")],
)  # fmt: skip
def test_what_sign_in_does_not_need_is_not_there(client: httpx.Client, method: str, path: str) -> None:
    with client:
        answer = client.request(method, path, json={})
    assert answer.status_code == 404 or "debugger" not in answer.text.lower()
    if not path.startswith("/?"):
        assert answer.status_code == 404
