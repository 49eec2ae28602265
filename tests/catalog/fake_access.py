"""Access as the catalogue knows it: keys, service tokens, subjects, terms, and leases that a test may end."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse
from joserfc.jwk import OKPKey

from services.kit.ids import new_id
from services.kit.tokens import (
    AUDIENCE,
    SERVICE_TYPE,
    Signer,
    Subject,
    user_claims,
)
from tests.support.clock import ManualClock


class FakeAccess:
    """What the catalogue asks access, answered from memory."""

    def __init__(self, clock: ManualClock) -> None:
        self.token_key = OKPKey.generate_key("Ed25519", parameters={"kid": "token-1"})
        self.permit_key = OKPKey.generate_key("Ed25519", parameters={"kid": "permit-1"})
        self.tokens = Signer(self.token_key, "token-1", clock)
        self.permits = Signer(self.permit_key, "permit-1", clock)
        self.terms: dict[UUID, dict[str, Any]] = {}
        self.subjects: dict[UUID, Subject] = {}
        self.dead: dict[UUID, list[str]] = {}
        self.answers = True
        self.unanswered = 0
        self.asked: list[list[UUID]] = []
        self.app = self._app()

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/v1/jwks")
        async def jwks() -> Any:
            return {"keys": [key.as_dict(private=False) for key in (self.token_key, self.permit_key)]}

        @app.post("/internal/v1/service-token")
        async def service_token(body: dict[str, str]) -> Any:
            claims = {"sub": str(new_id()), "service": body["service"]}
            token = self.tokens.sign(SERVICE_TYPE, AUDIENCE, 300, claims)
            return {"access_token": token, "expires_in": 300}

        @app.get("/internal/v1/subjects/{subject_id}")
        async def subject(subject_id: UUID, factory_service: str = Header()) -> Any:
            found = self.subjects.get(subject_id)
            if found is None:
                raise HTTPException(404)
            return {**user_claims(found), "active": True}

        @app.get("/internal/v1/terms/{terms_id}")
        async def terms(terms_id: UUID, factory_service: str = Header()) -> Any:
            found = self.terms.get(terms_id)
            if found is None:
                return JSONResponse({"code": "not-found", "status": 404}, status_code=404)
            return found

        @app.post("/internal/v1/leases")
        async def leases(body: dict[str, list[UUID]], factory_service: str = Header()) -> Any:
            if not self.answers:
                self.unanswered += 1
                raise HTTPException(503)
            self.asked.append(body["decision_ids"])
            return {
                "items": {
                    str(d): {"live": d not in self.dead, "codes": self.dead.get(d, [])} for d in body["decision_ids"]
                }
            }

        return app
