"""Access as annotation knows it: keys, tokens, subjects, decisions, leases and roles in campaigns, as a test likes."""

import base64
import json
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Header, HTTPException, Request, Response
from joserfc.jwk import OKPKey

from services.kit.ids import new_id
from services.kit.tokens import (
    AUDIENCE,
    DATA_AUDIENCE,
    PERMIT_SECONDS,
    PERMIT_TYPE,
    SERVICE_TYPE,
    Permit,
    Role,
    Signer,
    Subject,
    permit_claims,
    user_claims,
)
from tests.support.clock import ManualClock


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: these fakes believe what they are told."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class FakeAccess:
    """What annotation asks access, answered from memory.

    A member of a project is permitted everything in it, unless they are in `denied`.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.token_key = OKPKey.generate_key("Ed25519", parameters={"kid": "token-1"})
        self.permit_key = OKPKey.generate_key("Ed25519", parameters={"kid": "permit-1"})
        self.tokens = Signer(self.token_key, "token-1", clock)
        self.permits = Signer(self.permit_key, "permit-1", clock)
        self.subjects: dict[UUID, Subject] = {}
        self.denied: dict[UUID, list[dict[str, Any]]] = {}
        self.decisions: dict[UUID, dict[str, Any]] = {}
        self.dead: dict[UUID, list[str]] = {}
        self.answers = True
        self.asked: list[list[UUID]] = []
        self.app = self._app()

    def live(self, decision_id: UUID) -> bool:
        """Whether a decision still permits."""
        return decision_id in self.decisions and decision_id not in self.dead

    def _decide(self, caller: Subject, question: dict[str, Any]) -> dict[str, Any]:
        decision_id = new_id()
        member = UUID(question["project_id"]) in caller.projects
        codes = self.denied.get(caller.id, [])
        if not member:
            codes = [{"code": "membership-required", "message": "Not a member.", "cures": [{"text": "Become one."}]}]
        self.decisions[decision_id] = {**question, "subject_id": caller.id, "permit": not codes}
        answer: dict[str, Any] = {"id": str(decision_id), "permit": not codes, "codes": codes, "obligations": []}
        answer["policy_revision"] = "1"
        if not codes:
            permit = Permit(
                decision_id=decision_id,
                subject_id=caller.id,
                version_id=UUID(question["version_id"]),
                project_id=UUID(question["project_id"]),
                action=question["action"],
                path_digests=frozenset(question["paths"]),
            )
            token = self.permits.sign(PERMIT_TYPE, DATA_AUDIENCE, PERMIT_SECONDS, permit_claims(permit))
            ends = self.clock.now().timestamp() + PERMIT_SECONDS
            answer |= {"permit_token": token, "expires_at": _instant(ends)}
        return answer

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

        @app.post("/api/v1/decisions")
        async def decide(request: Request, authorization: str = Header()) -> Any:
            if not self.answers:
                raise HTTPException(503)
            caller = self.subjects[UUID(claims_of(authorization)["sub"])]
            return self._decide(caller, await request.json())

        @app.post("/internal/v1/leases")
        async def leases(body: dict[str, list[UUID]], factory_service: str = Header()) -> Any:
            if not self.answers:
                raise HTTPException(503)
            self.asked.append(body["decision_ids"])
            items = {
                str(d): {"live": self.live(d), "codes": self.dead.get(d, ["unknown-decision"])}
                for d in body["decision_ids"]
            }
            return {"items": items}

        @app.post("/internal/v1/campaign-roles", status_code=201)
        async def give(body: dict[str, str], authorization: str = Header(), factory_service: str = Header()) -> Any:
            self._set(UUID(body["user_id"]), Role(body["role"], "campaign", UUID(body["campaign_id"])), True)
            return {"id": str(new_id()), **body}

        @app.delete("/internal/v1/campaign-roles/{campaign_id}/{user_id}/{role}")
        async def take(campaign_id: UUID, user_id: UUID, role: str, factory_service: str = Header()) -> Response:
            self._set(user_id, Role(role, "campaign", campaign_id), False)
            return Response(status_code=204)

        return app

    def _set(self, user_id: UUID, role: Role, held: bool) -> None:
        found = self.subjects[user_id]
        roles = found.roles | {role} if held else found.roles - {role}
        self.subjects[user_id] = Subject(
            id=found.id, kind="user", token="", partner_id=found.partner_id, roles=roles, projects=found.projects
        )


def _instant(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
