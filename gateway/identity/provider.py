"""The OpenID provider, whoever it is: discovery, code for tokens, refresh, logout (OpenID Connect Core 1.0)."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.settings import GatewaySettings
from services.kit.clock import Clock
from services.kit.problems import Problem, unavailable

DEADLINE_S = 10.0
_MOST_BYTES = 1024**2
_KEEP_METADATA_S = 3600.0
_KEEP_KEYS_AT_LEAST_S = 5.0
_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "RS384", "RS512", "EdDSA", "Ed25519")
_LEEWAY_S = 30
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True)
class ProviderTokens:
    """What the provider gave, with the few claims the gateway shows. `id_expires` is in epoch seconds."""

    subject: str
    name: str
    id_token: str
    id_expires: int
    refresh_token: str | None = None


class IdTokenRefused(Exception):
    """The provider's answer cannot be trusted: a check of OpenID Connect Core §3.1.3.7 failed."""


class RefreshRefused(Exception):
    """The provider no longer renews the tokens."""


@dataclass(frozen=True)
class Metadata:
    """What the provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    algorithms: frozenset[str]


class Provider:
    """Speaks to one issuer. Safe to use from many requests at once."""

    def __init__(self, settings: GatewaySettings, clock: Clock) -> None:
        self.issuer = settings.oidc_issuer.rstrip("/")
        self._settings = settings
        self._clock = clock
        secret = settings.oidc_client_secret.get_secret_value()
        # Authlib makes the requests and aiohttp carries them: Authlib's own asynchronous client stands on httpx, and
        # warns that it will stop doing so.
        self._auth = ClientAuth(settings.oidc_client_id, secret or None, "client_secret_basic" if secret else "none")
        self._session: aiohttp.ClientSession | None = None
        self._metadata: Metadata | None = None
        self._metadata_at = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections to the provider."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=DEADLINE_S),
                trust_env=(urlsplit(self.issuer).hostname or "") not in _LOOPBACK,
            )
        return self._session

    async def _json_of(self, method: str, url: str, **request: Any) -> tuple[int, dict[str, Any]]:
        try:
            async with self._client().request(method, url, allow_redirects=False, **request) as response:
                body = b""
                async for chunk in response.content.iter_chunked(64 * 1024):
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise ValueError("too long")
                document, status = json.loads(body), response.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise unavailable("identity provider") from None
        if not isinstance(document, dict) or status >= 500:
            raise unavailable("identity provider")
        return status, document

    async def _get_json(self, url: str) -> dict[str, Any]:
        status, document = await self._json_of("GET", url)
        if status != 200:
            raise unavailable("identity provider")
        return document

    async def _token(self, endpoint: str, grant_type: str, **parameters: str) -> dict[str, Any] | None:
        """Return what the token endpoint gives for a grant, or None when it refuses (RFC 6749 §5)."""
        body = prepare_token_request(grant_type, **parameters)
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = self._auth.prepare("POST", endpoint, headers, body)
        status, document = await self._json_of("POST", url, data=body, headers=headers)
        return document if status == 200 else None

    async def metadata(self, *, fresh: bool = False) -> Metadata:
        """Return the provider's metadata, asked for hourly; 503 when it is silent or names another issuer."""
        async with self._lock:
            if self._metadata is None or fresh or time.monotonic() - self._metadata_at > _KEEP_METADATA_S:
                try:
                    document = await self._get_json(f"{self.issuer}/.well-known/openid-configuration")
                    self._metadata = self._checked(document)
                except Problem:
                    # What it said an hour ago most likely still holds; whoever asks for fresh wants to know.
                    if self._metadata is None or fresh:
                        raise
                self._metadata_at = time.monotonic()
            return self._metadata

    def _checked(self, document: dict[str, Any]) -> Metadata:
        try:
            metadata = Metadata(
                issuer=str(document["issuer"]),
                authorization_endpoint=str(document["authorization_endpoint"]),
                token_endpoint=str(document["token_endpoint"]),
                jwks_uri=str(document["jwks_uri"]),
                end_session_endpoint=document.get("end_session_endpoint"),
                algorithms=frozenset(document.get("id_token_signing_alg_values_supported", ["RS256"]))
                & frozenset(_ALGORITHMS),
            )
        except KeyError:
            raise unavailable("identity provider") from None
        if metadata.issuer.rstrip("/") != self.issuer:
            raise unavailable("identity provider")
        for url in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
            parts = urlsplit(url)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
                raise unavailable("identity provider")
        return metadata

    async def authorization_url(self, *, state: str, nonce: str, verifier: str, redirect_uri: str) -> str:
        """Return where the person signs in."""
        metadata = await self.metadata()
        return prepare_grant_uri(
            metadata.authorization_endpoint,
            self._settings.oidc_client_id,
            "code",
            redirect_uri=redirect_uri,
            scope=self._settings.oidc_scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )

    async def redeem(self, *, code: str, verifier: str, nonce: str, redirect_uri: str) -> ProviderTokens:
        """Exchange the code of the redirect for tokens, and check the ID token.

        Raises IdTokenRefused when the provider refuses the code or its token does not hold, 503 when it is silent.
        """
        metadata = await self.metadata()
        token = await self._token(
            metadata.token_endpoint,
            "authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
        )
        if token is None:
            raise IdTokenRefused("the code was refused")
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise IdTokenRefused("no ID token")
        claims = await self.verify(id_token)
        if claims.get("nonce") != nonce:
            raise IdTokenRefused("nonce")
        return self._tokens(id_token, claims, token.get("refresh_token"))

    async def refresh(self, tokens: ProviderTokens) -> ProviderTokens | None:
        """Return new tokens for old, or None when the provider renewed but gave no ID token.

        Raises RefreshRefused when it refuses, 503 when it is silent.
        """
        metadata = await self.metadata()
        token = await self._token(metadata.token_endpoint, "refresh_token", refresh_token=tokens.refresh_token or "")
        if token is None:
            raise RefreshRefused
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            return None
        try:
            claims = await self.verify(id_token)
        except IdTokenRefused:
            raise RefreshRefused from None
        if claims["sub"] != tokens.subject:
            raise RefreshRefused
        return self._tokens(id_token, claims, token.get("refresh_token") or tokens.refresh_token)

    def _tokens(self, id_token: str, claims: dict[str, Any], refresh_token: object) -> ProviderTokens:
        name = claims.get("name") or claims.get("preferred_username") or claims["sub"]
        return ProviderTokens(
            subject=str(claims["sub"]),
            name=str(name)[:200],
            id_token=id_token,
            id_expires=int(claims["exp"]),
            refresh_token=refresh_token if isinstance(refresh_token, str) else None,
        )

    async def verify(self, id_token: str) -> dict[str, Any]:
        """Return the claims of an ID token after every check but the nonce; raises IdTokenRefused."""
        metadata = await self.metadata()
        claims = await self._signed_claims(id_token, metadata)
        client_id = self._settings.oidc_client_id
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        now = self._clock.now().timestamp()
        if claims.get("iss") != metadata.issuer:
            raise IdTokenRefused("iss")
        if not isinstance(audiences, list) or client_id not in audiences:
            raise IdTokenRefused("aud")
        if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != client_id:
            raise IdTokenRefused("azp")
        expires, issued = claims.get("exp"), claims.get("iat")
        if not isinstance(expires, int | float) or now >= expires + _LEEWAY_S:
            raise IdTokenRefused("exp")
        if not isinstance(issued, int | float) or issued > now + _LEEWAY_S:
            raise IdTokenRefused("iat")
        if not isinstance(claims.get("sub"), str) or not 1 <= len(claims["sub"]) <= 255:
            raise IdTokenRefused("sub")
        return claims

    async def _signed_claims(self, id_token: str, metadata: Metadata) -> dict[str, Any]:
        if len(id_token) > 32_768:
            raise IdTokenRefused("size")
        algorithms = sorted(metadata.algorithms)
        keys = await self._key_set(metadata, older_than=float("inf"))
        try:
            return dict(jwt.decode(id_token, keys, algorithms=algorithms).claims)
        except (JoseError, ValueError):
            # The provider may have changed its keys since; ask again, though not more often than every few seconds.
            keys = await self._key_set(metadata, older_than=_KEEP_KEYS_AT_LEAST_S)
        try:
            return dict(jwt.decode(id_token, keys, algorithms=algorithms).claims)
        except (JoseError, ValueError):
            raise IdTokenRefused("signature") from None

    async def _key_set(self, metadata: Metadata, *, older_than: float) -> KeySet:
        async with self._lock:
            if self._keys is None or time.monotonic() - self._keys_at > older_than:
                document = await self._get_json(metadata.jwks_uri)
                try:
                    self._keys = KeySet.import_key_set(document)  # pyright: ignore[reportArgumentType]
                except (JoseError, ValueError, KeyError):
                    raise unavailable("identity provider") from None
                self._keys_at = time.monotonic()
            return self._keys

    async def logout_url(self, id_token: str, return_url: str) -> str | None:
        """Return where the provider's own session is ended, if it offers that (RP-Initiated Logout 1.0)."""
        try:
            endpoint = (await self.metadata()).end_session_endpoint
        except Problem:
            return None
        if not isinstance(endpoint, str):
            return None
        query = urlencode(
            {
                "id_token_hint": id_token,
                "client_id": self._settings.oidc_client_id,
                "post_logout_redirect_uri": return_url,
            }
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"
