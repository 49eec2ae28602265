"""No answer means no access: with the law or the catalogue silent, slow or wrong, nothing is permitted or written."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from services.access.decisions.engine import RULES, EngineUnavailable, InvalidDecisionInput, OpaEngine, PolicyResult
from services.access.decisions.engine.port import believe
from services.access.decisions.service import policy_ready
from tests.access.admission.house import House, refusal
from tests.access.support import SERVICE

Answers = Callable[[Any], Any]


async def refuses(house: House) -> None:
    """Neither decisions nor leases nor replays give access, and nothing is written."""
    before = await house.count("decisions")
    for path, body in (
        ("/decisions", house.ask_body()),
        ("/decision-batches", {"items": [house.ask_body()] * 3}),
    ):
        answer = await house.researcher.post(path, json=body)
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"]
        assert "permit_token" not in answer.text
    assert await house.count("decisions") == before


@dataclass
class Broken:
    """An engine that does not work."""

    revision: str = "0" * 64
    failure: BaseException | None = None
    value: Any = None

    async def evaluate(self, _: Any) -> PolicyResult:
        if self.failure is not None:
            raise self.failure
        return believe(self.value, self.revision)

    async def close(self) -> None:
        pass


def answer_of(**changes: Any) -> dict[str, Any]:
    rules = list(RULES)
    return {"permit": True, "passed": rules, "required": rules, "codes": [], "obligations": [], **changes}


BROKEN = (
    Broken(failure=EngineUnavailable("down")),
    Broken(failure=InvalidDecisionInput("/grants", "type")),
    Broken(value=None),
    Broken(value="yes"),
    Broken(value={"permit": True}),
    Broken(value=answer_of(permit="true")),
    Broken(value=answer_of(permit=1)),
    Broken(value=answer_of(passed=list(RULES)[1:])),
    Broken(value=answer_of(passed=list(RULES)[1:], required=list(RULES)[1:])),
    Broken(value=answer_of(codes=["grant-absent"])),
    Broken(value=answer_of(obligations=[{"kind": "unheard-of"}])),
    Broken(value=answer_of(permit=False)),
)


async def test_an_engine_that_cannot_be_believed_gives_no_access(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = await house.permitted()
    for engine in BROKEN:
        monkeypatch.setitem(house.world.ctx.components, "engine", engine)
        await refuses(house)
        async with house.world.as_service("catalog") as catalog:
            assert (await catalog.post("/leases", json={"decision_ids": [decision["id"]]})).status_code == 503
        with pytest.raises((EngineUnavailable, InvalidDecisionInput)):
            await policy_ready(house.world.ctx)


async def test_readiness_asks_the_law_itself(house: House) -> None:
    await policy_ready(house.world.ctx)
    assert SERVICE.ready["policy"] is policy_ready


async def test_an_opa_that_never_answers_costs_a_deadline_and_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.permitted()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    engine = OpaEngine(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", deadline_s=0.2)
    monkeypatch.setitem(house.world.ctx.components, "engine", engine)
    try:
        async with asyncio.timeout(5):
            await refuses(house)
    finally:
        await engine.close()
        server.close()


async def test_a_replay_without_an_engine_is_no_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = await house.permitted()
    monkeypatch.setitem(house.world.ctx.components, "engine", Broken(failure=EngineUnavailable("down")))
    answer = await house.researcher.post(f"/decisions/{decision['id']}/replay")
    assert refusal(answer) == (503, "decision-unavailable")


def mangled(kind: str, name: str, value: Any) -> Answers:
    """The catalogue says something else (or nothing, `...`) about every version or dataset."""

    def change(answer: Any) -> Any:
        for item in answer[kind].values():
            if value is ...:
                del item[name]
            else:
                item[name] = value
        return answer

    return change


FIELDS = [
    *(("versions", name) for name in ("dataset_id", "state", "gate", "personal_data")),
    *(("datasets", name) for name in ("state", "integrity_class", "partner_id", "terms_id", "title")),
]


WRONG = (..., None, 1, True, "", "released ", ["released"], {"state": "released"})


async def test_what_the_catalogue_says_is_believed_only_in_its_shape(house: House) -> None:
    await house.permitted()
    for (kind, name), value in itertools.product(FIELDS, WRONG):
        if name == "title" and isinstance(value, str):
            continue  # any text is a title
        house.catalog.answers = mangled(kind, name, value)
        await refuses(house)
    house.catalog.answers = lambda answer: answer
    assert await house.codes() == set(), "and the truth is believed again"


async def test_an_answer_that_is_none_gives_no_access(house: House) -> None:
    await house.permitted()
    for answer in (
        {},
        [],
        None,
        {"versions": {}},
        {"versions": [], "datasets": {}},
        {"versions": {"x": {}}, "datasets": {}},
        PlainTextResponse("oh", status_code=500),
        PlainTextResponse("<html>", status_code=200),
        JSONResponse({"detail": "no"}, status_code=418),
    ):
        house.catalog.answers = lambda _, answer=answer: answer
        await refuses(house)


async def test_a_version_without_its_dataset_gives_no_access(house: House) -> None:
    house.catalog.answers = lambda answer: {**answer, "datasets": {}}
    await refuses(house)


async def test_terms_that_are_unknown_give_no_access(house: House) -> None:
    house.catalog.datasets[house.dataset_id]["terms_id"] = house.project_id
    await refuses(house)


async def test_a_catalogue_that_is_away_gives_no_access(house: House) -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    await house.world.clients["catalog"].aclose()
    house.world.clients["catalog"] = httpx.AsyncClient(transport=httpx.MockTransport(gone), base_url="http://catalog")
    await refuses(house)
