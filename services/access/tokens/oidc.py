"""Verifies ID tokens of the provider that signs people in (OpenID Connect Core 1.0 §3.1.3.7, Discovery 1.0)."""

import asyncio
import base64
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

import httpx
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from services.kit.clock import Clock
from services.kit.text import clean_line
from services.kit.tokens import LEEWAY_SECONDS

_ALGORITHMS: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RS256": RSAKey,
    "ES256": ECKey,
    "EdDSA": OKPKey,
    "Ed25519": OKPKey,
}
"""Signatures that are accepted, and the kind of key for each. None is symmetric."""

KEEP_S = 3600.0
PAUSE_S = 2.0
_MOST_BYTES = 1024 * 1024
_LONGEST_TOKEN = 16_384


class NotAccepted(Exception):
    """The ID token does not hold; the message says why, without anything from the token."""


class ProviderUnavailable(Exception):
    """The provider does not answer, or not with what the standards say."""


@dataclass(frozen=True)
class Identity:
    """Who the provider says has signed in."""

    issuer: str
    subject: str
    display_name: str


class IdentityProvider:
    """One provider. Its keys are found by discovery, kept an hour, and fetched again when an unknown one appears."""

    def __init__(self, issuer: str, client_id: str, http: httpx.AsyncClient, clock: Clock) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._http = http
        self._clock = clock
        self._keys: list[RSAKey | ECKey | OKPKey] = []
        self._fetched_at = 0.0
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Identity:
        """Return whom `token` identifies. Raises NotAccepted or ProviderUnavailable."""
        if not self.issuer:
            raise NotAccepted("no identity provider is set")
        header = _header(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
            raise NotAccepted("the signature algorithm is not accepted")
        # An access token of the same provider (typ at+jwt, RFC 9068) identifies nobody to us.
        if str(header.get("typ", "JWT")).upper() != "JWT":
            raise NotAccepted("not an ID token")
        claims = await self._signed_claims(token, algorithm, header.get("kid"))
        return self._identity(claims)

    async def _signed_claims(self, token: str, algorithm: str, key_id: object) -> dict[str, Any]:
        """Return the claims if a key of the provider signed them, fetching its keys anew if the known ones did not."""
        for fresh in (False, True):
            for key in await self._candidates(algorithm, key_id, fresh=fresh):
                try:
                    with warnings.catch_warnings():
                        # Providers still write "EdDSA", which leaves the curve open (RFC 9864); `_import` does not.
                        warnings.simplefilter("ignore", SecurityWarning)
                        return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
                except (JoseError, ValueError):
                    continue
        raise NotAccepted("the signature does not hold")

    async def _candidates(self, algorithm: str, key_id: object, *, fresh: bool) -> list[RSAKey | ECKey | OKPKey]:
        await self._refresh(fresh=fresh)
        kind = _ALGORITHMS[algorithm]
        return [key for key in self._keys if isinstance(key, kind) and (key_id is None or key.kid in (None, key_id))]

    async def _refresh(self, *, fresh: bool) -> None:
        async with self._lock:
            age = asyncio.get_running_loop().time() - self._fetched_at
            # Unknown keys are free to name: ask the provider at most once every two seconds because of them.
            if self._keys and age < (PAUSE_S if fresh else KEEP_S):
                return
            configuration = await self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if configuration.get("issuer") != self.issuer or not isinstance(configuration.get("jwks_uri"), str):
                raise ProviderUnavailable("the discovery document is of another issuer")
            document = await self._get(configuration["jwks_uri"])
            self._keys = _import(document)
            self._fetched_at = asyncio.get_running_loop().time()

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(5):
                response = await self._http.get(url, headers={"Accept": "application/json"}, follow_redirects=False)
            if response.status_code != 200 or len(response.content) > _MOST_BYTES:
                raise ProviderUnavailable(f"the provider answered {response.status_code}")
            document = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError):
            raise ProviderUnavailable("the provider does not answer") from None
        if not isinstance(document, dict):
            raise ProviderUnavailable("the provider's answer is not an object")
        return cast(dict[str, Any], document)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        now = self._clock.now().timestamp()
        if claims.get("iss") != self.issuer:
            raise NotAccepted("made by another issuer")
        audience = claims.get("aud")
        audiences = cast(list[object], audience) if isinstance(audience, list) else [audience]
        if self.client_id not in audiences:
            raise NotAccepted("made out to another client")
        authorized = claims.get("azp")
        if (authorized is not None or len(audiences) > 1) and authorized != self.client_id:
            raise NotAccepted("made out to another client")
        expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
        if not (_number(expires) and _number(issued) and _number(begins)):
            raise NotAccepted("without times")
        if now >= expires + LEEWAY_SECONDS:
            raise NotAccepted("expired")
        if max(issued, begins) > now + LEEWAY_SECONDS:
            raise NotAccepted("not valid yet")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not _storable(subject):
            raise NotAccepted("without a subject")
        return Identity(self.issuer, subject, _display_name(claims, subject))


def _storable(value: str) -> bool:
    """Whether PostgreSQL can hold the text: no NUL, no half of a surrogate pair (JSON can name both)."""
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53


def _display_name(claims: Mapping[str, Any], subject: str) -> str:
    """Return the first claim that is fit to be shown as a name; a user is never nameless."""
    for value in (claims.get("name"), claims.get("preferred_username"), subject):
        if isinstance(value, str):
            try:
                return clean_line(value)[:200]
            except ValueError:
                continue
    return "-"


def _header(token: str) -> dict[str, Any]:
    segments = token.split(".")
    if len(token) > _LONGEST_TOKEN or len(segments) != 3:
        raise NotAccepted("not a signed JWT")
    try:
        header = json.loads(base64.urlsafe_b64decode(segments[0] + "=" * (-len(segments[0]) % 4)))
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise NotAccepted("not a signed JWT")
    return cast(dict[str, Any], header)


def _import(document: Mapping[str, Any]) -> list[RSAKey | ECKey | OKPKey]:
    """Return the public signing keys in a JWKS (RFC 7517); keys of other kinds are passed over (§5)."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        raise ProviderUnavailable("the provider's answer is not a key set")
    found: list[RSAKey | ECKey | OKPKey] = []
    for entry in cast(list[object], entries):
        if not isinstance(entry, dict) or cast(dict[str, Any], entry).get("use", "sig") != "sig":
            continue
        try:
            key_set = KeySet.import_key_set({"keys": [cast(Any, entry)]})
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        for key in key_set.keys:
            if isinstance(key, RSAKey | ECKey) or (isinstance(key, OKPKey) and key.curve_name == "Ed25519"):
                found.append(key)
    return found
