"""The catalogue as the gate knows it: versions that wait to be released, and answers that a test may spoil."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse

from services.kit.tokens import TokenVerifier

Trouble = Literal["away", "dies-after", "withdrawn", "refuses"]


@dataclass
class Release:
    """Who let a version through, on which run's report."""

    run_id: UUID
    by: UUID
    reasons: str


class FakeCatalog:
    """Answers what deid asks when the gate passes; `trouble` is what happens to the next questions."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self.released: dict[UUID, Release] = {}
        self.asked: list[UUID] = []
        self.trouble: Trouble | None = None
        self.app = self._app(verifier)

    def _app(self, verifier: TokenVerifier) -> FastAPI:
        app = FastAPI()

        def problem(status: int, code: str) -> JSONResponse:
            return JSONResponse({"status": status, "code": code}, status_code=status)

        @app.post("/internal/v1/versions/{version_id}/gate")
        async def pass_gate(
            version_id: UUID, body: dict[str, str], authorization: str = Header(), factory_service: str = Header()
        ) -> Any:
            assert (await verifier.service(factory_service)).name == "deid"
            caller = await verifier.user(authorization.removeprefix("Bearer "))
            self.asked.append(version_id)
            if self.trouble == "away":
                return problem(503, "unavailable")
            if self.trouble == "withdrawn":
                return problem(410, "dataset-withdrawn")
            if self.trouble == "refuses":
                return problem(409, "gate-run-wrong")
            asked = Release(UUID(body["run_id"]), caller.id, body["reasons"])
            done = self.released.setdefault(version_id, asked)
            if (done.run_id, done.by) != (asked.run_id, asked.by):
                return problem(409, "version-not-committed")
            if self.trouble == "dies-after":
                return problem(503, "unavailable")
            return {"version_id": str(version_id), "state": "released", "gate": "passed"}

        @app.get("/internal/v1/versions/{version_id}/dataset-facts")
        async def facts(version_id: UUID, authorization: str = Header(), factory_service: str = Header()) -> Any:
            done = self.released.get(version_id)
            return {
                "state": "released" if done else "committed",
                "gate": "passed" if done else "required",
                "gate_run_id": str(done.run_id) if done else None,
            }

        return app
