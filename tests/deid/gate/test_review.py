"""The review queue: random places, the same for the same run; judged by stewards, in order, with nothing lost."""

import asyncio

import pytest
from sqlalchemy import select

from services.deid.gate.models import ReviewJudgement
from services.kit.ids import new_id
from tests.deid.gate.support import GOOD, JPEG, World, picture, table, text


async def test_sixty_places_wait_half_of_them_treated(world: World) -> None:
    run_id = await world.finished(GOOD)
    queue = await world.steward.samples(run_id)
    assert [sample["number"] for sample in queue] == list(range(1, 61))
    assert [sample["sort"] for sample in queue] == ["treated", "untreated"] * 30
    assert len({(s["path"], s["place"], s["sort"]) for s in queue}) == 60
    review = (await world.steward.report(run_id))["review"]
    assert (review["drawn"], review["judged"], review["counted"], review["recall"]) == (60, 0, 0, None)


async def test_a_place_shows_form_before_and_text_after(world: World) -> None:
    treated, untreated = (await world.steward.samples(await world.finished(GOOD)))[:2]
    assert (treated["kind"], treated["before"], treated["judgements"]) == ("phone", "999-99 99", ["right", "needless"])
    assert treated["after"].startswith("Call [PHONE]")
    assert (untreated["kind"], untreated["before"], untreated["judgements"]) == ("text", "", ["right", "missed"])
    assert (treated["picture"], treated["judgement"], treated["judged_by"]) == (None, None, None)
    assert treated["family"] == "text" and treated["path"].startswith("letters/")


async def test_of_a_picture_its_surroundings_are_shown(world: World) -> None:
    import base64

    queue = await world.steward.samples(await world.finished([picture("a.jpg", 3)]))
    assert [s["sort"] for s in queue] == ["treated", "untreated", "treated", "treated"]
    assert {base64.b64decode(sample["picture"]) for sample in queue} == {JPEG}


async def test_the_same_run_draws_the_same_places(world: World) -> None:
    def shown(queue: list[dict[str, str]]) -> list[tuple[str, ...]]:
        return [(s["path"], s["place"], s["sort"]) for s in queue]

    files = [text(f"{n}.txt", treated=50, untreated=90) for n in range(30)]
    run_id = await world.finished(files)
    first = shown(await world.steward.samples(run_id))
    other = shown(await world.steward.samples(await world.finished(files)))
    await world.forget(run_id)
    again = shown(await world.steward.samples(await world.finished(files, run_id=run_id)))
    assert first == again
    assert first != other


async def test_small_settings_and_larger_demands_change_how_many_are_drawn(world: World) -> None:
    world.settings.deid_review_places = 10
    little = {"recall": 10}
    drawn = await world.steward.samples(await world.finished(GOOD, thresholds=little))
    assert len(drawn) == 20, "the terms demand twenty where they say nothing"
    assert len(await world.steward.samples(await world.finished(GOOD, thresholds={**little, "reviewed": 30}))) == 30


async def test_where_little_was_found_more_places_without_findings_are_drawn(world: World) -> None:
    files = [text(f"{n}.txt", treated=1, untreated=10) for n in range(40)]
    queue = await world.steward.samples(await world.finished(files))
    assert [s["sort"] for s in queue].count("untreated") == pytest.approx(224, abs=1)


async def test_a_large_file_that_keeps_few_of_its_places_is_weighed_by_what_it_has(world: World) -> None:
    world.settings.deid_review_places = 200
    files = [text(f"{n}.txt", treated=2, untreated=2) for n in range(30)]
    run_id = await world.finished([text("large.txt", treated=60_000, untreated=60_000), *files])
    queue = await world.steward.samples(run_id)
    large = [s["number"] for s in queue if s["path"] == "large.txt"]
    assert len(large) == 80, "all that it keeps"
    first_untreated = next(s["number"] for s in queue if s["path"] == "large.txt" and s["sort"] == "untreated")
    small_untreated = next(s["number"] for s in queue if s["path"] != "large.txt" and s["sort"] == "untreated")
    await world.judge_all(run_id, faults=[first_untreated])
    missed_in_large = (await world.steward.report(run_id))["review"]["recall"]["estimate"]
    await world.judge_all(run_id, faults=[small_untreated])
    missed_in_small = (await world.steward.report(run_id))["review"]["recall"]["estimate"]
    assert missed_in_large < 0.98
    assert missed_in_small > 0.999


# --- judging ----------------------------------------------------------------------------------------------------------


async def test_a_judgement_is_kept_with_who_made_it_and_when(world: World) -> None:
    run_id = await world.finished(GOOD)
    sample = (await world.steward.samples(run_id))[0]
    answer = await world.steward2.judge(run_id, sample["id"], "right")
    judged = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert (judged["judgement"], judged["judged_by"]) == ("right", str(world.steward2.id))
    assert judged["judged_at"] == "2026-03-02T09:00:00Z"
    assert judged == (await world.steward.samples(run_id))[0]


@pytest.mark.parametrize(("index", "wrong"), [(0, "missed"), (1, "needless")])
async def test_a_sort_takes_its_own_judgements(world: World, index: int, wrong: str) -> None:
    run_id = await world.finished(GOOD)
    sample = (await world.steward.samples(run_id))[index]
    answer = await world.steward.judge(run_id, sample["id"], wrong)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/judgement", "judgement-does-not-fit")
    assert sample["judgements"][1] in error["detail"]
    assert (await world.steward.judge(run_id, sample["id"], "maybe")).status_code == 422


