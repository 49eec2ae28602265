"""Stands in for the access service: exchanges ID tokens for factory tokens, and shows what the gateway sends on."""

import base64
import json
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from joserfc.jwk import OKPKey

from services.kit.clock import Clock
from services.kit.tokens import AUDIENCE, USER_TYPE, Signer, Subject, user_claims


class FakeAccess:
    """Its application, and knobs: `refuse` makes the exchange answer that status; `exchanges` counts them."""

    def __init__(self, clock: Clock) -> None:
        self.key = OKPKey.generate_key("Ed25519", parameters={"kid": "token-1"})
        self.signer = Signer(self.key, "token-1", clock)
        self.exchanges = 0
        self.refuse: int | None = None
        self.ready = True
        self.expires_in = 300
        self.seen: list[dict[str, Any]] = []
        self.app = self._make()

    @staticmethod
    def user_id(subject: str) -> UUID:
        return uuid5(NAMESPACE_URL, subject)

    def token_for(self, subject: str) -> str:
        claims = user_claims(Subject(id=self.user_id(subject), kind="user", token=""))
        return self.signer.sign(USER_TYPE, AUDIENCE, self.expires_in, claims)

    def _make(self) -> FastAPI:
        app = FastAPI(title="Access", version="1")

        @app.post("/api/v1/token", operation_id="exchange_token", tags=["identity"], openapi_extra={"security": []})
        async def exchange_token(request: Request) -> JSONResponse:
            form = await request.form()
            self.exchanges += 1
            if self.refuse is not None:
                return JSONResponse({"code": "refused", "status": self.refuse}, self.refuse)
            assert form["subject_token_type"] == "urn:ietf:params:oauth:token-type:id_token"
            payload = str(form["subject_token"]).split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return JSONResponse(
                {
                    "access_token": self.token_for(claims["sub"]),
                    "token_type": "Bearer",
                    "expires_in": self.expires_in,
                    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                }
            )

        @app.get("/internal/v1/jwks", include_in_schema=False)
        async def jwks() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.get("/readyz", include_in_schema=False)
        async def readyz() -> JSONResponse:
            return JSONResponse({"status": "ready" if self.ready else "failing"}, 200 if self.ready else 503)

        @app.api_route(
            "/api/v1/{noun}/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            include_in_schema=False,
        )  # fmt: skip
        @app.api_route("/api/v1/{noun}", methods=["GET", "POST", "OPTIONS"], include_in_schema=False)
        async def echo(request: Request, noun: str, rest: str = "") -> Response:
            body = await request.body()
            record = {
                "method": request.method,
                "path": request.scope["path"],
                "headers": [[n.decode(), v.decode()] for n, v in request.scope["headers"]],
                "size": len(body),
            }
            self.seen.append(record)
            return JSONResponse(record)

        return app
