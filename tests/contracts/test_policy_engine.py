"""What every policy engine promises: the same law, the same answers, and no access when it cannot answer.

Run over the wasm in this process, over the OPA engine against a server of this test that answers with the wasm's
result, and, where the pinned `opa` is at hand, over a real OPA that has loaded the bundle. Then servers that misbehave.
"""

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from services.access.decisions.engine import (
    RULES,
    EngineUnavailable,
    InvalidDecisionInput,
    OpaEngine,
    PolicyEngine,
    WasmEngine,
    make_engine,
)
from services.access.decisions.engine.breaker import Breaker
from services.access.decisions.engine.bundle import read_bundle
from services.access.policies import build
from tests.access.policy.facts import NOW, PERMITTED, Facts, at, newcomer_facts, paths_of, read_facts, with_value
from tests.access.policy.law import ask
from tests.access.policy.test_rules import ALONE
from tests.support.wait import until

REVISION = read_bundle().revision
OPA = build.find_opa()
KINDS = ["wasm", "opa-engine", *(["real-opa"] if OPA else [])]

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer_of(result: Any, revision: str = REVISION) -> web.Response:
    """What OPA answers: the result, and the bundle it decided with."""
    return web.json_response({"result": result, "provenance": {"bundles": {"law.tar.gz": {"revision": revision}}}})


