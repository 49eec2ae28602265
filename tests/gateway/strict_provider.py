"""An OpenID provider that checks PKCE as it should, and lies when told to."""

import base64
import hashlib
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.gateway.serving import listening_socket, serving

Json = dict[str, Any]


class StrictProvider:
    """`claims` and `header` change what its ID tokens say; `signing_key` what they are signed with."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = ECKey.generate_key("P-256", parameters={"kid": "one"})
        self.signing_key = self.key
        self.claims: Json = {}
        self.header: Json = {}
        self.lifetime = 3600
        self.refreshed_lifetime = 3600
        self.refreshes = 0
        self.refuse_refresh = False
        self.metadata: Json = {}
        self.codes: dict[str, Json] = {}
        self.token_requests: list[Json] = []
        self.app = self._make()

    def authorize(self, url: str, subject: str = "researcher") -> str:
        """Do what the person does at the authorization endpoint; return where the browser is sent."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = {"query": query, "sub": subject}
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'session_state': 'x'})}"

    def id_token(self, subject: str, nonce: str | None, lifetime: int) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": "datafactory", "sub": subject, "iat": now, "exp": now + lifetime, "nonce": nonce,
        }  # fmt: skip
        claims = {k: v for k, v in {**claims, **self.claims}.items() if v is not None}
        header = {"alg": "ES256", "kid": "one", **self.header}
        return jwt.encode(header, claims, self.signing_key, algorithms=["ES256"])

    def _make(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def metadata() -> Json:
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "id_token_signing_alg_values_supported": ["ES256"],
                **self.metadata,
            }

        @app.get("/jwks")
        async def jwks() -> Json:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/token")
        async def token(request: Request) -> JSONResponse:
            form = {key: str(value) for key, value in (await request.form()).items()}
            self.token_requests.append(form)
            if form["grant_type"] == "refresh_token":
                self.refreshes += 1
                if self.refuse_refresh or form["refresh_token"] != "refresh-1":
                    return JSONResponse({"error": "invalid_grant"}, 400)
                return self._answer("researcher", None, self.refreshed_lifetime)
            kept = self.codes.pop(form["code"], None)
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if kept is None or challenge != kept["query"]["code_challenge"]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            if form["redirect_uri"] != kept["query"]["redirect_uri"]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return self._answer(kept["sub"], kept["query"]["nonce"], self.lifetime)

        return app

    def _answer(self, subject: str, nonce: str | None, lifetime: int) -> JSONResponse:
        return JSONResponse(
            {
                "access_token": "opaque",
                "token_type": "Bearer",
                "expires_in": lifetime,
                "refresh_token": "refresh-1",
                "id_token": self.id_token(subject, nonce, lifetime),
            }
        )


@asynccontextmanager
async def strict_provider() -> AsyncGenerator[StrictProvider]:
    """Run one on a loopback port."""
    listener = listening_socket()
    provider = StrictProvider(f"http://127.0.0.1:{listener.getsockname()[1]}")
    async with serving(provider.app, listener):
        yield provider