async def test_a_place_may_be_judged_anew_and_every_judgement_is_kept(world: World) -> None:
    run_id = await world.finished(GOOD)
    sample = (await world.steward.samples(run_id))[0]
    for person, judgement in (
        (world.steward, "right"), (world.steward, "right"), (world.steward2, "needless"), (world.steward, "right"),
    ):  # fmt: skip
        assert (await person.judge(run_id, sample["id"], judgement)).status_code == 200
    async with world.ctx.unit() as session:
        kept = (await session.execute(select(ReviewJudgement).order_by(ReviewJudgement.id))).scalars().all()  # pyright: ignore[reportArgumentType]
    assert [(row.judgement, row.judged_by) for row in kept] == [
        ("right", world.steward.id), ("needless", world.steward2.id), ("right", world.steward.id),
    ]  # fmt: skip


async def test_who_read_an_older_judgement_is_told(world: World) -> None:
    run_id = await world.finished(GOOD)
    sample = (await world.steward.samples(run_id))[0]
    assert (await world.steward.judge(run_id, sample["id"], "right", **{"If-Match": '"1"'})).status_code == 200
    stale = await world.steward2.judge(run_id, sample["id"], "needless", **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "if-match-stale")


async def test_two_stewards_at_once_lose_no_judgement(world: World) -> None:
    run_id = await world.finished(GOOD)
    queue = await world.steward.samples(run_id)
    people = (world.steward, world.steward2, world.case_steward)
    answers = await asyncio.gather(
        *(people[n % 3].judge(run_id, sample["id"], "right") for n, sample in enumerate(queue[:12])),
        *(people[(n + 1) % 3].judge(run_id, sample["id"], "right") for n, sample in enumerate(queue[:12])),
    )
    assert {answer.status_code for answer in answers} == {200}
    review = (await world.steward.report(run_id))["review"]
    assert (review["judged"], review["right"]) == (12, 12)
    assert [s["revision"] for s in await world.steward.samples(run_id, judged=True)] == [3] * 12


async def test_the_queue_is_paged_and_can_be_asked_for_what_is_left(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id, first=25)
    left = await world.steward.samples(run_id, judged=False, limit=20)
    assert [s["number"] for s in left] == list(range(26, 61))
    assert len(await world.steward.samples(run_id, judged=True)) == 25


async def test_places_are_for_stewards_alone(world: World) -> None:
    run_id = await world.finished(GOOD)
    sample = (await world.steward.samples(run_id))[0]
    url = f"/runs/{run_id}/review-samples"
    for person, status in ((world.donor, 403), (world.outsider, 404), (world.case_steward, 200)):
        assert (await person.get(url)).status_code == status
        assert (await person.judge(run_id, sample["id"], "right")).status_code == status
    other = await world.finished(GOOD)
    assert (await world.steward.judge(other, sample["id"], "right")).status_code == 404
    assert (await world.steward.judge(run_id, new_id(), "right")).status_code == 404


# --- what follows -----------------------------------------------------------------------------------------------------


async def test_sixty_right_judgements_show_a_recall_of_more_than_eighty_percent(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id)
    review = (await world.steward.report(run_id))["review"]
    assert (review["judged"], review["right"], review["missed"], review["needless"]) == (60, 60, 0, 0)
    assert (review["recall"]["estimate"], review["recall"]["high"]) == (1, 1)
    assert 0.85 < review["recall"]["low"] < 1
    assert 0.85 < review["precision"]["low"] < 1


async def test_missed_lowers_recall_and_needless_lowers_precision(world: World) -> None:
    run_id = await world.finished(GOOD)
    await world.judge_all(run_id, faults=[2, 4, 6, 1, 3])
    review = (await world.steward.report(run_id))["review"]
    assert (review["right"], review["missed"], review["needless"]) == (55, 3, 2)
    # Of 80 treated places 2 in 30 are needless, of 80 untreated ones 3 in 30 hold something.
    true, missed = 80 * 28 / 30, 80 * 3 / 30
    assert review["recall"]["estimate"] == pytest.approx(true / (true + missed), abs=1e-3)
    assert review["precision"]["estimate"] == pytest.approx(28 / 30, abs=1e-3)
    assert review["recall"]["low"] < review["recall"]["estimate"] < review["recall"]["high"]


async def test_when_all_places_are_judged_recall_is_known(world: World) -> None:
    run_id = await world.finished([text("a.txt", treated=8, untreated=8)])
    await world.judge_all(run_id, faults=[2, 4])
    recall = (await world.steward.report(run_id))["review"]["recall"]
    assert recall == {"estimate": 0.8, "low": 0.8, "high": 0.8}


async def test_places_that_were_passed_over_stop_the_count(world: World) -> None:
    run_id = await world.finished(GOOD)
    queue = await world.steward.samples(run_id)
    for sample in (*queue[:10], *queue[11:50]):
        await world.steward.judge(run_id, sample["id"], "right")
    report = await world.steward.report(run_id)
    assert (report["review"]["judged"], report["review"]["counted"]) == (49, 10)
    refusal = next(r for r in report["gate"]["refusals"] if r["code"] == "reviewed-too-few")
    assert (refusal["measured"], refusal["needed"]) == (10, 20)
    assert "begin with number 11" in refusal["text"]
    await world.steward.judge(run_id, queue[10]["id"], "right")
    assert (await world.steward.report(run_id))["review"]["counted"] == 50


async def test_families_of_files_are_all_looked_at(world: World) -> None:
    files = [*(text(f"{n}.txt", treated=9, untreated=9) for n in range(40)), picture("a.jpg"), table("b.csv", 5)]
    families = [sample["family"] for sample in await world.steward.samples(await world.finished(files))]
    assert families.count("image") == 2
    assert families.count("table") >= 20