async def lawful(request: web.Request) -> web.StreamResponse:
    assert request.path == "/v1/data/factory/decision/result"
    assert request.query == {"provenance": "true"}
    facts = (await request.json())["input"]
    return answer_of(await asyncio.to_thread(ask, facts))


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """An HTTP server on a free loopback port that answers every POST with `answer`."""
    app = web.Application()
    app.router.add_post("/{anything:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def real_opa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real OPA with the production bundle loaded."""
    assert OPA is not None
    law = tmp_path_factory.mktemp("law") / "law.tar.gz"
    law.write_bytes(build.opa_bundle())
    url = f"http://127.0.0.1:{(port := free_port())}"
    server = subprocess.Popen(
        [OPA, "run", "--server", "--addr", f"127.0.0.1:{port}", "--bundle", law, "--log-level", "error"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


async def ready(url: str) -> str:
    """Wait until that OPA has loaded its bundle."""

    async def healthy() -> bool:
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"{url}/health?bundles")).status_code == 200
            except httpx.TransportError:
                return False

    await until(healthy, seconds=20, what="OPA's health")
    return url


@pytest.fixture(params=KINDS)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[PolicyEngine]:
    """Each engine there is."""
    if request.param == "wasm":
        subject = make_engine("wasm:")
        yield subject
        await subject.close()
    elif request.param == "opa-engine":
        async with serving(lawful) as url:
            subject = make_engine(url)
            yield subject
            await subject.close()
    else:
        subject = make_engine(await ready(request.getfixturevalue("real_opa")))
        yield subject
        await subject.close()


async def test_the_same_law_decides_every_case(engine: PolicyEngine) -> None:
    assert engine.revision == REVISION
    for make in PERMITTED.values():
        result = await engine.evaluate(make())
        assert result.permit
        assert result.passed == result.required == RULES
        assert result.codes == ()
        assert result.revision == REVISION
    for rule, kind, path, value, codes in ALONE:
        if rule != "shape":
            result = await engine.evaluate(with_value(PERMITTED[kind](), at(path), value))
            assert not result.permit
            assert set(RULES) - set(result.passed) == {rule}
            assert list(result.codes) == codes
            assert result.obligations == ()


async def test_obligations_come_with_the_permit(engine: PolicyEngine) -> None:
    result = await engine.evaluate(PERMITTED["restricted"]())
    assert list(result.obligations) == [
        {"kind": "attribution", "text": "Data by the donor"},
        {"kind": "delete-after", "days": 30},
        {"kind": "same-terms"},
        {"kind": "results-through-steward"},
    ]


async def test_a_grants_last_second(engine: PolicyEngine) -> None:
    facts = read_facts()
    facts["grants"][0]["until"] = NOW + 1
    assert (await engine.evaluate(facts)).permit
    facts["environment"]["now"] = NOW + 1
    assert (await engine.evaluate(facts)).codes == ("agreement-unsigned", "grant-expired")


async def test_an_invalid_input_is_refused_before_the_engine_is_asked(engine: PolicyEngine) -> None:
    for path in list(paths_of(read_facts()))[::5]:
        with pytest.raises(InvalidDecisionInput) as refused:
            await engine.evaluate(with_value(read_facts(), path, None))
        assert refused.value.pointer == "/" + "/".join(str(step) for step in path)
    with pytest.raises(InvalidDecisionInput):
        await engine.evaluate({})


async def test_an_error_about_an_input_repeats_nothing_of_it(engine: PolicyEngine) -> None:
    with pytest.raises(InvalidDecisionInput) as refused:
        await engine.evaluate(with_value(read_facts(), at("subject/id"), "Karin Lind"))
    assert "Karin" not in str(refused.value)


async def test_many_at_once_are_answered_each_with_its_own(engine: PolicyEngine) -> None:
    questions = [read_facts() if n % 3 else newcomer_facts() for n in range(60)]
    results = await asyncio.gather(*(engine.evaluate(facts) for facts in questions))
    assert [result.permit for result in results] == [bool(n % 3) for n in range(60)]


async def test_the_event_loop_runs_on_meanwhile(engine: PolicyEngine) -> None:
    working = asyncio.gather(*(engine.evaluate(read_facts()) for _ in range(20)))
    turns = 0
    while not working.done():
        turns += 1
        await asyncio.sleep(0)
    await working
    assert turns > 20, "evaluations held the loop"


async def test_a_closed_engine_answers_no_more(engine: PolicyEngine) -> None:
    assert (await engine.evaluate(read_facts())).permit
    await engine.close()
    with pytest.raises(EngineUnavailable):
        await engine.evaluate(read_facts())


async def test_a_question_that_is_cancelled_leaves_the_engine_whole(engine: PolicyEngine) -> None:
    asked = asyncio.ensure_future(engine.evaluate(read_facts()))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (await engine.evaluate(read_facts())).permit


async def test_wasm_that_does_not_answer_in_time_is_no_access() -> None:
    engine = WasmEngine(deadline_s=1e-6)
    with pytest.raises(EngineUnavailable):
        await engine.evaluate(read_facts())
    await engine.close()


def permit(**changes: Any) -> dict[str, Any]:
    return ask(read_facts()) | changes


def denial(**changes: Any) -> dict[str, Any]:
    return ask(newcomer_facts()) | changes


UNBELIEVABLE = {
    "a bare true": True,
    "an empty object": {},
    "a permit and nothing more": {"permit": True},
    "a permit in a string": permit(permit="true"),
    "a permit as a number": permit(permit=1),
    "no permit": permit(permit=None),
    "nothing required, nothing passed": permit(required=[], passed=[]),
    "a rule not required": permit(required=list(RULES[1:]), passed=list(RULES[1:])),
    "a permit that left a rule out": permit(passed=list(RULES[1:])),
    "a permit with a rule twice": permit(passed=[*RULES, RULES[-1]]),
    "a permit with an unknown rule": permit(passed=[*RULES, "zeal"], required=[*RULES, "zeal"]),
    "a permit out of order": permit(passed=list(reversed(RULES)), required=list(reversed(RULES))),
    "a permit with a code": permit(codes=["grant-absent"]),
    "codes that are no list": permit(codes={}),
    "a rule that is no string": permit(passed=[1]),
    "an unknown code": denial(codes=["no-luck"]),
    "a refusal without a reason": denial(codes=[]),
    "a refusal that passed everything": denial(passed=list(RULES)),
    "a refusal with a duty": denial(obligations=[{"kind": "same-terms"}]),
    "an unknown duty": permit(obligations=[{"kind": "sing"}]),
    "a duty without its text": permit(obligations=[{"kind": "attribution"}]),
    "a duty of another type": permit(obligations=[{"kind": "delete-after", "days": "30"}]),
    "a duty that is no object": permit(obligations=["same-terms"]),
    "duties that are no list": permit(obligations={"kind": "same-terms"}),
    "one member too many": permit(because="I say so"),
}


@pytest.mark.parametrize("result", UNBELIEVABLE.values(), ids=list(UNBELIEVABLE))
async def test_a_result_that_contradicts_itself_is_no_access(result: Any) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return answer_of(result)

    await assert_unavailable(answer)


async def undefined(_: web.Request) -> web.StreamResponse:
    return web.json_response({"provenance": {"bundles": {"law": {"revision": REVISION}}}})


async def empty(_: web.Request) -> web.StreamResponse:
    return web.json_response({})


async def a_list(_: web.Request) -> web.StreamResponse:
    return web.json_response([ask(read_facts())])


async def no_json(_: web.Request) -> web.StreamResponse:
    return web.Response(text='{"result": {"permit": true', content_type="application/json")


async def a_page(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>Welcome</html>", content_type="text/html")


async def error_500(_: web.Request) -> web.StreamResponse:
    return web.json_response({"result": ask(read_facts())}, status=500)


async def error_404(_: web.Request) -> web.StreamResponse:
    return web.json_response({"result": ask(read_facts())}, status=404)


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return answer_of(ask(read_facts()))


async def slow_in_the_middle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"result": ')
    await asyncio.sleep(30)
    return response


async def another_law(_: web.Request) -> web.StreamResponse:
    return answer_of(ask(read_facts()), revision="0" * 64)


async def two_laws(_: web.Request) -> web.StreamResponse:
    bundles = {"law": {"revision": REVISION}, "other": {"revision": "0" * 64}}
    return web.json_response({"result": ask(read_facts()), "provenance": {"bundles": bundles}})


async def no_provenance(_: web.Request) -> web.StreamResponse:
    return web.json_response({"result": ask(read_facts())})


async def assert_unavailable(answer: Answer) -> None:
    async with serving(answer) as url:
        engine = OpaEngine(url, deadline_s=0.5)
        try:
            with pytest.raises(EngineUnavailable):
                await engine.evaluate(read_facts())
        finally:
            await engine.close()


@pytest.mark.parametrize(
    "answer",
    [
        undefined,
        empty,
        a_list,
        no_json,
        a_page,
        error_500,
        error_404,
        hangs_up,
        slow,
        slow_in_the_middle,
        another_law,
        two_laws,
        no_provenance,
    ],
)
async def test_a_server_that_misbehaves_is_no_access(answer: Answer) -> None:
    await assert_unavailable(answer)


async def test_no_server_at_all_is_no_access() -> None:
    engine = OpaEngine(f"http://127.0.0.1:{free_port()}", deadline_s=0.5)
    with pytest.raises(EngineUnavailable):
        await engine.evaluate(read_facts())
    await engine.close()


async def test_a_bearer_token_goes_with_the_question() -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return await lawful(request)

    async with serving(answer) as url:
        engine = make_engine(url, token="sesame")
        assert (await engine.evaluate(read_facts())).permit
        await engine.close()
    assert seen == ["Bearer sesame"]


async def test_a_failing_server_is_left_alone_for_a_while_and_then_tried_once() -> None:
    asked, healthy, seconds = 0, False, 100.0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return await lawful(request) if healthy else web.Response(status=503)

    async with serving(answer) as url:
        engine = OpaEngine(url, breaker=Breaker(lambda: seconds, failures=3, rest_s=2))

        async def refused() -> int:
            before = asked
            with pytest.raises(EngineUnavailable):
                await engine.evaluate(read_facts())
            return asked - before

        assert [await refused() for _ in range(5)] == [1, 1, 1, 0, 0]
        seconds += 2
        assert [await refused() for _ in range(2)] == [1, 0], "one probe, then rest again"
        seconds, healthy = seconds + 2, True
        assert (await engine.evaluate(read_facts())).permit
        assert (await engine.evaluate(read_facts())).permit
        await engine.close()


def test_a_probe_is_one_at_a_time_and_a_dropped_one_is_given_back() -> None:
    breaker = Breaker(lambda: 0.0, failures=1, rest_s=0)
    breaker.failed()
    assert [breaker.lets_through(), breaker.lets_through()] == [True, False]
    breaker.dropped()
    assert breaker.lets_through()
    breaker.succeeded()
    assert [breaker.lets_through(), breaker.lets_through()] == [True, True]


@pytest.mark.parametrize(
    "url", ["", "wasm", "wasm:other", "file:///opa", "http://", "http://host/path", "http://host:1/?q=1", "opa:8181"]
)
def test_an_address_that_names_no_engine_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        make_engine(url)


def differing_inputs() -> Iterator[Facts]:
    """Well-formed inputs that differ in one fact each, permitted and not."""
    yield newcomer_facts()
    for make in PERMITTED.values():
        yield make()
    for rule, kind, path, value, _ in ALONE:
        if rule != "shape":
            yield with_value(PERMITTED[kind](), at(path), value)


async def test_both_engines_give_the_same_result_for_every_case(engine: PolicyEngine) -> None:
    wasm = WasmEngine()
    for facts in differing_inputs():
        assert await engine.evaluate(facts) == await wasm.evaluate(facts)
    await wasm.close()


async def test_a_real_opa_agrees_on_malformed_inputs_too(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Asked without the schema before it. Where there is no OPA, the hashes say that the wasm is the law's."""
    from tests.access.policy.test_fail_closed import damaged

    if OPA is None:
        build.check_committed()
        return
    inputs = [changed for make in PERMITTED.values() for _, _, changed in list(damaged(make()))[::7]]
    (tmp_path / "inputs.json").write_text(json.dumps({"inputs": inputs}))
    url = await ready(request.getfixturevalue("real_opa"))
    async with httpx.AsyncClient() as client:
        for facts in inputs:
            answer = (await client.post(f"{url}/v1/data/factory/decision/result", json={"input": facts})).json()
            assert answer["result"] == ask(facts)
            assert answer["result"]["permit"] is False
