"""The gate: says no below its thresholds with what would pass, and yes to a steward who did not start the run."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.kit.ids import new_id
from tests.deid.gate.fake_catalog import Release
from tests.deid.gate.support import GOOD, REASONS, Person, World, picture, table, text, withheld

PASSED = "factory.deid.gate.passed.v1"
REFUSED = "factory.deid.gate.refused.v1"


async def refused(world: World, run_id: UUID, language: str = "en") -> dict[str, dict[str, Any]]:
    """Ask the gate, which says no; return its refusals by code."""
    answer = await world.steward2.decide(run_id, **{"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] == "refused"
    return {refusal["code"]: refusal for refusal in answer.json()["refusals"]}


async def passes(world: World, run_id: UUID) -> bool:
    """What the report says that the gate would say."""
    return (await world.steward.report(run_id))["gate"]["would_pass"]


# --- passing ----------------------------------------------------------------------------------------------------------


async def test_a_second_steward_lets_a_version_through(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    assert await passes(world, run_id)
    answer = await world.steward2.decide(run_id)
    assert answer.status_code == 200, answer.text
    run, decision = await world.run(run_id), answer.json()
    assert (decision["outcome"], decision["decision"], decision["refusals"]) == ("passed", "pass", [])
    assert (decision["version_id"], decision["decided_by"]) == (str(run.result_version_id), str(world.steward2.id))
    assert (decision["reasons"], decision["number"]) == (REASONS, 1)
    assert decision["measured"]["reviewed"] == 60 and decision["measured"]["recall"] > 80
    assert decision["thresholds"] == {"k": 5, "recall": 80, "reviewed": 20, "withheld": 10}
    release = world.catalog.released[UUID(decision["version_id"])]
    assert (release.run_id, release.by, release.reasons) == (run_id, world.steward2.id, REASONS)
    assert (run.gate, run.revision) == ("passed", 5)
    kind, message, revision = (await world.facts())[-1]
    assert (kind, message.run_id, message.version_id, revision) == (PASSED, str(run_id), decision["version_id"], 5)
    assert message.decided_by == str(world.steward2.id)


async def test_who_started_the_run_does_not_decide(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    for decision in ("pass", "refuse"):
        answer = await world.steward.decide(run_id, decision)
        assert (answer.status_code, answer.json()["code"]) == (403, "second-steward-required")
    for person, status in ((world.donor, 403), (world.outsider, 404)):
        assert (await person.decide(run_id)).status_code == status
    assert world.catalog.asked == []
    assert (await world.case_steward.decide(run_id)).json()["outcome"] == "passed"


async def test_a_gate_that_has_passed_is_not_decided_again(world: World) -> None:
    run_id = await world.finished(GOOD)
    queue = await world.judge_all(run_id)
    await world.steward2.decide(run_id)
    for person in (world.steward2, world.case_steward):
        for decision in ("pass", "refuse"):
            answer = await person.decide(run_id, decision)
            assert (answer.status_code, answer.json()["code"]) == (409, "gate-passed")
    answer = await world.steward.judge(run_id, queue[0]["id"], "needless")
    assert (answer.status_code, answer.json()["code"]) == (409, "gate-passed")
    gate = (await world.steward2.get(f"/runs/{run_id}/gate")).json()
    assert gate["state"] == "passed" and len(gate["history"]) == 1
    assert [a["reason"] for a in gate["allowed_actions"]] == ["gate-passed", "gate-passed"]
    assert [kind for kind, _, _ in await world.facts()].count(PASSED) == 1


async def test_the_same_request_sent_again_gets_the_same_answer(world: World) -> None:
    run_id = await world.finished(GOOD)
    first = await world.steward2.decide(run_id, key="one")
    await world.judge_all(run_id)
    again = await world.steward2.decide(run_id, key="one")
    assert again.json() == first.json() and first.json()["outcome"] == "refused"
    assert again.headers["idempotent-replayed"] == "true"
    assert world.catalog.asked == [], "what is only repeated asks nobody"
    passed = await world.steward2.decide(run_id, key="two")
    assert (await world.steward2.decide(run_id, key="two")).json() == passed.json()
    assert passed.json()["outcome"] == "passed"
    assert len(world.catalog.asked) == 1


async def test_an_inspected_version_passes_when_nothing_is_found(world: World) -> None:
    run_id = await world.finished([text(f"{n}.txt", untreated=9) for n in range(9)], mode="inspect")
    await world.judge_all(run_id)
    answer = await world.steward2.decide(run_id)
    run = await world.run(run_id)
    assert (answer.json()["outcome"], answer.json()["version_id"]) == ("passed", str(run.version_id))
    assert run.version_id in world.catalog.released


async def test_a_version_in_which_nothing_is_to_be_found_passes_without_a_recall(world: World) -> None:
    run_id = await world.finished([text(f"{n}.txt", untreated=9) for n in range(9)], personal_data="unknown")
    assert not await passes(world, run_id)
    await world.judge_all(run_id)
    report = await world.steward.report(run_id)
    assert (report["review"]["recall"], report["gate"]["would_pass"]) == (None, True)


# --- refusing ---------------------------------------------------------------------------------------------------------


async def test_below_its_thresholds_the_gate_says_no_and_it_is_recorded(world: World) -> None:
    run_id = await world.finished(GOOD)
    found = await refused(world, run_id)
    assert set(found) == {"reviewed-too-few", "recall-below"}
    few, recall = found["reviewed-too-few"], found["recall-below"]
    assert (few["measured"], few["needed"]) == (0, 20)
    assert few["text"] == "0 places are judged; the terms ask for 20. Judge 20 more."
    assert (recall["measured"], recall["needed"]) == (None, 80)
    assert "Recall is not measured yet" in recall["text"]
    run = await world.run(run_id)
    assert (run.gate, run.revision) == ("refused", 5)
    kind, message, _ = (await world.facts())[-1]
    assert (kind, list(message.reasons)) == (REFUSED, ["reviewed-too-few", "recall-below"])
    assert world.catalog.asked == []


async def test_what_is_said_to_be_enough_is_enough(world: World) -> None:
    run_id = await world.finished(GOOD)
    text_of = (await refused(world, run_id))["recall-below"]["text"]
    more = int(text_of.split("next ")[1].split()[0])
    await world.judge_all(run_id, first=more - 1)
    assert "recall-below" in await refused(world, run_id)
    await world.judge_all(run_id, first=more)
    assert await passes(world, run_id)


async def test_a_refused_gate_may_be_asked_again_after_more_judging(world: World) -> None:
    run_id = await world.finished(GOOD)
    await refused(world, run_id)
    await world.judge_all(run_id, first=20)
    await refused(world, run_id)
    await world.judge_all(run_id)
    assert (await world.steward2.decide(run_id)).json()["number"] == 3
    gate = (await world.donor.get(f"/runs/{run_id}/gate")).json()
    assert [(d["number"], d["outcome"]) for d in gate["history"]] == [(3, "passed"), (2, "refused"), (1, "refused")]
    assert [d["measured"]["reviewed"] for d in gate["history"]] == [60, 20, 0]
    kinds = [(kind, revision) for kind, _, revision in await world.facts()]
    assert kinds[1:] == [(REFUSED, 5), (REFUSED, 6), (PASSED, 7)]


async def test_a_steward_may_refuse_whatever_was_measured(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    answer = await world.steward2.decide(run_id, "refuse")
    assert answer.status_code == 200
    assert (answer.json()["outcome"], answer.json()["decision"], answer.json()["refusals"]) == ("refused", "refuse", [])
    assert list((await world.facts())[-1][1].reasons) == ["steward"]
    assert world.catalog.asked == []
    assert (await world.steward2.decide(run_id)).json()["outcome"] == "passed"


async def test_too_low_a_recall_is_refused_with_what_would_pass(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id, faults=range(2, 60, 4))
    found = await refused(world, run_id)
    assert set(found) == {"recall-below"}
    assert found["recall-below"]["measured"] < 70
    assert "15 of the judged places" in found["recall-below"]["text"]
    assert "add operators and run again" in found["recall-below"]["text"]


async def test_a_family_that_is_shown_to_be_below_is_refused_however_good_the_others_are(world: World) -> None:
    letters = [text(f"{n}.txt", treated=1, untreated=9) for n in range(10)]
    run_id = await world.finished([*letters, table("register.csv", 9, rows=30_000)])
    queue = await world.steward.samples(run_id)
    untreated = [s["number"] for s in queue if s["family"] == "text" and s["sort"] == "untreated"]
    await world.judge_all(run_id, faults=untreated[::2])
    report = await world.steward.report(run_id)
    assert report["review"]["recall"]["low"] > 0.8, "the register outvotes the letters"
    assert report["review"]["families"]["text"]["recall"]["high"] < 0.5
    assert report["review"]["families"]["table"]["recall"]["estimate"] == 1
    (refusal,) = report["gate"]["refusals"]
    assert (refusal["code"], refusal["family"], refusal["needed"]) == ("recall-below", "text", 80)
    assert refusal["measured"] < 50
    assert refusal["text"].startswith(f"In texts recall is at most {refusal['measured']:g} %")
    assert (await refused(world, run_id, "sv"))["recall-below"]["text"].startswith("I texter är återfinningen högst")


async def test_a_little_too_low_a_recall_takes_more_judging(world: World) -> None:
    run_id = await world.finished([text(f"{n}.txt", treated=40, untreated=40) for n in range(20)])
    await world.judge_all(run_id, faults=[2], first=30)
    report = await world.steward.report(run_id)
    (refusal,) = report["gate"]["refusals"]
    assert refusal["code"] == "recall-below" and 60 < refusal["measured"] < 80
    assert refusal["text"].startswith(f"Recall is at least {refusal['measured']:g} %")
    assert "places of the queue show no fault, that is enough" in refusal["text"]
    await world.judge_all(run_id, faults=[2])
    assert await passes(world, run_id)


async def test_a_table_with_too_low_a_k_is_refused(world: World) -> None:
    run_id = await world.finished([*GOOD, table("a.csv", 12), table("b.csv", 4)])
    found = await refused(world, run_id)
    assert (found["k-below"]["measured"], found["k-below"]["needed"]) == (4, 5)
    assert "k = 4" in found["k-below"]["text"] and "at least 5" in found["k-below"]["text"]
    assert "k-unknown" not in found


@pytest.mark.parametrize(("personal_data", "strict"), [("yes", True), ("unknown", True), ("no", False)])
async def test_a_table_of_which_no_k_was_measured_is_refused_with_personal_data(
    world: World, personal_data: str, strict: bool
) -> None:
    run_id = await world.finished([*GOOD, table("a.csv", 9), table("b.csv", None)], personal_data=personal_data)
    found = await refused(world, run_id)
    assert ("k-unknown" in found) is strict
    if strict:
        assert (found["k-unknown"]["measured"], found["k-unknown"]["needed"]) == (1, 0)
        assert "Of 1 of 2 tables" in found["k-unknown"]["text"]


async def test_of_a_table_without_people_no_k_is_asked(world: World) -> None:
    run_id = await world.finished([*GOOD, table("a.csv", 9), table("notes.csv", None, people=False)])
    report = await world.steward.report(run_id)
    assert [(t["path"], t["without_people"]) for t in report["tables"]] == [("a.csv", False), ("notes.csv", True)]
    assert report["tables_sum"]["without_people"] == 1
    assert "k-unknown" not in await refused(world, run_id)


async def test_too_many_withheld_files_are_refused(world: World) -> None:
    one_in_eleven = await world.finished([*GOOD, withheld("x.bin")])
    assert "withheld-too-many" not in await refused(world, one_in_eleven)
    two_in_twelve = await world.finished([*GOOD, withheld("x.bin"), withheld("y.bin")])
    found = (await refused(world, two_in_twelve))["withheld-too-many"]
    assert (found["measured"], found["needed"]) == (16.7, 10)
    assert "the report says why" in found["text"]


async def test_what_was_found_and_left_standing_is_refused(world: World) -> None:
    run_id = await world.finished([*GOOD, text("b.txt", treated=2, left=3, untreated=4)])
    found = await refused(world, run_id)
    assert (found["untreated-found"]["measured"], found["untreated-found"]["needed"]) == (3, 0)
    assert "change the recipe" in found["untreated-found"]["text"]


async def test_an_inspection_that_finds_something_is_refused(world: World) -> None:
    run_id = await world.finished(GOOD, mode="inspect")
    await world.judge_all(run_id)
    found = await refused(world, run_id)
    assert set(found) == {"untreated-found"}
    assert found["untreated-found"]["measured"] == 80
    assert "in mode treat" in found["untreated-found"]["text"]


async def test_an_inspection_that_a_steward_finds_wanting_is_refused(world: World) -> None:
    run_id = await world.finished([text(f"{n}.txt", untreated=9) for n in range(9)], mode="inspect")
    await world.judge_all(run_id, faults=[7])
    assert (await refused(world, run_id))["untreated-found"]["measured"] == 1


async def test_terms_state_thresholds_of_their_own(world: World) -> None:
    stated = {"k": 3, "recall": 50, "reviewed": 12, "withheld": 30}
    run_id = await world.finished([*GOOD, table("a.csv", 3), withheld("x"), withheld("y")], thresholds=stated)
    await world.judge_all(run_id, first=20)
    assert (await world.steward.report(run_id))["thresholds"] == stated
    assert await passes(world, run_id)
    stricter = await world.finished([*GOOD, table("a.csv", 9)], thresholds={"k": 10})
    found = (await refused(world, stricter))["k-below"]
    assert (found["measured"], found["needed"]) == (9, 10)


async def test_where_there_are_fewer_places_than_demanded_all_of_them_are_enough(world: World) -> None:
    run_id = await world.finished([text("a.txt", treated=3, untreated=4)])
    await world.judge_all(run_id, first=6)
    assert (await refused(world, run_id))["reviewed-too-few"]["needed"] == 7
    await world.judge_all(run_id)
    assert await passes(world, run_id)


async def test_more_places_demanded_than_can_be_drawn_is_told(world: World) -> None:
    run_id = await world.finished([text("a.txt", treated=300, untreated=300)], thresholds={"reviewed": 200})
    await world.judge_all(run_id)
    found = (await refused(world, run_id))["reviewed-too-few"]
    assert (found["measured"], found["needed"]) == (80, 200)
    assert "only 80 could be drawn" in found["text"]


async def test_refusals_are_told_in_swedish(world: World) -> None:
    run_id = await world.finished([*GOOD, picture("p.jpg"), table("b.csv", 2), withheld("x"), withheld("y")])
    found = await refused(world, run_id, "sv")
    assert "14,3 % av filerna" in found["withheld-too-many"]["text"]
    assert "k = 2" in found["k-below"]["text"] and "kör igen" in found["k-below"]["text"]
    assert found["reviewed-too-few"]["text"] == "0 ställen är bedömda; villkoren kräver 20. Bedöm 20 till."


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "pass"},
        {"decision": "maybe", "reasons": "x"},
        {"decision": "pass", "reasons": " "},
        {"decision": "pass", "reasons": "x", "more": 1},
    ],
)
async def test_a_decision_has_a_word_and_reasons(world: World, body: dict[str, Any]) -> None:
    run_id = await world.finished(GOOD)
    answer = await world.steward2.ask("POST", f"/runs/{run_id}/gate", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


# --- the catalogue's part ---------------------------------------------------------------------------------------------


async def settled(world: World, run_id: UUID, by: Person) -> dict[str, Any]:
    """The gate has passed, once, and stands as let through by this person; returns what it shows."""
    gate = (await by.get(f"/runs/{run_id}/gate")).json()
    assert (gate["state"], gate["being_decided_since"]) == ("passed", None)
    assert [(d["outcome"], d["decided_by"]) for d in gate["history"]] == [("passed", str(by.id))]
    assert [kind for kind, _, _ in await world.facts()].count(PASSED) == 1
    return gate


async def test_when_the_catalogue_is_away_the_question_stays_open_until_it_is_asked_again(world: World) -> None:
    run_id = await world.finished(GOOD)
    queue = await world.judge_all(run_id)
    world.catalog.trouble = "away"
    answer = await world.steward2.decide(run_id)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert (await world.run(run_id)).gate == "open"
    gate = (await world.steward.get(f"/runs/{run_id}/gate")).json()
    assert gate["being_decided_since"] == "2026-03-02T09:00:00Z"
    judged = await world.steward.judge(run_id, queue[0]["id"], "needless")
    assert (judged.status_code, judged.json()["code"]) == (409, "gate-being-decided")
    world.catalog.trouble = None
    assert (await world.steward2.decide(run_id)).json()["outcome"] == "passed"
    await settled(world, run_id, world.steward2)


async def test_what_was_released_and_not_recorded_is_recorded_when_asked_again(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    world.catalog.trouble = "dies-after"
    assert (await world.steward2.decide(run_id)).status_code == 503
    assert len(world.catalog.released) == 1 and (await world.run(run_id)).gate == "open"
    world.catalog.trouble = None
    assert (await world.steward2.decide(run_id)).json()["outcome"] == "passed"
    await settled(world, run_id, world.steward2)


async def test_another_steward_finishes_what_one_has_begun(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    world.catalog.trouble = "dies-after"
    assert (await world.steward2.decide(run_id)).status_code == 503
    world.catalog.trouble = None
    at_once = await world.case_steward.decide(run_id)
    assert (at_once.status_code, at_once.json()["code"]) == (409, "gate-being-decided")
    world.clock.advance(seconds=31)
    later = (await world.case_steward.decide(run_id)).json()
    assert (later["outcome"], later["decided_by"]) == ("passed", str(world.steward2.id))
    await settled(world, run_id, world.steward2)


async def test_another_steward_passes_what_one_could_not(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    world.catalog.trouble = "away"
    assert (await world.steward2.decide(run_id)).status_code == 503
    world.catalog.trouble = None
    world.clock.advance(seconds=31)
    assert (await world.case_steward.decide(run_id)).json()["decided_by"] == str(world.case_steward.id)
    await settled(world, run_id, world.case_steward)


@pytest.mark.parametrize("released", [False, True])
async def test_a_question_that_nobody_finished_may_be_refused_unless_the_version_is_released(
    world: World, released: bool
) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    world.catalog.trouble = "dies-after" if released else "away"
    assert (await world.steward2.decide(run_id)).status_code == 503
    world.catalog.trouble = None
    answer = await world.steward2.decide(run_id, "refuse")
    assert (answer.status_code, answer.json()["code"]) == (409, "gate-being-decided")
    world.clock.advance(seconds=31)
    decision = (await world.case_steward.decide(run_id, "refuse")).json()
    if released:
        assert (decision["outcome"], decision["decided_by"]) == ("passed", str(world.steward2.id))
        await settled(world, run_id, world.steward2)
    else:
        assert (decision["outcome"], decision["decided_by"]) == ("refused", str(world.case_steward.id))
        gate = (await world.steward.get(f"/runs/{run_id}/gate")).json()
        assert (gate["state"], gate["being_decided_since"]) == ("refused", None)


async def test_what_another_run_has_let_through_is_not_taken_for_this_ones(world: World) -> None:
    run_id = await world.finished([text(f"{n}.txt", untreated=9) for n in range(9)], mode="inspect")
    await world.judge_all(run_id)
    world.catalog.trouble = "away"
    assert (await world.steward2.decide(run_id)).status_code == 503
    world.catalog.trouble = None
    version_id = (await world.run(run_id)).version_id
    world.catalog.released[version_id] = Release(new_id(), world.case_steward.id, "On another report.")
    world.clock.advance(seconds=31)
    answer = await world.case_steward.decide(run_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "version-not-committed")
    gate = (await world.steward.get(f"/runs/{run_id}/gate")).json()
    assert (gate["state"], gate["being_decided_since"], gate["history"]) == ("open", None, [])


@pytest.mark.parametrize(("trouble", "status"), [("withdrawn", 410), ("refuses", 409)])
async def test_what_the_catalogue_refuses_is_told_and_leaves_the_gate_as_it_was(
    world: World, trouble: Any, status: int
) -> None:
    run_id = await world.finished(GOOD)
    queue = await world.judge_all(run_id)
    world.catalog.trouble = trouble
    assert (await world.steward2.decide(run_id)).status_code == status
    gate = (await world.steward.get(f"/runs/{run_id}/gate")).json()
    assert (gate["state"], gate["being_decided_since"], gate["history"]) == ("open", None, [])
    assert (await world.steward.judge(run_id, queue[0]["id"], "needless")).status_code == 200


async def test_asked_twice_at_once_it_passes_once(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    answers = await asyncio.gather(*(world.steward2.decide(run_id) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {a.json()["outcome"] for a in answers if a.status_code == 200} == {"passed"}
    await settled(world, run_id, world.steward2)


async def test_judging_and_deciding_at_once_never_lets_through_what_was_below(world: World) -> None:
    run_id = await world.finished([text("a.txt", treated=8, untreated=8)])
    queue = await world.judge_all(run_id)
    untreated = [sample for sample in queue if sample["sort"] == "untreated"]
    _, *judged = await asyncio.gather(
        world.steward2.decide(run_id), *(world.steward.judge(run_id, s["id"], "missed") for s in untreated)
    )
    run = await world.run(run_id)
    gate = (await world.steward.get(f"/runs/{run_id}/gate")).json()
    if run.gate == "passed":
        assert gate["history"][0]["measured"]["recall"] >= 80
        assert {answer.status_code for answer in judged} <= {200, 409}
    else:
        assert run.result_version_id not in world.catalog.released
