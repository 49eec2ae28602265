"""Ways to prove who calls: each ends in a bearer token of five minutes, renewed before it runs out.

`Session` is a person who signed in (see `signin`), `ApiKey` and `ClientCredentials` are machines, `StaticToken` is a
token someone else keeps fresh. All of them may be used from several threads at once.
"""

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, cast

import httpx

from datafactory.errors import Json, NotSignedIn, Refused, SignInFailed, Unreachable, refusal_of

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - RFC 8693 §2.1, a grant type
API_KEY_TYPE = "urn:datafactory:token-type:api-key"


class Credentials(Protocol):
    """What the transport asks of any way to sign in."""

    def bearer(self, http: httpx.Client) -> str:
        """Return a token that is good for a while yet. `http` has the factory's base URL."""
        ...

    def forget(self) -> None:
        """Drop the token at hand, so that the next call fetches one with the roles of that moment."""
        ...


@dataclass(frozen=True)
class Token:
    """A bearer token and when it ends (monotonic seconds)."""

    value: str
    ends: float

    @classmethod
    def lasting(cls, value: str, expires_in: float) -> "Token":
        """Return a token that ends `expires_in` seconds from now."""
        return cls(value, time.monotonic() + expires_in)


def token_of(response: httpx.Response) -> Token:
    """Return the token in an answer of a token endpoint; a refusal is raised as `Refused`."""
    try:
        body: Any = response.json()
    except ValueError:
        body = None
    if response.status_code >= 400:
        raise refusal_of(response.status_code, body)
    answer = cast(Json, body) if isinstance(body, dict) else {}
    if not isinstance(answer.get("access_token"), str):
        raise SignInFailed(f"the token endpoint answered {response.status_code} without a token")
    return Token.lasting(answer["access_token"], float(answer.get("expires_in") or 300))


class Renewed(ABC):
    """Credentials that fetch a short-lived token and renew it when less than `margin_s` seconds are left."""

    margin_s = 60.0

    def __init__(self, token: Token | None = None) -> None:
        self._token = token
        self._lock = threading.Lock()

    @abstractmethod
    def fetch(self, http: httpx.Client) -> Token:
        """Get a new token from the factory."""

    def bearer(self, http: httpx.Client) -> str:
        with self._lock:
            if self._token is None or self._token.ends - time.monotonic() < self.margin_s:
                self._token = self._fetch_patiently(http)
            return self._token.value

    def _fetch_patiently(self, http: httpx.Client) -> Token:
        """Fetch, and try again a few times where the factory is busy or just starting."""
        for attempt in range(5):
            try:
                return self.fetch(http)
            except httpx.TransportError as error:
                if attempt == 4:
                    raise Unreachable(f"{http.base_url}: {error or type(error).__name__}") from error
            except Refused as refusal:
                if refusal.status not in {429, 502, 503, 504} or attempt == 4:
                    raise
            time.sleep(0.3 * 2**attempt)
        raise AssertionError("unreachable")

    def forget(self) -> None:
        with self._lock:
            self._token = None


class Session(Renewed):
    """A person's session at the gateway, opened by `signin`. `session_token` is as secret as a password."""

    def __init__(self, session_token: str, token: Token | None = None) -> None:
        super().__init__(token)
        self.session_token = session_token

    def fetch(self, http: httpx.Client) -> Token:
        response = http.post("/auth/token", headers={"Authorization": f"Bearer {self.session_token}"})
        if response.status_code == 401:
            raise NotSignedIn("the session has ended: sign in again")
        return token_of(response)


class ApiKey(Renewed):
    """A person's API key, exchanged at the factory's token endpoint (RFC 8693)."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def fetch(self, http: httpx.Client) -> Token:
        form = {"grant_type": TOKEN_EXCHANGE, "subject_token": self._key, "subject_token_type": API_KEY_TYPE}
        return token_of(http.post("/api/v1/token", data=form))


class ClientCredentials(Renewed):
    """A partner's system, with a client id and secret (RFC 6749 §4.4)."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        super().__init__()
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }

    def fetch(self, http: httpx.Client) -> Token:
        return token_of(http.post("/api/v1/token", data=self._form))


class StaticToken:
    """A bearer token that someone else keeps fresh."""

    def __init__(self, token: str) -> None:
        self._value = token

    def bearer(self, http: httpx.Client) -> str:
        return self._value

    def forget(self) -> None:
        """A static token cannot be renewed; it stays."""
